"""Files by name, in a folder or in a bucket of S3-compatible storage.

What is stored is there as a whole or not at all, and in a folder it is on disk.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from settings import settings

# Parts of a large upload: S3 takes ten thousand of them, which is 160 GB.
PART = 16 * 1024 * 1024
CHUNK = 1024 * 1024


class StorageError(Exception):
    """The storage did not do what was asked; the message says what, and why."""


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


class Files:
    """Files below one address: a folder, `file:///folder` or `s3://bucket/prefix`.

    `patience` is how long a call is tried again, and `uploads` how many parts of a large file
    travel at the same time.
    """

    def __init__(
        self,
        url: str,
        s3: S3 | None = None,
        *,
        patience: timedelta = timedelta(seconds=30),
        uploads: int = 4,
    ) -> None:
        self.url = url
        self._uploads = uploads
        self._folder: Path | None = None
        self._store = self._open(url, s3 or S3(), patience)

    def put(self, name: str, content: bytes | Iterable[bytes]) -> None:
        """Store a file. Raises StorageError, and whatever the content itself raises."""
        source = None if isinstance(content, bytes) else _Source(content)
        whole = content if source is None else iter(source)
        try:
            obstore.put(self._store, name, whole, chunk_size=PART, max_concurrency=self._uploads)
            if self._folder is not None:
                _write_through(self._folder / name)
        except Exception as error:
            if source is not None and source.error is not None:
                raise source.error from None
            if isinstance(error, (BaseError, OSError)):
                raise _failure("store", error) from None
            raise

    def get(self, name: str) -> Iterator[bytes]:
        """Return a file in chunks. Raises StorageError, also for one that is not there."""
        try:
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=CHUNK):
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise _failure(f"read {name}", error) from None

    def files(self, prefix: str = "", *, after: str | None = None) -> Iterator[Stored]:
        """Yield what is stored below a folder, in no order. Raises StorageError."""
        try:
            for batch in obstore.list(self._store, prefix or None, offset=after):
                for each in batch:
                    yield Stored(each["path"], each["size"], each["last_modified"])
        except (BaseError, OSError) as error:
            raise _failure("list", error) from None

    def delete(self, names: Iterable[str]) -> None:
        """Remove files. One that is gone already is no error. Raises StorageError."""
        for name in names:
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise _failure("delete", error) from None

    def answers(self) -> bool:
        """Tell whether files can be stored: the folder takes them, or the bucket answers us."""
        if self._folder is not None:
            return os.access(self._folder, os.W_OK | os.X_OK)
        try:
            obstore.head(self._store, "is-it-there")
        except FileNotFoundError:
            return self._has_bucket()
        except (BaseError, OSError):
            return False
        return True

    def clear_unfinished(self, *, older_than: timedelta) -> None:
        """Remove what a killed upload has left in a folder; a bucket has a rule for that."""
        if self._folder is None:
            return
        oldest = (datetime.now(UTC) - older_than).timestamp()
        for file in self._folder.rglob("*#*"):
            if file.is_file() and file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)

    def _has_bucket(self) -> bool:
        """A missing file and a missing bucket are answered alike when one is asked for."""
        try:
            next(iter(obstore.list(self._store, "is-it-there", chunk_size=1)), None)
        except (BaseError, OSError):
            return False
        return True

    def _open(self, url: str, s3: S3, patience: timedelta) -> LocalStore | S3Store:
        parts = urlsplit(url)
        if parts.scheme == "s3":
            return _bucket(parts.netloc, parts.path.strip("/"), s3, patience)
        self._folder = Path(parts.path if parts.scheme == "file" else url)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _failure("make", error) from None
        return LocalStore(self._folder)


class _Source:
    """A stream that remembers why it broke off, before others say it in their own words."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except Exception as error:
            self.error = error
            raise


@cache
def files() -> Files:
    """Return where the files of the product lie: HOLDFAST_STORAGE_URL, or the data folder."""
    return Files(
        settings.storage_url or str(settings.data_dir.absolute() / "files"),
        S3(
            settings.storage_endpoint,
            settings.storage_region,
            settings.storage_key_id,
            settings.storage_secret,
        ),
        patience=timedelta(seconds=5),
        # Of each part a copy is held in memory.
        uploads=2,
    )


def _bucket(bucket: str, prefix: str, s3: S3, patience: timedelta) -> S3Store:
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
        retry_config={"max_retries": 3, "retry_timeout": patience},
    )


def _failure(verb: str, error: Exception) -> StorageError:
    reason = " ".join(str(error).split("\n\nDebug source:")[0].split())
    return StorageError(f"cannot {verb}: {reason[:300]}")


def _write_through(file: Path) -> None:
    """Have a file and its name on disk, and let nobody else read it."""
    file.chmod(0o600)
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
