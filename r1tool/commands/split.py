"""r1tool split: send rows to the files they belong to."""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from r1tool.errors import DONE, FAILED, USAGE, BadRow, R1Error
from r1tool.records.row import Row
from r1tool.split import fractions
from r1tool.split import rules as split_rules
from r1tool.split.decontaminate import NGRAM, read_benchmark, uncontaminated
from r1tool.split.deduplicate import Dedup, first_seen
from r1tool.split.destinations import Destination, by_field, by_fraction, by_source
from r1tool.split.folder import Folder
from r1tool.split.rules import Keep, Rule
from r1tool.split.select import Selection, select
from r1tool.split.training import Shape, shaped
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage

HELP = """Drop the rows you do not want and send the rest to the files they belong to.

With --dir each file is DIR/NAME.jsonl.zst, and all of them appear at the end; a run that is stopped leaves
NAME.jsonl.zst.partial instead. With --only the rows of one NAME go to stdout. With neither, every row that is kept
does: split is then a filter.

Rows are dropped by --keep, --pass-rate, --max-tokens, --decontaminate and --dedup, in this order; how many each
dropped is told at the end. --select then chooses --size rows in the light of all: s1k draws them evenly over
problem_type, longer traces first; limo takes the traces that verify, explore and connect most.

Names come from --by or --fraction: 'source' gives 'default' and 'extended', as OpenR1-Math-220k has them (extended:
cn_k12 and the other easier sources), any other column its values, and --fraction random parts that depend on --seed
and the row's id alone, so that resharding moves no row.

\b
--as gives the rows the shape a TRL trainer reads:
  sft   messages: the generation that rank chose, else the first right one
  dpo   prompt, chosen, rejected: that one against the first wrong one
  kto   prompt, completion, label: a row for each generation found right or wrong
  grpo  prompt, answer, solution (the answer boxed)

Cost: one row in memory, beside 200 bytes a row for --dedup exact, 3 kB for near and 150 bytes a benchmark word.
--select waits for the last row and keeps the others in TMPDIR.

\b
Examples:
  r1tool split ranked.jsonl.zst --keep any-correct --dedup exact -d out/
  r1tool split ranked.jsonl.zst --decontaminate aime24.jsonl --fraction train=0.98,test=0.02 --as sft -d sft/
  r1tool split --only extended ranked.jsonl.zst | r1tool stats
"""

OTHERS_SHOWN = 10


