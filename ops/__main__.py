"""The commands behind ./holdfast. None of them reads the settings: inner programs do."""

import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ops import screen
from ops.environment import ROOT, callers_path
from ops.errors import OpsError
from ops.parts import NAMES

PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


def _data_folder(_context: click.Context, _option: click.Parameter, value: Path | None) -> Path:
    return callers_path(value) if value else ROOT / "var"


DATA = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_data_folder,
    help="Data folder (default: var/).",
)
ROUNDS = click.option("--rounds", type=click.IntRange(1, 100), default=3, show_default=True)


class Instant(click.ParamType):
    """An instant with its offset from UTC, as in ISO 8601."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> datetime:
        """Return the instant; fail on what is none, and on one that has no zone."""
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no instant: write 2026-11-20T10:00:00Z", param, context)
        if found.tzinfo is None:
            self.fail(f"{value} has no zone: write {value}Z for UTC", param, context)
        return found


INSTANT = Instant()
REST = click.argument("arguments", nargs=-1, type=click.UNPROCESSED)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Holdfast, a booking engine. Begin with: ./holdfast up"""


@commands.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=8000,
    show_default=True,
    envvar="HOLDFAST_PORT",
)
@DATA
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that confirm.")
@click.option("--no-sample", is_flag=True, help="No sample venues on the first start.")
def up(port: int, data: Path, workers: int | None, no_sample: bool) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    from ops.plan import Wanted
    from ops.up import up as run

    run(Wanted(data, port, workers, samples=not no_sample))


@commands.command(context_settings=PASS_ON)
@REST
def test(arguments: tuple[str, ...]) -> None:
    """Run the tests on servers of their own; arguments go to pytest."""
    from ops.testing import run_tests

    sys.exit(run_tests(list(arguments)))


@commands.command()
def check() -> None:
    """Check style, types, import directions and migrations."""
    from ops.check import run_checks

    sys.exit(run_checks())


@commands.command()
@click.argument("part", type=click.Choice(NAMES))
def run(part: str) -> None:
    """Become one process of the product, on the servers that the settings name."""
    from ops.run import run as become

    become(part)


@commands.command()
@click.option("--sample", is_flag=True, help="Make the sample venues in an empty database.")
@click.option("--back-to", metavar="REVISION", help="Take migrations back down to this one.")
def migrate(sample: bool, back_to: str | None) -> None:
    """Bring the schema of DATABASE_URL up to date; makes roles and the first owner as well."""
    from ops.migrate import migrate as run_it

    chosen = [*(["--sample"] if sample else []), *(["--back-to", back_to] if back_to else [])]
    sys.exit(run_it(chosen))


@commands.command("secrets")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--host", default="localhost", show_default=True, help="Name that customers use.")
@click.option("--smtp-url", help="Mail server; without it the mail catcher, for trying out.")
def secrets_(folder: Path, host: str, smtp_url: str | None) -> None:
    """Make the secrets of docker-compose.yml in FOLDER; what is there stays as it is."""
    from ops.deployment import make_secrets

    made = make_secrets(callers_path(folder), host=host, smtp_url=smtp_url)
    screen.note(f"made in {folder}: {', '.join(made) or 'nothing, all of them are there'}")


@commands.command(context_settings=PASS_ON)
@DATA
@REST
def verify(data: Path, arguments: tuple[str, ...]) -> None:
    """Prove the invariants on the running database, or on that of DATABASE_URL."""
    from ops.running import run_inner

    sys.exit(run_inner("ops.verify", list(arguments), data, needs_up=False))


@commands.command(context_settings=PASS_ON)
@DATA
@REST
def replay(data: Path, arguments: tuple[str, ...]) -> None:
    """Decide the arrival log again and compare: [--venue SLUG] [RESOURCE_ID ...]."""
    from ops.running import run_inner

    sys.exit(run_inner("ops.replay", list(arguments), data, needs_up=False))


