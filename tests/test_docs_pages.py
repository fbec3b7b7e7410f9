"""What README.md, docs/ and the other pages say holds: links, commands, options, Python code."""

import doctest
import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from r1tool import __version__, manual
from r1tool.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
README_BYTES = 10_000
OTHERS_OPTIONS = {"--host", "--port", "--uds", "--reasoning-config", "--generation-config", "--sampling-defaults"}
"""Options of the engines that the pages mention."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def prose(text: str) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str, *languages: str) -> Iterator[str]:
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language in languages:
            yield block


def anchors(text: str) -> set[str]:
    """The fragments by which GitHub links to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def command_lines(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every `r1tool NAME ...` in the text of a shell: the name, and what follows it up to a pipe or `--`."""
    for stage in re.split(r"\n| \| ", text.replace("\\\n", " ")):
        if (match := re.match(r"\s*(?:\$ )?r1tool (\w+)(?: (.*))?$", stage)) and match[1] in COMMANDS:
            words = shlex.split(match[2] or "", comments=True)
            yield match[1], words[: words.index("--")] if "--" in words else words


def flags(name: str) -> set[str]:
    return {flag for parameter in manual.options(name) for flag in manual.flags(parameter)}


def unknown_options(text: str) -> list[str]:
    return [
        f"{name} {word}"
        for name, words in command_lines(text)
        for word in words
        if re.match(r"--?[a-z]", word) and word.partition("=")[0] not in flags(name) | {"--help"}
    ]


def test_readme_is_a_front_door() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES


@each_page
def test_links_between_pages_resolve(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if not re.match(r"https?:", target):
            path, _, fragment = target.partition("#")
            linked = (page.parent / path).resolve() if path else page
            assert linked.exists(), target
            assert not fragment or fragment in anchors(linked.read_text(encoding="utf-8")), target


@each_page
def test_options_named_in_prose_exist(page: Path) -> None:
    known = {"--help", "--version"}.union(OTHERS_OPTIONS, *map(flags, COMMANDS))
    named = re.findall(r"`[^`\n]*?(?<![\w-])(--[a-z][a-z-]*)", prose(page.read_text(encoding="utf-8")))
    assert sorted(set(named) - known) == []


@each_page
def test_commands_shown_take_the_options_they_are_shown_with(page: Path) -> None:
    shown = "\n".join(blocks(page.read_text(encoding="utf-8"), "sh", "console"))
    assert unknown_options(shown) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_in_help_take_the_options_they_are_shown_with(name: str) -> None:
    help_ = manual.load(name).help
    examples = "\n".join(line.strip() for line in help_.splitlines() if line.strip().startswith("r1tool "))
    assert examples
    assert unknown_options(examples) == []


@each_page
def test_python_shown_does_what_is_shown(page: Path) -> None:
    code = "\n".join(blocks(page.read_text(encoding="utf-8"), "python"))
    example = doctest.DocTestParser().get_doctest(code, {}, page.name, str(page), 0)
    assert doctest.DocTestRunner().run(example).failed == 0


@each_page
def test_paths_and_python_names_that_are_named_exist(page: Path) -> None:
    text = prose(page.read_text(encoding="utf-8"))
    for path in re.findall(r"`((?:r1tool|tests|docs|man|completions|\.ci)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path
    for name in re.findall(r"`(r1tool(?:\.\w+)+)`", text):
        pkgutil.resolve_name(name)


@each_page
def test_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z][\w-]*)", text, re.MULTILINE)) <= targets


def test_the_changelog_begins_with_this_version_and_the_man_pages_date() -> None:
    heading = re.search(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading is not None
    assert heading[1] in (f"{__version__} - unreleased", f"{__version__} - {manual.DATE}")