def run(
    stream: StreamOptions,
    *,
    dir: Annotated[str | None, typer.Option("-d", "--dir", metavar="DIR", help="Folder for the files.")] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="NAME", help="Only rows of this name.")] = None,
    by: Annotated[str, typer.Option("--by", metavar="FIELD", help="'source' or any column.")] = "source",
    fraction: Annotated[
        str | None, typer.Option("--fraction", metavar="NAME=SHARE,...", help="Random parts, such as test=0.02.")
    ] = None,
    keep: Annotated[
        Keep | None, typer.Option("--keep", help="Keep rows of which this holds.", show_default=False)
    ] = None,
    pass_rate: Annotated[
        str | None,
        typer.Option("--pass-rate", metavar="LOW:HIGH", help="Keep rows with LOW < share of right answers < HIGH."),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", metavar="N", min=1, help="Drop rows whose chosen (else any) answer is longer."),
    ] = None,
    decontaminate: Annotated[
        list[str] | None,
        typer.Option(
            "--decontaminate",
            metavar="BENCHMARK",
            help="Drop problems sharing a word n-gram with this file or hf:// data set; repeat for more.",
        ),
    ] = None,
    ngram: Annotated[int, typer.Option("--ngram", metavar="N", min=1, help="Words of an n-gram.")] = NGRAM,
    dedup: Annotated[
        Dedup | None,
        typer.Option(
            "--dedup", help="Keep the first row of each problem; near takes the extra 'dedup'.", show_default=False
        ),
    ] = None,
    shape: Annotated[Shape, typer.Option("--as", help="The columns to write.")] = "rows",
    selection: Annotated[
        Selection | None, typer.Option("--select", help="Choose --size rows among those left.", show_default=False)
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", metavar="N", min=1, help="Rows to select; default: s1k 1000, limo 800.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="For --fraction and --select s1k.")] = 0,
) -> int:
    if dir is not None and (only is not None or stream.output is not None):
        raise R1Error("--dir writes files of its own: leave out --only and --output", USAGE)
    if size is not None and selection is None:
        raise R1Error("--size says how many rows --select chooses: give both, or --limit for the first rows", USAGE)
    if fraction is not None and by != "source":
        raise R1Error("--by and --fraction both name the files: give one of them", USAGE)
    destination = _destination(by, fraction, seed)
    rules = _rules(keep, pass_rate, max_tokens, decontaminate or [], ngram, dedup)
    reshape = shaped(shape)
    if dir is not None and stream.rejects and Path(stream.rejects).parent.resolve() == Path(dir).resolve():
        raise R1Error(f"--rejects {stream.rejects}: --dir is for split's own files; name a file elsewhere", USAGE)
    dropped: Counter[str] = Counter()
    others: set[str] = set()
    with Folder(dir, stream.level) if dir is not None else nullcontext() as folder:
        with Stage("split", stream, writes=folder is None) as stage:
            kept = _kept(stage, rules, dropped)
            if selection is not None:
                kept = select(kept, selection, size, seed, lambda reason: dropped.update([reason]), stage.reject)
            for row in kept:
                try:
                    name, rows = destination(row), list(reshape(row))
                except BadRow as error:
                    stage.reject(row, str(error))
                    continue
                if name is None or (only is not None and name != only):
                    dropped["of another part"] += 1
                    if name is not None and len(others) < OTHERS_SHOWN:
                        others.add(name)
                elif not rows:
                    dropped[f"nothing for {shape}"] += 1
                else:
                    for each in rows:
                        if folder is None:
                            stage.write(each)
                        else:
                            folder.write(name, each.encode())
        if dropped:
            stage.note("dropped " + ", ".join(f"{count} ({reason})" for reason, count in dropped.most_common()))
        if only is not None and not stage.rows_out and others:
            stage.note(f"no row is of the part {only!r}; there are {', '.join(sorted(others))}")
        if folder is not None and stage.status in (DONE, FAILED):
            _finish(folder, stage)
    return stage.status


def _destination(by: str, fraction: str | None, seed: int) -> Destination:
    if fraction is not None:
        return by_fraction(fractions.parse(fraction), seed)
    return by_source() if by == "source" else by_field(by)


def _rules(
    keep: Keep | None,
    pass_rate: str | None,
    max_tokens: int | None,
    benchmarks: list[str],
    ngram: int,
    dedup: Dedup | None,
) -> list[Rule]:
    """Deduplication comes last: the first row of a problem must not hide a second one that passes the other rules."""
    rules: list[Rule] = []
    if keep is not None:
        rules.append(split_rules.keep(keep))
    if pass_rate is not None:
        rules.append(split_rules.pass_rate_between(*split_rules.parse_pass_rate(pass_rate)))
    if max_tokens is not None:
        rules.append(split_rules.at_most_tokens(max_tokens))
    if benchmarks:
        rules.append(uncontaminated([(name, read_benchmark(name)) for name in benchmarks], ngram))
    if dedup is not None:
        rules.append(first_seen(dedup))
    return rules


def _kept(stage: Stage, rules: list[Rule], dropped: Counter[str]) -> Iterator[Row]:
    for row in stage.rows():
        try:
            reason = next((reason for rule in rules if (reason := rule(row))), None)
        except BadRow as error:
            stage.reject(row, str(error))
            continue
        if reason:
            dropped[reason] += 1
        else:
            yield row


def _finish(folder: Folder, stage: Stage) -> None:
    for name, rows in folder.commit().items():
        stage.note(f"{folder.path / name}: {rows} rows")
    if strangers := folder.strangers():
        stage.note(f"{folder.path} also holds {', '.join(strangers)}, which this run has not written")
