"""Inner program of `bench decisions`: decide what is pending at the only resource of a database.

Prints one JSON object: how many holds were decided, and in how many seconds.
"""

import json
import sys
import time

from sqlalchemy import select

import logs
from booking.decide import decide_pending
from booking.transactions import reading
from models import Resource


def main() -> int:
    """Decide everything; return the exit code."""
    logs.configure()
    with reading() as tx:
        resource_id = tx.scalars(select(Resource.id)).one()
    begun = time.perf_counter()
    decided = decide_pending(resource_id)
    found = {"decided": decided, "seconds": time.perf_counter() - begun}
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