@commands.command()
@DATA
@click.option("--list", "what", flag_value="list", help="List what there is.")
@click.option("--check", "what", flag_value="check", help="Rehearse a restore, and throw it away.")
@click.option("--new-key", "what", flag_value="new-key", help="Make a key to seal backups with.")
def backup(data: Path, what: str | None) -> None:
    """Take a base backup now, verify it, and remove what is past retention; see docs/backup.md."""
    from ops.backup.streams import new_key
    from ops.running import run_inner

    if what == "new-key":
        recipient, identity = new_key()
        click.echo(
            f"# The server needs this; it can only seal.\nHOLDFAST_BACKUP_RECIPIENTS={recipient}"
        )
        click.echo(
            f"# Restoring needs this: keep it elsewhere.\nHOLDFAST_BACKUP_IDENTITY={identity}"
        )
        return
    needs_database = what is None
    arguments = [what or "take"]
    sys.exit(
        run_inner("ops.backup", arguments, data, needs_up=False, needs_database=needs_database)
    )


@commands.command()
@DATA
@click.option("--into", type=click.Path(path_type=Path), required=True, help="A new data folder.")
@click.option("--at", type=INSTANT, help="Such as 2026-11-20T10:00:00Z. Default: the newest.")
@click.option("--from", "source", help="Where backups lie. Default: HOLDFAST_BACKUP_URL.")
@click.option("--secrets", type=click.Path(path_type=Path), help="The kept secrets.json.")
def restore(
    data: Path, into: Path, at: datetime | None, source: str | None, secrets: Path | None
) -> None:
    """Bring a data folder back as it was at an instant, and prove the invariants on it."""
    from ops.running import run_inner

    arguments = ["restore", "--into", str(callers_path(into))]
    arguments += ["--at", at.isoformat()] if at else []
    arguments += ["--from", source] if source else []
    arguments += ["--secrets", str(callers_path(secrets))] if secrets else []
    sys.exit(run_inner("ops.backup", arguments, data, needs_up=False, needs_database=False))


@commands.command("add-venue", context_settings=PASS_ON)
@DATA
@REST
def add_venue(data: Path, arguments: tuple[str, ...]) -> None:
    """Make a venue of the first owner's out of a JSON FILE; see docs/venues.md."""
    from ops.running import run_inner

    sys.exit(run_inner("ops.add_venue", list(arguments), data))


@commands.command(context_settings=PASS_ON)
@DATA
@REST
def rush(data: Path, arguments: tuple[str, ...]) -> None:
    """Let many people want few seats at once: --people N --seats S."""
    from ops.running import run_inner

    sys.exit(run_inner("ops.rush", list(arguments), data))


@commands.command()
@DATA
@click.option("--rows", help="Rows by name, such as P1,R2 (default: all, controls included).")
@click.option("--seed", type=int, help="Draws the moments and the clients (default: at random).")
@click.option("--minutes", type=click.FloatRange(min=0), default=0, help="Go on for so long.")
@click.option("--rate", type=click.FloatRange(1, 500), default=30, show_default=True)
@click.option("--quick", is_flag=True, help="One fault a row, and a short one.")
@click.option("--port", type=click.IntRange(1, 65_535), help="Web port (default: a free one).")
def faults(data: Path, **given: Any) -> None:
    """Kill, freeze, cut and fill what runs, under load, on an installation of its own."""
    from ops.faults.command import faults as run

    sys.exit(run(data=data, **given))


@commands.group(invoke_without_command=True)
@click.pass_context
@DATA
def bench(context: click.Context, data: Path) -> None:
    """Measure on servers of its own: print ratios, write JSON to bench/ of the data folder.

    Without a name: bookings, a steady rate and decisions, all of it short.
    """
    if context.invoked_subcommand is None:
        from ops.bench.selection import bench_all as run

        sys.exit(run(folder=data / "bench"))


@bench.command("bookings")
@DATA
@ROUNDS
@click.option("--seconds", type=click.IntRange(1, 600), default=8, help="Of each turn.")
def bench_bookings(data: Path, rounds: int, seconds: int) -> None:
    """Bookings a second against a synchronous reference, hot and spread: some four minutes."""
    from ops.bench.bookings import bench_bookings as run

    sys.exit(run(rounds=rounds, seconds=seconds, folder=data / "bench"))


@bench.command("decisions")
@DATA
@ROUNDS
@click.option("--holds", type=click.IntRange(100, 1_000_000), default=20_000, help="A round.")
def bench_decisions(data: Path, rounds: int, holds: int) -> None:
    """Decisions a second on one slot, against pgbench one by one: half a minute."""
    from ops.bench.decisions import bench_decisions as run

    sys.exit(run(holds=holds, rounds=rounds, folder=data / "bench"))


