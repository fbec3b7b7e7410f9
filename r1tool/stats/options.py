"""What is counted beside the rest, and how it is shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from r1tool.errors import USAGE, R1Error
from r1tool.option import Option


@dataclass(frozen=True)
class StatsOptions:
    """`pass_at` is a list such as `1,4,16`; `plot` and `html` are files to write."""

    by: Annotated[str | None, Option("--by", metavar="FIELD", help="Report each value of FIELD separately.")] = None
    json: Annotated[bool, Option("--json", help="Print one JSON object on one line.")] = False
    pass_at: Annotated[
        str | None, Option("--pass-at", metavar="K,...", help="Estimate pass@K for each K, such as 1,4,16.")
    ] = None
    majority: Annotated[
        bool, Option("--majority", help="Report the share of rows whose most frequent answer is right.")
    ] = False
    gpus: Annotated[
        int | None, Option("--gpus", metavar="N", min=1, help="Report hours on N GPUs and generations per GPU hour.")
    ] = None
    plot: Annotated[
        Path | None,
        Option("--plot", metavar="FILE", help="Draw charts to a .png, .svg or .pdf file; needs the extra 'plot'."),
    ] = None
    html: Annotated[Path | None, Option("--html", metavar="FILE", help="Write a self-contained HTML page.")] = None


def parse_pass_at(text: str | None) -> list[int]:
    """`1,4,16` as numbers, none of None. Raises R1Error."""
    if text is None:
        return []
    numbers = [int(part) if part.strip().isdecimal() else 0 for part in text.split(",")]
    if min(numbers) < 1:
        raise R1Error(f"--pass-at {text}: give positive whole numbers, such as 1,4,16", USAGE)
    return numbers
