"""One finished answer: what the client gives back, and what the journal of `sample` keeps."""

import msgspec

from r1tool.client.endpoint import Endpoint
from r1tool.client.request import Request
from r1tool.engines.engine import FinishReason
from r1tool.records.think import OPEN


class Generation(msgspec.Struct, omit_defaults=True):
    """A text, with its thought in front, and where it came from. Journals hold these fields in this order.

    `thinking_tokens` are those before `</think>`, 0 without a thought. `gpu_seconds` is this answer's share of the
    GPUs, None where nobody knows how many there are.
    """

    text: str
    finish_reason: FinishReason
    seed: int | None
    model: str
    engine: str
    version: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int | None = None
    gpu_seconds: float | None = None

    @classmethod
    def of(cls, request: Request, endpoint: Endpoint, model: str) -> "Generation":
        """What `endpoint` has made of `request`, once that has its finish_reason."""
        assert request.finish_reason
        text, thinking = request.whole_text(), request.thinking_tokens
        if thinking is None:
            thinking = request.tokens if text.startswith(OPEN) else 0
        return cls(
            text=text.strip(),
            finish_reason=request.finish_reason,
            seed=request.sampling.get("seed"),
            model=model,
            engine=endpoint.identity.engine.name,
            version=endpoint.identity.version,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.tokens,
            thinking_tokens=thinking,
            gpu_seconds=request.gpu_seconds if endpoint.gpus is not None else None,
        )
