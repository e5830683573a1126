"""WAL leaves the machine within seconds, nothing waits for it, and a gap is told and closed."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ops.backup import archive
from ops.backup.archive import Archiver
from ops.backup.storage import Storage
from ops.errors import OpsError
from ops.stores import ARCHIVE_SLOT
from settings import settings
from tests.backup.conftest import House

pytestmark = pytest.mark.timeout(120)


def test_what_is_committed_is_stored_with_the_next_turn(
    house: House, storage: Storage, archiver: Archiver
) -> None:
    archiver.archive()
    house.run("SELECT pg_switch_wal()")
    house.run("CREATE TABLE IF NOT EXISTS written (n int)")

    archiver.archive()

    names = [Path(each.name).name for each in storage.files("wal")]
    assert [name for name in names if ".partial" not in name]
    assert len([name for name in names if ".partial" in name]) == 1
    assert [file.suffix for file in archiver._spool.iterdir()] == [".partial"]


def test_a_storage_that_is_away_stops_nobody_and_loses_nothing(
    house: House, storage: Storage, archiver: Archiver
) -> None:
    archiver.archive()
    place = Path(storage.url)
    place.rename(place.with_name("away"))
    place.write_text("no folder any more")

    house.run("SELECT pg_switch_wal()")
    with pytest.raises(OpsError, match="cannot store"):
        archiver.archive()
    house.book(1)
    waiting = {file.name for file in archiver._spool.iterdir() if not file.suffix}
    place.unlink()
    place.with_name("away").rename(place)
    archiver.archive()

    assert waiting
    stored = {Path(each.name).name.split(".")[0] for each in storage.files("wal")}
    assert waiting <= stored


def test_a_full_spool_leaves_the_wal_with_the_server(
    house: House, archiver: Archiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    archiver.archive()
    monkeypatch.setattr(archive, "FLUSH_SECONDS", 0.2)

    monkeypatch.setattr(archive, "settings", replace(settings, backup_spool_mb=1))
    house.run("SELECT pg_switch_wal()")
    archiver.archive()
    house.book(1)
    received = _is_receiving(house)

    assert not received


def test_after_a_lost_slot_the_chain_begins_anew(
    house: House, archiver: Archiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    archiver.archive()
    archiver._broken.unlink()
    archiver._stop_receiving()
    _until(lambda: not _is_receiving(house))
    house.run(f"SELECT pg_drop_replication_slot('{ARCHIVE_SLOT}')")
    house.run("SELECT pg_switch_wal()")

    archiver.archive()

    assert _is_receiving(house)
    assert archiver._broken.exists()


def _is_receiving(house: House) -> bool:
    found = house.run(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{ARCHIVE_SLOT}'")
    return found == [(True,)]


def _until(is_so: Callable[[], bool]) -> None:
    """Wait for what comes within moments; the test's own time limit ends it otherwise."""
    while not is_so():
        time.sleep(0.01)
