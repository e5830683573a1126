"""`faults`: start an installation, break it row by row, and say what became of the promises."""

import asyncio
import json
import os
import platform
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops import screen
from ops.errors import OpsError
from ops.faults import controls, of_broker, of_database, of_others, of_processes
from ops.faults.figures import Outcome
from ops.faults.report import show_outcomes
from ops.faults.rows import ROWS, Row
from ops.faults.run import Run, run_row
from ops.faults.stack import Stack
from ops.signals import Stopped, told_to_stop

# Imported for the rows that they enter, in the order of the table.
__all__ = ["controls", "of_broker", "of_database", "of_others", "of_processes"]

QUICK_PACE = 0.4
# By their first letters; controls come last, for what they break stays broken.
ORDER = "PRTDNLOC"


def faults(
    *,
    data: Path,
    rows: str | None,
    seed: int | None,
    minutes: float,
    rate: float,
    quick: bool,
    port: int | None,
) -> int:
    """Run the rows, then again with the next seed until the minutes are over; print the table.

    Returns 0 when no promise was broken, every goal was reached and every control was seen.
    """
    chosen = _choose(rows)
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    folder = data / "faults" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{seed}"
    folder.mkdir(parents=True)
    screen.note(f"seed {seed}; journals and report in {folder}")
    breaking = _Breaking(Stack(folder / "stack", port=port), folder, seed, rate, quick)
    with told_to_stop() as deaf:
        try:
            breaking.stack.start()
            breaking.run_all(chosen, minutes)
        except Stopped:
            screen.note("stopping")
        finally:
            deaf()
            breaking.stack.stop()
    return breaking.conclude()


class _Breaking:
    """One run of the command, and what has come of it so far."""

    def __init__(self, stack: Stack, folder: Path, seed: int, rate: float, quick: bool) -> None:
        self.stack = stack
        self._folder, self._seed = folder, seed
        self._rate, self._pace = rate, QUICK_PACE if quick else 1.0
        self._outcomes: list[Outcome] = []
        self._begun = datetime.now(UTC)

    def run_all(self, rows: Sequence[Row], minutes: float) -> None:
        """Run every row once, and all of them again while there is time."""
        until = time.monotonic() + 60 * minutes
        seed = self._seed
        while True:
            for row in rows:
                self._outcomes.append(self._run(row, seed))
            seed += 1
            if time.monotonic() > until:
                break
        if all(row.is_control for row in rows):
            return
        self._verify()

    def conclude(self) -> int:
        """Print the table, write the report, and drop the servers when all was well."""
        show_outcomes(self._outcomes)
        self._write()
        is_good = bool(self._outcomes) and all(each.is_good for each in self._outcomes)
        if is_good:
            shutil.rmtree(self.stack.folder, ignore_errors=True)
        else:
            screen.note(f"the logs are in {self.stack.folder}")
        return 0 if is_good else 1

    def _run(self, row: Row, seed: int) -> Outcome:
        with screen.step(f"{row.name} {row.what}") as show:
            try:
                return asyncio.run(self._run_row(row, seed, show))
            except Exception as error:  # noqa: BLE001 - the other rows are to be run all the same
                reason = f"broke off: {type(error).__name__}: {error}"
                return Outcome(row.name, row.what, seed, row.is_control, missed=[reason])
            finally:
                self.stack.thaw()

    async def _run_row(self, row: Row, seed: int, show: Any) -> Outcome:
        await asyncio.to_thread(self.stack.wait_until_ready)
        run = Run(
            self.stack,
            row=row.name,
            seed=seed,
            rate=self._rate,
            pace=self._pace,
            folder=self._folder,
            show=show,
        )
        return await run_row(
            run, row.act, what=row.what, seed=seed, goals=row.goals, is_control=row.is_control
        )

    def _verify(self) -> None:
        """Hear the product's own opinion as well, where no control has broken anything."""
        if any(each.is_control for each in self._outcomes):
            return
        with screen.step("asking verify"):
            done = self.stack.command("verify", "--data", str(self.stack.data))
        outcome = Outcome("verify", "the product's own questions, over all rows", self._seed)
        lines = done.stdout.strip().splitlines()
        if done.returncode != 0:
            outcome.violations = lines or [done.stderr.strip()]
        outcome.notes = lines[-1:]
        self._outcomes.append(outcome)

    def _write(self) -> None:
        report = {
            "command": "faults",
            "at": self._begun.isoformat(timespec="seconds"),
            "machine": f"{os.cpu_count()} processors, {platform.platform()}",
            "load": os.getloadavg(),
            "seed": self._seed,
            "rate": self._rate,
            "rows": [asdict(each) | {"is_good": each.is_good} for each in self._outcomes],
        }
        file = self._folder / "report.json"
        file.write_text(json.dumps(report, indent=1))
        screen.note(f"written: {file}")


def _choose(rows: str | None) -> list[Row]:
    """Return the named rows, or all. Raises OpsError."""
    every = sorted(ROWS.values(), key=lambda row: ORDER.index(row.name[0]))
    if rows is None:
        return every
    names = [name.strip().upper() for name in rows.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        known = ", ".join(row.name for row in every)
        raise OpsError(f"no row {', '.join(unknown) or 'is named'}: there are {known}")
    return [row for row in every if row.name in names]
