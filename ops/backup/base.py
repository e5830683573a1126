"""Take a base backup: copy, verify, store, and only then let it count."""

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ops.backup.catalogue import MARK, Base
from ops.backup.storage import Storage
from ops.backup.streams import packed_folder
from ops.backup.tools import ask, identify, run_tool, server_now, verify_copy
from ops.errors import OpsError
from ops.folder import SECRETS


@dataclass(frozen=True, slots=True)
class Source:
    """The server to copy, the database in it that is ours, and the installation's data folder."""

    url: str
    database: str
    data: Path

    @property
    def workplace(self) -> Path:
        """Return the folder for copies and WAL on their way."""
        return self.data / "backup"


def take_base(source: Source, storage: Storage) -> Base:
    """Copy the running server into the storage; return what now counts. Raises OpsError.

    PostgreSQL checks each page's checksum as it reads it, and pg_verifybackup each file of the
    copy. Needs room for one copy in the data folder while it lasts.
    """
    system = identify(source.url)
    began_at = server_now(source.url)
    with scratch(source.workplace, "base-") as copy:
        # Fast: the copy begins with a checkpoint now. A temporary slot keeps the WAL of the copy.
        run_tool(
            "pg_basebackup",
            source.url,
            *("--pgdata", str(copy), "--format=plain", "--wal-method=stream"),
            *("--checkpoint=fast", "--no-sync", "--label=holdfast"),
        )
        ended_at = server_now(source.url)
        if any((copy / "pg_tblspc").iterdir()):
            raise OpsError("the server has tablespaces: Holdfast makes none and copies none")
        verify_copy(copy)
        first, last = _segments(copy)
        base = Base(
            id=f"{ended_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            system=system.id,
            first_segment=first,
            last_segment=last,
            began_at=began_at,
            ended_at=ended_at,
            postgres=system.postgres,
            superuser=ask(source.url, "SELECT rolname FROM pg_roles WHERE oid = 10")[0],
            database=source.database,
            size=sum(each.stat().st_size for each in copy.rglob("*") if each.is_file()),
            stored_as="",
        )
        stored_as = storage.put(f"{base.folder}/base.tar.gz", packed_folder(copy))
    _store_secrets(source, storage, base)
    counted = replace(base, stored_as=stored_as)
    storage.put_plain(f"{base.folder}/{MARK}", counted.written())
    return counted


@contextmanager
def scratch(place: Path, prefix: str) -> Iterator[Path]:
    """Give an empty folder, and remove it with all that is in it at the end."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as made:
        yield Path(made)


def _store_secrets(source: Source, storage: Storage, base: Base) -> None:
    """Put the installation's own secrets beside the copy, but never unsealed."""
    file = source.data / SECRETS
    if storage.seal.ending and file.is_file():
        storage.put_file(f"{base.folder}/{SECRETS}", file.read_bytes())


def _segments(copy: Path) -> tuple[str, str]:
    """Return the first and the last segment of the WAL that makes the copy consistent."""
    (reach,) = json.loads((copy / "backup_manifest").read_text())["WAL-Ranges"]
    size = next(each for each in (copy / "pg_wal").iterdir() if len(each.name) == 24).stat().st_size
    return (
        segment(reach["Timeline"], reach["Start-LSN"], size),
        # What ends with a segment does not need the next one.
        segment(reach["Timeline"], reach["End-LSN"], size, back=1),
    )


def segment(timeline: int, lsn: str, size: int, *, back: int = 0) -> str:
    """Return the name of the segment that holds a place of the WAL."""
    high, low = (int(half, 16) for half in lsn.split("/"))
    number = ((high << 32) + low - back) // size
    in_each = (1 << 32) // size
    return f"{timeline:08X}{number // in_each:08X}{number % in_each:08X}"
