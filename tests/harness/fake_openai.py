"""A model server that thinks in made-up words: the API of OpenAI as vLLM, SGLang and llama.cpp serve it, with every
failure of a real one on demand.

An answer is decided by its seed alone, so that one continued after a break can be compared with one that had none.
Run as a program it prints its port; `GET /counters` tells what it was asked, `POST /control` changes its settings.
"""

import argparse
import asyncio
import base64
import contextlib
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

WORD = re.compile(r"\s*\S+|\s+")
CLOSE = "\n</think>"
PIECE_CHARACTERS = 4
FIRST_WORD = 0x02000000
"""Above the bytes of any three, below those of four letters of ASCII."""
OWN = [
    CLOSE,
    "<think>",
    "</think>",
    "\nLet",
    "\n\nSo",
    *(f" {letter}{number}" for letter in "wa" for number in range(1000)),
]
VOCABULARY = {word: FIRST_WORD + index for index, word in enumerate(OWN)}
WORDS = {token: word for word, token in VOCABULARY.items()}
OWNERS = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llamacpp", "openai": "somebody"}


def pieces(text: str) -> list[str]:
    """Its tokens: the model's own words with the space before them, other words in parts."""
    parts: list[str] = []
    for word in WORD.findall(text):
        step = len(word) if word in VOCABULARY else PIECE_CHARACTERS if word.isascii() else 1
        parts += [word[at : at + step] for at in range(0, len(word), step)]
    return parts


def encode(text: str) -> list[int]:
    """The ids of its tokens, the same in every process, as those of servers of one model are."""
    return [VOCABULARY.get(piece) or int.from_bytes(piece.encode()) for piece in pieces(text)]


def decode(tokens: list[int]) -> str:
    """What was encoded."""
    return "".join(WORDS.get(token) or token.to_bytes(4).lstrip(b"\0").decode() for token in tokens)


@dataclass
class Settings:
    """`failures` gives the share of requests that end in 429, 503, 500, 400, html, drop, early, garbage, bytes, error,
    stall, or the end of the server (exit).

    `thinking` and `answer` are tokens; `opens` says that the chat template ends with <think>; `parser` that thoughts
    come in a field of their own; `slots` is how many requests run at once, the others wait.
    `context` is the most tokens of a request, `longest` of an answer whatever was asked for.
    A prompt that holds `refuse` is refused, one that holds `kills` ends the server.
    `replies`, where given, are all it ever says. `budget` is what it does with a thinking_token_budget: "kept" or
    "ignored"; a server that was not set up for it refuses it, and an old one, "", does not look at it.
    `per_event` is how many tokens an event carries, `streams` whether there are events at all, `ending` what comes of
    the connection behind the finish_reason: "" is as it should be, drop, hang, or cut within the last line.
    `status` answers every request, with `location` as a redirection to another server; `probes` those for a template.
    `login` is the name:password that it wants to see. `finish` is the finish_reason of an answer that is whole.
    """

    engine: str = "vllm"
    model: str = "fake"
    thinking: int = 20
    answer: int = 5
    pause: float = 0.0
    opens: bool = False
    parser: bool = False
    thinks: bool = True
    slots: int = 1_000_000
    context: int = 1_000_000
    longest: int = 1_000_000
    tokenless: bool = False
    key: str | None = None
    boxed: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    failures: dict[str, float] = field(default_factory=dict)
    refuse: str | None = None
    kills: str | None = None
    chat_only: bool = False
    budget: str = ""
    per_event: int = 1
    streams: bool = True
    ending: str = ""
    status: int = 0
    location: str = ""
    probes: int = 0
    login: str = ""
    finish: str = "stop"


