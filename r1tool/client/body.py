"""What a request sends next: from the start, or going on from the text that has arrived."""

from typing import Any

from r1tool.client.capabilities import ends_thoughts, learn_template
from r1tool.client.continuation import continuation
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Unusable
from r1tool.client.request import Request
from r1tool.engines.table import ENGINES, listed
from r1tool.errors import USAGE
from r1tool.records import think

CONSTRAINTS = {"response_format", "grammar", "structured_outputs", "guided_json", "guided_grammar", "tools"}
"""Fields by which a server holds an answer to a form: it would begin the form again in the middle of a text."""


async def next_body(endpoint: Endpoint, request: Request, model: str) -> tuple[str, dict[str, Any]]:
    """Route and body. A text that the server cannot go on from is thrown away.

    Raises Unusable where the server can never do what is asked, and what `transport.post` does.
    """
    _check_context(endpoint, request)
    if request.messages is not None:
        await learn_template(endpoint)
        if request.must_continue and endpoint.capabilities.rendering == "none":
            raise Unusable(
                f"{endpoint.url} cannot continue an answer, which --thinking-budget and --wait need: "
                f"use {listed(each for each in ENGINES.values() if each.owned_by)}, or --completion"
            )
        request.opened = bool(endpoint.capabilities.opened)
    else:
        request.opened = (request.prompt or "").rstrip().endswith(think.OPEN)
    going_on = None
    if request.text:
        if not request.sampling.keys() & CONSTRAINTS:
            going_on = await continuation(endpoint, request)
        if going_on is None:
            request.start_over()
    route, fields = going_on or request.opening
    body = {"model": model} | fields | request.sampling
    if request.tokens and "max_tokens" in body:
        body["max_tokens"] = max(1, body["max_tokens"] - request.tokens)
    if request.cap is not None:
        if await ends_thoughts(endpoint):
            body["thinking_token_budget"] = request.cap
        else:
            body["max_tokens"] = max(1, min(body.get("max_tokens", request.cap), request.cap - request.tokens))
    return route, body


def _check_context(endpoint: Endpoint, request: Request) -> None:
    """Raises Unusable where the server would refuse every prompt, however short."""
    engine, _, _, context = endpoint.identity
    longest = request.sampling.get("max_tokens", 0)
    if engine.refuses_beyond_context and context and longest >= context:
        raise Unusable(
            f"{endpoint.url} takes {context} tokens per request, prompt included: set --max-tokens "
            f"below that instead of {longest}, or start the server with a larger --max-model-len",
            USAGE,
        )
