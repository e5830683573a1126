"""How gunicorn serves the web app; docs/decisions says why with threads."""

import gc
from pathlib import Path
from typing import Any

from settings import settings

_host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
bind = f"{_host}:{settings.port}"
backlog = 2048
# Its largest: whatever the document allows in a query has room, in any script.
limit_request_line = 8190
worker_class = "gthread"
workers = settings.web_workers
threads = settings.web_threads
# Loaded before the fork: the processes share the memory of the code.
preload_app = True
# A worker shows that it lives by touching a file: in memory, or a slow disk would get it killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
timeout = 30
graceful_timeout = 10
keepalive = 5
# The app itself decides whom it believes: HOLDFAST_TRUSTED_PROXIES.
forwarded_allow_ips = ""
# One socket path for each user: a second instance would take the first one's.
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = settings.log_level.lower()


def when_ready(server: Any) -> None:
    """Leave what is loaded by now out of garbage collection: it stays shared with the workers."""
    gc.collect()
    gc.freeze()
