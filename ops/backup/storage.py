"""Where backups lie: a folder, or a bucket of S3-compatible storage."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from ops.backup.streams import CHUNK, Seal, packed, unpacked
from ops.errors import OpsError

PATIENCE = timedelta(seconds=30)
# Parts of a large upload: S3 takes ten thousand of them, which is 160 GB.
PART = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class S3:
    """How to reach a bucket; what is left out comes from AWS_* or the machine's own role."""

    endpoint: str | None = None
    region: str | None = None
    key_id: str | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored file, by its whole name."""

    name: str
    size: int
    changed_at: datetime


class Storage:
    """Files by name, written in one step each, sealed where there is a key."""

    def __init__(self, url: str, seal: Seal | None = None, s3: S3 | None = None) -> None:
        self.url = url
        self.seal = seal or Seal()
        self._folder: Path | None = None
        self._store = self._open(url, s3 or S3())

    def put(self, name: str, chunks: Iterable[bytes]) -> str:
        """Store a sealed stream; return the whole name. Raises OpsError.

        It is there as a whole or not at all, and in a folder it is on disk.
        """
        whole = name + self.seal.ending
        self._put(whole, self.seal.close(chunks))
        return whole

    def put_file(self, name: str, content: bytes) -> str:
        """Store a small file, compressed and sealed; return the whole name. Raises OpsError."""
        whole = f"{name}.gz{self.seal.ending}"
        # In one piece: a stream takes three calls to a bucket, this takes one.
        self._put(whole, b"".join(self.seal.close([packed(content)])))
        return whole

    def put_plain(self, name: str, content: bytes) -> None:
        """Store a file that anybody may read who may list. Raises OpsError."""
        self._put(name, content)

    def get(self, whole: str) -> Iterator[bytes]:
        """Return the stream that put() has stored. Raises OpsError."""
        return self.seal.open(self._get(whole), whole)

    def get_file(self, whole: str) -> bytes:
        """Return what put_file() has stored. Raises OpsError."""
        return unpacked(b"".join(self.get(whole)), whole)

    def get_plain(self, name: str) -> bytes:
        """Return what put_plain() has stored. Raises OpsError."""
        return b"".join(self._get(name))

    def files(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stored]:
        """Yield what is stored below a folder, in no order. Raises OpsError."""
        try:
            for batch in obstore.list(self._store, prefix or None, offset=after):
                for each in batch:
                    yield Stored(each["path"], each["size"], each["last_modified"])
        except (BaseError, OSError) as error:
            raise self._failure("list", error) from None

    def delete(self, names: list[str]) -> None:
        """Remove files. One that is gone already is no error. Raises OpsError."""
        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise self._failure("delete", error) from None

    def clear_unfinished(self, *, older_than: timedelta) -> None:
        """Remove what a killed upload has left in a folder; a bucket has a rule for that."""
        if self._folder is None:
            return
        oldest = (datetime.now(UTC) - older_than).timestamp()
        for file in self._folder.rglob("*#*"):
            if file.is_file() and file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)

    def _put(self, name: str, content: bytes | Iterator[bytes]) -> None:
        try:
            obstore.put(self._store, name, content, chunk_size=PART, max_concurrency=4)
            if self._folder is not None:
                _write_through(self._folder / name)
        except (BaseError, OSError) as error:
            raise self._failure("store", error) from None

    def _get(self, name: str) -> Iterator[bytes]:
        try:
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=CHUNK):
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise self._failure(f"read {name}", error) from None

    def _open(self, url: str, s3: S3) -> LocalStore | S3Store:
        parts = urlsplit(url)
        if parts.scheme == "s3":
            return self._bucket(parts.netloc, parts.path.strip("/"), s3)
        self._folder = Path(parts.path if parts.scheme == "file" else url)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._failure("make", error) from None
        return LocalStore(self._folder)

    def _bucket(self, bucket: str, prefix: str, s3: S3) -> S3Store:
        given = {
            "endpoint": s3.endpoint,
            "region": s3.region,
            "access_key_id": s3.key_id,
            "secret_access_key": s3.secret,
        }
        return S3Store(
            bucket,
            prefix=prefix or None,
            config={name: value for name, value in given.items() if value},  # type: ignore[arg-type]
            client_options={
                "allow_http": (s3.endpoint or "").startswith("http://"),
                "connect_timeout": "5s",
                "timeout": "10min",
            },
            retry_config={"max_retries": 3, "retry_timeout": PATIENCE},
        )

    def _failure(self, verb: str, error: Exception) -> OpsError:
        reason = " ".join(str(error).split("\n\nDebug source:")[0].split())
        return OpsError(f"backup storage {self.url}: cannot {verb}: {reason[:300]}")


def _write_through(file: Path) -> None:
    """Have a file and its name on disk, and let nobody else read it."""
    file.chmod(0o600)
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
