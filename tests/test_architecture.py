"""The rules of ARCHITECTURE.md: imports go downwards, nothing goes in circles, the page names only what exists."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "r1tool"
PAGE = ROOT / "ARCHITECTURE.md"

COMMAND_ROOMS = ("sample", "verify", "judge", "rank", "split", "stats", "push")

LAYERS = (
    ("__main__",),
    ("manual",),
    ("cli",),
    ("commands",),
    COMMAND_ROOMS,
    ("rewards",),
    ("client", "grading"),
    ("serving", "stream"),
    ("engines", "workers", "demo", "records"),
    ("progress", "errors", "option", "cache", "__init__"),
)
"""From top to bottom; a room imports what is below it, or beside it within the limits of `is_allowed`."""


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, known: dict[str, Path]) -> Iterator[tuple[str, int]]:
    """The modules of ours that the file imports, wherever in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in known:
                    yield full, node.lineno
                elif node.module in known:
                    yield node.module, node.lineno


def room(module: str) -> str:
    """The folder below r1tool, or the module's own name at its top."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def is_allowed(importer: str, imported: str) -> bool:
    """Downwards, within a room, and across a layer that is not made of commands' folders."""
    if importer == imported:
        return True
    above, below = layer(importer), layer(imported)
    return above < below or (above == below and above == layer("records"))


@pytest.fixture(scope="module")
def arrows() -> dict[str, dict[str, int]]:
    """importer -> imported -> line."""
    known = modules()
    return {
        name: {other: line for other, line in imports_of(path, known) if other != name} for name, path in known.items()
    }


def test_every_room_has_a_layer() -> None:
    assert {room(name) for name in modules()} == {name for names in LAYERS for name in names}


def test_imports_go_downwards(arrows: dict[str, dict[str, int]]) -> None:
    upwards = [
        f"{importer}:{line} imports {imported}"
        for importer, imported_lines in arrows.items()
        for imported, line in imported_lines.items()
        if not is_allowed(room(importer), room(imported))
    ]
    assert not upwards, "\n".join(upwards)


def test_no_imports_go_in_circles(arrows: dict[str, dict[str, int]]) -> None:
    try:
        TopologicalSorter({importer: imported.keys() for importer, imported in arrows.items()}).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_rooms_do_not_go_in_circles_either(arrows: dict[str, dict[str, int]]) -> None:
    rooms: dict[str, set[str]] = {}
    for importer, imported in arrows.items():
        rooms.setdefault(room(importer), set()).update(
            {room(name) for name in imported} - {room(importer), "__init__"}
        )
    try:
        TopologicalSorter(rooms).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


@pytest.mark.parametrize(
    ("importer", "imported"),
    [("client", "sample"), ("sample", "verify"), ("records", "stream"), ("engines", "serving")],
)
def test_the_rule_forbids(importer: str, imported: str) -> None:
    assert not is_allowed(importer, imported)


def test_the_page_names_only_what_exists() -> None:
    page = PAGE.read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:r1tool|tests|docs|man|completions)/[\w./-]*|[A-Z]+\.md|Makefile|pyproject\.toml)`", page)
    )
    assert len(named) > 30
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert not missing, missing


def test_the_page_names_every_room() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert not [name for name in COMMAND_ROOMS if f"`r1tool/{name}/`" not in page]
    assert not [
        folder.name
        for folder in PACKAGE.iterdir()
        if (folder / "__init__.py").exists() and f"`r1tool/{folder.name}/`" not in page
    ]
