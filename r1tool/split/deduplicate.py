"""Drop problems that have been seen before: the same words, or nearly."""

import hashlib
import re
from typing import Literal

from r1tool.errors import R1Error
from r1tool.records.row import Row
from r1tool.split.rules import Rule
from r1tool.split.words import ngrams, words

Dedup = Literal["exact", "near"]
SIMILARITY = 0.8
"""Jaccard similarity of word 3-grams from which two problems are near-duplicates."""
SHINGLE, PERMUTATIONS, BANDS = 3, 128, 16


def first_seen(how: Dedup) -> Rule:
    """The rule that keeps the first row of each problem.

    exact: the same words, whatever the case and the white space; 200 bytes of memory per row. near: alike words and
    the same numbers, since problems of one template differ in their numbers only; about 3 kB per row.
    """
    return _exact() if how == "exact" else _near()


def _exact() -> Rule:
    seen: set[bytes] = set()

    def rule(row: Row) -> str | None:
        key = _digest(" ".join(words(row.get("problem", ""))))
        if key in seen:
            return "duplicate"
        seen.add(key)
        return None

    return rule


def _near() -> Rule:
    try:
        from rensa import RMinHash, RMinHashLSH
    except ImportError:
        raise R1Error("--dedup near needs the package rensa; install it with: pip install 'r1tool[dedup]'") from None
    index = RMinHashLSH(threshold=SIMILARITY, num_perm=PERMUTATIONS, num_bands=BANDS)
    known: list[tuple[bytes, RMinHash]] = []

    def rule(row: Row) -> str | None:
        problem = row.get("problem", "")
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=0)
        sketch.update(sorted(ngrams(problem, SHINGLE) or set(words(problem))))
        numbers = _digest(" ".join(re.findall(r"\d+", problem)))
        for candidate in index.query(sketch):
            others, other = known[candidate]
            if others == numbers and sketch.jaccard(other) >= SIMILARITY:
                return "near-duplicate"
        index.insert(len(known), sketch)
        known.append((numbers, sketch))
        return None

    return rule


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
