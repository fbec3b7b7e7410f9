"""The man pages and the shell completions, made from the commands themselves: `python -m r1tool.manual [--check]`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r1tool import __version__
from r1tool.cli import COMMANDS, load
from r1tool.client.options import ClientOptions
from r1tool.commands.expand import options_of
from r1tool.push.card import type_name
from r1tool.push.shapes import shape_of_type
from r1tool.records.aliases import ANSWER, GENERATION, PROBLEM, SOLUTION, THOUGHT_AND_ATTEMPT
from r1tool.records.columns import COLUMNS
from r1tool.serving.options import ServingOptions
from r1tool.stream.options import StreamOptions

README_MARKS = ("<!-- options, made by python -m r1tool.manual -->\n", "<!-- end of options -->\n")
SHARED = {"Common options": (StreamOptions,), "Model options": (ServingOptions, ClientOptions)}
"""The options that several commands take, by the title of their section in the README."""
ROOT = Path(__file__).resolve().parent.parent

EXIT_STATUS = (
    ("0", "done"),
    ("1", "done with rejected, lost or truncated rows, or a failed run"),
    ("2", "wrong usage"),
    ("129", "the terminal was closed (SIGHUP)"),
    ("130", "interrupted (SIGINT)"),
    ("141", "the reader of stdout went away (SIGPIPE)"),
    ("143", "ended by SIGTERM; sample has written its journal"),
)

ROW_INTRODUCTION = """\
# A row

<!-- made by python -m r1tool.manual from r1tool/records/columns.py -->

One row is one problem: a JSON object on a line of its own. "For each generation" means a list aligned with
`generations`, in which null stands for "not known". A missing column and null mean the same.
"""

ROW_ALIASES = """
The type of each column is checked when it is read, except for those that `split --as` writes. A number in `answer` is
taken digit for digit. `sampling` may hold more keys than these. Every other column passes through untouched, byte for
byte.

## Names of other data sets

