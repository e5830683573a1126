"""A venue's own words at the head of a message, with the few names that are filled in."""

import re

from booking.correspondence import Sender, Subject
from messages.facts import title

NAMES = ("name", "reference", "venue", "resource")
_NAME = re.compile(rf"{{({'|'.join(NAMES)})}}")


def filled_in(words: str, sender: Sender, booking: Subject) -> str:
    """Return the words with `{name}`, `{reference}`, `{venue}` and `{resource}` filled in.

    Any other text in braces stays as it is: nothing that an owner writes can fail or reach further.
    """
    values = {
        "name": title(booking.full_name or ""),
        "reference": booking.reference,
        "venue": sender.name,
        "resource": booking.resource_name,
    }
    return _NAME.sub(lambda found: values[found[1]], words)
