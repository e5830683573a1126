"""Inner program: is a process of the product well? Exit 0, or 1 with the reason in one line.

    python -m ops.healthy PART

For the health checks of containers, run beside the process with its environment. It loads little:
it is started again and again.
"""

import http.client
import os
import sys

import psycopg

from ops.health import answer_of
from ops.own_database import plain
from ops.parts import FLOWER, NAMES, SWEEPER, WEB, flower_port
from ops.ports import EVERYWHERE, LOOPBACK
from ops.pulse import pulse_file, seconds_since
from settings import settings

_PULSE_SECONDS = 60
_SEEN_SECONDS = 15
_SEEN = """
    SELECT extract(epoch FROM clock_timestamp() - seen_at)::int
      FROM heartbeats WHERE process = 'sweeper'
"""


def why_not(part: str) -> str | None:
    """Return why a part is not well, None if it is."""
    if part == WEB:
        return _why_not_http(settings.port, "/health/ready")
    if part == FLOWER:
        prefix = os.environ.get("FLOWER_URL_PREFIX", "").strip("/")
        path = f"/{prefix}/healthcheck" if prefix else "/healthcheck"
        return _why_not_http(flower_port(), path)
    if part == SWEEPER:
        return _why_no_sweeper()
    return _why_no_pulse(part)


def _why_not_http(port: int, path: str) -> str | None:
    host = LOOPBACK if settings.bind in EVERYWHERE else settings.bind
    try:
        status, body = answer_of(host, port, path)
    except (OSError, http.client.HTTPException) as error:
        return f"{path} does not answer: {error}"
    return None if status == 200 else f"{path} answers {status}: {body.strip()[:300]}"


def _why_no_sweeper() -> str | None:
    """Look at the row that it writes every two seconds."""
    try:
        with psycopg.connect(plain(settings.database_url), connect_timeout=3) as connection:
            row = connection.execute(_SEEN).fetchone()
    except psycopg.Error as error:
        return f"the database does not say when it was seen: {type(error).__name__}"
    if row is None:
        return "the sweeper was never seen"
    return None if row[0] < _SEEN_SECONDS else f"the sweeper was last seen {row[0]} s ago"


def _why_no_pulse(part: str) -> str | None:
    seconds = seconds_since(pulse_file(settings.data_dir, part))
    if seconds is None:
        return f"{part} has not shown life yet"
    return None if seconds < _PULSE_SECONDS else f"{part} last showed life {seconds:.0f} s ago"


def main() -> None:
    """Ask, and say the reason where there is one."""
    part = " ".join(sys.argv[1:])
    if part not in NAMES:
        sys.exit(f"name one of {', '.join(NAMES)}")
    if (reason := why_not(part)) is not None:
        sys.exit(reason)


if __name__ == "__main__":
    main()
