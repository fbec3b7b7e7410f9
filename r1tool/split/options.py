"""Which rows to keep, what to name their files after, and the shape to write them in."""

from dataclasses import dataclass, field
from typing import Annotated

from r1tool.errors import USAGE, R1Error
from r1tool.option import Option
from r1tool.split.decontaminate import NGRAM
from r1tool.split.deduplicate import Dedup
from r1tool.split.rules import Keep
from r1tool.split.select import SELECTORS, Selection
from r1tool.split.training import Shape

_SIZES = ", ".join(f"{how} {selector.size}" for how, selector in SELECTORS.items())


@dataclass(frozen=True)
class SplitOptions:
    """Where a rule has no value, it drops nothing. `dir` and `only` say where the rows go that are kept."""

    dir: Annotated[str | None, Option("-d", "--dir", metavar="DIR", help="Folder to write the files to.")] = None
    only: Annotated[
        str | None, Option("--only", metavar="NAME", help="Write only the rows of this name, to stdout.")
    ] = None
    by: Annotated[
        str, Option("--by", metavar="FIELD", help="Column that names the files; 'source': default and extended.")
    ] = "source"
    fraction: Annotated[
        str | None,
        Option("--fraction", metavar="NAME=SHARE,...", help="Random parts and their shares, such as test=0.02."),
    ] = None
    keep: Annotated[Keep | None, Option("--keep", help="Keep only rows where this is true.", show_default=False)] = (
        None
    )
    pass_rate: Annotated[
        str | None,
        Option("--pass-rate", metavar="LOW:HIGH", help="Keep only rows with LOW < share of right answers < HIGH."),
    ] = None
    max_tokens: Annotated[
        int | None,
        Option("--max-tokens", metavar="N", min=1, help="Drop rows whose chosen generation (else any) is longer."),
    ] = None
    decontaminate: Annotated[
        list[str],
        Option(
            "--decontaminate",
            metavar="BENCHMARK",
            help="Drop problems that share a word n-gram with this file or hf:// dataset; repeatable.",
        ),
    ] = field(default_factory=list)
    ngram: Annotated[int, Option("--ngram", metavar="N", min=1, help="Words per n-gram.")] = NGRAM
    dedup: Annotated[
        Dedup | None,
        Option(
            "--dedup",
            help="Keep only the first row of each problem; near needs the extra 'dedup'.",
            show_default=False,
        ),
    ] = None
    shape: Annotated[Shape, Option("--as", help="Shape of the rows to write.")] = "rows"
    selection: Annotated[
        Selection | None, Option("--select", help="Choose --size of the remaining rows.", show_default=False)
    ] = None
    size: Annotated[
        int | None, Option("--size", metavar="N", min=1, help=f"Number of rows to select; default: {_SIZES}.")
    ] = None
    seed: Annotated[int, Option("--seed", metavar="N", help="Seed for --fraction and --select s1k.")] = 0


def check(options: SplitOptions) -> None:
    """Raise R1Error where the options do not go together."""
    if options.size is not None and options.selection is None:
        raise R1Error("--size is the number of rows for --select: give both, or use --limit for the first rows", USAGE)
    if options.fraction is not None and options.by != "source":
        raise R1Error("--by and --fraction both name the files: give only one of them", USAGE)
