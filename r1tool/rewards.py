"""Reward functions with TRL's signature, for `GRPOTrainer(reward_funcs=[...])`: a list of completions in, floats out.

Columns of the dataset come as keyword arguments, one entry per completion; None as a reward leaves a completion out.
"""

import re
from typing import Any

from r1tool.grading import grade

Completion = str | list[dict[str, str]]

_FORM = re.compile(r"\s*<think>(?:(?!</?think>).)*</think>(?:(?!</?think>).)*\S\s*", re.DOTALL)


def correctness(
    completions: list[Completion], answer: list[str | None], problem: list[str] | None = None, **_: Any
) -> list[float | None]:
    """1.0 for a right final answer, 0.0 for a wrong one or none, None where the reference cannot be checked."""
    rewards: list[float | None] = []
    for index, (completion, gold) in enumerate(zip(completions, answer, strict=True)):
        outcome = grade(gold, _text(completion), problem[index] if problem else None).outcome
        rewards.append(None if outcome in ("gold_unparsable", "error") else float(outcome == "correct"))
    return rewards


def think_format(completions: list[Completion], **_: Any) -> list[float]:
    """1.0 for `<think>…</think>` once, with an answer after it; else 0.0."""
    return [float(bool(_FORM.fullmatch(_text(completion)))) for completion in completions]


def _text(completion: Completion) -> str:
    return completion if isinstance(completion, str) else completion[-1]["content"]
