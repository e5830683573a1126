"""What `/metrics` shows: every promised name, nothing rolled back, nothing to strangers."""

import dataclasses
import os
import re
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from celery import Celery
from flask.testing import FlaskClient
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import metrics
from booking import census, heartbeats, outbox, queues, tally
from booking.decide import decide_in, decide_pending
from booking.errors import QuantityTooLarge
from booking.heartbeats import BACKUP, BACKUP_CHECK, WAL_ARCHIVE, beat
from booking.lifecycle import cancel_booking
from booking.transactions import after_commit, transaction
from booking.turns import settle
from celery_config import QUEUES, DiscreetTask, TaskFailed
from models import Heartbeat
from settings import settings
from tests.api.asking import bearer
from tests.engine.books import place
from tests.factories import make_booking, make_slot
from webapp import scrape

ROOT = Path(__file__).parents[1]
TOKEN = "a-token-for-prometheus"

PROMISED = {
    "holdfast_bookings_total": {"status"},
    "holdfast_holds_pending": set(),
    "holdfast_hold_decision_seconds": set(),
    "holdfast_confirm_batch_size": set(),
    "holdfast_notifications_total": {"kind", "status"},
    "holdfast_http_request_duration_seconds": {"method", "route", "status"},
    "holdfast_task_runtime_seconds": {"task", "state"},
    "holdfast_queue_depth": {"queue"},
    "holdfast_db_pool_in_use": set(),
    "holdfast_db_lock_wait_seconds": set(),
    "holdfast_refusals_total": {"reason"},
    "holdfast_bookings_active": set(),
    "holdfast_privacy_overdue_rows": set(),
    "holdfast_oldest_pending_seconds": set(),
    "holdfast_http_waited_seconds": set(),
    "holdfast_invariant_violations": set(),
    "holdfast_last_seen_seconds": {"process"},
    "holdfast_mail_breaker_shut": set(),
    "holdfast_mail_failures": set(),
    "holdfast_oldest_mail_seconds": set(),
    "holdfast_backup_age_seconds": set(),
    "holdfast_wal_archive_age_seconds": set(),
    "holdfast_backup_check_age_seconds": set(),
}


@pytest.fixture
def backed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backups are switched on."""
    switched_on = dataclasses.replace(settings, backup_url="/backups")
    monkeypatch.setattr(scrape, "settings", switched_on)


def test_every_promised_name_is_served_with_its_labels(
    db: Session, client: FlaskClient, backed_up: None
) -> None:
    _lead_a_life(client)
    for process in (BACKUP, WAL_ARCHIVE, BACKUP_CHECK):
        beat(process)

    served = _served(client)

    assert {name: labels for name, (_, labels) in served.items()} == PROMISED


def test_types_are_those_of_the_page(db: Session, client: FlaskClient) -> None:
    _lead_a_life(client)

    kinds = {name: kind for name, (kind, _) in _served(client).items()}

    for name, kind in kinds.items():
        ending = "_total" if kind == "counter" else ""
        assert name.endswith(ending)
    assert {name for name, kind in kinds.items() if kind == "histogram"} == {
        name for name in PROMISED if name.endswith(("_decision_seconds", "_batch_size"))
    } | {
        "holdfast_http_request_duration_seconds",
        "holdfast_http_waited_seconds",
        "holdfast_task_runtime_seconds",
        "holdfast_db_lock_wait_seconds",
    }


def test_every_metric_is_documented_and_no_other() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()

    rows = re.findall(r"^\| `(holdfast_\w+)` \|([^|]*)\|", page, re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == PROMISED
    assert set(re.findall(r"holdfast_\w+", page)) <= PROMISED.keys()


def test_each_step_of_a_booking_is_counted_once(db: Session) -> None:
    before = _values()

    booking = make_booking(make_slot(), email="ada@example.com")
    cancel_booking(booking_id=booking.id)
    cancel_booking(booking_id=booking.id)

    assert _grown(before, "holdfast_bookings_total") == {
        "pending": 1,
        "confirmed": 1,
        "cancelled": 1,
    }
    assert _grown(before, "holdfast_hold_decision_seconds_count") == {"": 1}
    assert _grown(before, "holdfast_confirm_batch_size_sum") == {"": 1}
    assert _grown(before, "holdfast_notifications_total") == {
        "confirmed queued": 1,
        "cancelled queued": 1,
    }


def test_a_batch_is_counted_as_decided(db: Session) -> None:
    slot = make_slot(capacity=2)
    for _ in range(3):
        place(slot)
    before = _values()

    decide_pending(slot.resource_id)

    assert _grown(before, "holdfast_bookings_total") == {"confirmed": 2, "rejected": 1}
    assert _grown(before, "holdfast_refusals_total") == {"full": 1}
    assert _grown(before, "holdfast_confirm_batch_size_sum") == {"": 3}
    assert _grown(before, "holdfast_confirm_batch_size_count") == {"": 1}
    assert _grown(before, "holdfast_hold_decision_seconds_count") == {"": 3}


def test_a_decision_that_is_rolled_back_is_not_counted(db: Session) -> None:
    slot = make_slot()
    place(slot)
    upto = settle([slot.resource_id]).upto
    assert upto
    before = _values()

    with suppress(ZeroDivisionError), transaction() as tx:
        assert decide_in(tx, upto) == 1
        raise ZeroDivisionError

    assert _grown(before, "holdfast_bookings_total") == {}
    assert _grown(before, "holdfast_confirm_batch_size_count") == {}
    assert _grown(before, "holdfast_notifications_total") == {}


def test_counted_before_the_commit_it_would_be_counted(
    db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: what is rolled back is not counted because counting comes after the commit."""
    monkeypatch.setattr(tally, "after_commit", lambda tx, act: act())
    slot = make_slot()
    place(slot)
    upto = settle([slot.resource_id]).upto
    assert upto is not None
    before = _values()

    with suppress(ZeroDivisionError), transaction() as tx:
        decide_in(tx, upto)
        raise ZeroDivisionError

    assert _grown(before, "holdfast_bookings_total") == {"confirmed": 1}


