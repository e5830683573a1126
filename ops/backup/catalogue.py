"""What is stored, by name: which base leads to an instant, and what nobody needs any more.

BASES/<system>/<id>/base.tar.gz      a data folder, with the WAL that makes it consistent
BASES/<system>/<id>/backup.json      what it is; written last, and without it it does not count
WAL/<system>/<segment>.gz            16 MB of WAL
WAL/<system>/<segment>.partial.gz    the segment that is being written, as far as it has come
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Self

from ops.backup.storage import Storage, Stored
from ops.errors import OpsError

BASES, WAL = "base", "wal"
MARK = "backup.json"
SEGMENT = re.compile(
    r"/(?P<segment>(?P<timeline>[0-9A-F]{8})[0-9A-F]{16})(?P<partial>\.partial)?\."
)
# What has no mark may still be under way for so long.
UNFINISHED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Base:
    """A base backup that counts, as its mark says."""

    id: str
    system: str
    first_segment: str
    last_segment: str
    began_at: datetime
    ended_at: datetime
    postgres: str
    superuser: str
    database: str
    size: int
    stored_as: str

    @property
    def timeline(self) -> str:
        """Return the timeline, as the names of segments begin."""
        return self.first_segment[:8]

    @property
    def folder(self) -> str:
        """Return where its files lie."""
        return f"{BASES}/{self.system}/{self.id}"

    def written(self) -> bytes:
        """Return the mark."""
        return json.dumps(asdict(self), indent=1, default=datetime.isoformat).encode()

    @classmethod
    def read(cls, mark: bytes, name: str) -> Self:
        """Return what a mark says. Raises OpsError."""
        try:
            said = json.loads(mark)
            times = {key: datetime.fromisoformat(said[key]) for key in ("began_at", "ended_at")}
            return cls(**said | times)
        except (ValueError, KeyError, TypeError) as error:
            raise OpsError(f"cannot read {name}: {error}") from None


def all_bases(storage: Storage) -> list[Base]:
    """Return every base that counts, oldest first. Raises OpsError."""
    marks = [each.name for each in storage.files(BASES) if each.name.endswith(f"/{MARK}")]
    found = [Base.read(storage.get_plain(name), name) for name in marks]
    return sorted(found, key=lambda base: base.ended_at)


def base_for(bases: Iterable[Base], at: datetime) -> Base:
    """Return the newest base that was finished at an instant. Raises OpsError."""
    known = sorted(bases, key=lambda base: base.ended_at)
    if not known:
        raise OpsError("there is no backup there")
    fit = [base for base in known if base.ended_at <= at]
    if not fit:
        raise OpsError(
            f"no backup reaches back to {at.isoformat()}: the oldest is of"
            f" {known[0].ended_at.isoformat(timespec='seconds')}"
        )
    return fit[-1]


def archived_after(storage: Storage, base: Base, bases: Iterable[Base]) -> list[Stored]:
    """Return the stored WAL that can follow a base, in order; none beyond the next base's.

    Also the histories of timelines, so that a restored server takes a number that is free.
    """
    following = [
        other.last_segment
        for other in bases
        if (other.system, other.timeline) == (base.system, base.timeline)
        and other.ended_at > base.ended_at
    ]
    last = min(following, default="G")
    found = []
    for each in storage.files(f"{WAL}/{base.system}"):
        match = SEGMENT.search(each.name)
        if match is None:
            if ".history." in each.name:
                found.append(each)
        elif match["timeline"] == base.timeline and base.first_segment <= match["segment"] <= last:
            found.append(each)
    return sorted(found, key=lambda each: each.name)


def superfluous_bases(bases: Iterable[Base], since: datetime) -> list[Base]:
    """Return the bases without which every instant since then can still be reached.

    One that is older stays for as long as no newer one was finished before the window begins.
    """
    known = sorted(bases, key=lambda base: base.ended_at)
    return [base for base, following in pairwise(known) if following.ended_at <= since]


def prune(storage: Storage, *, days: int, now: datetime) -> list[str]:
    """Remove what is past retention; return the names. Raises OpsError.

    The marks go first: what is removed half does not count any more.
    """
    bases = all_bases(storage)
    superfluous = superfluous_bases(bases, now - timedelta(days=days))
    kept = [base for base in bases if base not in superfluous]
    for base in superfluous:
        storage.delete([f"{base.folder}/{MARK}"])
    folders = {f"{base.folder}/" for base in kept}
    gone = [
        each.name
        for each in storage.files(BASES)
        if not any(each.name.startswith(folder) for folder in folders)
        and (_belongs_to(each, superfluous) or each.changed_at < now - UNFINISHED)
    ]
    gone += [each.name for each in storage.files(WAL) if _is_unneeded(each, kept, now)]
    storage.delete(gone)
    storage.clear_unfinished(older_than=UNFINISHED)
    return [f"{base.folder}/{MARK}" for base in superfluous] + gone


def _belongs_to(stored: Stored, bases: Iterable[Base]) -> bool:
    return any(stored.name.startswith(f"{base.folder}/") for base in bases)


def _is_unneeded(stored: Stored, kept: Iterable[Base], now: datetime) -> bool:
    """Tell of a WAL file whether no base that is kept leads over it."""
    match = SEGMENT.search(stored.name)
    if match is None:
        return False
    system = stored.name.split("/")[1]
    starts = [
        base.first_segment
        for base in kept
        if (base.system, base.timeline) == (system, match["timeline"])
    ]
    if not starts:
        # Perhaps the first base of this server is still under way.
        return stored.changed_at < now - UNFINISHED
    return match["segment"] < min(starts)
