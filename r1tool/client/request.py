"""A request, and what has arrived of its answer."""

from typing import Any

from r1tool.engines.engine import FinishReason
from r1tool.records import think

OPEN, CLOSE = think.OPEN.encode(), think.CLOSE.encode()
CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"
STATE = ("tokens", "thinking_tokens", "prompt_tokens", "seconds", "gpu_seconds", "waits", "wasted")


class Request:
    """What was asked, and what has arrived of the answer: it outlives the connection it came by.

    Asked is either `messages` or a bare `prompt`, with `sampling` as the fields of the request body. The answer is
    kept as UTF-8, since thousands of streams of 16,000 small strings would not fit into memory.

    opened: the chat template has put `<think>` in front. cap: tokens of thought that the next exchange may end with.
    must_continue: the text so far has to be gone on from. revision: how often the text was changed but at its end.
    waits: how often the thought was made to go on. wasted: tokens that were thrown away.
    finish_reason: None until the answer is whole. seconds, gpu_seconds: in the servers' hands.
    """

    __slots__ = (
        "_in_reasoning",
        "cap",
        "finish_reason",
        "gpu_seconds",
        "messages",
        "must_continue",
        "opened",
        "prompt",
        "prompt_tokens",
        "revision",
        "sampling",
        "seconds",
        "text",
        "thinking_tokens",
        "tokens",
        "waits",
        "wasted",
    )

    def __init__(
        self, *, messages: list[dict[str, str]] | None = None, prompt: str | None = None, **sampling: Any
    ) -> None:
        self.messages, self.prompt, self.sampling = messages, prompt, sampling
        self.text = bytearray()
        self.tokens = 0
        self.thinking_tokens: int | None = None
        self.prompt_tokens: int | None = None
        self.finish_reason: FinishReason | None = None
        self.opened = False
        self.seconds = self.gpu_seconds = 0.0
        self.wasted = self.revision = self.waits = 0
        self.cap: int | None = None
        self.must_continue = False
        self._in_reasoning = False

    @property
    def opening(self) -> tuple[str, dict[str, Any]]:
        """Route and body fields with which it is asked from the start."""
        if self.messages is not None:
            return CHAT, {"messages": self.messages}
        return COMPLETION, {"prompt": self.prompt}

    def append(self, content: str | None, reasoning: str | None = None, tokens: int = 1) -> None:
        """Take what an event of `tokens` brings; what a reasoning parser took out goes back in front of the answer."""
        closed = self.thinking_tokens is not None
        if reasoning:
            if closed:
                self.text += reasoning.encode()
            else:
                if not self._in_reasoning and not self.text:
                    self.text += b"<think>\n"
                    reasoning = reasoning.lstrip("\n")
                self._in_reasoning = True
                self.text += reasoning.encode()
        if content:
            if self._in_reasoning and not closed:
                self._in_reasoning = False
                thought = self.text.rstrip()
                self.revision += len(thought) < len(self.text)
                self.text = thought + b"\n" + CLOSE + b"\n\n"
                self.thinking_tokens = self.tokens
                content = content.lstrip()
            self.text += content.encode()
        self.tokens += tokens
        if not closed and not self._in_reasoning and CLOSE in self.text[-len(CLOSE) - len(content or "") * 4 :]:
            self.thinking_tokens = self.tokens

    def start_over(self) -> None:
        """Throw away what has arrived, where the server cannot continue it."""
        self.wasted += self.tokens
        self.cut(0, b"")
        self.tokens = 0

    def cut(self, at: int, instead: bytes) -> None:
        """Put `instead` in the place of the text from byte `at` on; the thought is open again."""
        self.text[at:] = instead
        self.revision += 1
        self.thinking_tokens, self._in_reasoning = None, False

    def end_thought(self, mark: bytes) -> None:
        """Close the thought in the model's place."""
        self.text = self.text.rstrip() + mark
        self.revision += 1
        self.thinking_tokens, self._in_reasoning = self.tokens, False

    @property
    def thinking(self) -> bool:
        """Whether a thought has been opened, be it by the chat template, and not closed."""
        return self.thinking_tokens is None and (self.opened or self.text.lstrip().startswith(OPEN))

    @property
    def state(self) -> dict[str, Any]:
        """What has to be kept beside the text to go on from it in another process."""
        return {name: getattr(self, name) for name in STATE}

    def resume(self, text: bytes, state: dict[str, Any]) -> None:
        """Go on from what another process has left."""
        self.text = bytearray(text)
        for name in STATE:
            setattr(self, name, state[name])

    def whole_text(self) -> str:
        """The text, with `<think>` in front where the chat template had swallowed it."""
        return think.restore(self.text.decode(), opened=self.opened)
