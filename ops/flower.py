"""Inner program: Flower, without Celery's command line; see ops/worker.py.

    python -m ops.flower --port=5555 [any other option of Flower's]

The login is in FLOWER_BASIC_AUTH, or in the file that FLOWER_BASIC_AUTH_FILE names: what is in a
command line can be read by everybody.
"""

import atexit
import os
import signal
import sys

# Before anything is imported: what Flower counts for itself does not belong among our numbers.
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

from flower.app import Flower  # type: ignore[import-untyped]
from flower.command import (  # type: ignore[import-untyped]
    apply_env_options,
    apply_options,
    extract_settings,
    setup_logging,
    sigterm_handler,
)
from flower.urls import settings as flower_settings  # type: ignore[import-untyped]
from tornado.options import options

from celery_config import app
from ops.environment import given
from ops.errors import OpsError


def main() -> None:
    """Serve until told to stop. Refuses to serve without a login."""
    try:
        login = given("FLOWER_BASIC_AUTH")
    except OpsError as error:
        sys.exit(str(error))
    if login:
        os.environ["FLOWER_BASIC_AUTH"] = login
    apply_env_options()
    apply_options("flower", sys.argv[1:])
    if not options.basic_auth:
        sys.exit(
            "FLOWER_BASIC_AUTH is not set (user:password): Flower would show its pages to anybody"
        )
    extract_settings()
    setup_logging()
    server = Flower(capp=app, options=options, **flower_settings)
    atexit.register(server.stop)
    signal.signal(signal.SIGTERM, sigterm_handler)
    server.start_http_server()
    server.start()


if __name__ == "__main__":
    main()
