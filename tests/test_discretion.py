"""When the database refuses a row it quotes it. That must not get further than the error itself.

One constraint refuses rows of three people: one as the web writes it, one when a worker decides it,
one when an owner cancels it. Their names are then looked for wherever anything is written down.
"""

import base64
import io
import json
import logging
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from celery import Celery
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import logs
from celery_config import DiscreetTask, TaskFailed
from models import Booking
from ops.ports import free_port
from settings import settings
from tests.admin.visiting import Visitor, make_person
from tests.api.asking import body_for
from tests.factories import make_booking, make_slot
from tests.races.meeting import wait_until
from tests.tracing.collector import Collector
from tests.workers.processes import decide_worker, running, web_server

pytestmark = pytest.mark.xdist_group("worker")

MARK = "quetzal"
IN_WEB, IN_WORKER, IN_ADMIN = (f"Quetzal of the {place}" for place in ("web", "worker", "admin"))
CONSTRAINT = f"""
    ALTER TABLE bookings ADD CONSTRAINT refuses_them CHECK (
        contact_name <> '{IN_WEB}'
        AND (contact_name <> '{IN_WORKER}' OR status = 'pending')
        AND (contact_name <> '{IN_ADMIN}' OR status <> 'cancelled')
    )"""


@pytest.fixture
def refusing(committed_db: Session, owner_engine: Engine) -> Iterator[None]:
    """A database that refuses the rows of these people."""
    with owner_engine.begin() as owner:
        owner.execute(text(CONSTRAINT))
    yield
    committed_db.rollback()
    with owner_engine.begin() as owner:
        owner.execute(text("ALTER TABLE bookings DROP CONSTRAINT refuses_them"))


def person(name: str) -> dict[str, str]:
    return {"email": f"{MARK}@example.com", "full_name": name, "phone": "+44 20 7946 0000"}


def test_the_database_does_quote_the_row(committed_db: Session, refusing: None) -> None:
    """The twin of the others: there is something to be kept back."""
    with pytest.raises(IntegrityError, match=IN_WEB):
        make_booking(make_slot(), full_name=IN_WEB)


