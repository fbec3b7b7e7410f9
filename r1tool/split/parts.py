"""Which part, and so which file, a row goes to: by its source, by a column, or at random in given shares."""

import hashlib
from collections.abc import Callable
from fractions import Fraction

from r1tool.errors import USAGE, R1Error
from r1tool.records.ids import row_id
from r1tool.records.row import Row

PartOf = Callable[[Row], str | None]
"""From a row to the name of its part, None where it is in none."""
Shares = list[tuple[str, Fraction]]

EXTENDED = frozenset({"cn_k12", "gsm8k", "math", "metamath", "orca_math", "synthetic_amc", "synthetic_math"})
"""The sources of `extended`. The card of OpenR1-Math-220k names only cn_k12 ("sources like cn_k12", whose questions
are less difficult); the other school-level and synthetic sources of NuminaMath stand beside it by our choice."""


def by_source(row: Row) -> str:
    """`default` or `extended`, the configs of OpenR1-Math-220k: the sources it trains best on, and the easier ones.

    An unknown or missing source is in `default`.
    """
    return "extended" if row.get("source") in EXTENDED else "default"


def by_field(field: str) -> PartOf:
    """The value of `field`; `none` where it is missing or null."""

    def name(row: Row) -> str:
        value = row.get(field)
        return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    return name


def by_share(shares: Shares, seed: int = 0) -> PartOf:
    """Random parts of given sizes, such as train and test, that stay the same when rows are resharded or added."""
    return lambda row: draw(shares, row_id(row), seed)


def draw(shares: Shares, id_: str, seed: int = 0) -> str | None:
    """The part the row with this id is in, None where the shares leave it out: a function of id and seed alone."""
    point = Fraction(int.from_bytes(hashlib.sha256(f"{seed}:{id_}".encode()).digest()[:8], "big"), 2**64)
    for name, share in shares:
        if point < share:
            return name
        point -= share
    return None


def parse_shares(text: str) -> Shares:
    """`train=0.98,test=0.02` as names and shares. Raises R1Error unless they are above 0 and add up to at most 1."""
    shares: Shares = []
    for item in text.split(","):
        name, equals, number = item.partition("=")
        try:
            share = Fraction(number.strip())
        except (ValueError, ZeroDivisionError):
            share = Fraction(0)
        if not equals or not name.strip() or share <= 0:
            raise R1Error(f"--fraction {text}: {item!r} is not NAME=SHARE with a share greater than 0", USAGE)
        shares.append((name.strip(), share))
    if sum(share for _, share in shares) > 1:
        raise R1Error(f"--fraction {text}: the shares sum to more than 1", USAGE)
    if len({name for name, _ in shares}) < len(shares):
        raise R1Error(f"--fraction {text}: a name appears twice", USAGE)
    return shares
