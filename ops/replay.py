"""Inner program of `replay`: decide the arrival log again, in memory, and compare.

python -m ops.replay [--venue SLUG] [RESOURCE_ID ...]
"""

import argparse
import sys
import time
from uuid import UUID

from rich.console import Console
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from booking.arrival_log import read_log
from booking.replaying import replay
from models import Resource, Venue
from models.database import engine

_SHOWN = 20


def main() -> int:
    """Decide each resource's log again; 0 when the same people win everywhere."""
    options = _options()
    console = Console(highlight=False, soft_wrap=True)
    failed = 0
    with engine().connect() as connection, connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        for name in ("statement_timeout", "transaction_timeout"):
            connection.execute(select(func.set_config(name, "0", True)))
        with Session(connection) as tx:
            found = _resources(tx, options.venue, options.resource)
            if not found:
                console.print("replay: no such resource")
                return 1
            for venue, name, resource_id in found:
                failed += _replay_one(console, tx, f"{venue} / {name}", resource_id)
    return 1 if failed else 0


def _replay_one(console: Console, tx: Session, name: str, resource_id: UUID) -> int:
    began = time.monotonic()
    verdict = replay(read_log(tx, resource_id))
    seconds = time.monotonic() - began
    for difference in verdict.differences[:_SHOWN]:
        console.print(f"{name}: {difference}", markup=False)
    count = len(verdict.differences)
    said = f"{count} came out otherwise" if count else "the same people win"
    aside = f", {verdict.not_asked} taken as they were" if verdict.not_asked else ""
    console.print(
        f"{name}: {verdict.decided} decided again{aside}, {said}, {seconds:.1f} s", markup=False
    )
    return count


def _resources(tx: Session, venue: str | None, wanted: list[UUID]) -> list[tuple[str, str, UUID]]:
    query = select(Venue.slug, Resource.name, Resource.id).join(Resource.venue)
    if venue is not None:
        query = query.where(Venue.slug == venue)
    if wanted:
        query = query.where(Resource.id.in_(wanted))
    return [(slug, name, id_) for slug, name, id_ in tx.execute(query.order_by(Resource.id))]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./holdfast replay", description=__doc__.splitlines()[0])
    parser.add_argument("--venue", metavar="SLUG", help="only the resources of this venue")
    parser.add_argument("resource", nargs="*", type=UUID, metavar="RESOURCE_ID")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
