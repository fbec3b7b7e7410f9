"""Budget forcing (Muennighoff et al. 2025, s1): a thought is ended when it is too long, or told to go on."""

from typing import TYPE_CHECKING

from r1tool.client.continuation import COMPLETION, inquire
from r1tool.client.reply import Reply
from r1tool.client.request import CLOSE, Request
from r1tool.records import think

if TYPE_CHECKING:
    from r1tool.client.client import Client
    from r1tool.client.endpoint import Endpoint

END_THOUGHT = b"\n</think>\n\n"
GO_ON = b"\nWait"
GRACE_TOKENS = 64
"""What a server that ends thoughts itself may be late, in events, before it is no longer relied on."""


async def force(client: "Client", draft: Request, *, budget: int | None = None, waits: int = 0) -> Reply:
    """The answer to `draft` with at most `budget` tokens of thought, whose end is put off `waits` times.

    A vLLM that can ends the thought by itself. Elsewhere, and for `waits`, the text is continued with the marks that
    s1 puts in, on any server that can continue; raises R1Error on another. A model that does not think is left alone.
    """
    draft.must_continue = True
    longest = draft.sampling.get("max_tokens")

    def enough(draft: Request) -> bool:
        if draft.thinking_tokens is not None:
            return waits > draft.waits and (budget is None or draft.tokens < budget)
        return budget is not None and draft.tokens >= budget + GRACE_TOKENS and draft.thinking

    while True:
        over = budget is not None and draft.tokens >= budget
        if over and draft.thinking:
            draft.end_thought(END_THOUGHT)
        draft.cap = None if over or draft.thinking_tokens is not None else budget
        reply = await client.generate(draft, enough)
        if draft.finish_reason is None and draft.thinking_tokens is not None:
            draft.cut(draft.text.index(CLOSE), GO_ON)
            draft.waits += 1
        elif draft.cap and draft.finish_reason == "length" and (longest is None or draft.tokens < longest):
            draft.tokens = max(draft.tokens, draft.cap)
        elif draft.finish_reason is not None:
            return reply


async def ends_thoughts(endpoint: "Endpoint") -> bool:
    """Whether the server ends a thought at `thinking_token_budget`: a vLLM that was told what a thought is.

    SGLang's own budget is left alone: it takes a grammar over every token of every answer, and takes the answer of a
    continued text for a thought.
    """
    if endpoint.ends_thoughts is None:
        async with endpoint.learning:
            if endpoint.ends_thoughts is None:
                endpoint.ends_thoughts = endpoint.engine.has_thinking_budget and await _knows_budgets(endpoint)
    return endpoint.ends_thoughts


async def _knows_budgets(endpoint: "Endpoint") -> bool:
    """A server that takes a senseless budget does not know the field; one that refuses a good one is not set up."""
    for mark in (think.OPEN, think.CLOSE):
        tokens = await inquire(endpoint, "/tokenize", {"prompt": mark, "add_special_tokens": False})
        if tokens is None or len(tokens.get("tokens", [])) != 1:
            return False
    probe = {"prompt": "1", "max_tokens": 1}
    if await inquire(endpoint, COMPLETION, probe | {"thinking_token_budget": "none"}) is not None:
        return False
    return await inquire(endpoint, COMPLETION, probe | {"thinking_token_budget": 1}) is not None
