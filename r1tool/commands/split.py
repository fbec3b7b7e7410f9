"""r1tool split: send rows to the files they belong to."""

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from r1tool.errors import DONE, FAILED, USAGE, BadRow, R1Error
from r1tool.records.row import Row
from r1tool.split import fractions
from r1tool.split import rules as split_rules
from r1tool.split.decontaminate import read_benchmark, uncontaminated
from r1tool.split.deduplicate import first_seen
from r1tool.split.destinations import Destination, by_field, by_fraction, by_source
from r1tool.split.folder import Folder
from r1tool.split.options import SplitOptions
from r1tool.split.rules import Rule
from r1tool.split.select import select
from r1tool.split.training import shaped
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


def run(options: SplitOptions, stream: StreamOptions) -> int:
    if options.dir is not None and (options.only is not None or stream.output is not None):
        raise R1Error("--dir writes files of its own: leave out --only and --output", USAGE)
    if options.size is not None and options.selection is None:
        raise R1Error("--size says how many rows --select chooses: give both, or --limit for the first rows", USAGE)
    if options.fraction is not None and options.by != "source":
        raise R1Error("--by and --fraction both name the files: give one of them", USAGE)
    destination = _destination(options.by, options.fraction, options.seed)
    rules = _rules(options)
    reshape = shaped(options.shape)
    if (
        options.dir is not None
        and stream.rejects
        and Path(stream.rejects).parent.resolve() == Path(options.dir).resolve()
    ):
        raise R1Error(f"--rejects {stream.rejects}: --dir is for split's own files; name a file elsewhere", USAGE)
    dropped: Counter[str] = Counter()
    others: set[str] = set()
    with Folder(options.dir, stream.level) if options.dir is not None else nullcontext() as folder:
        with Stage("split", stream, writes=folder is None) as stage:
            kept = _kept(stage, rules, dropped)
            if options.selection is not None:
                kept = select(
                    kept,
                    options.selection,
                    options.size,
                    options.seed,
                    lambda reason: dropped.update([reason]),
                    stage.reject,
                )
            for row in kept:
                try:
                    name, rows = destination(row), list(reshape(row))
                except BadRow as error:
                    stage.reject(row, str(error))
                    continue
                if name is None or (options.only is not None and name != options.only):
                    dropped["of another part"] += 1
                    if name is not None and len(others) < OTHERS_SHOWN:
                        others.add(name)
                elif not rows:
                    dropped[f"nothing for {options.shape}"] += 1
                else:
                    for each in rows:
                        if folder is None:
                            stage.write(each)
                        else:
                            folder.write(name, each.encode())
        if dropped:
            stage.note("dropped " + ", ".join(f"{count} ({reason})" for reason, count in dropped.most_common()))
        if options.only is not None and not stage.rows_out and others:
            stage.note(f"no row is of the part {options.only!r}; there are {', '.join(sorted(others))}")
        if folder is not None and stage.status in (DONE, FAILED):
            _finish(folder, stage)
    return stage.status


def _destination(by: str, fraction: str | None, seed: int) -> Destination:
    if fraction is not None:
        return by_fraction(fractions.parse(fraction), seed)
    return by_source() if by == "source" else by_field(by)


def _rules(options: SplitOptions) -> list[Rule]:
    """Deduplication comes last: the first row of a problem must not hide a second one that passes the other rules."""
    rules: list[Rule] = []
    if options.keep is not None:
        rules.append(split_rules.keep(options.keep))
    if options.pass_rate is not None:
        rules.append(split_rules.pass_rate_between(*split_rules.parse_pass_rate(options.pass_rate)))
    if options.max_tokens is not None:
        rules.append(split_rules.at_most_tokens(options.max_tokens))
    if options.decontaminate:
        rules.append(uncontaminated([(name, read_benchmark(name)) for name in options.decontaminate], options.ngram))
    if options.dedup is not None:
        rules.append(first_seen(options.dedup))
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
