"""Couriers carry messages that are due from the table to the post, several at a time.

Each claims one, writes it, hands it over and marks it, and goes on until nothing is due, the time
is up or the breaker is shut. No transaction is open while the post is spoken to.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import structlog

from booking import breaker, outbox
from booking.correspondence import Owed
from booking.outbox import Claim
from messages.addresses import AddressInvalid
from messages.mails import write_mail
from settings import settings
from workers.post import NotNow, Post, Refused, Unreachable, make_post

logger = structlog.get_logger(__name__)

# Well below a lease: whoever began a message at the last moment ends it before it comes back.
AT_MOST_SECONDS = 20.0


def send_due(post: Post | None = None) -> int:
    """Send what is due, with as many couriers as the settings say; returns how many were sent."""
    until = time.monotonic() + AT_MOST_SECONDS
    way = post or _post()
    count = settings.mail_connections
    with ThreadPoolExecutor(count, thread_name_prefix="courier") as pool:
        return sum(pool.map(lambda _: _carry(way, until), range(count)))


def _carry(post: Post, until: float) -> int:
    sent = 0
    while time.monotonic() < until and breaker.may_pass():
        claimed = outbox.claim()
        if claimed is None:
            break
        sent += send_one(claimed, post)
    return sent


def send_one(claimed: Claim, post: Post) -> bool:
    """Send one claimed message and mark what became of it; returns whether it was taken."""
    try:
        owed = outbox.open_claim(claimed)
        return owed is not None and _deliver(claimed, owed, post)
    except Exception as error:
        # One message that cannot be read or written must not stop those behind it.
        logger.exception("message_failed", notification_id=claimed.id, kind=claimed.kind)
        outbox.mark_failed(claimed, type(error).__name__)
        return False


def _deliver(claimed: Claim, owed: Owed, post: Post) -> bool:
    try:
        mail = write_mail(owed)
    except AddressInvalid:
        outbox.mark_refused(claimed, "this is no address")
        return False
    try:
        post.send(mail, name=f"{owed.created_at:%Y%m%dT%H%M%SZ}-{owed.id}-{owed.kind}")
    except Refused as answer:
        outbox.mark_refused(claimed, answer.error)
    except NotNow as answer:
        outbox.mark_failed(claimed, answer.error)
    except Unreachable as answer:
        breaker.note_failure(answer.error)
        outbox.mark_failed(claimed, answer.error)
    else:
        logger.info("message_sent", notification_id=owed.id, kind=owed.kind)
        return outbox.mark_sent(claimed)
    return False


@cache
def _post() -> Post:
    """Return the post of this process; made at first use, after any fork."""
    return make_post()
