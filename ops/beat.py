"""Inner program: Celery's clock, which rings the periodic jobs.

    python -m ops.beat SCHEDULE_FILE

The same as `celery -A celery_config beat`; see ops/worker.py. It knows the jobs by their names and
loads none of them. A second one does no harm: the jobs are unique by job and period.
"""

import sys
from typing import Any

from celery.beat import PersistentScheduler

from celery_config import app
from ops.pulse import pulse_file, show_pulse
from settings import settings


class VisibleScheduler(PersistentScheduler):
    """Touches a file at each turn: the health check sees that the clock goes."""

    def tick(self, *arguments: Any, **options: Any) -> float:
        """Ring what is due; return the seconds until the next turn."""
        pause: float = super().tick(*arguments, **options)
        show_pulse(pulse_file(settings.data_dir, "beat"))
        return pause


def main(schedule_file: str) -> None:
    """Ring until told to stop."""
    beat = app.Beat(
        schedule=schedule_file,
        scheduler_cls=VisibleScheduler,
        loglevel=settings.log_level,
        quiet=True,
    )
    beat.run()


if __name__ == "__main__":
    main(sys.argv[1])
