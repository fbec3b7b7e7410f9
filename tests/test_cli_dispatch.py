"""The program around the commands: dispatch, help, usage, exit statuses."""

import subprocess
import sys

import pytest
from harness.cli import run

from r1tool import __version__
from r1tool.cli import COMMANDS


def r1tool(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run(*arguments, text=True, **environment)


def test_version_is_told_without_loading_a_command() -> None:
    told = r1tool("--version")
    assert (told.returncode, told.stdout) == (0, f"r1tool {__version__}\n")
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "r1tool", "--version"], capture_output=True, text=True, check=True
    )
    assert "typer" not in loaded.stderr


def test_help_lists_every_command() -> None:
    told = r1tool("--help")
    assert told.returncode == 0
    assert all(f"\n  {name} " in told.stdout for name in COMMANDS)


def test_no_command_shows_the_usage_and_is_a_usage_error() -> None:
    told = r1tool()
    assert (told.returncode, told.stdout) == (2, "")
    assert "usage: r1tool" in told.stderr


def test_a_mistyped_command_is_corrected() -> None:
    told = r1tool("verfy")
    assert told.returncode == 2
    assert told.stderr == "r1tool: unknown command 'verfy'; did you mean 'verify'?; see 'r1tool --help'\n"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("-n", "Invalid value for '-n': 'many' is not a whole number; see 'r1tool sample --help'"),
        ("--seed", "Invalid value for '--seed': 'many' is not a whole number; see 'r1tool sample --help'"),
        ("--top-p", "Invalid value for '--top-p': 'many' is not a number; see 'r1tool sample --help'"),
    ],
)
def test_a_value_that_is_no_number_is_refused_in_plain_words(option: str, said: str) -> None:
    told = run("sample", option, "many", text=True)
    assert (told.returncode, told.stderr) == (2, f"r1tool sample: {said}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_commands_help_tells_its_cost_and_carries_an_example(name: str) -> None:
    told = r1tool(name, "--help")
    assert told.returncode == 0, told.stderr
    assert "Cost:" in told.stdout
    assert "Example" in told.stdout
    assert f"r1tool {name}" in told.stdout
    assert told.stderr == ""


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "push"])
def test_the_common_options_are_there(name: str) -> None:
    told = r1tool(name, "--help").stdout
    for option in ("--rejects", "--strict", "--workers", "--quiet", "--progress", "--limit"):
        assert option in told


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_option_is_one_sentence_and_status_2(name: str) -> None:
    told = r1tool(name, "--no-such-option")
    assert told.returncode == 2
    assert told.stderr.count("\n") == 1
    assert "--no-such-option" in told.stderr


def test_options_come_from_the_environment_and_the_command_line_wins() -> None:
    assert "unknown scorer" in r1tool("rank", R1TOOL_BY="nonsense").stderr
    assert "(from R1TOOL_WORKERS in the environment)" in r1tool("verify", R1TOOL_WORKERS="many").stderr
    assert r1tool("rank", "--by", "random", "-z", "none", R1TOOL_BY="nonsense").returncode == 0


def test_no_traceback_unless_asked_for() -> None:
    quiet = r1tool("rank", "--by", "nonsense")
    assert "Traceback" not in quiet.stderr and quiet.stderr.count("\n") == 1
    assert "Traceback" in r1tool("rank", "--by", "nonsense", R1TOOL_DEBUG="1").stderr


def test_a_missing_file_is_named_and_is_status_1() -> None:
    told = r1tool("rank", "/nowhere/rows.jsonl")
    assert told.returncode == 1
    assert "/nowhere/rows.jsonl" in told.stderr
    assert told.stderr.count("\n") == 1
