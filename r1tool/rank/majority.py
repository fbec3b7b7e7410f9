"""Self-consistency: the answer most generations agree on (Wang et al., arXiv 2203.11171), by mathematical equality."""

from collections.abc import Sequence

from r1tool.grading.answers import final_answers, group_equal
from r1tool.rank.scorer import Scores, spread
from r1tool.records.row import Row


def score(row: Row, chosen: Sequence[int]) -> Scores:
    """The share of the candidates whose answer equals this one's; 0 for a candidate without an answer."""
    generations = row.get("generations", [])
    groups = group_equal(final_answers(row, chosen), row.get("problem"))
    sizes = [0 if group_ is None else groups.count(group_) for group_ in groups]
    return spread([size / len(chosen) for size in sizes], chosen, len(generations))
