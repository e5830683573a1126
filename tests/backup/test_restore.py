"""A backup leads back to the instant asked for: every row of before it, none of after."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from ops.backup import restore as restoring
from ops.backup.archive import Archiver
from ops.backup.base import take_base
from ops.backup.copy import recovered
from ops.backup.restore import Report
from ops.backup.storage import Storage
from ops.backup.streams import Seal, packed_folder, unpack_folder
from ops.errors import OpsError
from ops.folder import DataFolder
from ops.postgres import SUPERUSER
from tests.backup.conftest import RECIPIENT, House, Kept

pytestmark = pytest.mark.timeout(180)


def restore(storage: Storage, into: Path, *, at: datetime | None) -> Report:
    """Restore what only this test will look at."""
    return restoring.restore(storage, DataFolder(into), at=at, is_durable=False)


def test_comes_back_to_the_second_before_the_damage(
    house: House, storage: Storage, archiver: Archiver, tmp_path: Path
) -> None:
    archiver.archive()
    house.book(3)
    take_base(house.source, storage)
    house.book(2)
    wanted = house.references()
    mark = house.now()
    house.book(1)
    house.run("TRUNCATE venues CASCADE")
    archiver.archive()

    report = restore(storage, tmp_path / "back", at=mark)

    assert report.is_reached
    assert report.lost_seconds == 0
    assert report.invariants_hold
    assert _references(tmp_path / "back") == wanted


def test_an_instant_beyond_the_archive_says_what_may_be_missing(
    house: House, storage: Storage, archiver: Archiver, tmp_path: Path
) -> None:
    archiver.archive()
    take_base(house.source, storage)
    house.book(1)
    archived = house.references()
    before = house.now()
    archiver.archive()
    house.book(1)
    at = house.now() + timedelta(seconds=30)

    report = restore(storage, tmp_path / "back", at=at)

    assert not report.is_reached
    assert report.newest_commit is not None
    assert report.newest_commit <= before
    assert report.lost_seconds == pytest.approx((at - report.newest_commit).total_seconds())
    assert _references(tmp_path / "back") == archived


def test_a_base_alone_is_whole_and_brings_the_secrets_back(
    house: House, kept: Kept, tmp_path: Path
) -> None:
    report = restore(kept.storage, tmp_path / "back", at=None)

    assert report.invariants_hold
    assert _references(tmp_path / "back") == kept.references
    assert DataFolder(tmp_path / "back").secrets() == DataFolder(house.source.data).secrets()


def test_an_instant_before_the_oldest_base_is_refused(kept: Kept, tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="no backup reaches back"):
        restore(kept.storage, tmp_path / "back", at=datetime(2020, 1, 1, tzinfo=UTC))

    assert not (tmp_path / "back").exists()


def test_nothing_is_restored_over_a_folder_in_use(kept: Kept, tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "secrets.json").write_text("{}")

    with pytest.raises(OpsError, match="not empty"):
        restore(kept.storage, tmp_path / "live", at=None)

    assert (tmp_path / "live" / "secrets.json").read_text() == "{}"


def test_a_sealed_backup_needs_its_key(kept: Kept, tmp_path: Path) -> None:
    keyless = Storage(kept.storage.url, Seal([RECIPIENT]))

    with pytest.raises(OpsError, match="HOLDFAST_BACKUP_IDENTITY"):
        restore(keyless, tmp_path / "back", at=None)

    assert not (tmp_path / "back").exists()


def test_a_flipped_byte_is_found_before_the_copy_is_used(
    house: House, kept: Kept, tmp_path: Path
) -> None:
    damaged = _with_a_flipped_byte(house, kept, tmp_path)

    with pytest.raises(OpsError, match="checksum mismatch"):
        restore(damaged, tmp_path / "back", at=None)

    assert not (tmp_path / "back").exists()


def test_without_verification_nobody_finds_the_flipped_byte(
    house: House, kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = _with_a_flipped_byte(house, kept, tmp_path)
    monkeypatch.setattr(restoring, "verify_copy", lambda _folder: None)

    report = restore(damaged, tmp_path / "back", at=None)

    assert report.invariants_hold


def test_a_damaged_stored_file_is_named(kept: Kept, tmp_path: Path) -> None:
    damaged = _copied(kept, tmp_path)
    _flip(Path(damaged.url) / kept.base.stored_as)

    with pytest.raises(OpsError, match=r"base\.tar\.gz\.age cannot be opened"):
        restore(damaged, tmp_path / "back", at=None)


def test_of_two_beginnings_of_a_segment_the_longer_counts(storage: Storage, tmp_path: Path) -> None:
    name = "0" * 24
    storage.put_file(f"wal/7/{name}.partial", b"longer" + bytes(10))
    stored = list(storage.files("wal"))

    for beginning, expected in (
        (b"", b"longer"),
        (b"long", b"longer"),
        (b"longer one", b"longer one"),
    ):
        (tmp_path / name).write_bytes(beginning + bytes(16 - len(beginning)))
        restoring._fetch_wal(storage, stored, tmp_path)

        assert (tmp_path / name).read_bytes().rstrip(b"\0") == expected


def _with_a_flipped_byte(house: House, kept: Kept, tmp_path: Path) -> Storage:
    """Damage a row that nothing reads, inside of a stored backup whose packing is in order."""
    damaged = _copied(kept, tmp_path)
    ((path,),) = house.run("SELECT pg_relation_filepath('unread')")
    opened = tmp_path / "opened"
    opened.mkdir()
    unpack_folder(damaged.get(kept.base.stored_as), opened)
    _flip(opened / str(path))
    damaged.put(kept.base.stored_as.removesuffix(".age"), packed_folder(opened))
    return damaged


def _copied(kept: Kept, tmp_path: Path) -> Storage:
    shutil.copytree(kept.storage.url, tmp_path / "damaged")
    return Storage(str(tmp_path / "damaged"), kept.storage.seal)


def _flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) - 100] ^= 1
    file.write_bytes(content)


def _references(data: Path) -> set[object]:
    """Return the bookings of a restored data folder."""
    with (
        recovered(
            DataFolder(data).cluster, superuser=SUPERUSER, until=None, is_durable=False
        ) as copy,
        psycopg.connect(copy.url("house")) as connection,
    ):
        return {row[0] for row in connection.execute("SELECT reference FROM bookings")}
