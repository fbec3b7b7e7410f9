"""A small and varied selection, as s1K was made (arXiv 2501.19393, section 2.2): quality, then diversity.

Problems whose text refers to what is not there are left out. Then, until there are enough, a domain is drawn, each as
likely as the other, and from it a problem, the longer its trace the more likely: the one of rank r with weight 2^-r.
What s1 drew from two models' mistakes, difficulty, is `--pass-rate`.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass

from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.split.trace import best_index, length

SIZE = 1000
RANKS = 50
"""A rank beyond this has no weight left to speak of."""
FLAWS = (
    re.compile(r"\[asy\]|!\[", re.IGNORECASE),
    re.compile(r"^\s*\**p\d+\."),
    re.compile(r"^\s*\*\*[^*]*\d[^*]*\*\*"),
)
"""Drawings and pictures; several problems in one; the number of a collection in front."""


@dataclass(frozen=True)
class Feature:
    """What the selection needs to know of a row."""

    id: str
    domain: str
    length: int


def feature(row: Row) -> Feature | str:
    """The row's feature, or the reason why it cannot be selected."""
    problem = row.get("problem", "")
    if any(flaw.search(problem) for flaw in FLAWS):
        return "badly formatted"
    best = best_index(row)
    if best is None:
        return "no right generation"
    return Feature(row_id(row), row.get("problem_type", "none"), length(row, best))


def choose(features: Iterable[tuple[int, Feature]], size: int, seed: int) -> set[int]:
    """The numbers of the rows selected. The order of the rows makes no difference."""
    draw = random.Random(seed)
    domains: dict[str, list[tuple[int, str, int]]] = {}
    for number, each in features:
        domains.setdefault(each.domain, []).append((-each.length, each.id, number))
    for pool in domains.values():
        pool.sort()
    chosen: set[int] = set()
    while domains and len(chosen) < size:
        domain = draw.choice(sorted(domains))
        pool = domains[domain]
        ranks = range(min(len(pool), RANKS))
        [rank] = draw.choices(ranks, [2.0**-rank for rank in ranks])
        chosen.add(pool.pop(rank)[2])
        if not pool:
            del domains[domain]
    return chosen
