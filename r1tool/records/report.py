"""A Summary as the object `stats --json` prints."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from math import ceil, comb, floor
from typing import Any

from r1tool.records.columns import OPINIONS, OUTCOMES
from r1tool.records.tally import Summary, Tally

LONG_TOKENS = 8192
SECONDS_AN_HOUR = 3600


def report(
    summary: Summary, pass_at: Sequence[int] = (), majority: bool = False, gpus: int | None = None
) -> dict[str, Any]:
    """The counts of `summary` under the names of the JSON report.

    `pass_at` and `majority` ask for those keys; `gpus` for the rates, which say how long that many GPUs took.
    """

    def counts(tally: Tally) -> dict[str, Any]:
        return _counts(tally, pass_at, majority)

    whole = counts(summary.total)
    whole["sources"] = {name: counts(tally) for name, tally in _largest_first(summary.sources)}
    if summary.by is not None:
        whole["by"] = {summary.by: {name: counts(tally) for name, tally in _largest_first(summary.groups)}}
    if gpus is not None:
        hours = whole["gpu_hours"]
        whole["gpus"] = gpus
        whole["hours"] = hours / gpus
        whole["generations_per_hour_per_gpu"] = whole["generations"] / hours if hours else None
    return whole


def _counts(tally: Tally, pass_at: Sequence[int], majority: bool) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "rows": tally.rows,
        "rows_correct_any": tally.rows_correct_any,
        "generations": tally.generations,
        "verdicts": {name: tally.verdicts[name] for name in OUTCOMES},
        "judge_verdicts": {name: tally.judge_verdicts[name] for name in OPINIONS},
        "correct_any": tally.correct_any,
        "correct_math_verify": tally.correct_math_verify,
        "correct_llama": tally.correct_llama,
        "truncated": tally.truncated,
        "complete": tally.complete,
        "tokens": token_figures(tally.tokens),
        "gpu_hours": tally.gpu_seconds / SECONDS_AN_HOUR,
    }
    if pass_at:
        counts["pass_at"] = {str(k): mean_pass_at(tally.solved, k) for k in pass_at}
        counts["pass_at_left_out"] = {str(k): sum(n for (g, _), n in tally.solved.items() if g < k) for k in pass_at}
    if majority:
        counts["majority"] = tally.majority_right / tally.majority_rows if tally.majority_rows else None
    return counts


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimate of pass@k from c right among n >= k: 1 - C(n-c, k) / C(n, k) (arXiv 2107.03374)."""
    return 1 - comb(n - c, k) / comb(n, k)


def mean_pass_at(solved: Counter[tuple[int, int]], k: int) -> float | None:
    """The mean over the rows with at least k decided generations, None where there is none.

    A row with fewer is left out: counting what was never generated as wrong makes pass@1 fall with k (open-r1#655).
    """
    rows = sum(count for (n, _), count in solved.items() if n >= k)
    total = sum(count * pass_at_k(n, c, k) for (n, c), count in solved.items() if n >= k)
    return total / rows if rows else None


def token_figures(tokens: Counter[int]) -> dict[str, float]:
    """Mean, percentiles (linear between the nearest), maximum and share above 8,192 of a histogram of token counts."""
    count = tokens.total()
    return {
        "mean": sum(number * times for number, times in tokens.items()) / count if count else 0,
        **{f"p{share}": percentile(tokens, share) for share in (50, 90, 99)},
        "max": max(tokens, default=0),
        "share_over_8k": sum(times for number, times in tokens.items() if number > LONG_TOKENS) / count
        if count
        else 0,
    }


def percentile(histogram: Counter[int], share: float) -> float:
    """The value below which `share` percent lie, as numpy.percentile has it; 0 of nothing."""
    if not histogram:
        return 0
    numbers = sorted(histogram)
    ends = list(accumulate(histogram[number] for number in numbers))
    position = (ends[-1] - 1) * share / 100
    low, high = (numbers[bisect_right(ends, index)] for index in (floor(position), ceil(position)))
    return round(low + (high - low) * (position % 1), 6)


def _largest_first(groups: dict[str, Tally]) -> list[tuple[str, Tally]]:
    return sorted(groups.items(), key=lambda item: (-item[1].rows, item[0]))
