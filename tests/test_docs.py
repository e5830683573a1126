"""The documents say what the code says: settings, links, commands and the list of decisions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.__main__ import commands

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = [
    ROOT / "settings.py",
    ROOT / "celery_config.py",
    ROOT / "holdfast",
    ROOT / "docker-compose.yml",
    *(
        file
        for folder in (
            "admin",
            "booking",
            "messages",
            "migrations",
            "models",
            "ops",
            "tests",
            "webapp",
        )
        for file in (ROOT / folder).rglob("*.py")
    ),
]

VARIABLE = re.compile(r"HOLDFAST_[A-Z_]*[A-Z]|FLOWER_BASIC_AUTH")
ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \| (?P<next>[^|]*) \|", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|<img[^>]*src=\"(?P<source>[^\"]+)\"")
TEST = re.compile(r"`(test_\w+)`")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def test_every_setting_is_documented_and_no_other():
    documented = set(_documented())

    assert documented == set(_defaults()) | _named_in_code()


def test_documented_defaults_are_those_of_the_code():
    documented = _documented()

    wrong = {
        name: (documented.get(name), default)
        for name, default in _defaults().items()
        if default is not None and documented.get(name) != f"`{default}`"
    }

    assert not wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path):
    broken = [link for link in _links(document) if not _resolves(document, link)]

    assert not broken


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_every_command_is_documented(command: str):
    texts = [document.read_text() for document in DOCUMENTS]

    assert any(f"./holdfast {command}" in text for text in texts)


def test_tests_that_are_named_exist():
    named = {name for document in DOCUMENTS for name in TEST.findall(document.read_text())}
    code = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))

    assert not {name for name in named if f"def {name}(" not in code}


def test_every_promise_names_its_proof():
    text = (ROOT / "docs" / "promises.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not re.match(r"\| (promise|---)", row)]

    assert len(promises) > 30
    assert not [row for row in promises if not TEST.search(row.split(" | ")[1])]


def test_every_decision_is_in_the_index_under_its_own_number():
    folder = ROOT / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text()

    assert [page for page in pages if f"]({page})" not in index] == []
    assert len({page[:4] for page in pages}) == len(pages)


def _documented() -> dict[str, str]:
    """Return the variables of docs/settings.md with the cell that follows each."""
    text = (ROOT / "docs" / "settings.md").read_text()
    return {row["name"]: row["next"].strip() for row in ROW.finditer(text)}


def _defaults() -> dict[str, str | None]:
    """Return the variables that settings.py reads, with their constant defaults."""
    found: dict[str, str | None] = {}
    for node in ast.walk(ast.parse((ROOT / "settings.py").read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "env"):
            continue
        name, *rest = node.args
        assert isinstance(name, ast.Constant)
        default = rest[0] if rest else None
        is_said = isinstance(default, ast.Constant) and default.value is not None
        found[name.value] = _written(default.value) if is_said else found.get(name.value)
    return found


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named_in_code() -> set[str]:
    here = Path(__file__)
    texts = (file.read_text() for file in CODE if file != here)
    return {name.removesuffix("_FILE") for text in texts for name in VARIABLE.findall(text)}


def _links(document: Path) -> Iterator[str]:
    text = FENCE.sub("", document.read_text())
    for match in LINK.finditer(text):
        target = match["target"] or match["source"]
        if not re.match(r"[a-z]+:", target):
            yield target


def _resolves(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target)


def _anchors(document: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", document.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
