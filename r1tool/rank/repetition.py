"""The repetition penalty of open-r1's `get_repetition_penalty_reward` (demystify-long-cot's dense n-gram penalty)."""

from collections.abc import Sequence

from r1tool.rank.scorer import Scores, spread
from r1tool.records.row import Row

NGRAM = 3
MAX_PENALTY = -1.0


def penalty(text: str, ngram: int = NGRAM, max_penalty: float = MAX_PENALTY) -> float:
    """max_penalty * (1 - unique n-grams / n-grams) over lower-case words; 0 for a text of fewer than n words."""
    words = text.lower().split()
    total = len(words) - ngram + 1
    if total < 1:
        return 0.0
    unique = len(set(zip(*(words[start:] for start in range(ngram)), strict=False)))
    return max_penalty * (1 - unique / total)


def score(row: Row, chosen: Sequence[int]) -> Scores:
    """Each candidate's penalty: 0 is the best, -1 says one n-gram over and over."""
    generations = row.get("generations", [])
    return spread([penalty(generations[index]) for index in chosen], chosen, len(generations))
