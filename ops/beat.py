"""Inner program: Celery's clock, which rings the periodic jobs.

    python -m ops.beat SCHEDULE_FILE

The same as `celery -A workers.app beat`; see ops/worker.py. A second one does no harm: the jobs are
unique by job and period.
"""

import sys

from settings import settings
from workers.app import app


def main(schedule_file: str) -> None:
    """Ring until told to stop."""
    app.Beat(schedule=schedule_file, loglevel=settings.log_level, quiet=True).run()


if __name__ == "__main__":
    main(sys.argv[1])
