"""Prometheus' own tool, where it is installed: Debian's package `prometheus` has it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
_PROGRAM = os.environ.get("PROMTOOL") or shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    _PROGRAM is None, reason="promtool is not installed (Debian: apt install prometheus)"
)


def promtool(*arguments: str, folder: Path) -> tuple[bool, str]:
    """Run it in a folder; return whether it was content, and what it said."""
    assert _PROGRAM is not None
    done = subprocess.run(
        [_PROGRAM, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode == 0, done.stdout + done.stderr
