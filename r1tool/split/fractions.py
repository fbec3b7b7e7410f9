"""Random parts of given sizes, such as train and test, that do not change when rows are resharded or added."""

import hashlib
from fractions import Fraction

from r1tool.errors import USAGE, R1Error

Parts = list[tuple[str, Fraction]]


def parse(text: str) -> Parts:
    """`train=0.98,test=0.02` as names and shares. Raises R1Error unless they are above 0 and add up to at most 1."""
    parts: Parts = []
    for item in text.split(","):
        name, equals, number = item.partition("=")
        try:
            share = Fraction(number.strip())
        except (ValueError, ZeroDivisionError):
            share = Fraction(0)
        if not equals or not name.strip() or share <= 0:
            raise R1Error(f"--fraction {text}: {item!r} is not NAME=SHARE with a share above 0", USAGE)
        parts.append((name.strip(), share))
    if sum(share for _, share in parts) > 1:
        raise R1Error(f"--fraction {text}: the shares add up to more than 1", USAGE)
    if len({name for name, _ in parts}) < len(parts):
        raise R1Error(f"--fraction {text}: a name is given twice", USAGE)
    return parts


def part(parts: Parts, id_: str, seed: int = 0) -> str | None:
    """The part the row with this id is in, None where the shares leave it out: a function of id and seed alone."""
    point = Fraction(int.from_bytes(hashlib.sha256(f"{seed}:{id_}".encode()).digest()[:8], "big"), 2**64)
    for name, share in parts:
        if point < share:
            return name
        point -= share
    return None
