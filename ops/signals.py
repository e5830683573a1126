"""The signals that ask for an end, as one exception."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopped(BaseException):
    """Somebody asked us to stop: Ctrl-C, a closed terminal, a polite kill."""


@contextmanager
def told_to_stop() -> Iterator[Callable[[], None]]:
    """Raise Stopped at the first of the signals; yields what makes deaf to any further one."""
    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        wanted.append(signal.SIGHUP)

    def deaf() -> None:
        for number in wanted:
            signal.signal(number, signal.SIG_IGN)

    def stop(*_: object) -> None:
        deaf()
        raise Stopped

    for number in wanted:
        signal.signal(number, stop)
    yield deaf
