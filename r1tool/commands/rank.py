"""r1tool rank: score the right answers and choose one."""

from r1tool.rank.options import RankOptions
from r1tool.rank.run import Ranker
from r1tool.rank.scorer import SCORERS
from r1tool.stream.options import StreamOptions
from r1tool.stream.stage import Stage

_SCORERS = "\n".join(f"  {name:12}{scorer.prefers}" for name, scorer in SCORERS.items())

HELP = f"""Score the right answers of each row and choose one for `messages`.

Writes `scores` (one list per scorer; higher is better; null for a generation that is not a candidate) and `messages`:
the bare problem and the chosen generation. The first scorer of --by decides, the next ones break ties. A row without a
candidate gets null for `messages`; no row is dropped.

\b
{_SCORERS}

Cost: one row in memory; about as fast as reading; majority takes some 0.1 ms per generation.

\b
Example:
  r1tool verify traces.jsonl.zst | r1tool rank --by shortest -o ranked.jsonl.zst
"""


def run(options: RankOptions, stream: StreamOptions) -> int:
    ranker = Ranker(options)
    with Stage("rank", stream) as stage:
        for row in ranker.rank(stage.rows(), stage.reject):
            stage.write(row)
    return stage.status
