"""Inner program: Celery's clock, which rings the periodic jobs.

    python -m ops.beat SCHEDULE_FILE

The same as `celery -A celery_config beat`; see ops/worker.py. It knows the jobs by their names and
loads none of them. A second one does no harm: the jobs are unique by job and period.
"""

import sys

from celery_config import app
from settings import settings


def main(schedule_file: str) -> None:
    """Ring until told to stop."""
    app.Beat(schedule=schedule_file, loglevel=settings.log_level, quiet=True).run()


if __name__ == "__main__":
    main(sys.argv[1])
