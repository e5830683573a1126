"""What a base backup refuses, and that it counts only when all of it is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.backup import base as taking
from ops.backup.base import segment, take_base
from ops.backup.catalogue import all_bases
from ops.backup.storage import Storage
from ops.errors import OpsError
from tests.backup.conftest import House, Kept

pytestmark = pytest.mark.timeout(120)


def test_a_torn_page_of_the_server_gives_no_backup(house: House, storage: Storage) -> None:
    house.run("CREATE TABLE torn AS SELECT repeat('a', 500) FROM generate_series(1, 50)")
    house.run("CHECKPOINT")
    ((path,),) = house.run("SELECT pg_relation_filepath('torn')")
    file = house.servers.cluster.folder / str(path)
    file.write_bytes(file.read_bytes()[:-100] + b"x" * 100)

    with pytest.raises(OpsError, match="checksum"):
        take_base(house.source, storage)

    assert not list(storage.files())
    house.run("DROP TABLE torn")


def test_an_interrupted_backup_does_not_count(
    house: House, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path) -> Iterator[bytes]:
        yield (folder / "PG_VERSION").read_bytes() * 1_000_000
        raise OpsError("interrupted")

    monkeypatch.setattr(taking, "packed_folder", interrupted)

    with pytest.raises(OpsError, match="interrupted"):
        take_base(house.source, storage)

    assert not list(storage.files())
    assert all_bases(storage) == []
    assert not list(house.source.workplace.glob("base-*"))


def test_what_was_stored_without_its_mark_does_not_count(kept: Kept, storage: Storage) -> None:
    stored = kept.base.stored_as.removesuffix(".age")

    storage.put(stored, kept.storage.get(kept.base.stored_as))

    assert all_bases(storage) == []
    assert all_bases(kept.storage) == [kept.base]


def test_secrets_are_stored_only_where_all_is_sealed(
    kept: Kept, house: House, tmp_path: Path
) -> None:
    plain = Storage(str(tmp_path / "plain"))

    taking._store_secrets(house.source, plain, kept.base)

    assert not list(plain.files())
    assert [each for each in kept.storage.files() if each.name.endswith("secrets.json.gz.age")]


def test_nobody_else_can_read_what_is_stored(kept: Kept) -> None:
    place = Path(kept.storage.url)

    assert {file.stat().st_mode & 0o777 for file in place.rglob("*") if file.is_file()} == {0o600}


def test_nobody_else_can_enter_a_folder_that_was_made_for_backups(tmp_path: Path) -> None:
    made = Storage(str(tmp_path / "new"))

    assert Path(made.url).stat().st_mode & 0o777 == 0o700


def test_a_server_that_does_not_answer_is_named(storage: Storage, house: House) -> None:
    away = taking.Source("postgresql://nobody@127.0.0.1:9/none", "none", house.source.data)

    with pytest.raises(OpsError, match="HOLDFAST_BACKUP_DATABASE_URL"):
        take_base(away, storage)


def test_segments_are_named_as_the_server_names_them(house: House) -> None:
    ((place, name),) = house.run(
        "SELECT lsn::text, pg_walfile_name(lsn) FROM pg_current_wal_lsn() AS lsn"
    )

    assert segment(1, str(place), 16 * 1024 * 1024) == name
    assert segment(2, "3/0", 16 * 1024 * 1024, back=1) == "0000000200000002000000FF"
