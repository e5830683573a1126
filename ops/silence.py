"""Processes that run and do nothing: supervisord sees only those that end."""

import time
from collections.abc import Callable, Mapping

# What /health/ready names, and the programs that can be the reason for its silence. The deciders'
# sign of life comes by way of beat.
PROGRAMS = {"deciders": ("decide", "beat"), "sweeper": ("sweeper",)}
NEEDED = ("database", "schema", "broker")
# With the fifteen seconds of the readiness: noticed within half a minute, and not for being slow.
PATIENCE_SECONDS = 14.0
START_SECONDS = 60.0


class Silence:
    """Keeps for how long each has shown no sign of life while everything that it needs was well."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def too_long(self, checks: Mapping[str, str] | None) -> list[str]:
        """Return the programs to start again, given what /health/ready names (None: no answer).

        The one that is named has time to start before it is named again.
        """
        now = self._clock()
        if checks is None or any(checks.get(name) != "ok" for name in NEEDED):
            # Nobody can be heard, and all have some time once they could be.
            self._since.clear()
            return []
        found: list[str] = []
        for name, programs in PROGRAMS.items():
            if checks.get(name) == "ok":
                self._since.pop(name, None)
            elif now - self._since.setdefault(name, now) >= PATIENCE_SECONDS:
                self._since[name] = now + START_SECONDS
                found += programs
        return found
