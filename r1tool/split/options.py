"""Which rows to keep, what to name their files after, and the shape to write them in."""

from dataclasses import dataclass, field
from typing import Annotated

from r1tool.errors import USAGE, R1Error
from r1tool.option import Option
from r1tool.split.decontaminate import NGRAM
from r1tool.split.deduplicate import Dedup
from r1tool.split.rules import Keep
from r1tool.split.select import SIZES, Selection
from r1tool.split.training import Shape

_SIZES = ", ".join(f"{how} {size}" for how, size in SIZES.items())


@dataclass(frozen=True)
class SplitOptions:
    """Where a rule has no value, it drops nothing. `dir` and `only` say where the rows go that are kept."""

    dir: Annotated[str | None, Option("-d", "--dir", metavar="DIR", help="Folder for the files.")] = None
    only: Annotated[str | None, Option("--only", metavar="NAME", help="Only rows of this name.")] = None
    by: Annotated[str, Option("--by", metavar="FIELD", help="'source' or any column.")] = "source"
    fraction: Annotated[
        str | None, Option("--fraction", metavar="NAME=SHARE,...", help="Random parts, such as test=0.02.")
    ] = None
    keep: Annotated[Keep | None, Option("--keep", help="Keep rows of which this holds.", show_default=False)] = None
    pass_rate: Annotated[
        str | None,
        Option("--pass-rate", metavar="LOW:HIGH", help="Keep rows with LOW < share of right answers < HIGH."),
    ] = None
    max_tokens: Annotated[
        int | None,
        Option("--max-tokens", metavar="N", min=1, help="Drop rows whose chosen (else any) answer is longer."),
    ] = None
    decontaminate: Annotated[
        list[str],
        Option(
            "--decontaminate",
            metavar="BENCHMARK",
            help="Drop problems sharing a word n-gram with this file or hf:// data set; repeat for more.",
        ),
    ] = field(default_factory=list)
    ngram: Annotated[int, Option("--ngram", metavar="N", min=1, help="Words of an n-gram.")] = NGRAM
    dedup: Annotated[
        Dedup | None,
        Option(
            "--dedup", help="Keep the first row of each problem; near takes the extra 'dedup'.", show_default=False
        ),
    ] = None
    shape: Annotated[Shape, Option("--as", help="The columns to write.")] = "rows"
    selection: Annotated[
        Selection | None, Option("--select", help="Choose --size rows among those left.", show_default=False)
    ] = None
    size: Annotated[int | None, Option("--size", metavar="N", min=1, help=f"Rows to select; default: {_SIZES}.")] = (
        None
    )
    seed: Annotated[int, Option("--seed", metavar="N", help="For --fraction and --select s1k.")] = 0


def check(options: SplitOptions) -> None:
    """Raise R1Error where the options do not go together."""
    if options.size is not None and options.selection is None:
        raise R1Error("--size says how many rows --select chooses: give both, or --limit for the first rows", USAGE)
    if options.fraction is not None and options.by != "source":
        raise R1Error("--by and --fraction both name the files: give one of them", USAGE)