Where a column is missing, it is read from the first of these that holds it; the original column stays. `problem` and
`generations` are also taken from the turns of a chat in `messages`, `conversations` or `prompt`.
"""


def options(name: str) -> list[Any]:
    """The options of a command, in the order of its help."""
    return [parameter for parameter in load(name).params if flags(parameter)]


def flags(parameter: Any) -> list[str]:
    """`-o`, `--output`, or nothing for an argument."""
    return [flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag.startswith("-")]


def choices(parameter: Any) -> list[str]:
    """What an option with a fixed list of values takes."""
    return [str(choice) for choice in getattr(parameter.type, "choices", ())]


def pages() -> dict[str, str]:
    """Every file this module makes, by path below the top of the project."""
    files = {f"man/r1tool-{name}.1": man_page(name) for name in COMMANDS}
    files["man/r1tool.1"] = overview_page()
    files["completions/r1tool.bash"] = bash()
    files["completions/_r1tool"] = zsh()
    files["completions/r1tool.fish"] = fish()
    files["README.md"] = readme()
    files["docs/row.md"] = row_page()
    return files


def row_page() -> str:
    """docs/row.md: the columns of a row, and the names of other data sets that are understood."""
    types = {column.name: type_name(shape_of_type(column.type)) for column in COLUMNS}
    lines = [f"| {each.name} | {types[each.name]} | {each.written_by} | {each.description} |" for each in COLUMNS]
    names = {"problem": PROBLEM, "solution": SOLUTION, "answer": ANSWER, "generations": GENERATION}
    others = {name: [f"`{alias}`" for alias in aliases] for name, aliases in names.items()}
    others["generations"][:0] = [f"`{thought}` with `{attempt}`" for thought, attempt in THOUGHT_AND_ATTEMPT]
    return "\n".join(
        [
            ROW_INTRODUCTION,
            "| column | type | written by | meaning |",
            "|---|---|---|---|",
            *lines,
            ROW_ALIASES,
            "| column | else read from |",
            "|---|---|",
            *(f"| {name} | {', '.join(aliases)} |" for name, aliases in others.items()),
            "",
        ]
    )


def _columns() -> list[str]:
    """The columns of a row, for a man page."""
    lines = [".SH COLUMNS", "One row is one problem. Its columns, and the command that writes each:"]
    for each in COLUMNS:
        text = each.description.replace("`", "")
        lines += [".TP", f"\\fB{each.name}\\fR", _escape(f"{text[0].upper()}{text[1:]} ({each.written_by}).")]
    return lines


def readme() -> str:
    """README.md with its list of options made anew."""
    before, rest = (_read(ROOT / "README.md") or README_MARKS[0] + README_MARKS[1]).split(README_MARKS[0])
    after = rest.split(README_MARKS[1])[1]
    sections = "\n".join([*map(_options_of, COMMANDS), *map(_shared_options, SHARED)])
    return f"{before}{README_MARKS[0]}\n{sections}{README_MARKS[1]}{after}"


def _options_of(name: str) -> str:
    """The section of one command: its own options, and the names of the groups it shares."""
    own, shared = options(name), []
    for title in SHARED:
        names = _shared_names(title)
        members = [parameter for parameter in own if parameter.name in names]
        if len(members) == len(names):
            own = [parameter for parameter in own if parameter not in members]
            shared.append(f"[{title.lower()}](#{title.lower().replace(' ', '-')})")
    takes = f"Takes the {' and the '.join(shared)}.\n\n" if shared else ""
    return f"### r1tool {name}\n\n{takes}{_table(own)}"


def _shared_options(title: str) -> str:
    """The section of the options that several commands share."""
    names = _shared_names(title)
    return f"### {title}\n\n{_table([each for each in options('sample') if each.name in names])}"


def _shared_names(title: str) -> set[str]:
    named = (each for kind in SHARED[title] for each in options_of(kind))
    return {name for name, _, option in named if option.flags and not option.takes_rest}


def _table(parameters: list[Any]) -> str:
    lines = ["| option | what it does |", "|---|---|"]
    for parameter in parameters:
        shown = f"{', '.join(flags(parameter))} {_value(parameter)}".strip().replace("|", "\\|")
        default = _default(parameter)
        told = _plain(parameter.help).replace("|", "\\|") + (f" Default: `{default}`." if default else "")
        lines.append(f"| `{shown}` | {told} |")
    return "\n".join(lines) + "\n"


def man_page(name: str) -> str:
    """`man r1tool-NAME`."""
    command = load(name)
    lines = [*_head(f"r1tool-{name}", COMMANDS[name]), ".SH SYNOPSIS"]
    places = " ".join(f"[\\fI{p.metavar.strip('[].')}\\fR]..." for p in command.params if not flags(p))
    lines += [
        f"\\fBr1tool {name}\\fR [\\fIOPTIONS\\fR] {places}",
        ".SH DESCRIPTION",
        *_prose(command.help),
        ".SH OPTIONS",
    ]
    for parameter in options(name):
        lines += [".TP", _signature(parameter), _escape(parameter.help or "")]
        if default := _default(parameter):
            lines[-1] += f" Default: {_escape(default)}."
    lines += [
        ".SH ENVIRONMENT",
        "Each option can be given as \\fBR1TOOL_\\fR\\fIOPTION\\fR, upper case, - as _.",
        *_tail(name),
    ]
    return "\n".join(lines) + "\n"


def overview_page() -> str:
    """`man r1tool`."""
    lines = [*_head("r1tool", "make R1-style reasoning data"), ".SH SYNOPSIS"]
    lines += ["\\fBr1tool\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIINPUT\\fR]...", ".SH DESCRIPTION"]
    lines += [
        "Independent commands that read and write zstd\\-compressed JSONL on standard input and output.",
        ".SH COMMANDS",
    ]
    for name, does in COMMANDS.items():
        lines += [".TP", f"\\fBr1tool\\-{name}\\fR(1)", _escape(does)]
    return "\n".join([*lines, *_columns(), *_tail(None)]) + "\n"


def bash() -> str:
    """Completion for bash."""
    cases = "\n".join(
        f'    {name}) words="{" ".join(flag for parameter in options(name) for flag in flags(parameter))}" ;;'
        for name in COMMANDS
    )
    values = "\n".join(
        f'    {name}:{flag}) words="{" ".join(choices(parameter))}" ;;' for name, parameter, flag in _with_choices()
    )
    return f"""\
