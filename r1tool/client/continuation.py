"""Going on from a partial answer: the prompt as the model sees it, with the text so far behind it."""

from typing import Any

from r1tool.client import transport
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Broken, Busy, Refused
from r1tool.client.request import Request
from r1tool.errors import R1Error
from r1tool.records.think import OPEN

CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"
PROBE = [{"role": "user", "content": "1 + 1?"}]
TAIL_TOKENS = 8


async def learn_template(endpoint: Endpoint) -> None:
    """Find out once how the server's chat template can be had, and whether it ends with `<think>`.

    `endpoint.rendering` becomes the last way of its engine that works, or "none".
    """
    if endpoint.rendering is not None:
        return
    async with endpoint.learning:
        for way in endpoint.engine.continues_by if endpoint.rendering is None else ():
            prompt = await (_prompt_of_an_answer(endpoint) if way == "prefix" else _render(endpoint, way, PROBE))
            if prompt is not None:
                endpoint.opened = (await _tail(endpoint, prompt)).rstrip().endswith(OPEN)
                endpoint.rendering = way
        endpoint.rendering = endpoint.rendering or "none"


async def continuation(endpoint: Endpoint, draft: Request) -> tuple[str, dict[str, Any]] | None:
    """Route and body fields of a request that goes on from the draft's text; None where the server cannot."""
    text = draft.text.decode()
    if draft.messages is None:
        return COMPLETION, {"prompt": (draft.prompt or "") + text}
    if endpoint.opened and text.lstrip().startswith(OPEN):
        text = text.lstrip().removeprefix(OPEN).removeprefix("\n")
    if endpoint.rendering == "prefix":
        messages = [*draft.messages, {"role": "assistant", "content": text}]
        return CHAT, {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}
    if endpoint.rendering is None or endpoint.rendering == "none":
        return None
    prompt = await _render(endpoint, endpoint.rendering, draft.messages)
    if isinstance(prompt, str):
        return COMPLETION, {"prompt": prompt + text}
    tokens = await inquire(endpoint, "/tokenize", {"prompt": text, "add_special_tokens": False})
    if prompt is None or tokens is None:
        return None
    draft.prompt_tokens, draft.tokens = len(prompt), len(tokens["tokens"])
    return COMPLETION, {"prompt": prompt + tokens["tokens"]}


async def _render(endpoint: Endpoint, way: str, messages: list[dict[str, str]]) -> str | list[int] | None:
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
    gateway = endpoint.engine.may_be_gateway and endpoint.rendering is None
    try:
        answer = await transport.post(endpoint, route, {"model": endpoint.model or "default"} | body)
    except (R1Error, Refused):
        return None
    except (Broken, Busy) as error:
        if gateway and (isinstance(error, Broken) or error.status in (502, 503, 504)):
            return None
        raise
    return answer if isinstance(answer, dict) else None
