"""r1tool split: send rows to the files they belong to."""

from contextlib import nullcontext
from pathlib import Path

from r1tool.errors import USAGE, R1Error
from r1tool.progress import counted
from r1tool.split.folder import Folder
from r1tool.split.options import SplitOptions
from r1tool.split.run import Splitter
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage

HELP = """Drop the rows you do not want and route the rest to files.

With --dir, each file is DIR/NAME.jsonl.zst, and all of them appear at the end; a run that is stopped leaves
NAME.jsonl.zst.partial instead. With --only, the rows of one NAME go to stdout. With neither, all remaining rows do:
split is then a filter.

Rows are dropped by --keep, --pass-rate, --max-tokens, --decontaminate and --dedup, in this order; the number that each
one dropped is reported at the end. --select then chooses --size of all remaining rows: s1k draws evenly across
problem_type and prefers longer traces; limo takes the traces that verify, explore and connect most.

Names come from --by or --fraction. By default, 'source' gives 'default' and 'extended' as in OpenR1-Math-220k
(extended: cn_k12 and other easier sources); any other column gives its values; --fraction makes random parts that
depend only on --seed and the row's id, so that resharding moves no row.

\b
--keep keeps rows with:
  any-correct   a generation that is right by verify or by the judge
  all-correct   only such generations
  none-correct  no such generation, although some were checked
  complete      a generation that ends its thought, answers and is not truncated
  verified      a generation that is right by verify
  judged        a generation that is right by the judge

\b
--as gives rows the shape that a TRL trainer expects:
  sft   messages: the generation that rank chose, else the first right one
  dpo   prompt, chosen, rejected: that generation, and the first wrong one
  kto   prompt, completion, label: one row per generation known to be right or wrong
  grpo  prompt, answer, solution (the answer boxed)

Cost: one row in memory, plus 200 bytes per row for --dedup exact, 3 kB for near, and 150 bytes per benchmark word.
--select waits for the last row and keeps the others in TMPDIR.

\b
Examples:
  r1tool split ranked.jsonl.zst --keep any-correct --dedup exact -d out/
  r1tool split ranked.jsonl.zst --decontaminate aime24.jsonl --fraction train=0.98,test=0.02 --as sft -d sft/
  r1tool split --only extended ranked.jsonl.zst | r1tool stats
"""


def run(options: SplitOptions, stream: StreamOptions) -> int:
    if options.dir is not None and (options.only is not None or stream.output is not None):
        raise R1Error("--dir writes files of its own: omit --only and --output", USAGE)
    splitter = Splitter(options)
    rejects_folder = Path(stream.rejects).parent.resolve() if stream.rejects else None
    if options.dir is not None and rejects_folder == Path(options.dir).resolve():
        raise R1Error(f"--rejects {stream.rejects}: cannot be inside --dir; name a file elsewhere", USAGE)
    with Folder(options.dir, stream.level) if options.dir is not None else nullcontext() as folder:
        with Stage("split", stream, writes=folder is None) as stage:
            for part, row in splitter.split(stage.rows(), stage.reject):
                if folder is None:
                    stage.write(row)
                else:
                    folder.write(part, row.encode())
        if dropped := splitter.dropped.most_common():
            stage.note("dropped " + ", ".join(f"{count} ({reason})" for reason, count in dropped))
        if options.only is not None and not stage.rows_out and splitter.others:
            others = ", ".join(sorted(splitter.others))
            stage.note(f"no rows belong to {options.only!r}; the parts are {others}")
        if folder is not None and stage.completed:
            for name, rows in folder.commit().items():
                stage.note(f"{folder.path / name}: {counted(rows, 'row')}")
            if unmanaged := folder.unmanaged_files():
                stage.note(f"{folder.path} also holds files that this run did not write: {', '.join(unmanaged)}")
    return stage.status
