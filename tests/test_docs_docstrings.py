"""The examples in docstrings do what they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "r1tool"
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if "\n>>> " in path.read_text().replace("    ", "")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", [name_of(path) for path in WITH_EXAMPLES])
def test_examples_do_what_they_show(name: str) -> None:
    done = doctest.testmod(import_module(name))
    assert done.attempted and not done.failed


def test_grading_and_every_stage_show_an_example() -> None:
    stages = {"r1tool.verify.run", "r1tool.rank.run", "r1tool.split.run"}
    assert stages | {"r1tool.grading"} <= set(map(name_of, WITH_EXAMPLES))
