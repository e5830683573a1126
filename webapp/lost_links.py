"""Writing to people who have lost their way in, if we know them; nobody is told whether we do."""

from flask import Response, after_this_request

from booking.links import create_link
from booking.lookup import has_fresh_link
from booking.views import read_bookings
from models import Kind, Purpose


def mail_link_later(
    *,
    email: str | None,
    phone: str | None,
    path: str,
    kind: Kind | None = None,
    language: str | None = None,
) -> None:
    """Write to whoever has bookings under an address or a phone, with a link that lists them.

    It happens after the answer has gone, so that its time tells nobody anything.
    """
    if not (email or phone):
        return

    def mail() -> None:
        found = read_bookings(kind=kind, email=email, phone=phone, limit=1)
        address = found[0].email if found else None
        if address is not None and not has_fresh_link(address):
            # Whoever reads the mail of the address may see all of its bookings.
            create_link(
                purpose=Purpose.SIGN_IN,
                email=address,
                path=path,
                venue_id=found[0].venue_id,
                language=language,
            )

    def later(response: Response) -> Response:
        response.call_on_close(mail)
        return response

    after_this_request(later)