class Fake:
    """The server's state; `app()` is its aiohttp application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.random = random.Random(0)
        self.requests: Counter[str] = Counter()
        self.started: Counter[int] = Counter()
        self.finished: Counter[int] = Counter()
        self.failed: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.tokens = 0
        self.running = self.waiting = self.peak = 0
        self.slots = asyncio.Semaphore(settings.slots)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_post("/v1/completions", self.complete)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/health", self.health)
        app.router.add_get("/version", self.version)
        app.router.add_get("/server_info", self.version)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/counters", self.counters)
        app.router.add_post("/control", self.control)
        app.router.add_post("/tokenize", self.tokenize)
        app.router.add_post("/detokenize", self.detokenize)
        app.router.add_post("/apply-template", self.apply_template)
        app.router.add_post("/classify", self.classify)
        return app

    def generate(self, seed: int) -> list[str]:
        """The tokens of the answer that `seed` decides, without a swallowed <think>."""
        draw, own = random.Random(seed), self.settings
        if own.replies:
            return pieces(own.replies[seed % len(own.replies)])
        boxed = own.boxed[seed % len(own.boxed)] if own.boxed else str(seed % 100)
        length = draw.randint(max(1, own.thinking // 2), own.thinking * 3 // 2) if own.thinking else 0
        tokens = [f" w{draw.randrange(1000)}" for _ in range(length)]
        if own.thinks:
            tokens = ([] if own.opens else ["<think>"]) + ["\nLet", *tokens, CLOSE]
            tokens += ["\n\nSo"]
        tokens += [f" a{draw.randrange(1000)}" for _ in range(own.answer)]
        return pieces("".join(tokens) + f" \\boxed{{{boxed}}}")

    def rest(self, seed: int, so_far: str) -> list[str]:
        """What follows `so_far` in the answer of `seed`; some more where a client put in its own words."""
        tokens = self.generate(seed)
        full = "".join(tokens)
        if full.startswith(so_far):
            return pieces(full[len(so_far) :])
        close = tokens.index(CLOSE) if CLOSE in tokens else 0
        return tokens[close + 1 :] if "</think>" in so_far else [" again"] * 3 + tokens[close:]

    def render(self, messages: list[dict[str, str]]) -> str:
        text = "".join(f"<|{each['role']}|>{each['content']}" for each in messages)
        return text + "<|assistant|>" + ("<think>\n" if self.settings.opens else "")

    async def complete(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        self.requests[request.path] += 1
        if len(self.bodies) < 2000:
            self.bodies.append(body)
        own = self.settings
        if own.location:
            return web.Response(status=own.status, headers={"Location": own.location + request.path})
        if own.status:
            return _error(own.status, "injected")
        if own.key and request.headers.get("Authorization") != f"Bearer {own.key}":
            return web.json_response({"error": {"message": "no key"}}, status=401)
        if body.get("model") not in (own.model, None):
            return _error(404, f"The model `{body.get('model')}` does not exist.")
        chat = request.path.endswith("chat/completions")
        if own.chat_only and not chat:
            return _error(404, "Not Found")
        prompt, so_far = self._prompt(body, chat)
        if own.kills and own.kills in prompt:
            os._exit(3)
        if own.refuse and own.refuse in prompt:
            return _error(400, "This model's maximum context length is 8 tokens.")
        if len(pieces(prompt)) + body.get("max_tokens", 0) > own.context:
            return _error(400, f"This model's maximum context length is {own.context} tokens.")
        failure = self._draw_failure()
        if failure in ("429", "503", "500", "400"):
            return _error(int(failure), "injected", {"Retry-After": "0"} if failure == "429" else None)
        if failure == "exit":
            os._exit(3)
        if failure == "html":
            return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
        seed = int(body.get("seed") or 0)
        self.started[seed] += 1
        tokens = self.rest(seed, so_far)
        if own.budget and not isinstance(budget := body.get("thinking_token_budget", 0), int):
            return _error(400, "`thinking_token_budget` must be a non-negative integer")
        if own.budget == "kept" and budget and CLOSE in tokens:
            close = tokens.index(CLOSE)
            tokens = tokens[: min(close, budget - len(pieces(so_far)))] + tokens[close:]
        for stop in body.get("stop") or []:
            tokens = _stopped(tokens, stop)
        finish = own.finish
        if len(tokens) > (longest := min(own.longest, body.get("max_tokens", own.longest))):
            tokens, finish = tokens[:longest], "length"
        usage = {
            "prompt_tokens": len(pieces(prompt)) + len(pieces(so_far)),
            "completion_tokens": len(tokens),
        }
        self.waiting += 1
        async with self.slots:
            self.waiting -= 1
            self.running += 1
            self.peak = max(self.peak, self.running)
            try:
                if body.get("stream") and own.streams:
                    with contextlib.suppress(ConnectionResetError):
                        return await self._stream(request, body, chat, tokens, finish, usage, failure)
                    raise asyncio.CancelledError
                for _ in tokens:
                    await asyncio.sleep(self.settings.pause)
                    self.tokens += 1
            finally:
                self.running -= 1
        self.finished[seed] += 1
        text = "".join(tokens)
        choice = {"index": 0, "finish_reason": finish}
        message = {"role": "assistant", "content": text}
        if own.parser and chat:
            thought, _, answer = text.removeprefix("<think>").partition("</think>")
            message |= {"content": answer, "reasoning_content": thought}
        choice |= {"message": message} if chat else {"text": text}
        if own.engine == "sglang" and body.get("return_prompt_token_ids"):
            choice["prompt_token_ids"] = encode(prompt)
        return web.json_response({"id": "x", "choices": [choice], "usage": usage})

    async def _stream(
        self,
        request: web.Request,
        body: dict[str, Any],
        chat: bool,
        tokens: list[str],
        finish: str,
        usage: dict[str, int],
        failure: str | None,
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        own, total = self.settings, len(tokens)
        tokens = ["".join(tokens[at : at + own.per_event]) for at in range(0, total, own.per_event)]
        breaks = self.random.randrange(len(tokens)) if failure and tokens else -1
        thinking = chat and self.settings.parser
        continuous = (body.get("stream_options") or {}).get("continuous_usage_stats")
        for index, token in enumerate(tokens):
            if index == breaks:
                if failure == "stall":
                    await asyncio.sleep(3600)
                elif failure == "garbage":
                    await response.write(b'data: {"choices": [{"del\n\n')
                elif failure == "bytes":
                    await response.write(b'data: {"choices": [{"delta": {"content": "\xf0\x9f"}}]}\n\n')
                elif failure == "error":
                    await response.write(b'data: {"error": {"message": "injected", "code": 500}}\n\n')
                elif failure == "drop" and request.transport:
                    request.transport.abort()
                return response
            name = "content"
            if thinking:
                if token.strip() in ("<think>", "</think>"):
                    thinking = "</think>" not in token
                    continue
                name = "reasoning" if self.settings.engine == "vllm" else "reasoning_content"
            choice = {"index": 0, "finish_reason": None} | ({"delta": {name: token}} if chat else {"text": token})
            event: dict[str, Any] = {"id": "x", "choices": [choice]}
            if continuous:
                event["usage"] = usage | {"completion_tokens": min((index + 1) * own.per_event, total)}
            await response.write(b"data: " + orjson.dumps(event) + b"\n\n")
            self.tokens += own.per_event
            if self.settings.pause:
                await asyncio.sleep(self.settings.pause)
        last = {"index": 0, "finish_reason": finish} | ({"delta": {}} if chat else {"text": ""})
        await response.write(b"data: " + orjson.dumps({"id": "x", "choices": [last]}))
        if own.ending == "cut":
            return response
        await response.write(b"\n\n")
        if own.ending == "drop" and request.transport:
            await asyncio.sleep(0.05)
            request.transport.abort()
            return response
        if (body.get("stream_options") or {}).get("include_usage"):
            await response.write(b"data: " + orjson.dumps({"id": "x", "choices": [], "usage": usage}) + b"\n\n")
        self.finished[int(body.get("seed") or 0)] += 1
        await response.write(b"data: [DONE]\n\n")
        if own.ending == "hang":
            await asyncio.sleep(3600)
        return response

    def _prompt(self, body: dict[str, Any], chat: bool) -> tuple[str, str]:
        """The rendered prompt and what of the answer stands behind it already."""
        if chat:
            messages, so_far = body["messages"], ""
            if body.get("continue_final_message"):
                messages, so_far = messages[:-1], messages[-1]["content"]
            return self.render(messages), so_far
        prompt = body["prompt"]
        text = decode(prompt) if isinstance(prompt, list) else prompt
        marker = "<|assistant|>" + ("<think>\n" if self.settings.opens else "")
        for mark in (marker, "Solution:", "ANSWER:"):
            if mark in text:
                before, mark, so_far = text.rpartition(mark)
                return before + mark, so_far
        return text, ""

    def _draw_failure(self) -> str | None:
        mark = self.random.random()
        for name, share in self.settings.failures.items():
            mark -= share
            if mark < 0:
                self.failed[name] += 1
                return name
        return None

    async def models(self, request: web.Request) -> web.Response:
        own = self.settings
        if own.key and request.headers.get("Authorization") != f"Bearer {own.key}":
            return web.json_response({"error": {"message": "no key"}}, status=401)
        if (
            own.login
            and request.headers.get("Authorization") != f"Basic {base64.b64encode(own.login.encode()).decode()}"
        ):
            return web.json_response({"error": {"message": "no login"}}, status=401)
        entry = {"id": own.model, "object": "model", "owned_by": OWNERS[own.engine], "max_model_len": own.context}
        return web.json_response({"object": "list", "data": [entry]})

    async def health(self, request: web.Request) -> web.Response:
        return web.Response()

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": "9.9"})

    async def metrics(self, request: web.Request) -> web.Response:
        labels = '{engine="0",model_name="fake"}'
        names = {
            "vllm": ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc", "generation_tokens_total"),
            "sglang": ("num_running_reqs", "num_queue_reqs", "full_token_usage", "generation_tokens_total"),
        }.get(self.settings.engine)
        if not names:
            return web.Response(status=404)
        values = (self.running, self.waiting, self.running / self.settings.slots / 2, self.tokens)
        lines = [f"{self.settings.engine}:{name}{labels} {value}" for name, value in zip(names, values, strict=True)]
        return web.Response(text="\n".join(lines) + "\n")

    async def counters(self, request: web.Request) -> web.Response:
        answer = {
            "requests": dict(self.requests),
            "started": {str(seed): count for seed, count in self.started.items()},
            "finished": {str(seed): count for seed, count in self.finished.items()},
            "failed": dict(self.failed),
            "tokens": self.tokens,
            "running": self.running,
            "peak": self.peak,
            "bodies": self.bodies,
        }
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def control(self, request: web.Request) -> web.Response:
        for name, value in orjson.loads(await request.read()).items():
            setattr(self.settings, name, value)
        return web.Response()

    async def tokenize(self, request: web.Request) -> web.Response:
        if self.settings.probes:
            return _error(self.settings.probes, "injected")
        body = orjson.loads(await request.read())
        if self.settings.engine != "vllm" or self.settings.tokenless:
            return web.Response(status=404)
        tokens = encode(self.render(body["messages"]) if "messages" in body else body["prompt"])
        return web.json_response({"tokens": tokens, "count": len(tokens)})

    async def detokenize(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        name = "text" if self.settings.engine == "sglang" else "prompt"
        return web.json_response({name: decode(body["tokens"])})

    async def apply_template(self, request: web.Request) -> web.Response:
        if self.settings.probes:
            return _error(self.settings.probes, "injected")
        if self.settings.engine != "llamacpp":
            return web.Response(status=404)
        return web.json_response({"prompt": self.render(orjson.loads(await request.read())["messages"])})

    async def classify(self, request: web.Request) -> web.Response:
        failure = self._draw_failure()
        if failure:
            return _error(int(failure), "injected")
        return web.json_response([{"embedding": [float(len(orjson.loads(await request.read())["text"]))]}])


def _stopped(tokens: list[str], stop: str) -> list[str]:
    for index, token in enumerate(tokens):
        if stop in token:
            return tokens[:index] + ([token.partition(stop)[0]] if token.partition(stop)[0] else [])
    return tokens


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": {"message": message, "code": status}}, status=status, headers=headers)


async def serve(settings: Settings, port: int) -> None:
    runner = web.AppRunner(Fake(settings).app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, backlog=8192)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


class Running:
    """A fake in a process of its own, at `url`."""

    def __init__(self, port: int = 0, **settings: Any) -> None:
        self.settings = Settings(**settings)
        self.port = port
        self.start()

    def start(self) -> None:
        """Start it, the second time on the same port and with its counters at zero."""
        command = [sys.executable, __file__, orjson.dumps(self.settings).decode(), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    @property
    def counters(self) -> dict[str, Any]:
        """What it was asked since it started."""
        with urllib.request.urlopen(f"{self.url}/counters") as answer:
            return orjson.loads(answer.read())

    def set(self, **settings: Any) -> None:
        """Change settings of the running server."""
        request = urllib.request.Request(f"{self.url}/control", data=orjson.dumps(settings))
        with urllib.request.urlopen(request):
            pass

    def wait_for_tokens(self, tokens: int) -> None:
        """Return when it has made as many; fails after 30 s."""
        end = time.monotonic() + 30
        while self.counters["tokens"] < tokens:
            assert time.monotonic() < end, f"the server has not made {tokens} tokens in 30 s"
            time.sleep(0.02)

    def text(self, seed: int) -> str:
        """The whole answer that `seed` decides, as the model wrote it."""
        return "".join(Fake.generate(self, seed))  # type: ignore[arg-type]

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", nargs="?", default="{}")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    asyncio.run(serve(Settings(**orjson.loads(given.settings)), given.port))


if __name__ == "__main__":
    main()
