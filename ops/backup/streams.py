"""Bytes on their way to the storage and back: packed, sealed, and never whole in memory.

A stream is an iterator of byte strings. An error anywhere on the way comes out of the iterator, so
that what is being stored is given up and not cut short.
"""

import gzip
import io
import os
import tarfile
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyrage

from ops.errors import OpsError

CHUNK = 1024 * 1024
# The first level: the others cost several times as much and save a few percent of such files.
LEVEL = 1


def produced(work: Callable[[BinaryIO], object]) -> Iterator[bytes]:
    """Yield what `work`, on a thread of its own, writes; then raise what it has raised."""
    read_end, write_end = os.pipe()
    failures: list[Exception] = []

    def run() -> None:
        try:
            with os.fdopen(write_end, "wb") as out:
                work(out)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is raised by who reads)
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        # Closed before the thread is waited for: it then cannot wait for us.
        with os.fdopen(read_end, "rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk
    finally:
        thread.join()
    if failures:
        raise failures[0]


class Reader(io.RawIOBase):
    """A stream as a file to read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, into: Any, /) -> int:
        """Fill a buffer with what comes next; 0 at the end."""
        while not self._rest:
            try:
                chunk = next(self._chunks, None)
            except Exception as error:
                self.failure = error  # the reader may be a library that hides it in its own
                raise
            if chunk is None:
                return 0
            self._rest = memoryview(chunk)
        target = memoryview(into)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def packed_folder(folder: Path) -> Iterator[bytes]:
    """Return a folder's content as a compressed tar file."""

    def pack(out: BinaryIO) -> None:
        with (
            gzip.GzipFile(fileobj=out, mode="wb", compresslevel=LEVEL, mtime=0) as small,
            tarfile.open(fileobj=small, mode="w|", bufsize=CHUNK) as tar,
        ):
            tar.add(folder, arcname=".")

    return produced(pack)


def unpack_folder(chunks: Iterable[bytes], folder: Path) -> None:
    """Write out what packed_folder() has packed. Raises OpsError."""
    source = gzip.GzipFile(fileobj=io.BufferedReader(Reader(chunks), CHUNK))
    # Python 3.11.2, as Debian 12 has it, knows no filters yet; the files are our own.
    safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=CHUNK) as tar:
            tar.extractall(folder, **safely)  # noqa: S202
        # The end of the packing holds its own proof, and comes after the end of the tar file.
        while source.read(CHUNK):
            pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OpsError(f"the stored backup is damaged: {error}") from None


def packed(content: bytes) -> bytes:
    """Compress a small file."""
    return gzip.compress(content, LEVEL, mtime=0)


def unpacked(content: bytes, name: str) -> bytes:
    """Return what packed() has packed. Raises OpsError."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise OpsError(f"the stored file {name} is damaged: {error}") from None


class Seal:
    """Seals for the holders of some keys, and opens with one of them, as the program age does."""

    def __init__(self, recipients: Iterable[str] = (), identity: str | None = None) -> None:
        try:
            self._recipients = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
            self._identity = pyrage.x25519.Identity.from_str(identity) if identity else None
        except (pyrage.RecipientError, pyrage.IdentityError) as error:
            raise OpsError(f"HOLDFAST_BACKUP_RECIPIENTS or _IDENTITY: {error}") from None

    @property
    def ending(self) -> str:
        """Return what the names of sealed files end in; nothing where nothing is sealed."""
        return ".age" if self._recipients else ""

    def close(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Return the stream sealed, or as it is where no recipients are known."""
        if not self._recipients:
            return iter(chunks)
        return self._closed(Reader(chunks))

    def open(self, chunks: Iterable[bytes], name: str) -> Iterator[bytes]:
        """Return what was sealed, by the ending of its name. Raises OpsError."""
        if not name.endswith(".age"):
            return iter(chunks)
        if self._identity is None:
            raise OpsError(
                "the backup is sealed: give the key that opens it in HOLDFAST_BACKUP_IDENTITY_FILE"
            )
        return self._opened(Reader(chunks), name)

    def _closed(self, source: Reader) -> Iterator[bytes]:
        try:
            yield from produced(lambda out: pyrage.encrypt_io(source, out, self._recipients))
        except pyrage.EncryptError as error:
            raise source.failure or OpsError(f"cannot seal: {error}") from None

    def _opened(self, source: Reader, name: str) -> Iterator[bytes]:
        identities = [self._identity]
        try:
            yield from produced(lambda out: pyrage.decrypt_io(source, out, identities))
        except (pyrage.DecryptError, OSError) as error:
            raise source.failure or OpsError(
                f"{name} cannot be opened: it is damaged, or HOLDFAST_BACKUP_IDENTITY is not its"
                f" key ({error})"
            ) from None


def new_key() -> tuple[str, str]:
    """Return a fresh recipient, and the identity that opens what is sealed for it."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity.to_public()), str(identity)
