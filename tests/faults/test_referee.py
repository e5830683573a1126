"""The referee takes nobody's word: each lie of the tables about the journal is seen."""

import asyncio
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.orm import Session

from ops.faults.journal import Journal, read_journal
from ops.faults.referee import judge
from ops.own_database import plain
from settings import settings
from tests.factories import make_booking, make_slot

Line = dict[str, Any]


@pytest.fixture
def judged(committed_db: Session) -> Any:
    """A booking that was placed under a key, and the referee's opinion about what was promised."""
    slot = make_slot()
    booking = make_booking(slot, quantity=1)
    venue, reference = booking.venue_id, booking.reference
    booking.idempotency_scope, booking.idempotency_key = f"venue:{venue}", "key"
    booking.body_hmac = b"x"
    committed_db.commit()

    def judged(*lines: Line) -> list[str]:
        honest: list[Line] = [
            {"kind": "asked", "key": "key"},
            {"kind": "accepted", "key": "key", "reference": reference},
        ]
        with psycopg.connect(plain(settings.database_url), autocommit=True) as connection:
            return judge(connection, venue, [*honest, *lines])

    judged.reference = reference  # type: ignore[attr-defined]
    return judged


def told(reference: str, status: str) -> Line:
    return {"kind": "told", "reference": reference, "status": status}


def test_what_was_promised_and_kept_is_no_breach(judged: Any):
    assert judged(told(judged.reference, "pending"), told(judged.reference, "confirmed")) == []


def test_what_was_accepted_and_is_not_there_is_lost(judged: Any):
    found = judged(
        {"kind": "asked", "key": "other"},
        {"kind": "accepted", "key": "other", "reference": "LOST777"},
    )

    assert "accepted and lost: booking LOST777" in found


def test_another_outcome_than_was_told_is_seen(judged: Any):
    assert judged(told(judged.reference, "rejected")) == [
        f"told rejected, but it is confirmed: booking {judged.reference}"
    ]


def test_what_nobody_knows_may_be_either(judged: Any):
    may_be = {"kind": "may be", "reference": judged.reference, "status": "confirmed"}

    assert judged(told(judged.reference, "held"), may_be) == []


def test_two_answers_under_one_key_are_seen(judged: Any):
    found = judged({"kind": "accepted", "key": "key", "reference": "LOST777"})

    assert "one key, several answers: key" in found


def test_a_booking_that_nobody_asked_for_is_seen(committed_db: Session, judged: Any):
    with psycopg.connect(plain(settings.database_url), autocommit=True) as connection:
        venue = connection.execute(
            "SELECT venue_id FROM bookings WHERE reference = %s", [judged.reference]
        ).fetchone()
        assert venue is not None
        assert judge(connection, venue[0], []) == [
            f"nobody asked for it: booking {judged.reference}"
        ]


async def keep_three(journal: Journal) -> None:
    await asyncio.gather(*(journal.keep(kind="asked", key=str(n)) for n in range(3)))


def test_what_is_kept_is_on_the_disk(tmp_path: Path):
    journal = Journal(tmp_path / "journal.jsonl")

    asyncio.run(keep_three(journal))

    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert lines == read_journal(journal.path)
    assert [line["key"] for line in lines] == ["0", "1", "2"]
    journal.close()
