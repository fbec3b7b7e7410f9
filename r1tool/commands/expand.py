"""Dataclasses of options as the parameters typer reads."""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from functools import wraps
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from r1tool.errors import USAGE, R1Error
from r1tool.option import Option


def expand(run: Callable[..., int]) -> Callable[..., int]:
    """`run(options: RankOptions, stream: StreamOptions)` with a keyword for each option of its dataclasses, in order.

    An option that is not given leaves its field at the dataclass's default.
    """
    kinds = {name: kind for name, kind in get_type_hints(run).items() if name != "return"}
    parameters = [parameter for kind in kinds.values() for parameter in _parameters(kind)]
    parameters.append(Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context))

    def call(*, context: typer.Context, **given: Any) -> int:
        values = {}
        for name, kind in kinds.items():
            told = {field: context.obj if option.takes_rest else given[field] for field, _, option in options_of(kind)}
            values[name] = kind(**{field: value for field, value in told.items() if value is not None})
        return run(**values)

    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def options_of(kind: type[Any]) -> Iterator[tuple[str, Any, Option]]:
    """Name, type and Option of each field of a dataclass that has one."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for said in getattr(hint, "__metadata__", ()):
            if isinstance(said, Option):
                yield name, get_args(hint)[0], said


def text_or_file(option: str, given: str) -> str:
    """TEXT itself, or the content of @FILE. Raises R1Error where that cannot be read."""
    if not given.startswith("@"):
        return given
    try:
        return Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise R1Error(f"{option}: cannot read {given[1:]}: {reason}", USAGE) from None


def _parameters(kind: type[Any]) -> Iterator[Parameter]:
    defaults = {field.name: field.default for field in fields(kind)}
    for name, type_, option in options_of(kind):
        if option.takes_rest:
            continue
        default = defaults[name] if option.show_default and defaults[name] is not MISSING else None
        annotation: Any = Annotated[type_ if default is not None else type_ | None, _described(option)]
        yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _described(option: Option) -> Any:
    if not option.flags:
        return typer.Argument(metavar=option.metavar, help=option.help, show_default=option.show_default)
    return typer.Option(
        *option.flags,
        metavar=option.metavar,
        min=option.min,
        max=option.max,
        parser=option.parse and _parser(option.parse),
        help=option.help,
        show_default=option.show_default,
    )


def _parser(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    @wraps(parse)
    def parser(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parser
