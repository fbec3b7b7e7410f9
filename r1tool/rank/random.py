"""A random candidate: the baseline a reward model has to beat (Open R1's did not)."""

import random
from collections.abc import Sequence

from r1tool.rank.scorer import Scores, spread
from r1tool.records.ids import row_id, sample_seed
from r1tool.records.row import Row


def score(row: Row, chosen: Sequence[int], seed: int = 0) -> Scores:
    """A number in [0, 1) from the seed and the row's id, the same in every run and every shard."""
    id_ = row_id(row)
    values = [random.Random(sample_seed(seed, id_, index)).random() for index in chosen]
    return spread(values, chosen, len(row.get("generations", ())))
