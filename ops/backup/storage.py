"""Where backups lie: files in a folder or a bucket, sealed where there is a key."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from ops.backup.streams import Seal, packed, unpacked
from ops.errors import OpsError
from storage import S3, Files, StorageError, Stored

__all__ = ["S3", "Storage", "Stored"]


class Storage:
    """Files by name, written in one step each, sealed where there is a key."""

    def __init__(self, url: str, seal: Seal | None = None, s3: S3 | None = None) -> None:
        self.url = url
        self.seal = seal or Seal()
        with self._named():
            self._files = Files(url, s3)

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
        with self._named():
            yield from self._files.files(prefix, after=after)

    def delete(self, names: list[str]) -> None:
        """Remove files. One that is gone already is no error. Raises OpsError."""
        with self._named():
            self._files.delete(names)

    def clear_unfinished(self, *, older_than: timedelta) -> None:
        """Remove what a killed upload has left in a folder; a bucket has a rule for that."""
        self._files.clear_unfinished(older_than=older_than)

    def _put(self, name: str, content: bytes | Iterable[bytes]) -> None:
        with self._named():
            self._files.put(name, content)

    def _get(self, name: str) -> Iterator[bytes]:
        with self._named():
            yield from self._files.get(name)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say of whatever fails whose storage it was."""
        try:
            yield
        except StorageError as error:
            raise OpsError(f"backup storage {self.url}: {error}") from None
