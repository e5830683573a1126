"""The operators' page: what waits, runs and failed, and nobody's name."""

from datetime import UTC, datetime, timedelta

import pytest

from booking.bulk import Together, begin_bulk
from booking.heartbeats import beat
from models import Deed, JobRun, Notification, RunState, Status
from tests.admin.visiting import Visitor, make_person
from tests.factories import make_booking, make_owner, session


@pytest.fixture
def operator(app) -> Visitor:
    visitor = Visitor(app)
    visitor.sign_in(make_person(is_operator=True))
    return visitor


def _run(job: str, **given) -> JobRun:
    now = datetime.now(UTC)
    run = JobRun(**{"job": job, "period": now, "due_at": now} | given)
    session().add(run)
    session().commit()
    return run


def test_it_shows_what_waits_and_what_failed_and_no_names(operator, ours, rows):
    waiting = make_booking(ours.slot, quantity=1, status=Status.PENDING, full_name="Perdita Person")
    waiting.created_at = datetime.now(UTC) - timedelta(seconds=90)
    now = datetime.now(UTC)
    _run("owe-messages", state=RunState.FAILED, finished_at=now, attempts=5, error="ValueError")
    _run("seal-events", state=RunState.RUNNING, due_at=now - timedelta(minutes=5))
    ours.message.state, ours.message.last_error = "refused", "550 no such mailbox"
    rows.commit()
    beat("decider")
    begin_bulk(
        Together(
            id=waiting.id,
            venue_id=ours.venue.id,
            deed=Deed.CANCEL,
            booking_ids=[ours.booking.id],
            by=make_owner(ours.venue),
        )
    )

    page = operator.get("/admin/operations/").text

    for said in (
        "for 60 s or longer",
        "decider was seen",
        "owe-messages",
        "ValueError",
        "Stuck",
        "550 no such mailbox",
        "Cancelled together",
        "in the queue decide",
    ):
        assert said in page, said
    for name in ("Perdita", "Guest of Ours", "@example.com<", ours.booking.contact_email):
        assert name not in page.replace(_who(page), ""), name


def test_a_job_is_run_again(operator, rows):
    _run("owe-messages", state=RunState.FAILED, finished_at=datetime.now(UTC), error="ValueError")

    answer = operator.post("/admin/operations/run/", id="owe-messages")
    unknown = operator.post("/admin/operations/run/", id="rm -rf")

    assert answer.status_code == 302
    assert unknown.status_code == 404
    asked = rows.query(JobRun).filter(JobRun.asked_by.is_not(None)).one()
    assert (asked.job, asked.state) == ("owe-messages", RunState.WAITING)


def test_it_is_for_operators_alone(signed_in, rows):
    run = _run("owe-messages")

    assert signed_in.get("/admin/operations/").status_code == 403
    assert signed_in.post("/admin/operations/run/", id=run.job).status_code == 403
    assert "Operations" not in signed_in.get("/admin/").text
    assert rows.query(JobRun).count() == 1


def test_an_empty_installation_says_what_to_do(app, rows):
    rows.query(Notification).delete()
    visitor = Visitor(app)
    visitor.sign_in(make_person(is_operator=True))

    page = visitor.get("/admin/operations/").text

    assert "No job has run yet" in page


def _who(page: str) -> str:
    """Return the part of the page that names whoever is signed in."""
    start = page.index('<div class="person">')
    return page[start : page.index("</div>", start)]
