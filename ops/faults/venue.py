"""The venue that a row books at: one hot boat and several others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.errors import OpsError
from ops.faults.stack import Stack

BOATS = 8
HOT_PLACES, PLACES = 60, 40


def add_venue(stack: Stack, slug: str) -> None:
    """Make a venue of eight boats with three departures each. Raises OpsError."""
    described = {
        "slug": slug,
        "name": slug,
        "kind": "boats",
        "time_zone": "UTC",
        "currency": "EUR",
        "resources": [_boat(number) for number in range(BOATS)],
    }
    file = stack.folder / f"{slug}.json"
    file.write_text(json.dumps(described))
    done = stack.command("add-venue", "--data", str(stack.data), str(file))
    if done.returncode != 0:
        raise OpsError(f"the venue {slug} was not made: {done.stderr.strip()}")


def _boat(number: int) -> dict[str, Any]:
    """Describe a boat that sails on each of the next three days; the first one is the hot one."""
    first = datetime.now(UTC).date() + timedelta(days=1)
    return {
        "name": f"Boat {number}",
        "counted_in": "seats",
        "max_quantity": 4,
        "attributes": {"has_ac": False, "capacity": PLACES},
        "schedules": [
            {
                "start_times": ["12:00"],
                "minutes": 60,
                "capacity": PLACES if number else HOT_PLACES,
                "price": "10.00",
                "valid_from": first.isoformat(),
                "valid_until": (first + timedelta(days=2)).isoformat(),
            }
        ],
    }
