"""Man pages, completions, docs/options.md and docs/row.md, from the code: `python -m r1tool.manual [--check]`."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

from r1tool import __version__
from r1tool.cli import COMMANDS, load
from r1tool.client.options import ClientOptions
from r1tool.commands.expand import options_of
from r1tool.push.card import type_name
from r1tool.records.aliases import ANSWER, GENERATION, PROBLEM, SOLUTION, THOUGHT_AND_ATTEMPT
from r1tool.records.columns import COLUMNS
from r1tool.records.shapes import shape_of_type
from r1tool.serving.options import ServingOptions
from r1tool.stream.options import StreamOptions

SHARED = {"Common options": (StreamOptions,), "Model options": (ServingOptions, ClientOptions)}
"""The options that several commands take, by the title of their section."""
ROOT = Path(__file__).resolve().parent.parent
DATE = "2026-11-26"
"""In the man pages: of the release that CHANGELOG.md names first; until it is out, of their last revision."""
ROFF = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
"""What roff would set as something else: a typographic quote, say, where a shell wants a straight one."""

EXIT_STATUS = (
    ("0", "done"),
    ("1", "done with rejected, lost or truncated rows, or a failed run"),
    ("2", "wrong usage"),
    ("129", "the terminal was closed (SIGHUP)"),
    ("130", "interrupted (SIGINT)"),
    ("141", "the reader of stdout is gone (SIGPIPE)"),
    ("143", "terminated (SIGTERM); sample saves its journal first"),
)
ENVIRONMENT = (
    ("R1TOOL_DEBUG", "Set to 1 to print a traceback with each error message."),
    ("HF_TOKEN", "Token for the Hugging Face Hub; otherwise the one saved by `hf auth login`."),
    ("TMPDIR", "Folder for temporary files."),
)
SERVER_ENVIRONMENT = (
    ("R1TOOL_API_KEY", "Key for the servers at --url; default: OPENAI_API_KEY."),
    ("CUDA_VISIBLE_DEVICES", "GPUs that the servers started here may use."),
    (
        "XDG_CACHE_HOME",
        "Parent of the folder r1tool, which holds server logs and the embedded model; default: ~/.cache.",
    ),
)
SERVER_FILES = (
    ("OUTPUT.journal", "Every finished result and, for sample, the text of unfinished ones; see --journal."),
    ("~/.cache/r1tool/logs/", "Output of the servers started here, kept for seven days; see --server-log."),
)
AS_VARIABLE = "can also be given as a variable: \\fBR1TOOL_\\fR and its long name in upper case, with \\- as _."
OVERVIEW = """\
Each command reads rows from files, folders, globs, standard input, hf:// or s3://, as JSONL (plain, zstd or gzip) or
Parquet, and writes zstd-compressed JSONL to standard output or to the file named by `-o`. One row is one problem with
all its generations. Commands add columns and pass all others through unchanged, so they combine freely in pipes.

A row that cannot be used does not stop a run unless `--strict` is given: it is counted, and kept with the reason if
`--rejects` names a file."""
EXAMPLES = """\
r1tool sample --demo 12 -n 2 --engine embedded | r1tool verify | r1tool stats
r1tool sample problems.jsonl -n 4 --engine vllm -m MODEL --tp 8 -o traces.jsonl.zst
r1tool verify traces.jsonl.zst | r1tool judge --tp 8 | r1tool rank --by majority -o ranked.jsonl.zst
r1tool split ranked.jsonl.zst --keep any-correct -d out/
r1tool push out/ me/my-dataset"""

ROW_INTRODUCTION = """\
# A row

<!-- made by python -m r1tool.manual from r1tool/records/columns.py -->

One row is one problem: a JSON object on its own line. "Per generation" means a list aligned with
`generations`, in which null stands for "not known". A missing column and null mean the same.
"""

ROW_ALIASES = """
The type of each column is checked when it is read, except for those that `split --as` writes. A number in `answer` is
kept digit for digit. `sampling` may hold more keys than these. Every other column passes through untouched, byte for
byte.

## Column names of other datasets

A missing column is read from the first of these that is present; the original column stays. `problem` and
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
    files["docs/options.md"] = options_page()
    files["docs/row.md"] = row_page()
    return files


def row_page() -> str:
    """docs/row.md: the columns of a row, and the names of other datasets that are understood."""
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
            "| column | or else from |",
            "|---|---|",
            *(f"| {name} | {', '.join(aliases)} |" for name, aliases in others.items()),
            "",
        ]
    )


def _columns() -> list[str]:
    """The columns of a row, for a man page."""
    told = (
        (each.name, f"{each.description[0].upper()}{each.description[1:]} ({each.written_by}).") for each in COLUMNS
    )
    return [".SH COLUMNS", "One row is one problem. Its columns, and the command that writes each:", *_terms(told)]


def options_page() -> str:
    """docs/options.md: every option of every command, exit statuses and variables."""
    variables = {**dict(SERVER_ENVIRONMENT), **dict(ENVIRONMENT)}
    return (
        "\n".join(
            [
                "# Options\n",
                "Made by `make docs` from the commands themselves; `r1tool COMMAND --help` prints the same.\n",
                "Each option can also be given as an environment variable: `R1TOOL_` and its long name in upper case,",
                "with `-` as `_`. `R1TOOL_TEMPERATURE=0.7` is `--temperature 0.7`.\n",
                *map(_options_of, COMMANDS),
                *map(_shared_options, SHARED),
                "## Exit statuses\n",
                _markdown("status", "meaning", dict(EXIT_STATUS)),
                "## Environment variables\n",
                _markdown("variable", "meaning", variables),
            ]
        ).rstrip("\n")
        + "\n"
    )


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
    return f"## r1tool {name}\n\n{takes}{_table(own)}"