# bash completion for r1tool; made by python -m r1tool.manual
_r1tool() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "{" ".join(COMMANDS)} --help --version" -- "$current"))
    return
  fi
  case $command:$previous in
{values}
  esac
  if [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  [[ $current == -* ]] || return
  case $command in
{cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _r1tool r1tool
"""


def zsh() -> str:
    """Completion for zsh."""
    cases = []
    for name in COMMANDS:
        specs = []
        for parameter in options(name):
            for flag in flags(parameter):
                value = ""
                if not parameter.is_flag:
                    taken = choices(parameter)
                    value = f":value:({' '.join(taken)})" if taken else ":value:_files"
                help_ = (
                    _plain(parameter.help)
                    .replace("'", "'\\''")
                    .replace("[", "(")
                    .replace("]", ")")
                    .replace(":", "\\:")
                )
                specs.append(f"        '*{flag}[{help_}]{value}' \\")
        cases.append("\n".join([f"    {name})", "      _arguments \\", *specs, "        '*:input:_files' ;;"]))
    commands = "\n".join(f"    '{name}:{does}'" for name, does in COMMANDS.items())
    joined = "\n".join(cases)
    return f"""\
#compdef r1tool
# made by python -m r1tool.manual
_r1tool() {{
  local -a commands=(
{commands}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
{joined}
  esac
}}
_r1tool "$@"
"""


def fish() -> str:
    """Completion for fish."""
    lines = ["# fish completion for r1tool; made by python -m r1tool.manual"]
    for name, does in COMMANDS.items():
        lines.append(f"complete -c r1tool -n __fish_use_subcommand -f -a {name} -d '{does}'")
    for name in COMMANDS:
        for parameter in options(name):
            words = " ".join(
                f"-s {flag[1:]}" if not flag.startswith("--") else f"-l {flag[2:]}" for flag in flags(parameter)
            )
            taken = (
                f" -xa '{' '.join(choices(parameter))}'" if choices(parameter) else "" if parameter.is_flag else " -r"
            )
            help_ = _plain(parameter.help).replace("'", "\\'")
            lines.append(f"complete -c r1tool -n '__fish_seen_subcommand_from {name}' {words}{taken} -d '{help_}'")
    return "\n".join(lines) + "\n"


def _with_choices() -> Iterator[tuple[str, Any, str]]:
    for name in COMMANDS:
        for parameter in options(name):
            if choices(parameter):
                yield from ((name, parameter, flag) for flag in flags(parameter))


def _signature(parameter: Any) -> str:
    names = ", ".join(f"\\fB{_escape(flag)}\\fR" for flag in flags(parameter))
    value = _value(parameter)
    return f"{names} \\fI{_escape(value)}\\fR" if value else names


def _value(parameter: Any) -> str:
    """What an option takes: its metavar, its choices, else its type; nothing for a flag."""
    if parameter.is_flag:
        return ""
    return parameter.metavar or "|".join(choices(parameter)) or str(parameter.type.name).upper()


def _default(parameter: Any) -> str:
    value = parameter.default
    return "" if isinstance(value, bool) or not isinstance(value, int | float | str) else str(value)


def _prose(text: str) -> list[str]:
    """Help text as roff: paragraphs are filled, those that click keeps as they are (\\b) stay so."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        kept = paragraph.startswith("\b")
        body = paragraph.removeprefix("\b").strip("\n")
        lines += [".PP", *([".nf"] if kept else []), *map(_escape, body.split("\n")), *([".fi"] if kept else [])]
    return lines


def _head(title: str, does: str) -> list[str]:
    version = _escape(f"r1tool {__version__}")
    return [f'.TH {_escape(title.upper())} 1 "" "{version}"', ".SH NAME", f"{_escape(title)} \\- {_escape(does)}"]


def _tail(name: str | None) -> list[str]:
    lines = [".SH EXIT STATUS"]
    for status, meaning in EXIT_STATUS:
        lines += [".TP", f"\\fB{status}\\fR", _escape(meaning)]
    others = ["r1tool", *(f"r1tool-{other}" for other in COMMANDS)]
    shown = [other for other in others if other != ("r1tool" if name is None else f"r1tool-{name}")]
    return [*lines, ".SH SEE ALSO", ", ".join(f"\\fB{_escape(other)}\\fR(1)" for other in shown)]


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


def _escape(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def main() -> None:
    """Write the files, or with --check exit 1 naming those that no longer fit the commands."""
    stale = [path for path, text in pages().items() if _read(ROOT / path) != text]
    if sys.argv[1:] == ["--check"]:
        if stale:
            sys.exit(f"out of date, run 'make docs': {', '.join(stale)}")
        return
    for path in stale:
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(pages()[path], encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    main()
