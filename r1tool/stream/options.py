"""How a command reads and writes its rows."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class StreamOptions:
    """Inputs (none: stdin) and output (none: stdout) of one command.

    `compress` None is zstd except to a terminal; `level` None is 3 into files and stored blocks into pipes.
    """

    inputs: list[str] = field(default_factory=list)
    output: str | None = None
    compress: Literal["zstd", "none"] | None = None
    level: int | None = None
    rejects: str | None = None
    strict: bool = False
    workers: int | None = None
    limit: int | None = None
    quiet: bool = False
    progress: bool | None = None