def _shared_options(title: str) -> str:
    """The section of the options that several commands share."""
    names = _shared_names(title)
    return f"## {title}\n\n{_table([each for each in options('sample') if each.name in names])}"


def _shared_names(title: str) -> set[str]:
    named = (each for kind in SHARED[title] for each in options_of(kind))
    return {name for name, _, option in named if option.flags and not option.takes_rest}


def _table(parameters: list[Any]) -> str:
    told = {}
    for parameter in parameters:
        default = _default(parameter)
        shown = f"{', '.join(flags(parameter))} {_value(parameter)}".strip()
        told[shown] = _plain(parameter.help) + (f" Default: `{default}`." if default else "")
    return _markdown("option", "what it does", told)


def _markdown(term: str, meaning: str, rows: dict[str, str]) -> str:
    """A table whose first column is code."""
    cells = [f"| `{key}` | {value} |" for key, value in ((_cell(key), _cell(value)) for key, value in rows.items())]
    return "\n".join([f"| {term} | {meaning} |", "|---|---|", *cells]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def man_page(name: str) -> str:
    """`man r1tool-NAME`."""
    command = load(name)
    places = " ".join(f"[\\fI{p.metavar.strip('[].')}\\fR]..." for p in command.params if not flags(p))
    description, examples = _without_examples(command.help)
    serves = any(parameter.name == "engine" for parameter in command.params)
    if serves:
        places += " [\\fB\\-\\-\\fR \\fIENGINE_OPTIONS\\fR]"
    lines = [
        *_head(f"r1tool-{name}", COMMANDS[name]),
        ".SH SYNOPSIS",
        f"\\fBr1tool {name}\\fR [\\fIOPTIONS\\fR] {places}",
        ".SH DESCRIPTION",
        *_prose(description),
        ".SH OPTIONS",
    ]
    for parameter in options(name):
        lines += [".TP", _signature(parameter), _inline(parameter.help or "")]
        if default := _default(parameter):
            lines[-1] += f" Default: {_escape(default)}."
    if serves:
        lines += [
            ".TP",
            "\\fB\\-\\-\\fR \\fIENGINE_OPTIONS\\fR",
            "Passed to the engine unchanged.",
        ]
    lines += [
        *_exit_status(),
        ".SH ENVIRONMENT",
        f"Each option {AS_VARIABLE}",
        *_terms((*SERVER_ENVIRONMENT, *ENVIRONMENT) if serves else ENVIRONMENT),
        *([".SH FILES", *_terms(SERVER_FILES)] if serves else []),
        *_examples(examples),
        *_see_also(f"r1tool-{name}"),
    ]
    return "\n".join(lines) + "\n"


def overview_page() -> str:
    """`man r1tool`."""
    lines = [
        *_head("r1tool", "make R1-style reasoning data"),
        ".SH SYNOPSIS",
        "\\fBr1tool\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIINPUT\\fR]...",
        ".SH DESCRIPTION",
        *_prose(OVERVIEW),
        ".SH COMMANDS",
    ]
    for name, does in COMMANDS.items():
        lines += [".TP", f"\\fBr1tool\\-{name}\\fR(1)", _escape(does)]
    lines += [
        *_columns(),
        *_exit_status(),
        ".SH ENVIRONMENT",
        f"Each option of a command {AS_VARIABLE}",
        *_terms((*SERVER_ENVIRONMENT, *ENVIRONMENT)),
        *_examples(EXAMPLES),
        *_see_also("r1tool"),
    ]
    return "\n".join(lines) + "\n"


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
        body = paragraph.removeprefix("\b").strip("\n").split("\n")
        lines += [".PP", *([".nf", *map(_escape, body), ".fi"] if kept else map(_inline, body))]
    return lines[1:]


def _head(title: str, does: str) -> list[str]:
    heading = f'.TH {_escape(title.upper())} 1 "{DATE}" "{_escape(f"r1tool {__version__}")}"'
    return [heading, ".SH NAME", f"{_escape(title)} \\- {_escape(does)}"]


def _without_examples(text: str) -> tuple[str, str]:
    """A command's help and the examples that end it."""
    before, _, examples = text.rpartition("\n\n\b\nExample")
    return before, dedent(examples.partition(":\n")[2]).strip()


def _examples(text: str) -> list[str]:
    return [".SH EXAMPLES", ".nf", *map(_escape, text.split("\n")), ".fi"]


def _exit_status() -> list[str]:
    return [".SH EXIT STATUS", *_terms(EXIT_STATUS)]


def _terms(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [line for term, meaning in pairs for line in (".TP", f"\\fB{_escape(term)}\\fR", _inline(meaning))]


def _see_also(page: str) -> list[str]:
    others = [other for other in ("r1tool", *(f"r1tool-{name}" for name in COMMANDS)) if other != page]
    return [".SH SEE ALSO", ",\n".join(f"\\fB{_escape(other)}\\fR(1)" for other in others)]


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())


def _inline(text: str) -> str:
    """Running text as roff, with `code` in bold."""
    pieces = re.split(r"`([^`]+)`", text)
    return "".join(f"\\fB{_escape(piece)}\\fR" if index % 2 else _escape(piece) for index, piece in enumerate(pieces))


def _escape(text: str) -> str:
    escaped = "".join(ROFF.get(character, character) for character in text)
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


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
