"""The options of a command, from the fields of its dataclasses to the values run() gets."""

import subprocess
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import pytest
import typer

from r1tool.cli import COMMANDS
from r1tool.commands.expand import expand, options_of
from r1tool.option import Option

ROOT = Path(__file__).resolve().parent.parent


def _even(text: str) -> int:
    if not text.isdecimal() or int(text) % 2:
        raise ValueError(f"{text!r} is not an even number.")
    return int(text)


@dataclass(frozen=True)
class Toy:
    inputs: Annotated[list[str], Option(metavar="[INPUT]...", help="Files.")] = field(default_factory=list)
    size: Annotated[int, Option("-s", "--size", metavar="N", min=1, help="How many.")] = 3
    kind: Annotated[Literal["a", "b"] | None, Option("--kind", help="Which.")] = None
    loud: Annotated[bool, Option("--loud/--quiet", help="Say more.")] = True
    names: Annotated[list[str], Option("--name", metavar="NAME", help="Whose.")] = field(default_factory=lambda: ["x"])
    text: Annotated[str, Option("--text", metavar="TEXT", help="What.", show_default=False)] = "a long default"
    even: Annotated[int | None, Option("--even", metavar="N", parse=_even, help="Even.")] = None
    rest: Annotated[list[str], Option("--")] = field(default_factory=list)
    internal: int = 7


@dataclass(frozen=True)
class Other:
    colour: Annotated[str, Option("--colour", help="Which colour.")] = "red"


def run(*arguments: str, rest: list[str] | None = None) -> tuple[Toy, Other]:
    got: list[tuple[Toy, Other]] = []

    def command(other: Other, toy: Toy) -> int:
        got.append((toy, other))
        return 0

    app = typer.Typer(add_completion=False)
    app.command("toy")(expand(command))
    typer.main.get_command(app).main(args=list(arguments), standalone_mode=False, obj=rest or [])
    return got[0]


def test_what_is_not_given_is_as_the_dataclass_says() -> None:
    assert run() == (Toy(), Other())


def test_what_is_given_arrives_in_its_own_dataclass() -> None:
    toy, other = run(
        *("in.jsonl", "-s", "5", "--kind", "b", "--quiet", "--name", "y", "--name", "z"),
        *("--text", "t", "--even", "4", "--colour", "blue"),
        rest=["--port", "1"],
    )
    assert toy == Toy(["in.jsonl"], 5, "b", False, ["y", "z"], "t", 4, ["--port", "1"])
    assert other == Other("blue")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--size", "0"], "0 is not in the range x>=1"),
        (["--even", "3"], "Invalid value for '--even': '3' is not an even number."),
        (["--kind", "c"], "'c' is not one of 'a', 'b'"),
        (["--internal", "1"], "No such option"),
    ],
)
def test_what_an_option_does_not_take_is_refused_with_its_name(arguments: list[str], said: str) -> None:
    with pytest.raises(typer.TyperException) as error:
        run(*arguments)
    assert said in error.value.format_message()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_has_a_name_of_its_own(name: str) -> None:
    hints: dict[str, Any] = get_type_hints(import_module(f"r1tool.commands.{name}").run)
    fields = [field for kind in hints.values() if kind is not int for field, _, _ in options_of(kind)]
    assert len(fields) == len(set(fields)) > 0


def test_options_are_stated_without_typer() -> None:
    """Who uses a command's folder from Python does not load a parser of command lines."""
    modules = ["client", "judge", "push", "rank", "sample", "serving", "split", "stats", "stream", "verify"]
    assert sorted(path.parent.name for path in (ROOT / "r1tool").glob("*/options.py")) == modules
    program = (
        f"import sys; [__import__(f'r1tool.{{name}}.options') for name in {modules}]; sys.exit('typer' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
