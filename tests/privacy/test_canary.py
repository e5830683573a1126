"""A marked person lives a full life here; after the purge and the erasure no mark is left anywhere.

Before it the marks stand only where they belong: in five tables and in the mails.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from booking.links import token_of
from booking.privacy.erasing import carry_out, request_erasure
from booking.privacy.purging import purge_stale
from booking.privacy.register import keep_register
from models import AuditEvent, Booking, Notification, OneTimeLink, OnFuture
from settings import settings
from tests.api.asking import body_for
from tests.factories import make_booking, make_resource, make_slot, make_venue
from tests.privacy.stale import where_is
from tests.races.meeting import wait_until
from tests.tracing.collector import Collector
from tests.workers.processes import decide_worker, web_server
from workers import mail_files
from workers.couriers import send_due
from workers.post import FilePost

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(240)]

MARK = "quetzalcanary"
EMAIL = f"{MARK}@example.com"
PERSON = {"email": EMAIL, "full_name": f"Q. {MARK}", "phone": "+44 20 7946 0123"}
DIGITS = "442079460123"


@dataclass
class Life:
    """What somebody's life here has left behind."""

    files: Path
    collector: Collector
    metrics: str = ""

    def outside(self) -> dict[str, str]:
        """Return whatever is written outside of the database, by its place."""
        logs = {file.name: file.read_text() for file in self.files.glob("*.log")}
        return logs | {
            "metrics": self.metrics,
            "traces": b"".join(self.collector.bodies).decode(errors="replace"),
            "redis": _redis(),
            "register": _read(self.files / "erasures.jsonl"),
        }

    def mails(self) -> list[Path]:
        """Return the mails that lie as files and speak of them."""
        return [
            file
            for file in (self.files / "mail").glob("*.eml")
            if mail_files._speaks_of(file, EMAIL)
        ]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


@pytest.fixture
def life(committed_db: Session, files: Path) -> Iterator[Life]:
    """Book, be refused, change, cancel, make an account, cause an error; all with traces on."""
    venue = make_venue(slug="canary", contact_email="venue@example.com", code_prefix="CAN")
    slots = [make_slot(make_resource(venue), capacity=2) for _ in range(2)]
    bodies = [
        body_for(slot, customer=PERSON, special_requests=f"{MARK} nuts", language="de")
        for slot in (*slots, slots[0])
    ]
    committed_db.commit()
    with ExitStack() as parts:
        collector = parts.enter_context(Collector())
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "PROMETHEUS_MULTIPROC_DIR": str(files / "metrics"),
            "HOLDFAST_WEB_WORKERS": "1",
            "HOLDFAST_SLOW_STATEMENT_MS": "1",
            "HOLDFAST_RATE_LIMIT_EXEMPT": "127.0.0.1",
        }
        parts.enter_context(decide_worker(files / "decide.log", **environment))
        web = parts.enter_context(web_server(files / "web.log", **environment))
        found = Life(files, collector)
        placed = [
            _call(f"{web}/api/v1/bookings", body, key=f"{MARK}-{n}")
            for n, body in enumerate(bodies)
        ]
        wait_until(lambda: _decided(committed_db) == 3, "all are decided", 20)
        _change(web, placed[0])
        _call(f"{web}/api/v1/bookings", bodies[0] | {"quantity": f"{MARK}"})
        _call(
            f"{web}/api/v1/auth/register",
            PERSON | {"password": "a long pass phrase"},
            without=("phone",),
        )
        _call(f"{web}/api/v1/auth/login", {"email": EMAIL, "password": MARK})
        _call(f"{web}/api/v1/privacy/requests", {"email": EMAIL})
        make_booking(make_slot(slots[0].resource), **PERSON, details={"note": MARK})
        committed_db.add(
            AuditEvent(
                venue_id=venue.id,
                act="closed",
                subject="slot:x",
                actor="staff",
                reason=MARK,
                details={},
                at=datetime.now(UTC) - timedelta(days=1400),
            )
        )
        committed_db.commit()
        send_due(FilePost(files / "mail"))
        found.metrics = _get(f"{web}/metrics")
        wait_until(lambda: bool(collector.spans()), "there are traces", 10)
        yield found


