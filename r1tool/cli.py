"""Dispatch: `r1tool NAME ...` imports commands/NAME.py and runs it."""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from r1tool import __version__
from r1tool.errors import BROKEN_PIPE, DONE, FAILED, INTERRUPTED, USAGE, R1Error

TYPE_CHECKING = False  # typing itself takes a quarter of the time of --version
if TYPE_CHECKING:
    from typing import Any

    import typer

COMMANDS = {
    "sample": "sample reasoning traces from a model",
    "verify": "check each answer against the reference",
    "judge": "have a model judge the answers that the rules rejected",
    "rank": "score the right answers and choose one",
    "split": "filter rows and route them to files",
    "stats": "count and summarize",
    "push": "publish as a dataset with a card",
}

USAGE_TEXT = """\
usage: r1tool COMMAND [OPTIONS] [INPUT]...

Make R1-style reasoning data. The commands read and write zstd-compressed JSONL, so they can be piped:

  r1tool sample problems.jsonl -n 4 --model MODEL | r1tool verify | r1tool rank --by majority -o out.jsonl.zst

{commands}

'r1tool COMMAND --help' describes a command, its cost and its options. 'r1tool --version' prints the version.
Try it without a GPU: r1tool sample --demo 12 -n 2 --engine embedded | r1tool verify | r1tool stats
"""


def main() -> None:
    """The `r1tool` program; always exits."""
    _occupy_standard_descriptors()
    try:
        status = run(sys.argv[1:])
        if sys.stdout:
            sys.stdout.flush()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = _reader_is_gone()
    except OSError as error:
        status = complain("r1tool", f"stdout: {error.strerror or error}", FAILED)
        _reader_is_gone()
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status."""
    name, *rest = arguments or ["--help"]
    if name in ("-V", "--version"):
        print(f"r1tool {__version__}")
        return DONE
    if name in ("-h", "--help", "help"):
        listing = "\n".join(f"  {command:8}{does}" for command, does in COMMANDS.items())
        print(USAGE_TEXT.format(commands=listing), end="", file=sys.stdout if arguments else sys.stderr)
        return DONE if arguments else USAGE
    if name not in COMMANDS:
        return complain("r1tool", f"unknown command {name!r}{_suggestion(name)}; see 'r1tool --help'", USAGE)
    return run_command(name, rest)


def run_command(name: str, arguments: Sequence[str]) -> int:
    """Run `r1tool NAME ARGUMENTS`; what follows `--` goes to the engine of a command that has one."""
    import signal

    import typer

    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # Slurm's notice reaches a whole pipeline, and would end it
    prog = f"r1tool {name}"
    try:
        command = load(name)
        before, after = list(arguments), []
        if "--" in before and any(parameter.name == "engine" for parameter in command.params):
            cut = before.index("--")
            before, after = before[:cut], before[cut + 1 :]
        return int(command.main(args=before, prog_name=prog, standalone_mode=False, obj=after) or 0)
    except R1Error as error:
        return complain(prog, str(error), error.status)
    except typer.Exit as exit_:
        return exit_.exit_code
    except typer.TyperException as error:
        return complain(prog, f"{_sentence(error)}{_source(error)}; see '{prog} --help'", USAGE)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_is_gone()
    except SystemExit as exit_:
        if isinstance(exit_.__context__, BrokenPipeError):  # click takes it for a failure
            return _reader_is_gone()
        raise
    except OSError as error:
        where = error.filename or ("stdout" if error.errno == errno.ENOSPC else "input or output")
        return complain(prog, f"{where}: {error.strerror or error}", FAILED)
    except Exception as error:
        bug = f"{type(error).__name__}: {error}; a bug in r1tool, please report it with the output of R1TOOL_DEBUG=1"
        return complain(prog, bug, FAILED)


def _occupy_standard_descriptors() -> None:
    """Where a caller closed one (`>&-`) the next file opened would take its place, and rows would go into it."""
    for descriptor, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_RDONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)


def _reader_is_gone() -> int:
    """What is left in Python's buffers has no reader: a flush at exit would only complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return BROKEN_PIPE


def load(name: str) -> "Any":
    """The command as typer's own object: its parameters, help and main(); options may come from R1TOOL_<OPTION>."""
    import typer

    from r1tool.commands.expand import expand

    module = import_module(f"r1tool.commands.{name}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    settings = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
    app.command(name, help=module.HELP, context_settings=settings)(expand(module.run))
    command = typer.main.get_command(app)
    for parameter in command.params:
        flag = max(parameter.opts, key=len)
        if flag.startswith("-") and parameter.name != "help":
            parameter.envvar = "R1TOOL_" + flag.lstrip("-").replace("-", "_").upper()
            parameter.show_envvar = False  # type: ignore[attr-defined]
    return command


def complain(prog: str, message: str, status: int) -> int:
    """One sentence on stderr; the traceback too where R1TOOL_DEBUG=1."""
    if os.environ.get("R1TOOL_DEBUG") == "1" and sys.exc_info()[0]:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"{prog}: {message}\n")
    return status


def _sentence(error: "typer.TyperException") -> str:
    """What `error` says, without its stop, and without the names of types."""
    text: str = error.format_message().rstrip(".")
    for kind, name in (("int", "whole number"), ("float", "number")):
        text = text.replace(f"is not a valid {kind} range", f"is not a {name}")
        text = text.replace(f"is not a valid {kind}", f"is not a {name}")
    return text


def _source(error: Exception) -> str:
    """Where the value of the option that `error` is about came from, if not from the command line."""
    parameter, context = getattr(error, "param", None), getattr(error, "ctx", None)
    if parameter is None or context is None:
        return ""
    source = context.get_parameter_source(parameter.name)
    return f" (from {parameter.envvar} in the environment)" if source and source.name == "ENVIRONMENT" else ""


def _suggestion(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
