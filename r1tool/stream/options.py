"""How a command reads and writes its rows."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from r1tool.option import Option

Compress = Literal["zstd", "none"]


@dataclass(frozen=True)
class StreamOptions:
    """Inputs (none: stdin) and output (none: stdout) of one command.

    `compress` None is zstd except to a terminal; `level` None is 3 into files and stored blocks into pipes.
    """

    inputs: Annotated[
        list[str],
        Option(
            metavar="[INPUT]...",
            help="Files, folders, globs, '-', hf://datasets/OWNER/NAME[@config][/split] or s3://...; default: stdin.",
            show_default=False,
        ),
    ] = field(default_factory=list)
    output: Annotated[
        str | None, Option("-o", "--output", metavar="FILE", help="Write to FILE instead of stdout.")
    ] = None
    compress: Annotated[
        Compress | None,
        Option("-z", "--compress", help="Compression; default: zstd, but none to a terminal.", show_default=False),
    ] = None
    level: Annotated[
        int | None,
        Option(
            "--level", metavar="N", min=1, max=22, help="zstd level; default: 3 for files, stored blocks for pipes."
        ),
    ] = None
    rejects: Annotated[
        str | None,
        Option("--rejects", metavar="FILE", help="Write unusable rows to FILE, each with the reason."),
    ] = None
    strict: Annotated[bool, Option("--strict", help="Stop at the first unusable row.")] = False
    workers: Annotated[
        int | None, Option("-j", "--workers", metavar="N", min=1, help="Worker processes; default: one per core.")
    ] = None
    limit: Annotated[int | None, Option("--limit", metavar="N", min=0, help="Read only the first N rows.")] = None
    quiet: Annotated[bool, Option("-q", "--quiet", help="Print only errors on stderr.")] = False
    progress: Annotated[
        bool | None,
        Option(
            "--progress/--no-progress",
            help="Progress on stderr: live on a terminal, else one line per minute.",
            show_default=False,
        ),
    ] = None
