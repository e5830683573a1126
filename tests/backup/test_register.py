"""The register of erasures lies beside the backups, and comes back with any of them."""

from pathlib import Path

from booking.privacy.register import FILE
from ops.backup import restore as restoring
from ops.backup.archive import Archiver
from ops.backup.register import ERASURES, RegisterShipper, fetch_register
from ops.backup.storage import Storage
from ops.folder import DataFolder
from tests.backup.conftest import House, Kept


def test_it_is_stored_with_the_wal(house: House, storage: Storage, archiver: Archiver) -> None:
    (house.source.data / FILE).write_text("one\n")

    archiver.archive()

    assert len(list(storage.files(ERASURES))) == 1
    (house.source.data / FILE).unlink()


def test_it_comes_back_with_a_restore(kept: Kept, tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    lost.mkdir()
    (lost / FILE).write_text("one\ntwo\n")
    RegisterShipper(kept.storage, lost).ship()

    restoring.restore(kept.storage, DataFolder(tmp_path / "back"), at=None, is_durable=False)

    file = tmp_path / "back" / FILE
    assert set(file.read_text().split()) >= {"one", "two"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_one_that_was_begun_anew_overwrites_nothing(storage: Storage, tmp_path: Path) -> None:
    for name, text in (("old", "a\nb\n"), ("new", "c\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / FILE).write_text(text)
        RegisterShipper(storage, tmp_path / name).ship()
    (tmp_path / "back").mkdir()

    assert fetch_register(storage, tmp_path / "back") == 3

    assert set((tmp_path / "back" / FILE).read_text().split()) == {"a", "b", "c"}


def test_one_that_has_grown_is_stored_again_under_its_name(
    storage: Storage, tmp_path: Path
) -> None:
    shipper = RegisterShipper(storage, tmp_path)
    for text in ("a\n", "a\nb\n"):
        (tmp_path / FILE).write_text(text)
        shipper.ship()

    assert len(list(storage.files(ERASURES))) == 1
    assert fetch_register(storage, tmp_path) == 2
