"""What the judge answered."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from r1tool.records.columns import OPINIONS, JudgeVerdict, Opinion
from r1tool.records.think import split

_LINE = re.compile(r"verdict\b[\s:*_\"'`=]*(EQUIVALENT|DIFFERENT|AMBIGUOUS)\b", re.IGNORECASE)
EXPLANATION_CHARACTERS = 120

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "explanation": {"type": "string", "maxLength": EXPLANATION_CHARACTERS},
        "verdict": {"type": "string", "enum": ["EQUIVALENT", "DIFFERENT", "AMBIGUOUS"]},
    },
    "required": ["explanation", "verdict"],
    "additionalProperties": False,
}
"""The form of a constrained reply, for `response_format` of vLLM, SGLang and llama.cpp alike."""


def parse(reply: str) -> JudgeVerdict:
    """The verdict of one reply: the last `Verdict: ...` after any thought, or the object a constrained reply is.

    A reply that says neither is UNPARSABLE, never DIFFERENT.
    """
    text = split(reply)[1]
    if text.startswith("{"):
        try:
            said = orjson.loads(text)
            if said["verdict"] in OPINIONS:
                return JudgeVerdict(said["verdict"], explanation=str(said.get("explanation", "")).strip())
        except (orjson.JSONDecodeError, KeyError, TypeError):
            pass
    found = list(_LINE.finditer(text))
    if not found:
        return JudgeVerdict("UNPARSABLE", explanation=text)
    opinion: Opinion = found[-1][1].upper()  # type: ignore[assignment]
    return JudgeVerdict(opinion, explanation=text[: found[-1].start()].rstrip(" \n*\"'-"))


def combine(votes: Sequence[JudgeVerdict]) -> JudgeVerdict:
    """The opinion most votes share; AMBIGUOUS where two lead, UNPARSABLE where no vote could be read."""
    counts = Counter(vote.verdict for vote in votes)
    leaders = [(opinion, n) for opinion, n in counts.most_common() if opinion != "UNPARSABLE"]
    winner: Opinion
    if not leaders:
        winner = "UNPARSABLE"
    elif len(leaders) > 1 and leaders[0][1] == leaders[1][1]:
        winner = "AMBIGUOUS"
    else:
        winner = leaders[0][0]
    explanation = next((vote.explanation for vote in votes if vote.verdict == winner), votes[0].explanation)
    return JudgeVerdict(winner, votes={**counts}, explanation=explanation)


def as_correctness(opinion: Opinion) -> bool | None:
    """The entry of `correctness_llama`: only EQUIVALENT is right, and a reply that cannot be read says nothing."""
    return None if opinion == "UNPARSABLE" else opinion == "EQUIVALENT"
