"""Rules on what is known of a row's generations: correctness, completeness, pass rate, length.

A rule takes a row and returns None to keep it, or the reason why it is dropped.
"""

from collections.abc import Callable
from typing import Literal

from r1tool.errors import USAGE, R1Error
from r1tool.records.generations import chosen_index, completeness, completion_tokens, rightness
from r1tool.records.row import Row

Rule = Callable[[Row], str | None]
Keep = Literal["any-correct", "all-correct", "none-correct", "complete", "verified", "judged"]


def keep(which: Keep) -> Rule:
    """The rule of `--keep`.

    any-correct: some generation is right by verify or by the judge. all-correct: each is. none-correct: some have
    been decided and none is right. complete: some generation closes its thought, answers and stops by itself.
    verified: some generation is right by verify. judged: some generation is right by the judge.
    """

    def rule(row: Row) -> str | None:
        return None if _holds(which, row) else f"not {which}"

    return rule


def _holds(which: Keep, row: Row) -> bool:
    if which == "verified":
        return any(row.get("correctness_math_verify", []))
    if which == "judged":
        return any(row.get("correctness_llama", []))
    if which == "complete":
        return any(completeness(row))
    right = rightness(row)
    if which == "any-correct":
        return any(right)
    if which == "all-correct":
        return bool(right) and all(right)
    return False in right and True not in right


def pass_rate(row: Row) -> float | None:
    """The share of right generations among those that have been decided; None where none has."""
    decided = [right for right in rightness(row) if right is not None]
    return sum(decided) / len(decided) if decided else None


def parse_pass_rate(text: str) -> tuple[float, float]:
    """`LOW:HIGH`, either of which may be left out. Raises R1Error."""
    low, colon, high = text.partition(":")
    try:
        bounds = float(low or "-inf"), float(high or "inf")
    except ValueError:
        bounds = (1.0, 0.0)
    if not colon or not bounds[0] < bounds[1]:
        raise R1Error(f"--pass-rate {text}: give LOW:HIGH, such as 0.1:0.9", USAGE)
    return bounds


def pass_rate_between(low: float, high: float) -> Rule:
    """low < pass rate < high, both strict as in open-r1; a row of which nothing is known is dropped."""

    def rule(row: Row) -> str | None:
        rate = pass_rate(row)
        if rate is None:
            return "no pass rate"
        return None if low < rate < high else "pass rate"

    return rule


def at_most_tokens(limit: int) -> Rule:
    """The chosen generation (`messages`), else every one, has at most `limit` completion tokens.

    A row without token counts is dropped: guessing them would let through what a trainer then cuts off.
    """

    def rule(row: Row) -> str | None:
        tokens, chosen = completion_tokens(row), chosen_index(row)
        wanted = tokens if chosen is None else tokens[chosen : chosen + 1]
        known = [count for count in wanted if count is not None]
        if not known or len(known) < len(wanted):
            return "no token counts"
        return None if max(known) <= limit else "too many tokens"

    return rule