@bench.command("rate")
@DATA
@click.option("--seconds", type=click.IntRange(1, 600), default=20)
def bench_rate(data: Path, seconds: int) -> None:
    """How long callers wait at 200 bookings a second: a minute."""
    from ops.bench.rate import bench_rate as run

    sys.exit(run(seconds=seconds, folder=data / "bench"))


@bench.command("search")
@DATA
@click.option("--slots", type=click.IntRange(10_000, 5_000_000), default=1_000_000)
@click.option("--count", type=click.IntRange(20, 10_000), default=200, help="Of each, a round.")
def bench_search(data: Path, slots: int, count: int) -> None:
    """Search among a million slots and two million bookings, and among ten thousand: minutes."""
    from ops.bench.search import bench_search as run

    sys.exit(run(slots=slots, count=count, folder=data / "bench"))


@bench.command("reports")
@DATA
@click.option("--bookings", type=click.IntRange(20_000, 20_000_000), default=1_000_000)
def bench_reports(data: Path, bookings: int) -> None:
    """List a million bookings as CSV and JSON, against 100,000 rows/s in 200 MB: two minutes."""
    from ops.bench.reports import bench_reports as run

    sys.exit(run(bookings=bookings, folder=data / "bench"))


@bench.command("mail")
@DATA
@click.option("--rate", type=click.FloatRange(1, 500), default=50.0, help="Bookings a second.")
@click.option("--seconds", type=click.IntRange(5, 600), default=20)
def bench_mail(data: Path, rate: float, seconds: int) -> None:
    """Measure from confirmed to taken by a mail server, against the same when calm."""
    from ops.bench.mail import bench_mail as run

    sys.exit(run(rate=rate, seconds=seconds, folder=data / "bench"))


@bench.command("purge")
@DATA
@click.option("--people", type=click.IntRange(500, 5_000_000), default=60_000)
@click.option("--rate", type=click.IntRange(10, 500), default=50, help="Bookings a second.")
def bench_purge(data: Path, people: int, rate: int) -> None:
    """People forgotten a second, and how long booking takes meanwhile: a minute."""
    from ops.bench.purge import bench_purge as run

    sys.exit(run(people=people, rate=rate, folder=data / "bench"))


@bench.command("admin")
@DATA
@click.option("--slots", type=click.IntRange(17_000, 2_000_000), default=200_000)
@click.option("--count", type=click.IntRange(5, 1_000), default=20, help="Of each page.")
def bench_admin(data: Path, slots: int, count: int) -> None:
    """Open the owners' pages of one venue with 200,000 slots and a million bookings: minutes."""
    from ops.bench.admin import bench_admin as run

    sys.exit(run(slots=slots, count=count, folder=data / "bench"))


@commands.command("api-token", context_settings=PASS_ON)
@DATA
@REST
def api_token(data: Path, arguments: tuple[str, ...]) -> None:
    """Make or revoke a venue's token: --venue SLUG --name NAME --scope SCOPE, or --revoke ID."""
    from ops.running import run_inner

    sys.exit(run_inner("ops.api_token", list(arguments), data, needs_up=False))


@commands.command(context_settings=PASS_ON)
@DATA
@REST
def embed(data: Path, arguments: tuple[str, ...]) -> None:
    """Let other sites show a venue's booking form: SLUG https://site.example …"""
    from ops.running import run_inner

    sys.exit(run_inner("ops.embed", list(arguments), data, needs_up=False))


@commands.command("add-operator", context_settings=PASS_ON)
@DATA
@REST
def add_operator(data: Path, arguments: tuple[str, ...]) -> None:
    """Make somebody an operator, who sees all venues: EMAIL."""
    from ops.running import run_inner

    sys.exit(run_inner("ops.add_operator", list(arguments), data, needs_up=False))


@commands.command()
@click.option("--upgrade", is_flag=True, help="Take the newest versions allowed.")
def lock(upgrade: bool) -> None:
    """Compile requirements*.in to exact versions with hashes."""
    from ops.development import lock as run

    run(upgrade=upgrade)


@commands.command()
@click.argument("message")
def migration(message: str) -> None:
    """Write a migration from the difference between models and migrations."""
    from ops.development import write_migration

    screen.note(f"written: {write_migration(message)}; now read it, and shorten it")


def main() -> None:
    """Run a command; what is wrong outside is one line and exit code 1."""
    # A polite kill unwinds as Ctrl-C does, so that servers and folders are not left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        commands(prog_name="./holdfast")
    except OpsError as error:
        screen.failure(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
