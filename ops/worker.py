"""Inner program: a Celery worker, without Celery's command line.

    python -m ops.worker NAME QUEUES PROCESSES [POOL]

The same as `celery -A workers.app worker`, whose prompt and plugins every process would carry.
"""

import gc
import os
import sys

from celery.signals import heartbeat_sent
from celery.utils.nodenames import default_nodename, host_format

from celery_config import DECIDE, MAIL
from ops.pulse import pulse_file, show_pulse
from settings import settings
from workers.app import app
from workers.watch import watch

# In a rush the machine belongs to those who wait. A mail is awaited too, within seconds: with less
# than this it was seen to fall behind 50 bookings a second on two busy cores.
_GIVES_WAY, _MAIL_GIVES_WAY = 5, 2


def main(name: str, queues: str, processes: int, pool: str = "prefork") -> None:
    """Work until told to stop: SIGQUIT gives back what cannot be finished within the soft limit."""
    pulse = pulse_file(settings.data_dir, name)
    # Sent every two seconds by the loop that takes messages, as long as it reaches the broker.
    heartbeat_sent.connect(lambda **_: show_pulse(pulse), weak=False)
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
        os.nice(_MAIL_GIVES_WAY if queues == MAIL else _GIVES_WAY)
    if queues == MAIL:
        watch.start()
    # What is loaded by now is never garbage: left alone, it stays shared with the children.
    gc.collect()
    gc.freeze()
    worker.start()
    sys.exit(worker.exitcode)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
