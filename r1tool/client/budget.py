"""Budget forcing (Muennighoff et al. 2025, s1): a thought is ended when it is too long, or told to go on."""

from r1tool.client.client import Client
from r1tool.client.generation import Generation
from r1tool.client.request import CLOSE, Request

END_THOUGHT = b"\n</think>\n\n"
GO_ON = b"\nWait"
GRACE_TOKENS = 64
"""What a server that ends thoughts itself may be late, in events, before it is no longer relied on."""


async def force(client: Client, request: Request, *, budget: int | None = None, waits: int = 0) -> Generation:
    """The answer to `request` with at most `budget` tokens of thought, whose end is put off `waits` times.

    A vLLM that can ends the thought by itself. Elsewhere, and for `waits`, the text is continued with the marks that
    s1 puts in, on any server that can continue; raises R1Error on another. A model that does not think is left alone.
    """
    request.must_continue = True
    longest = request.sampling.get("max_tokens")

    def enough(request: Request) -> bool:
        if request.thinking_tokens is not None:
            return waits > request.waits and (budget is None or request.tokens < budget)
        return budget is not None and request.tokens >= budget + GRACE_TOKENS and request.thinking

    while True:
        over = budget is not None and request.tokens >= budget
        if over and request.thinking:
            request.end_thought(END_THOUGHT)
        request.cap = None if over or request.thinking_tokens is not None else budget
        generation = await client.generate_until(request, enough)
        if generation is None:
            if request.thinking_tokens is not None:
                request.cut(request.text.index(CLOSE), GO_ON)
                request.waits += 1
        elif request.cap and request.finish_reason == "length" and (longest is None or request.tokens < longest):
            request.tokens = max(request.tokens, request.cap)
        else:
            return generation
