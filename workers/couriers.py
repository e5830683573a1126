"""Couriers carry messages that are due from the table to the post, several at a time.

Each claims a few, writes them, hands over and marks one after the other, and goes on until nothing
is due, the time is up or the breaker is shut. No transaction is open while the post is spoken to.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

import structlog

import tracing
from booking import breaker, outbox
from booking.breaker import Way, read_way
from booking.correspondence import Owed
from booking.outbox import Claim
from messages.addresses import AddressInvalid
from messages.mails import write_mail
from settings import settings
from workers.post import NotNow, Post, Refused, Unreachable, make_post

logger = structlog.get_logger(__name__)

# Well below a lease: whoever began a message at the last moment ends it before it comes back.
AT_MOST_SECONDS = 20.0
PORTION = 8
_MARK_WITHIN_SECONDS = 0.5


def send_due(post: Post | None = None) -> int:
    """Send what is due, with as many couriers as the settings say; returns how many were sent."""
    until = time.monotonic() + AT_MOST_SECONDS
    way = post or _post()
    count = settings.mail_connections
    with ThreadPoolExecutor(count, thread_name_prefix="courier") as pool:
        return sum(pool.map(lambda _: _carry(way, until), range(count)))


def _carry(post: Post, until: float) -> int:
    """Take portion after portion; while the way is in doubt, one message at a time."""
    sent = 0
    while time.monotonic() < until and (way := read_way()) is not Way.SHUT:
        claims = outbox.claim(PORTION if way is Way.OPEN else 1)
        if not claims:
            break
        sent += send_claimed(claims, post, until=until, is_in_doubt=way is Way.DOUBTFUL)
    return sent


def send_claimed(
    claims: Sequence[Claim], post: Post, *, until: float, is_in_doubt: bool = False
) -> int:
    """Send claimed messages and mark what became of each; returns how many were taken.

    When the server cannot be spoken to, or the time is up, the rest is given back untried.
    """
    owed = _open(claims)
    waiting = [claimed for claimed in claims if claimed.id in owed]
    taken = _Taken()
    while waiting and time.monotonic() < until:
        claimed = waiting.pop(0)
        try:
            with _on_the_trail(owed[claimed.id]):
                is_taken = _deliver(claimed, owed[claimed.id], post)
            if is_taken:
                taken.add(claimed)
        except Unreachable as answer:
            breaker.note_failure(answer.error)
            outbox.mark_failed(claimed, answer.error)
            break
        except Exception as error:
            # One message that cannot be written must not stop those behind it.
            logger.exception("message_failed", notification_id=claimed.id, kind=claimed.kind)
            outbox.mark_failed(claimed, type(error).__name__)
            continue
        if is_in_doubt:
            breaker.note_success()
    taken.mark()
    for claimed in waiting:
        outbox.release(claimed)
    return taken.count


class _Taken:
    """What the server has taken, marked together: of a fast server's mails, several at once."""

    def __init__(self) -> None:
        self.count = 0
        self._unmarked: list[Claim] = []
        self._marked_at = time.monotonic()

    def add(self, claimed: Claim) -> None:
        """Note one more; what is not marked yet would be sent again after a crash."""
        self._unmarked.append(claimed)
        if time.monotonic() - self._marked_at >= _MARK_WITHIN_SECONDS:
            self.mark()

    def mark(self) -> None:
        """Mark what is not marked yet."""
        if self._unmarked:
            self.count += outbox.mark_sent(self._unmarked)
        self._unmarked, self._marked_at = [], time.monotonic()


def _open(claims: Sequence[Claim]) -> dict[int, Owed]:
    """Read what claimed messages need; if one of them cannot be read, each by itself."""
    try:
        return outbox.open_claims(claims)
    except Exception as error:
        if len(claims) == 1:
            logger.exception("message_failed", notification_id=claims[0].id, kind=claims[0].kind)
            outbox.mark_failed(claims[0], type(error).__name__)
            return {}
    found: dict[int, Owed] = {}
    for claimed in claims:
        found |= _open([claimed])
    return found


def _deliver(claimed: Claim, owed: Owed, post: Post) -> bool:
    """Write a message and hand it over; whether it was taken. Raises Unreachable."""
    try:
        mail = write_mail(owed)
    except AddressInvalid:
        outbox.mark_refused(claimed, "this is no address")
        return False
    try:
        post.send(mail, name=f"{owed.created_at:%Y%m%dT%H%M%SZ}-{owed.id}-{owed.kind}")
    except Refused as answer:
        outbox.mark_refused(claimed, answer.error)
        return False
    except NotNow as answer:
        outbox.mark_failed(claimed, answer.error)
        return False
    logger.info("message_sent", notification_id=owed.id, kind=owed.kind)
    return True


@contextmanager
def _on_the_trail(owed: Owed) -> Iterator[None]:
    """Let logs and spans carry meanwhile the booking and the request by which it came."""
    booking = owed.booking
    ids = {"booking_id": str(booking.id), "request_id": booking.request_id} if booking else {}
    with (
        structlog.contextvars.bound_contextvars(**ids),
        tracing.continued(booking.traceparent if booking else None, "mail", kind=owed.kind, **ids),
    ):
        yield


@cache
def _post() -> Post:
    """Return the post of this process; made at first use, after any fork."""
    return make_post()
