"""Server-sent events, parsed by hand: about 1 us an event."""

from typing import Any

import msgspec


class Delta(msgspec.Struct):
    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class Choice(msgspec.Struct):
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Event(msgspec.Struct):
    """One chunk of a chat or a text completion, or a whole one, as vLLM, SGLang, llama.cpp and OpenAI send them."""

    choices: list[Choice] = []
    usage: Usage | None = None
    error: Any = None


decode = msgspec.json.Decoder(Event).decode

DONE = b"[DONE]"


class EventBuffer:
    """Cuts what arrives into the data of whole events; comments (pings) and other fields are dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that `chunk` completes."""
        if self._rest:
            chunk = self._rest + chunk
        *lines, self._rest = chunk.split(b"\n")
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]
