"""Going on from a partial answer: the prompt as the model sees it, with the text so far after it."""

from typing import Any

from r1tool.client.capabilities import inquire, render
from r1tool.client.endpoint import Endpoint
from r1tool.client.request import CHAT, COMPLETION, Request
from r1tool.records.think import OPEN


async def continuation(endpoint: Endpoint, request: Request) -> tuple[str, dict[str, Any]] | None:
    """Route and body fields that go on from the request's text; None where the server cannot."""
    text = request.text.decode()
    if request.messages is None:
        return COMPLETION, {"prompt": (request.prompt or "") + text}
    can = endpoint.capabilities
    if can.opened and text.lstrip().startswith(OPEN):
        text = text.lstrip().removeprefix(OPEN).removeprefix("\n")
    if can.rendering == "prefix":
        messages = [*request.messages, {"role": "assistant", "content": text}]
        return CHAT, {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}
    if can.rendering is None or can.rendering == "none":
        return None
    prompt = await render(endpoint, can.rendering, request.messages)
    if isinstance(prompt, str):
        return COMPLETION, {"prompt": prompt + text}
    tokens = await inquire(endpoint, "/tokenize", {"prompt": text, "add_special_tokens": False})
    if prompt is None or tokens is None:
        return None
    request.prompt_tokens, request.tokens = len(prompt), len(tokens["tokens"])
    return COMPLETION, {"prompt": prompt + tokens["tokens"]}
