"""The columns of a row, in the order and with the types of open-r1/OpenR1-Math-220k, and r1tool's own beside them."""

from typing import Any, Literal, get_args

import msgspec

Finish = Literal["stop", "length"]
Outcome = Literal["correct", "wrong", "no_answer", "gold_unparsable", "timeout", "error"]
Opinion = Literal["EQUIVALENT", "DIFFERENT", "AMBIGUOUS", "UNPARSABLE"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)


class TokenCounts(msgspec.Struct):
    """Tokens of one generation; `thinking` is the part before </think>."""

    prompt: int | None = None
    completion: int | None = None
    thinking: int | None = None


class JudgeVerdict(msgspec.Struct):
    """What the judge said of one generation."""

    verdict: Opinion
    votes: dict[Opinion, int] | None = None
    explanation: str | None = None


class Message(msgspec.Struct):
    """One turn of a conversation."""

    role: str
    content: str


TYPES: dict[str, Any] = {
    "problem": str | None,
    "solution": str | None,
    "answer": str | None,
    "problem_type": str | None,
    "question_type": str | None,
    "source": str | None,
    "uuid": str | None,
    "is_reasoning_complete": list[bool | None] | None,
    "generations": list[str] | None,
    "correctness_math_verify": list[bool | None] | None,
    "correctness_llama": list[bool | None] | None,
    "finish_reasons": list[str | None] | None,
    "correctness_count": int | None,
    "messages": list[Message] | None,
    "token_counts": list[TokenCounts | None] | None,
    "sampling": dict[str, Any] | None,
    "verdicts": list[Outcome | None] | None,
    "extracted_answers": list[str | None] | None,
    "judge_verdicts": list[JudgeVerdict | None] | None,
    "scores": dict[str, list[float | None]] | None,
}

ALIGNED = (
    "is_reasoning_complete",
    "correctness_math_verify",
    "correctness_llama",
    "finish_reasons",
    "token_counts",
    "verdicts",
    "extracted_answers",
    "judge_verdicts",
)
"""Columns that hold one entry a generation."""
