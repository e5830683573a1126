"""Inner program: a Celery worker, without Celery's command line.

    python -m ops.worker NAME QUEUES PROCESSES [POOL]

The same as `celery -A workers.app worker`, whose prompt and plugins every process would carry.
"""

import gc
import os
import sys

from celery.utils.nodenames import default_nodename, host_format

from celery_config import DECIDE
from settings import settings
from workers.app import app

_GIVES_WAY = 5


def main(name: str, queues: str, processes: int, pool: str = "prefork") -> None:
    """Work until told to stop: SIGQUIT gives back what cannot be finished within the soft limit."""
    worker = app.Worker(
        hostname=host_format(default_nodename(f"{name}@%h")),
        queues=queues,
        concurrency=processes,
        pool=pool,
        loglevel=settings.log_level,
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    if DECIDE not in queues.split(","):
        # Mails and reports give way: in a rush the machine belongs to those who wait.
        os.nice(_GIVES_WAY)
    # What is loaded by now is never garbage: left alone, it stays shared with the children.
    gc.collect()
    gc.freeze()
    worker.start()
    sys.exit(worker.exitcode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
