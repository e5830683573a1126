"""Free ports on this machine's loopback."""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "localhost")  # noqa: S104


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen here now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(avoid: set[int], *, of: str | None = None) -> int:
    """Pick a free port outside the range from which the system takes those of its clients.

    `of` names whom it is for: the same one gets the same port again as long as it is free.

    Inside it a client that reconnects to a server that is just away could be given the server's
    own port, and would then talk to itself and keep the server from coming back.
    """
    lowest, highest = _clients_range()
    candidates = [port for port in range(15_000, 60_000) if not lowest <= port <= highest]
    chance = random.Random(of)  # noqa: S311
    while True:
        port = chance.choice(candidates or range(15_000, 60_000))
        if port not in avoid and is_free(port):
            return port


def _clients_range() -> tuple[int, int]:
    try:
        text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    except OSError:
        return 49_152, 65_535
    lowest, highest = text.split()
    return int(lowest), int(highest)
