"""What a server can do beyond answering, found out once: render its chat template, continue a text, end a thought."""

from typing import Any

from r1tool.client import transport
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Broken, Busy, Refused, Unusable
from r1tool.client.request import CHAT, CLOSE, COMPLETION, OPEN, Request
from r1tool.records import think

PROBE = [{"role": "user", "content": "1 + 1?"}]
TAIL_TOKENS = 8


async def learn_template(endpoint: Endpoint) -> None:
    """Find out how the server's chat template can be had, and whether it ends with `<think>`.

    `rendering` becomes the last way of its engine that works, or "none".
    """
    can = endpoint.capabilities
    if can.rendering is not None:
        return
    async with can.lock:
        for way in endpoint.identity.engine.continues_by if can.rendering is None else ():
            prompt = await (_prompt_of_an_answer(endpoint) if way == "prefix" else render(endpoint, way, PROBE))
            if prompt is not None:
                can.opened = (await _tail(endpoint, prompt)).rstrip().endswith(think.OPEN)
                can.rendering = way
        can.rendering = can.rendering or "none"


def learn_from(endpoint: Endpoint, request: Request) -> None:
    """An answer to a chat that closes a thought which it has not opened: the chat template did."""
    if (
        request.messages
        and not request.opened
        and CLOSE in request.text
        and not request.text.lstrip().startswith(OPEN)
    ):
        endpoint.capabilities.opened = True


async def ends_thoughts(endpoint: Endpoint) -> bool:
    """Whether the server ends a thought at `thinking_token_budget`: a vLLM that was told what a thought is.

    SGLang's own budget is left alone: it takes a grammar over every token of every answer, and takes the answer of a
    continued text for a thought.
    """
    can = endpoint.capabilities
    if can.ends_thoughts is None:
        async with can.lock:
            if can.ends_thoughts is None:
                may = endpoint.identity.engine.has_thinking_budget
                can.ends_thoughts = may and await _knows_budgets(endpoint)
    return can.ends_thoughts


async def _knows_budgets(endpoint: Endpoint) -> bool:
    """A server that takes a senseless budget does not know the field; one that refuses a good one is not set up."""
    for mark in (think.OPEN, think.CLOSE):
        tokens = await inquire(endpoint, "/tokenize", {"prompt": mark, "add_special_tokens": False})
        if tokens is None or len(tokens.get("tokens", [])) != 1:
            return False
    probe = {"prompt": "1", "max_tokens": 1}
    if await inquire(endpoint, COMPLETION, probe | {"thinking_token_budget": "none"}) is not None:
        return False
    return await inquire(endpoint, COMPLETION, probe | {"thinking_token_budget": 1}) is not None


async def render(endpoint: Endpoint, way: str, messages: list[dict[str, str]]) -> str | list[int] | None:
    """The prompt that the server makes of `messages`, as text or in tokens; None where it cannot."""
    if way == "apply-template":
        answer = await inquire(endpoint, "/apply-template", {"messages": messages})
        prompt = answer.get("prompt") if answer else None
        return prompt if isinstance(prompt, str) else None
    answer = await inquire(endpoint, "/tokenize", {"messages": messages, "add_generation_prompt": True})
    tokens = answer.get("tokens") if answer else None
    return tokens if isinstance(tokens, list) and tokens else None


async def _prompt_of_an_answer(endpoint: Endpoint) -> list[int]:
    """The prompt that SGLang (0.5.13 or later) reports beside an answer of one token; empty where it does not."""
    answer = await inquire(endpoint, CHAT, {"messages": PROBE, "max_tokens": 1, "return_prompt_token_ids": True})
    choices = answer.get("choices") if answer else None
    for place in (answer, choices[0] if isinstance(choices, list) and choices else None):
        if isinstance(place, dict) and isinstance(tokens := place.get("prompt_token_ids"), list):
            return tokens
    return []


async def _tail(endpoint: Endpoint, prompt: str | list[int]) -> str:
    if isinstance(prompt, str):
        return prompt
    if not prompt:
        return ""
    answer = await inquire(endpoint, "/detokenize", {"tokens": prompt[-TAIL_TOKENS:]}) or {}
    return str(answer.get("prompt") or answer.get("text") or "")


async def inquire(endpoint: Endpoint, route: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """One JSON answer, or None where the server has no such route or does not understand.

    A gateway may say so by any error: while its template is looked for, none of them is worth another try.
    """
    is_gateway = endpoint.identity.engine.may_be_gateway and endpoint.capabilities.rendering is None
    try:
        answer = await transport.post(endpoint, route, {"model": endpoint.identity.model or "default"} | body)
    except (Unusable, Refused):
        return None
    except (Broken, Busy) as error:
        if is_gateway and (isinstance(error, Broken) or error.status in (502, 503, 504)):
            return None
        raise
    return answer if isinstance(answer, dict) else None
