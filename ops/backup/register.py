"""The register of erasures beside the backups: what was erased must not come back with one of them.

A register is stored under a name that follows from its first line, which never changes. So one that
was begun anew, in a folder that had lost its own, never overwrites what is stored.
"""

import hashlib
from pathlib import Path

from booking.privacy.register import FILE
from ops.backup.storage import Storage

ERASURES = "erasures"


class RegisterShipper:
    """Stores the register of a data folder again whenever it has grown."""

    def __init__(self, storage: Storage, data: Path) -> None:
        self._storage = storage
        self._file = data / FILE
        self._stored = 0

    def ship(self) -> None:
        """Store the register, if there is more in it than the last time. Raises OpsError."""
        if not self._file.exists() or self._file.stat().st_size == self._stored:
            return
        content = self._file.read_bytes()
        first = content.split(b"\n", 1)[0]
        name = hashlib.sha256(first).hexdigest()[:16]
        self._storage.put_file(f"{ERASURES}/{name}.jsonl", content)
        self._stored = len(content)


def fetch_register(storage: Storage, into: Path) -> int:
    """Put all that is stored of registers into a data folder; returns how many lines that are."""
    lines: dict[bytes, None] = {}
    for stored in sorted(storage.files(ERASURES), key=lambda each: each.name):
        lines |= dict.fromkeys(storage.get_file(stored.name).splitlines())
    if lines:
        file = into / FILE
        file.touch(mode=0o600)
        file.write_bytes(b"".join(line + b"\n" for line in lines))
    return len(lines)
