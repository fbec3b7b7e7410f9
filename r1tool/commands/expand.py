"""The options commands share: one dataclass a group, spread into a command's signature."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from r1tool.errors import USAGE, R1Error
from r1tool.serving.options import ServingOptions


def _concurrency(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or text == "0":
        raise typer.BadParameter(f"{text!r} is neither 'auto' nor a number of requests.")
    return int(text)


STREAM = {
    "inputs": typer.Argument(
        metavar="[INPUT]...",
        help="Files, folders, globs, '-', hf://datasets/OWNER/NAME[@config][/split] or s3://...; default: stdin.",
        show_default=False,
    ),
    "output": typer.Option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout."),
    "compress": typer.Option("-z", "--compress", help="Default: zstd, except to a terminal.", show_default=False),
    "level": typer.Option(
        "--level", metavar="N", min=1, max=22, help="zstd level; default 3 into files, stored blocks into pipes."
    ),
    "rejects": typer.Option(
        "--rejects", metavar="FILE", help="Write rows that cannot be used to FILE, with the reason."
    ),
    "strict": typer.Option("--strict", help="Stop at the first bad row."),
    "workers": typer.Option("-j", "--workers", metavar="N", min=1, help="Worker processes; default: one a core."),
    "limit": typer.Option("--limit", metavar="N", min=0, help="Take the first N rows only."),
    "quiet": typer.Option("-q", "--quiet", help="Print nothing on stderr but errors."),
    "progress": typer.Option("--progress/--no-progress", help="Default: if stderr is a terminal.", show_default=False),
}

SERVING = {
    "engine": typer.Option("--engine", help="auto: --url, else a GPU and an installed engine, else embedded."),
    "urls": typer.Option("--url", metavar="URL", help="An OpenAI-compatible server; repeat to balance over several."),
    "model": typer.Option("-m", "--model", metavar="NAME_OR_PATH", help="The model to serve or to ask for."),
    "tp": typer.Option("--tp", metavar="N", min=1, help="Tensor-parallel size; with --url, to count GPU hours by."),
    "pp": typer.Option("--pp", metavar="N", min=1, help="Pipeline-parallel size."),
    "replicas": typer.Option("--replicas", metavar="N", min=1, help="Independent servers of the model."),
    "nodes": typer.Option("--nodes", metavar="N", min=1, help="Nodes a server spans, inside a Slurm allocation."),
    "gpus": typer.Option("--gpus", metavar="LIST", help="GPUs of this command, such as 0-3."),
    "server_log": typer.Option("--server-log", metavar="FILE", help="The servers' own output; default: in the cache."),
    "ready_timeout": typer.Option(
        "--ready-timeout", metavar="S", min=1, help="Seconds a server may take to get ready; those at --url: 30."
    ),
}

CLIENT = {
    "concurrency": typer.Option(
        "--concurrency",
        metavar="auto|N",
        parser=_concurrency,
        help="Requests in flight; auto grows until the server says stop.",
        show_default="auto",
    ),
    "stall_timeout": typer.Option(
        "--stall-timeout", metavar="S", min=0.1, help="Seconds without any progress before a retry."
    ),
    "retries": typer.Option(
        "--retries", metavar="N", min=0, help="Times one generation may fail before it is given up."
    ),
}

GROUPS: dict[str, dict[str, Any]] = {"ServingOptions": SERVING, "ClientOptions": CLIENT, "StreamOptions": STREAM}
"""The groups, in the order of the help text, behind a command's own options."""


def text_or_file(option: str, given: str) -> str:
    """TEXT itself, or the content of @FILE. Raises R1Error where that cannot be read."""
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise R1Error(f"{option}: cannot read {given[1:]}: {reason}", USAGE) from None


def spread(run: Callable[..., int]) -> Callable[..., int]:
    """`run(stream: StreamOptions, ...)` with one parameter for each field of StreamOptions, behind its own.

    Fields without an entry in the group's table are left at their default, but for ServingOptions.engine_arguments:
    what stood behind `--`.
    """
    hints = get_type_hints(run, include_extras=True)
    groups: dict[str, Any] = {}
    parameters: dict[str, inspect.Parameter] = {}
    for name, parameter in inspect.signature(run).parameters.items():
        if is_dataclass(hints[name]):
            groups[name] = hints[name]
        else:
            parameters[name] = parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
    for kind in sorted(groups.values(), key=lambda kind: list(GROUPS).index(kind.__name__)):
        parameters |= {parameter.name: parameter for parameter in _parameters(kind)}
    context_ = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    def call(*, context: typer.Context, **values: Any) -> int:
        for name, kind in groups.items():
            given = {member: values.pop(member) for member in GROUPS[kind.__name__]}
            if kind is ServingOptions:
                given["engine_arguments"] = context.obj
            values[name] = kind(**{key: value for key, value in given.items() if value is not None})
        return run(**values)

    call.__signature__ = inspect.Signature([*parameters.values(), context_])  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in [*parameters.values(), context_]}
    return call


def _parameters(kind: type[Any]) -> Iterator[inspect.Parameter]:
    table, types = GROUPS[kind.__name__], get_type_hints(kind)
    for field in fields(kind):
        if field.name in table:
            default = None if field.default is MISSING else field.default
            kept: Any = types[field.name] if default is not None else types[field.name] | None
            annotation: Any = Annotated[kept, table[field.name]]
            yield inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
