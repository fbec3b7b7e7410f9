"""The configs of OpenR1-Math-220k: `default`, the sources it trains best on, and `extended`, the easier ones."""

from r1tool.records.row import Row

EXTENDED = frozenset({"cn_k12", "gsm8k", "math", "metamath", "orca_math", "synthetic_amc", "synthetic_math"})
"""The sources of `extended`. The card of OpenR1-Math-220k names only cn_k12 ("sources like cn_k12", whose questions
are less difficult); the other school-level and synthetic sources of NuminaMath stand beside it by our choice."""


def config(row: Row) -> str:
    """`extended` for the easier sources, `default` for every other, also an unknown or missing one."""
    return "extended" if row.get("source") in EXTENDED else "default"