def test_what_a_savepoint_took_back_is_not_counted(db: Session) -> None:
    done: list[str] = []

    with transaction() as tx:
        after_commit(tx, lambda: done.append("before"))
        with suppress(ZeroDivisionError), tx.begin_nested():
            after_commit(tx, lambda: done.append("inside"))
            raise ZeroDivisionError
        with tx.begin_nested():
            after_commit(tx, lambda: done.append("kept"))
        assert done == []

    assert done == ["before", "kept"]


def test_counting_that_fails_does_not_fail_what_is_committed(db: Session) -> None:
    done: list[str] = []

    with transaction() as tx:
        after_commit(tx, lambda: done.append(str(1 // 0)))
        after_commit(tx, lambda: done.append("next"))

    assert done == ["next"]


def test_a_refusal_at_once_is_counted_by_its_code(db: Session) -> None:
    slot = make_slot()
    before = _values()

    with pytest.raises(QuantityTooLarge):
        place(slot, quantity=500)

    assert _grown(before, "holdfast_refusals_total") == {"quantity_too_large": 1}
    assert _grown(before, "holdfast_bookings_total") == {}


def test_a_message_is_counted_when_it_is_marked(committed_db: Session) -> None:
    make_booking(make_slot(), email="ada@example.com")
    (claimed,) = outbox.claim()
    before = _values()

    assert outbox.mark_sent([claimed]) == 1
    assert outbox.mark_sent([claimed]) == 0

    assert _grown(before, "holdfast_notifications_total") == {"confirmed sent": 1}


def test_a_task_is_counted_with_how_it_ended() -> None:
    before = _values()

    _task()()
    with pytest.raises(TaskFailed):
        _task(fails=True)()

    assert _grown(before, "holdfast_task_runtime_seconds_count") == {
        "done tests.task": 1,
        "failed tests.task": 1,
    }


def test_requests_are_counted_by_their_route(db: Session, client: FlaskClient) -> None:
    before = _values()

    client.get(f"/api/v1/bookings/{uuid4().hex[:7]}")
    client.get(f"/nowhere/{uuid4()}")
    client.open("/health/live", method="BREW")

    assert set(_grown(before, "holdfast_http_request_duration_seconds_count")) == {
        "GET /api/v1/bookings/<string:reference> 404",
        "GET none 404",
        "other none 405",
    }


def test_a_stream_is_timed_to_its_end(db: Session, client: FlaskClient) -> None:
    booking = make_booking(make_slot())
    cancel_booking(booking_id=booking.id)
    url = f"/api/v1/bookings/{booking.reference}/events"
    before = _values()

    answer = client.get(url, headers=bearer(booking))
    told = answer.response
    next(iter(told))
    while_it_runs = _grown(before, "holdfast_http_request_duration_seconds_count")
    answer.close()

    assert while_it_runs == {}
    assert _grown(before, "holdfast_http_request_duration_seconds_count") == {
        "GET /api/v1/bookings/<string:reference>/events 200": 1
    }
    assert _grown(before, "holdfast_http_waited_seconds_count") == {"": 1}


def test_who_asks_to_wait_is_counted_apart_as_well(db: Session, client: FlaskClient) -> None:
    booking = make_booking(make_slot())
    url = f"/api/v1/bookings/{booking.reference}"
    before = _values()

    client.get(url, headers=bearer(booking))
    at_once = _grown(before, "holdfast_http_waited_seconds_count")
    client.get(f"{url}?wait=1", headers=bearer(booking))

    assert at_once == {}
    assert _grown(before, "holdfast_http_waited_seconds_count") == {"": 1}
    assert _grown(before, "holdfast_http_request_duration_seconds_count") == {
        "GET /api/v1/bookings/<string:reference> 200": 2
    }


def test_the_two_kinds_of_requests_have_the_same_buckets() -> None:
    """One is taken from the other, to alarm on those that did not ask to wait."""
    metrics.REQUEST_SECONDS.labels("GET", "none", 404)
    shown = generate_latest(metrics.registry).decode()

    def buckets(name: str) -> set[str]:
        return set(re.findall(rf'{name}_bucket{{.*?le="([^"]+)"', shown))

    assert buckets("holdfast_http_waited_seconds") == buckets(
        "holdfast_http_request_duration_seconds"
    )


def test_signs_of_life_have_their_age(db: Session, client: FlaskClient) -> None:
    seen_at = datetime.now(UTC) - timedelta(seconds=40)
    db.add(Heartbeat(process="decider", seen_at=seen_at))
    db.flush()

    (line,) = re.findall(
        r'holdfast_last_seen_seconds\{process="decider"\} (\S+)', client.get("/metrics").text
    )

    assert 40 <= float(line) < 60


def test_pending_holds_and_their_age_are_read_from_the_rows(db: Session) -> None:
    slot = make_slot()
    booking = place(slot)
    db.execute(
        text("UPDATE bookings SET created_at = now() - interval '1 minute' WHERE id = :id"),
        {"id": booking.id},
    )

    found = census.take_census()

    assert found.pending == 1
    assert 59 < found.oldest_pending_seconds < 120
    assert found.active == 0


def test_active_bookings_are_counted_or_estimated(
    committed_db: Session, owner_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        make_booking(make_slot())
    with owner_engine.begin() as connection:
        connection.execute(text("ANALYZE bookings, booking_slots, slots"))

    counted = census.take_census().active
    monkeypatch.setattr(census, "COUNTED_BYTES", -1)
    estimated = census.take_census().active

    assert counted == 20
    assert estimated == pytest.approx(20, abs=5)


def test_what_is_over_is_not_active(db: Session) -> None:
    before = census.take_census().active
    tomorrow, over = make_slot(), make_slot()
    make_booking(tomorrow)
    make_booking(over)
    over.starts_at = over.sold_until = datetime.now(UTC) - timedelta(hours=3)
    over.ends_at = datetime.now(UTC) - timedelta(hours=1)
    db.flush()

    assert census.take_census().active == before + 1


def test_ages_of_backups_are_shown_where_there_are_any(
    db: Session, client: FlaskClient, backed_up: None
) -> None:
    beat(BACKUP, at=datetime.now(UTC) - timedelta(hours=2))

    shown = _read(client.get("/metrics").text)

    assert shown["holdfast_backup_age_seconds"] == pytest.approx(7200, abs=60)
    assert "holdfast_wal_archive_age_seconds" not in shown


def test_ages_of_backups_are_not_shown_where_nobody_makes_any(
    db: Session, client: FlaskClient
) -> None:
    beat(BACKUP)

    assert "backup_age" not in client.get("/metrics").text


def test_without_redis_only_the_queues_are_missing(
    db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.1, retry=None)
    monkeypatch.setattr(queues, "_redis", away)

    served = _served(client)

    assert "holdfast_queue_depth" not in served
    assert "holdfast_holds_pending" in served


def test_without_the_database_what_was_counted_is_there(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> census.Census:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(scrape, "take_census", fail)

    served = _served(client)

    assert "holdfast_holds_pending" not in served
    assert {"holdfast_bookings_total", "holdfast_queue_depth"} <= served.keys()


def test_every_queue_has_its_depth(db: Session, client: FlaskClient) -> None:
    answer = client.get("/metrics").text

    assert set(re.findall(r'holdfast_queue_depth\{queue="(\w+)"\}', answer)) == set(QUEUES)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_look(db: Session, client: FlaskClient, address: str) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "", "nobody"])
def test_a_stranger_finds_nothing(client: FlaskClient, address: str) -> None:
    answer = client.get("/metrics", environ_base={"REMOTE_ADDR": address})

    assert answer.status_code == 404
    assert "holdfast_" not in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_behind_a_proxy_on_this_machine_everybody_is_a_stranger(
    client: FlaskClient, header: str
) -> None:
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_the_token_opens_from_anywhere_and_no_other_does(
    db: Session, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        scrape, "settings", dataclasses.replace(scrape.settings, metrics_token=TOKEN)
    )

    def ask(authorization: str) -> int:
        return client.get(
            "/metrics",
            headers={"Authorization": authorization},
            environ_base={"REMOTE_ADDR": "192.0.2.7"},
        ).status_code

    assert ask(f"Bearer {TOKEN}") == 200
    assert {ask(each) for each in ("", TOKEN, f"Basic {TOKEN}", "Bearer x", "Bearer é")} == {404}


def test_nothing_personal_is_shown(db: Session, client: FlaskClient) -> None:
    booking = make_booking(make_slot(), email="ada@example.com", full_name="Ada Moreau")
    client.get(f"/api/v1/bookings/{booking.reference}")

    answer = client.get("/metrics").text

    assert not re.search(rf"ada|moreau|{booking.reference}|{booking.id}", answer, re.IGNORECASE)


COUNT = """
import os, sys
import metrics
metrics.BOOKINGS.labels("confirmed").inc(int(sys.argv[1]))
metrics.POOL_IN_USE.inc()
if "fork" in sys.argv:
    child = os.fork()
    if child == 0:
        metrics.BOOKINGS.labels("confirmed").inc(100)
        os._exit(0)
    os.waitpid(child, 0)
print("counted", flush=True)
sys.stdin.readline()
"""
SHOW = """
import sys
from prometheus_client import generate_latest
import metrics
if "keep" in sys.argv:
    metrics.Place.clear_dead = lambda self: None
print(generate_latest(metrics.all_processes()).decode())
"""


def test_two_processes_are_added_up_and_the_dead_hold_nothing(tmp_path: Path) -> None:
    first, second = _count(tmp_path, "3"), _count(tmp_path, "4")

    while_both_live = _show(tmp_path)
    for each in (first, second):
        each.kill()
        each.wait()
    with_the_dead = _show(tmp_path, "keep")
    afterwards = _show(tmp_path)

    assert while_both_live["holdfast_bookings_total confirmed"] == 7
    assert while_both_live["holdfast_db_pool_in_use"] == 2
    assert afterwards["holdfast_bookings_total confirmed"] == 7
    # Who shows them has taken over the place of one of the dead; the other's is still there.
    assert with_the_dead["holdfast_db_pool_in_use"] == 1
    assert afterwards["holdfast_db_pool_in_use"] == 0


def test_a_forked_process_counts_for_itself(tmp_path: Path) -> None:
    process = _count(tmp_path, "1", "fork")

    shown = _show(tmp_path)
    process.kill()
    process.wait()

    assert shown["holdfast_bookings_total confirmed"] == 101
    assert shown["holdfast_db_pool_in_use"] == 1


def test_who_replaces_a_process_goes_on_in_its_files(tmp_path: Path) -> None:
    for _ in range(4):
        process = _count(tmp_path, "5")
        process.kill()
        process.wait()

    assert _show(tmp_path)["holdfast_bookings_total confirmed"] == 20
    assert len(list(tmp_path.glob("counter_*.db"))) == 1


def _count(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COUNT, *arguments],
        cwd=ROOT,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def _show(folder: Path, *arguments: str) -> dict[str, float]:
    shown = subprocess.run(
        [sys.executable, "-c", SHOW, *arguments],
        cwd=ROOT,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return _read(shown.stdout)


def _lead_a_life(client: FlaskClient) -> None:
    booking = make_booking(make_slot(), email="ada@example.com")
    cancel_booking(booking_id=booking.id)
    _task()()
    heartbeats.beat(heartbeats.DECIDER)
    client.get("/health/live")


def _task(*, fails: bool = False) -> DiscreetTask:
    def work() -> None:
        if fails:
            raise ZeroDivisionError

    return Celery(task_cls=DiscreetTask, set_as_current=False).task(work, name="tests.task")


def _served(client: FlaskClient) -> dict[str, tuple[str, set[str]]]:
    """Return the type and the labels of every metric by its name as it is documented."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    found: dict[str, tuple[str, set[str]]] = {}
    for family in text_string_to_metric_families(answer.text):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for sample in family.samples for label in sample.labels}
        found[name] = (family.type, labels - {"le"})
    return found


def _values() -> dict[str, float]:
    return _read(generate_latest(metrics.registry).decode())


def _read(shown: str) -> dict[str, float]:
    """Return each number by its name and the values of its labels, in the order of their names."""
    return {
        " ".join(
            [sample.name, *(value for _, value in sorted(sample.labels.items()))]
        ): sample.value
        for family in text_string_to_metric_families(shown)
        for sample in family.samples
    }


def _grown(before: dict[str, float], name: str) -> dict[str, float]:
    """Return by its labels how much each number of a name has grown."""
    return {
        key.removeprefix(name).strip(): value - before.get(key, 0)
        for key, value in _values().items()
        if key.split(" ")[0] == name and value != before.get(key, 0)
    }
