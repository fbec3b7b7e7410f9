"""Budget forcing (Muennighoff et al. 2025, s1): a thought is ended when it is too long, or told to go on."""

from typing import TYPE_CHECKING

from r1tool.client.draft import CLOSE, Draft
from r1tool.client.reply import Reply

if TYPE_CHECKING:
    from r1tool.client.client import Client

END_THOUGHT = b"\n</think>\n\n"
GO_ON = b"\nWait"


async def force(client: "Client", draft: Draft, *, budget: int | None = None, waits: int = 0) -> Reply:
    """The answer to `draft` with at most `budget` tokens of thought, whose end is put off `waits` times.

    Works by continuing the text with the marks that s1 puts in, on any server that can continue; raises R1Error on
    another. A model that does not think is left alone.
    """
    draft.must_continue = True
    longest = draft.sampling.get("max_tokens")
    while True:
        over = budget is not None and draft.tokens >= budget
        if over and draft.thinking:
            draft.end_thought(END_THOUGHT)
        draft.cap = None if over or draft.thinking_tokens is not None else budget
        reply = await client.generate(draft, _closed if waits > draft.waits and not over else None)
        if draft.finish_reason is None:
            draft.cut(draft.text.index(CLOSE), GO_ON)
            draft.waits += 1
        elif draft.cap and draft.finish_reason == "length" and (longest is None or draft.tokens < longest):
            draft.tokens = max(draft.tokens, draft.cap)
        else:
            return reply


def _closed(draft: Draft) -> bool:
    return draft.thinking_tokens is not None