@dataclass(frozen=True, slots=True)
class Flower:
    """Flower, as an operator sees it."""

    address: str

    def get(self, path: str) -> str:
        login = base64.b64encode(b"operator:a-password").decode()
        asked = urllib.request.Request(
            self.address + path, headers={"Authorization": f"Basic {login}"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""


@pytest.fixture
def broker_s_talk() -> Iterator[list[str]]:
    """Whatever anybody says to Redis meanwhile."""
    heard: list[str] = []
    with (
        Redis.from_url(settings.redis_url, socket_timeout=None) as redis,
        redis.monitor() as monitor,
    ):

        def listen() -> None:
            for said in monitor.listen():
                heard.append(said["command"])
                if "the-end" in said["command"]:
                    return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield heard
        with Redis.from_url(settings.redis_url) as last:
            last.get("the-end")
        listener.join(5)


@pytest.mark.real_doorbell
def test_web_and_worker_keep_a_refused_row_to_themselves(
    committed_db: Session, refusing: None, broker_s_talk: list[str], tmp_path: Path
) -> None:
    web, decide = tmp_path / "web", tmp_path / "decide"
    flower_port = free_port(set())
    flower = Flower(f"http://127.0.0.1:{flower_port}")
    watcher = [sys.executable, "-m", "ops.flower", "--address=127.0.0.1", f"--port={flower_port}"]
    wanted = [body_for(make_slot(), customer=person(name)) for name in (IN_WEB, IN_WORKER)]
    committed_db.commit()

    with ExitStack() as parts:
        collector = parts.enter_context(Collector())
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"),
            "HOLDFAST_WEB_WORKERS": "1",
            "HOLDFAST_SLOW_STATEMENT_MS": "1",
        }
        parts.enter_context(
            running(watcher, tmp_path / "flower", FLOWER_BASIC_AUTH="operator:a-password")
        )
        wait_until(lambda: bool(flower.get("/api/tasks")), "Flower answers", 30)
        parts.enter_context(decide_worker(decide, **environment))
        address = parts.enter_context(web_server(web, **environment))
        answers = [_post(f"{address}/api/v1/bookings", body) for body in wanted]
        wait_until(lambda: "hold_stuck" in decide.read_text(), f"it is refused; see {decide}", 30)
        wait_until(lambda: "SUCCESS" in _decisions(flower), "Flower knows of it", 15)
        wait_until(
            lambda: "run/bookings.decide" in {span.name for span in collector.spans()},
            "the task is traced",
            15,
        )
        places = {
            "the log of the web": web.read_text(),
            "the log of the worker": decide.read_text(),
            "the log of PostgreSQL": (settings.data_dir.parent / "postgres.log").read_text(),
            "metrics": urllib.request.urlopen(f"{address}/metrics", timeout=5).read().decode(),
            "traces": b"".join(collector.bodies).decode(errors="replace"),
            "Flower's tasks": flower.get("/api/tasks"),
            "Flower's pages": flower.get("/tasks") + flower.get("/metrics"),
            "Redis": "\n".join(broker_s_talk),
            "the answer to the web's": answers[0][1],
        }

    assert [status for status, _ in answers] == [500, 202]
    # There was something to see in each of them.
    assert "refuses_them" in places["the log of the web"]
    assert "refuses_them" in places["the log of the worker"]
    assert "slow_statement" in places["the log of the worker"]
    assert "refuses_them" in places["the log of PostgreSQL"]
    assert 'state="done",task="bookings.decide"' in places["metrics"]
    assert "INSERT INTO bookings" in places["traces"]
    assert "bookings.decide" in places["Redis"]
    assert _where(places, MARK) == []
    assert _where(places, "7946 0000") == _where(places, "79460000") == []


def test_an_admin_page_and_its_log_keep_a_refused_row_to_themselves(
    app: Flask, committed_db: Session, refusing: None
) -> None:
    booking = make_booking(make_slot(), full_name=IN_ADMIN, email=f"{MARK}@example.com")
    visitor = Visitor(app)
    visitor.sign_in(make_person(booking.venue))
    with _logged() as told:
        answer = visitor.post("/admin/bookings/cancel/", id=booking.id)
        page = visitor.get("/admin/")
        log = told()

    committed_db.expire_all()
    assert committed_db.get_one(Booking, booking.id).status == "confirmed"
    assert "refuses_them" in log
    places = {"its log": log, "the answer": answer.text, "the next page": page.text}
    assert _where(places, MARK) == []
    assert "Failing row" not in answer.text + page.text


def test_a_log_that_took_errors_as_they_are_would_quote_it(
    app: Flask, committed_db: Session, refusing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: what keeps the row out of the log is how errors are described."""
    monkeypatch.setattr(logs, "_describe_one", lambda error: {"message": str(error)})
    booking = make_booking(make_slot(), full_name=IN_ADMIN)
    visitor = Visitor(app)
    visitor.sign_in(make_person(booking.venue))
    with _logged() as told:
        visitor.post("/admin/bookings/cancel/", id=booking.id)
        log = told()

    assert _where({"its log": log}, MARK) == ["its log"]


def _decisions(flower: Flower) -> str:
    """Return how the tasks that decide have ended, as Flower knows it."""
    tasks = json.loads(flower.get("/api/tasks") or "{}")
    return " ".join(each["state"] for each in tasks.values() if each["name"] == "bookings.decide")


def test_what_a_task_raises_is_replaced_by_its_kind(committed_db: Session, refusing: None) -> None:
    """Celery passes an error on to its events, to Flower and to its log."""
    slot = make_slot()
    committed_db.commit()

    def work() -> None:
        make_booking(slot, full_name=IN_WEB)

    task = Celery(task_cls=DiscreetTask, set_as_current=False).task(work, name="tests.task")
    with pytest.raises(TaskFailed) as failed:
        task()

    assert str(failed.value) == "CheckViolation 23514"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def _post(url: str, body: object) -> tuple[int, str]:
    asked = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=15) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _where(places: dict[str, str], word: str) -> list[str]:
    return [place for place, written in places.items() if word.lower() in written.lower()]


class _logged:
    """What this process logs meanwhile, as it is written."""

    def __enter__(self) -> Callable[[], str]:
        logs.configure()
        self._handler = next(
            each for each in logging.getLogger().handlers if isinstance(each, logs.JsonHandler)
        )
        written = io.StringIO()
        self._before = self._handler.setStream(written)
        return written.getvalue

    def __exit__(self, *_: object) -> None:
        self._handler.setStream(self._before)
