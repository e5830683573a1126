"""The embedded server that speaks the Redis protocol."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from ops.binaries import valkey_server
from ops.errors import OpsError
from ops.identity import leashed
from ops.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Valkey:
    """A server, its folder and its port. The password keeps other users of the machine out."""

    folder: Path
    port: int
    password: str = field(repr=False)
    is_durable: bool = True

    def prepare(self) -> None:
        """Write the configuration: a password on the command line could be read by everybody."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = [
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            "save ''",
            f"appendonly {'yes' if self.is_durable else 'no'}",
            "appendfsync everysec",
            # A broker must never drop keys: refuse writes instead.
            "maxmemory-policy noeviction",
            "databases 64",
        ]
        config = self._config()
        config.touch(mode=0o600)
        config.write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """Return the command line of the server."""
        return leashed([str(valkey_server()), str(self._config())])

    def url(self, number: int = 0) -> str:
        """Return the address of one of its numbered databases."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{number}"

    def _config(self) -> Path:
        return self.folder / "valkey.conf"


def wait_for_redis(url: str, *, seconds: float, gave_up: Callable[[], str | None]) -> None:
    """Wait until the server answers. `gave_up` says why waiting is useless. Raises OpsError."""
    deadline = time.monotonic() + seconds
    with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
        while True:
            try:
                client.ping()
                return
            except redis.RedisError as error:
                reason = gave_up()
                if reason is None and time.monotonic() > deadline:
                    reason = f"no answer in {seconds:.0f} s: {error}"
                if reason is not None:
                    raise OpsError(f"Redis does not start: {reason}") from None
                time.sleep(0.02)
