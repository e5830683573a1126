"""Whose pages may show a venue's booking form in a frame."""

import re
from collections.abc import Sequence

from sqlalchemy import select

from booking.errors import CatalogueInvalid, VenueNotFound
from booking.transactions import retried, transaction
from models import Venue

# It becomes part of a header: nothing but a scheme, a host and perhaps a port.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]{1,180}(:[0-9]{1,5})?")


@retried
def allow_framing(*, venue: str, origins: Sequence[str]) -> None:
    """Let pages of these origins, and of no others, show a venue's booking form.

    Raises VenueNotFound, or CatalogueInvalid for what is no origin.
    """
    checked = check_origins(origins)
    with transaction() as tx:
        found = tx.scalar(select(Venue).where(Venue.slug == venue).with_for_update(key_share=True))
        if found is None:
            raise VenueNotFound
        found.embed_origins = checked


def check_origins(origins: Sequence[str]) -> list[str]:
    """Return the origins. Raises CatalogueInvalid for what is none."""
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            hint = "give https://host or https://host:port"
            raise CatalogueInvalid("embed_origins", f"{origin} is no origin: {hint}.")
    return list(origins)
