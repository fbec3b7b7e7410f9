"""What is written about the commands fits the commands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from r1tool import errors, manual
from r1tool.cli import COMMANDS

ROOT = Path(__file__).resolve().parent.parent


def flags(name: str) -> list[str]:
    return [flag for parameter in manual.options(name) for flag in manual.flags(parameter)]


def section_of(page: str, title: str) -> str:
    return page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


@pytest.mark.parametrize("path", sorted(manual.pages()))
def test_the_made_files_are_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == manual.pages()[path], "run 'make docs'"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_docs_man_page_and_completions(name: str) -> None:
    listed = (ROOT / "docs/options.md").read_text(encoding="utf-8")
    section = section_of(listed, f"r1tool {name}")
    section += "".join(section_of(listed, title) for title in manual.SHARED if f"#{anchor(title)})" in section)
    page = (ROOT / f"man/r1tool-{name}.1").read_text(encoding="utf-8").replace("\\-", "-")
    assert f"| [`{name}`](docs/options.md#r1tool-{name})" in (ROOT / "README.md").read_text(encoding="utf-8")
    for flag in flags(name):
        assert re.search(rf"[` ]{re.escape(flag)}[`, ]", section), flag
        assert f"\\fB{flag}\\fR" in page, flag
        for shell in ("r1tool.bash", "_r1tool"):
            assert flag in (ROOT / "completions" / shell).read_text(encoding="utf-8"), flag


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name: str) -> None:
    assert [parameter.name for parameter in manual.options(name) if not parameter.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_man_pages_have_the_usual_sections_in_the_usual_order(name: str) -> None:
    sections = re.findall(r"^\.SH (.+)$", (ROOT / f"man/r1tool-{name}.1").read_text(encoding="utf-8"), re.MULTILINE)
    serves = "--engine" in flags(name)
    usual = [
        "NAME",
        "SYNOPSIS",
        "DESCRIPTION",
        "OPTIONS",
        "EXIT STATUS",
        "ENVIRONMENT",
        "FILES",
        "EXAMPLES",
        "SEE ALSO",
    ]
    assert sections == [title for title in usual if serves or title != "FILES"]


def test_every_exit_status_is_documented() -> None:
    known = {errors.DONE, errors.FAILED, errors.USAGE, errors.HANGUP, errors.INTERRUPTED, errors.BROKEN_PIPE}
    assert {int(status) for status, _ in manual.EXIT_STATUS} == {*known, errors.TERMINATED}


def complete(*words: str) -> list[str]:
    """What bash offers for the last of `words`."""
    line = " ".join(f"'{word}'" for word in words)
    script = f"""
source {ROOT}/completions/r1tool.bash
COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _r1tool; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes_commands_options_and_values() -> None:
    assert complete("r1tool", "st") == ["stats"]
    assert "--temperature" in complete("r1tool", "sample", "--te")
    assert complete("r1tool", "sample", "--engine", "v") == ["vllm"]
    assert complete("r1tool", "sample", "--output", "x") == []


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_its_completion() -> None:
    subprocess.run(["zsh", "-n", ROOT / "completions/_r1tool"], check=True)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_reads_its_completion() -> None:
    subprocess.run(["fish", "--no-execute", ROOT / "completions/r1tool.fish"], check=True)


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
@pytest.mark.parametrize("name", ["r1tool", *(f"r1tool-{name}" for name in COMMANDS)])
def test_man_pages_are_clean_roff(name: str) -> None:
    shown = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", ROOT / f"man/{name}.1"], capture_output=True, text=True, check=True
    )
    assert shown.stderr == ""
    assert "EXIT STATUS" in shown.stdout


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
@pytest.mark.parametrize("name", ["r1tool", *(f"r1tool-{name}" for name in COMMANDS)])
def test_mandoc_has_nothing_to_say_about_man_pages(name: str) -> None:
    linted = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", ROOT / f"man/{name}.1"], capture_output=True, text=True, check=False
    )
    assert linted.stdout + linted.stderr == ""