@pytest.mark.real_doorbell
def test_no_mark_is_left_anywhere(life: Life, committed_db: Session) -> None:
    committed_db.expire_all()
    before = where_is(MARK, committed_db)
    assert before == {"bookings", "customers", "users", "one_time_links", "audit_events"}
    assert _where(life.outside()) == []
    assert all(life.outside()[place] for place in ("web.log", "decide.log", "traces", "redis"))
    assert len(life.mails()) >= 4
    assert _statuses(committed_db) == {"confirmed", "cancelled", "rejected"}
    _grow_old(committed_db)

    purge_stale(time.monotonic() + 60)
    assert where_is(MARK, committed_db) == {"users", "one_time_links"}
    link = committed_db.scalars(select(OneTimeLink).where(OneTimeLink.purpose == "privacy")).one()
    asked = request_erasure(token=token_of(link.id), on_future=OnFuture.CANCEL)
    carry_out(asked.id, {"mails": lambda email: mail_files.remove_to(email, life.files / "mail")})
    keep_register(life.files / "erasures.jsonl")

    committed_db.expire_all()
    assert where_is(MARK, committed_db) == set()
    assert where_is(DIGITS, committed_db) == set()
    assert where_is(MARK.encode().hex(), committed_db) == set()
    assert _where(life.outside()) == []
    assert life.mails() == []
    assert (life.files / "erasures.jsonl").read_text().count("\n") >= 1


def _grow_old(db: Session) -> None:
    """Let four years go by."""
    old = text("now() - interval '1400 days'")
    db.execute(update(Booking).values(over_at=old))
    db.execute(update(Notification).values(created_at=old))
    db.commit()


def _change(web: str, placed: dict[str, Any]) -> None:
    reference = placed["reference"]
    address = f"{web}/api/v1/bookings/{reference}"
    token = placed["access_token"]
    _call(address, {"special_requests": f"{MARK} again"}, token=token, method="PATCH")
    _call(f"{address}/cancel", {}, token=token)


def _call(
    url: str,
    body: dict[str, Any],
    *,
    key: str | None = None,
    token: str | None = None,
    method: str = "POST",
    without: tuple[str, ...] = (),
) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key} if key else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    sent = json.dumps({name: value for name, value in body.items() if name not in without})
    asked = urllib.request.Request(url, sent.encode(), headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=15) as answer:
            return dict(json.loads(answer.read() or "{}"))
    except urllib.error.HTTPError as error:
        return {"status": error.code}


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def _decided(db: Session) -> int:
    db.rollback()
    return int(db.scalar(text("SELECT count(*) FROM bookings WHERE decided_at IS NOT NULL")) or 0)


def _statuses(db: Session) -> set[str]:
    return set(db.scalars(select(Booking.status)))


def _redis() -> str:
    """Return every key of Redis with its value."""
    written = []
    with Redis.from_url(settings.redis_url) as redis:
        for key in redis.scan_iter():
            match redis.type(key):
                case b"string":
                    value: Any = redis.get(key)
                case b"hash":
                    value = redis.hgetall(key)
                case b"list":
                    value = redis.lrange(key, 0, -1)
                case b"set":
                    value = redis.smembers(key)
                case b"zset":
                    value = redis.zrange(key, 0, -1)
                case other:
                    value = other
            written.append(f"{key!r} {value!r}")
    return "\n".join(written)


def test_the_marks_would_be_found_outside(tmp_path: Path) -> None:
    """The twin: whoever wrote a mark anywhere would be seen."""
    with Redis.from_url(settings.redis_url) as redis, Collector() as collector:
        redis.hset("canary", "name", MARK)
        (tmp_path / "web.log").write_text(f'{{"phone": "+{DIGITS}"}}')
        life = Life(tmp_path, collector, metrics=f'x{{name="{MARK}"}} 1')

        assert _where(life.outside()) == ["web.log", "metrics", "redis"]

        redis.delete("canary")


def _where(places: dict[str, str]) -> list[str]:
    return [
        place
        for place, written in places.items()
        if MARK in written.lower() or DIGITS in written or "7946 0123" in written
    ]


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""
