"""Money as a decimal string with as many digits as its currency has."""

from decimal import Decimal

_WITHOUT_CENTS = frozenset(
    {
        *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
        *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
    }
)
_WITH_THREE_DIGITS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def money(amount: Decimal, currency: str) -> str:
    """Write an amount; digits that the currency does not have are shown rather than lost."""
    digits = 0 if currency in _WITHOUT_CENTS else 3 if currency in _WITH_THREE_DIGITS else 2
    rounded = amount.quantize(Decimal(1).scaleb(-digits))
    return f"{rounded if rounded == amount else amount:f}"
