"""What clients were promised, one JSON line each, on the disk before it counts."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

Line = dict[str, Any]


class Journal:
    """Appends lines and comes back from `keep` once they are on the disk, many with one fsync."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None

    def note(self, **line: Any) -> None:
        """Append a line; it need not survive a power cut."""
        self._file.write(json.dumps(line) + "\n")

    async def keep(self, **line: Any) -> None:
        """Append a line and return when it is on the disk."""
        self.note(**line)
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append(kept)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._sync())
        await kept

    def close(self) -> None:
        """Write what is left."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    async def _sync(self) -> None:
        while self._waiting:
            kept, self._waiting = self._waiting, []
            self._file.flush()
            await asyncio.to_thread(os.fsync, self._file.fileno())
            for each in kept:
                if not each.done():
                    each.set_result(None)


def read_journal(path: Path) -> list[Line]:
    """Return the lines, in their order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
