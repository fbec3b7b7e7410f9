"""The rows whose traces reason best by LIMO's rules (arXiv 2502.03387, section 3.1.3).

A trace's score is 30 % its length, 20 % how often it verifies, 25 % how often it explores and 25 % how often it
connects its steps; words are counted per word of the trace, and each part is scaled to 0..1 over all rows. LIMO's
difficulty, a model that solves 1 to 3 of 32, is `--pass-rate`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.split.trace import best_index, length

SIZE = 800
LENGTH_WEIGHT = 0.3
WEIGHTS = ((r"check|verify", 0.2), (r"perhaps|might", 0.25), (r"therefore|since", 0.25))
_patterns = [(re.compile(rf"\b(?:{words})\b", re.IGNORECASE), weight) for words, weight in WEIGHTS]


@dataclass(frozen=True)
class Feature:
    """Length in tokens and frequency of each kind of word in the trace a row is judged by."""

    id: str
    length: int
    frequencies: tuple[float, ...]


def feature(row: Row) -> Feature | str:
    """The row's feature, or the reason why it cannot be selected."""
    best = best_index(row)
    if best is None:
        return "no right generation"
    text = row["generations"][best]
    words = len(text.split()) or 1
    return Feature(
        row_id(row), length(row, best), tuple(len(pattern.findall(text)) / words for pattern, _ in _patterns)
    )


def choose(features: Iterable[tuple[int, Feature]], size: int, seed: int = 0) -> set[int]:
    """The numbers of the `size` rows with the highest scores, of equal ones those with the lower ids."""
    rows = list(features)
    scores = [0.0] * len(rows)
    parts = [(LENGTH_WEIGHT, [float(each.length) for _, each in rows])]
    parts += [(weight, [each.frequencies[i] for _, each in rows]) for i, (_, weight) in enumerate(_patterns)]
    for weight, values in parts:
        low, high = min(values, default=0.0), max(values, default=0.0)
        for position, value in enumerate(values):
            scores[position] += weight * (value - low) / (high - low) if high > low else 0.0
    ranked = sorted(range(len(rows)), key=lambda position: (-scores[position], rows[position][1].id))
    return {rows[position][0] for position in ranked[:size]}
