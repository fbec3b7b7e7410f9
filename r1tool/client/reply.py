"""What came back."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: `text` with its thought in front, in tokens and in seconds.

    `thinking_tokens` are those before `</think>`, 0 without a thought. `seconds` is the time in the servers' hands,
    `gpu_seconds` this answer's share of the GPUs, None where nobody knows how many there are. `wasted` tokens were
    generated and thrown away on the way.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int | None
    completion_tokens: int
    thinking_tokens: int
    seconds: float
    gpu_seconds: float | None
    wasted: int
    url: str
    engine: str
    version: str | None
    model: str
