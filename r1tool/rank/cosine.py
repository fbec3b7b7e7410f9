"""The cosine length reward of Yeo et al., arXiv 2502.03373 (demystify-long-cot, open-r1's `cosine_scaled_reward`)."""

import math
from collections.abc import Sequence

from r1tool.rank.length import tokens
from r1tool.rank.scorer import Scores, spread
from r1tool.records.generations import right
from r1tool.records.row import Row

MAX_TOKENS = 14336
CORRECT = (1.0, 2.0)
WRONG = (-10.0, 0.0)


def reward(
    length: int,
    correct: bool,
    max_length: int = MAX_TOKENS,
    correct_range: tuple[float, float] = CORRECT,
    wrong_range: tuple[float, float] = WRONG,
) -> float:
    """From the better end at length 0 to the other at `max_length`: short right answers, long wrong ones are rewarded.

    r = a + (b - a) / 2 * (1 + cos(pi * L / Lmax)); for a right answer a is the low and b the high end of its range,
    for a wrong one the other way round. L is clamped to Lmax: beyond it the cosine would rise again.
    """
    low, high = correct_range if correct else wrong_range
    far, near = (low, high) if correct else (high, low)
    progress = min(length, max_length) / max_length
    return far + (near - far) / 2 * (1 + math.cos(math.pi * progress))


def score(row: Row, chosen: Sequence[int]) -> Scores:
    """Each candidate's reward, by its completion tokens; None where they are unknown: characters are no measure."""
    is_right, scores = right(row), spread([0.0] * len(chosen), chosen, len(row.get("generations", ())))
    for index, length in zip(chosen, tokens(row, chosen), strict=True):
        scores[index] = None if length is None else reward(length, is_right[index])
    return scores
