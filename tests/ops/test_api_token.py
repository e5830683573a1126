"""`./holdfast api-token` makes a venue's token, shows it once, and revokes it."""

from click.testing import CliRunner
from sqlalchemy.orm import Session

from booking.api_tokens import authenticate_token
from ops.api_token import main
from tests.factories import make_venue


def test_a_token_is_made_shown_and_revoked(db: Session) -> None:
    venue = make_venue()
    run = CliRunner().invoke
    arguments = ["--venue", venue.slug, "--name", "Channel", "--scope", "bookings:read"]

    made = run(main, arguments)
    words = made.stdout.split()
    token = words[words.index("token:") + 1]
    found = authenticate_token(token)

    assert made.exit_code == 0
    assert found is not None
    assert (found.venue_id, found.scopes) == (venue.id, {"bookings:read"})
    assert run(main, ["--revoke", words[words.index("id:") + 1]]).exit_code == 0
    assert authenticate_token(token) is None


def test_what_cannot_be_made_is_one_line(db: Session) -> None:
    run = CliRunner().invoke

    nowhere = run(main, ["--venue", "nowhere", "--name", "x", "--scope", "bookings:read"])
    unknown = run(main, ["--revoke", "00000000-0000-0000-0000-000000000000"])

    for answer in (nowhere, unknown):
        assert answer.exit_code == 1
        assert answer.output.startswith("holdfast: There is no such")
    assert run(main, []).exit_code == 2
    assert run(main, ["--venue", "x", "--name", "x", "--scope", "all"]).exit_code == 2
