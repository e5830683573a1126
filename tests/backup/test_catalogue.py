"""Retention keeps what thirty days need and removes the rest; a base is found by its instant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.backup.catalogue import (
    MARK,
    Base,
    all_bases,
    archived_after,
    base_for,
    prune,
    superfluous_bases,
)
from ops.backup.storage import Storage
from ops.errors import OpsError

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def base(days_ago: float, first: int = 1, *, system: str = "7", timeline: int = 1) -> Base:
    ended_at = NOW - timedelta(days=days_ago)
    return Base(
        id=f"{ended_at:%Y%m%dT%H%M%SZ}",
        system=system,
        first_segment=_segment(first, timeline),
        last_segment=_segment(first, timeline),
        began_at=ended_at,
        ended_at=ended_at,
        postgres="18",
        superuser="admin",
        database="holdfast",
        size=1,
        stored_as="",
    )


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(str(tmp_path / "stored"))


def test_the_base_before_the_window_stays_and_older_ones_go() -> None:
    bases = [base(days) for days in (33, 32, 31, 29, 1)]

    assert superfluous_bases(bases, NOW - timedelta(days=30)) == bases[:2]


def test_the_only_base_stays_however_old_it_is() -> None:
    assert superfluous_bases([base(400)], NOW - timedelta(days=30)) == []


def test_pruning_removes_bases_and_wal_that_no_instant_needs(storage: Storage) -> None:
    old, edge, new = base(40, 2), base(31, 5), base(1, 9)
    for each in (old, edge, new):
        _store(storage, each)
    for number in (1, 2, 4, 5, 8, 9, 12):
        storage.put_file(f"wal/7/{_segment(number)}", b"wal")
    storage.put_file(f"wal/7/{_segment(4)}.partial", b"wal")
    storage.put_file("wal/7/00000002.history", b"history")

    gone = prune(storage, days=30, now=NOW)

    assert all_bases(storage) == [edge, new]
    assert sorted(each.name for each in storage.files("wal")) == [
        *(f"wal/7/{_segment(number)}.gz" for number in (5, 8, 9, 12)),
        "wal/7/00000002.history.gz",
    ]
    assert len(gone) == 2 + 4


def test_every_instant_of_the_window_is_reached_after_pruning(storage: Storage) -> None:
    bases = [base(days) for days in (45, 38.5, 31.5, 24, 17, 3)]
    for each in bases:
        _store(storage, each)
    instants = [NOW - timedelta(days=days) for days in (30, 29.9, 24, 20, 3, 0)]
    before = [base_for(bases, instant) for instant in instants]

    prune(storage, days=30, now=NOW)

    assert [base_for(all_bases(storage), instant) for instant in instants] == before


def test_what_is_under_way_is_not_pruned(storage: Storage) -> None:
    _store(storage, base(1))
    storage.put_file("base/7/under-way/base.tar", b"half")
    storage.put_file(f"wal/8/{_segment(1)}", b"of a server whose first base is not done")

    prune(storage, days=30, now=datetime.now(UTC))

    names = {each.name for each in storage.files()}
    assert {"base/7/under-way/base.tar.gz", f"wal/8/{_segment(1)}.gz"} <= names


def test_what_an_interrupted_backup_left_goes_after_a_day(storage: Storage) -> None:
    storage.put_file("base/7/half/base.tar", b"half")

    prune(storage, days=30, now=datetime.now(UTC) + timedelta(days=2))

    assert not list(storage.files())


def test_an_instant_is_reached_from_the_newest_base_before_it() -> None:
    bases = [base(3), base(2), base(1)]

    assert base_for(bases, NOW - timedelta(days=1.5)) == bases[1]
    with pytest.raises(OpsError, match="no backup reaches back"):
        base_for(bases, NOW - timedelta(days=4))
    with pytest.raises(OpsError, match="there is no backup"):
        base_for([], NOW)


def test_only_wal_of_the_bases_own_line_and_up_to_the_next_is_fetched(storage: Storage) -> None:
    wanted = base(2, 4)
    bases = [wanted, base(1, 6), base(0.5, 5, timeline=2), base(0.5, 5, system="8")]
    for number in (3, 4, 5, 6, 7):
        storage.put_file(f"wal/7/{_segment(number)}", b"")
        storage.put_file(f"wal/7/{_segment(number, 2)}", b"")
        storage.put_file(f"wal/8/{_segment(number)}", b"")

    found = archived_after(storage, wanted, bases)

    assert [each.name for each in found] == [f"wal/7/{_segment(number)}.gz" for number in (4, 5, 6)]


def test_a_mark_that_cannot_be_read_is_named(storage: Storage) -> None:
    storage.put_plain("base/7/x/backup.json", b"{}")

    with pytest.raises(OpsError, match=r"base/7/x/backup\.json"):
        all_bases(storage)


def test_a_mark_says_again_what_was_written() -> None:
    made = replace(base(1), stored_as="base/7/x/base.tar.gz")

    assert Base.read(made.written(), "mark") == made


def _store(storage: Storage, each: Base) -> None:
    storage.put_file(f"{each.folder}/base.tar", b"content")
    storage.put_plain(f"{each.folder}/{MARK}", each.written())


def _segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{0:08X}{number:08X}"
