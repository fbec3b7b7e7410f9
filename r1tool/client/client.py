"""PromptBuilder model servers, and getting an answer for as long as one of them lives."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from r1tool.client import transport
from r1tool.client.balancer import Balancer
from r1tool.client.budget import ends_thoughts
from r1tool.client.continuation import CHAT, COMPLETION, continuation, learn_template
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Broken, Busy, Dead, GivenUp, Gone, Overloaded, Stalled
from r1tool.client.load import monitor
from r1tool.client.options import ClientOptions
from r1tool.client.quarantine import MAX_CRASHES, Quarantine
from r1tool.client.reply import Reply
from r1tool.client.request import Request
from r1tool.client.supervisor import Supervisor
from r1tool.client.watchdog import Watchdog
from r1tool.engines.engine import Engine
from r1tool.errors import USAGE, R1Error
from r1tool.records import think
from r1tool.serving.launch import DEFAULTS, choose, make_servers, urls
from r1tool.serving.options import ServingOptions

if TYPE_CHECKING:
    from r1tool.serving.launch import Runner

FIRST_BACKOFF_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 60.0
LONGEST_WISH_SECONDS = 300.0
CONSTRAINTS = {"response_format", "grammar", "structured_outputs", "guided_json", "guided_grammar", "tools"}
"""Fields by which a server holds an answer to a form: it would begin the form anew in the middle of a text."""
QUIET_FAILURES = 6
"""429, 503 and the like that a request may meet in a row before somebody is told."""

T = TypeVar("T")


@asynccontextmanager
async def connect(
    serving: ServingOptions,
    client: ClientOptions,
    *,
    runner: "Runner" = "generate",
    note: Callable[[str], None],
    lazy: bool = False,
) -> AsyncIterator["Client"]:
    """The servers at `--url`, or own ones, which start when the first request comes and end with the block.

    Servers at URLs are waited for and identified here, unless `lazy`. Raises R1Error where there is none.
    """
    chosen = choose(serving)
    if chosen and chosen.notice:
        note(chosen.notice)
    if chosen is None:
        gpus = serving.tp * serving.pp
        endpoints = [Endpoint(url, gpus=gpus) for url in urls(serving)]
    else:
        servers = make_servers(serving, runner=runner, engine=chosen)
        endpoints = [Endpoint("", server=server, gpus=server.gpus) for server in servers]
    concurrency = client.concurrency
    if concurrency is None and chosen and chosen.requests_at_once:
        concurrency = chosen.requests_at_once * len(endpoints)
    pool = Balancer(endpoints, concurrency)
    first = serving.ready_timeout if serving.ready_timeout != DEFAULTS.ready_timeout else None
    supervisor = Supervisor(pool, client.stall_timeout, note, first=first, one_model=serving.model is None)
    asking = Client(pool, supervisor, client, serving.model, note)
    try:
        if chosen is None and not lazy:
            await asking.ready()
        yield asking
    finally:
        await asking.close()


class Client:
    """Requests balanced over a command's servers; each waits its turn and is retried as its failure deserves."""

    def __init__(
        self,
        pool: Balancer,
        supervisor: Supervisor,
        options: ClientOptions,
        model: str | None,
        note: Callable[[str], None],
    ) -> None:
        self.pool, self.options, self.note = pool, options, note
        self.retries = 0
        self._watchdog = Watchdog(options.stall_timeout)
        self._tasks: list[asyncio.Task[None]] = []
        self._supervisor, self._model = supervisor, model
        self._quarantine = Quarantine()
        self._complained: set[Endpoint] = set()
        self._limited: set[Endpoint] = set()

    @property
    def engine(self) -> Engine:
        """UNKNOWN where it cannot be told (yet)."""
        return self._one.engine

    @property
    def version(self) -> str | None:
        """The engine's own, once it has answered."""
        return self._one.version

    @property
    def model(self) -> str:
        """The model asked for: --model, else the first the server serves."""
        return self._model or self._one.model or "default"

    @property
    def served_model(self) -> str | None:
        """The model that answers; None while it was not named, and no server has said so."""
        return self._model or self._one.model

    @property
    def demonstration(self) -> bool:
        """Whether this is the embedded model, which can do next to nothing."""
        server = self._one.server
        return server is not None and server.demonstration

    @property
    def tokens(self) -> int:
        """Tokens received since the start."""
        return sum(endpoint.tokens for endpoint in self.pool.endpoints)

    @property
    def gpus(self) -> int:
        """GPUs behind the living servers, as far as is known."""
        return sum(endpoint.gpus or 0 for endpoint in self.pool.endpoints if endpoint.alive)

    @property
    def in_flight(self) -> int:
        return self.pool.in_flight

    @property
    def waiting(self) -> int:
        """Requests that wait in the servers' own queues."""
        return sum(endpoint.load.waiting or 0 for endpoint in self.pool.endpoints if endpoint.alive)

    @property
    def _one(self) -> Endpoint:
        return next((each for each in self.pool.endpoints if each.alive), self.pool.endpoints[0])

    async def ready(self) -> None:
        """Return when a server answers. Raises R1Error if none will."""
        self._start()
        self.pool.release(await self.pool.acquire(first=True))

    async def look(self, seconds: float) -> bool:
        """Whether a server answers within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self.ready()
        except (TimeoutError, R1Error):
            return False
        return True

    def _start(self) -> None:
        self._supervisor.start()
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._watchdog.run()),
                asyncio.create_task(monitor(self.pool, self.note)),
            ]

    async def close(self) -> None:
        """End own servers and drop all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._supervisor.stop()

    async def chat(self, messages: list[dict[str, str]], **sampling: Any) -> Reply:
        """The answer to a conversation. `sampling` are fields of the request: temperature, max_tokens, seed, stop...

        Raises Refused (400) or GivenUp (too many failures), both BadRow, and R1Error if no server is left.
        """
        return await self.generate(Request(messages=messages, **sampling))

    async def complete(self, prompt: str, **sampling: Any) -> Reply:
        """What the model puts behind `prompt`, without a chat template; raises as `chat` does."""
        return await self.generate(Request(prompt=prompt, **sampling))

    async def generate(self, draft: Request, enough: Callable[[Request], bool] | None = None) -> Reply:
        """Finish `draft`: what it holds already is continued where the server can.

        `enough` ends it early, which leaves its finish_reason None.
        """
        prompt = draft.prompt if draft.messages is None else draft.messages[-1]["content"]
        return await self._try(lambda endpoint: self._generate(endpoint, draft, enough), lambda: draft.tokens, prompt)

    async def post(self, route: str, body: dict[str, Any]) -> Any:
        """The JSON answer of any other route (/pooling, /classify, ...), `model` filled in; raises as `chat` does."""

        async def ask(endpoint: Endpoint) -> Any:
            with self._watchdog.watch(endpoint, lambda: 0) as watched:
                async with watched.timeout:
                    return await transport.post(endpoint, route, {"model": self._name(endpoint)} | body)

        return await self._try(ask, lambda: 0, object())

    async def _try(self, ask: Callable[[Endpoint], Awaitable[T]], progress: Callable[[], int], prompt: Hashable) -> T:
        self._start()
        broken = busy = 0
        while True:
            endpoint = await self.pool.acquire(first=broken + busy > 0)
            if (deaths := self._quarantine.deaths(prompt)) > MAX_CRASHES:
                self.pool.release(endpoint)
                raise GivenUp(f"given up: the server has died {deaths} times on getting this request")
            before, since = progress(), time.monotonic()
            try:
                async with self._quarantine.alone(prompt, endpoint, progress):
                    life = endpoint.lives
                    answer = await ask(endpoint)
                self._quarantine.acquit(prompt)
                return answer
            except Busy as error:
                endpoint.failed(since)
                if isinstance(error, Overloaded):
                    endpoint.concurrency.busy()
                elif type(error) is not Gone:
                    self._quarantine.failed(prompt, endpoint, life)
                if isinstance(error, Gone):
                    endpoint.reason = str(error)
                    self._supervisor.lose(endpoint, "has lost its engine" if isinstance(error, Dead) else None)
                busy = 1 if progress() > before else busy + 1
                pause = self._asked_in_vain(endpoint, error, busy)
                pause = min(error.retry_after or pause, LONGEST_WISH_SECONDS)
            except Broken as error:
                endpoint.failed(since)
                hung = isinstance(error, Stalled) and endpoint.idle > self.options.stall_timeout
                if hung:
                    self._quarantine.failed(prompt, endpoint, life)
                    self._supervisor.lose(endpoint, "hangs")
                # a server of our own is restarted, and not for ever; that is no fault of the request
                broken += not (hung and endpoint.server)
                if broken > self.options.retries:
                    raise GivenUp(f"given up after {broken} failures, the last: {error}") from None
                pause = _backoff(max(1, broken))
            except R1Error as error:  # a wrong key or model, or a gateway whose server is being changed
                endpoint.failed(since)
                if not endpoint.tokens or endpoint.idle > self.options.stall_timeout:
                    self._supervisor.drop(endpoint, error)
                busy += 1
                pause = self._asked_in_vain(endpoint, error, busy)
            finally:
                self.pool.release(endpoint)
            if progress() > before:
                self._quarantine.acquit(prompt)
            self.retries += 1
            await asyncio.sleep(pause)

    def _asked_in_vain(self, endpoint: Endpoint, error: Exception, times: int) -> float:
        """Seconds until a request is sent again that was not taken `times` times; that it goes on so is said once."""
        if times == QUIET_FAILURES and endpoint.alive and endpoint not in self._complained:
            self._complained.add(endpoint)
            self.note(f"{error}; asking again and again")
        return _backoff(times)

    async def _generate(self, endpoint: Endpoint, draft: Request, enough: Callable[[Request], bool] | None) -> Reply:
        since, clock = time.monotonic(), endpoint.gpu_clock
        try:
            with self._watchdog.watch(endpoint, lambda: draft.tokens) as watched:
                async with watched.timeout:
                    route, body = await self._request(endpoint, draft)
                    made = await transport.stream(endpoint, route, body, draft, enough)
        finally:
            draft.seconds += time.monotonic() - since
            draft.gpu_seconds += endpoint.gpu_clock - clock
        if draft.finish_reason == "length" and made is not None and made < body.get("max_tokens", 0):
            self._tell_of_limit(endpoint, made, body["max_tokens"])
        return self._reply(endpoint, draft)

    async def _request(self, endpoint: Endpoint, draft: Request) -> tuple[str, dict[str, Any]]:
        longest = draft.sampling.get("max_tokens", 0)
        if endpoint.engine.refuses_beyond_context and endpoint.context and longest >= endpoint.context:
            raise R1Error(
                f"{endpoint.url} takes {endpoint.context} tokens a request, the prompt included: give --max-tokens "
                f"below that instead of {longest}, or the server a longer --max-model-len",
                USAGE,
            )
        if draft.messages is not None:
            await learn_template(endpoint)
            if draft.must_continue and endpoint.rendering == "none":
                raise R1Error(
                    f"{endpoint.url} cannot continue an answer, which --thinking-budget and --wait take: "
                    "use vLLM, SGLang or llama.cpp, or --completion"
                )
            draft.opened = bool(endpoint.opened)
        else:
            draft.opened = (draft.prompt or "").rstrip().endswith(think.OPEN)
        going_on = None
        if draft.text:
            if not draft.sampling.keys() & CONSTRAINTS:
                going_on = await continuation(endpoint, draft)
            if going_on is None:
                draft.start_over()
        if going_on:
            route, body = going_on
        elif draft.messages is not None:
            route, body = CHAT, {"messages": draft.messages}
        else:
            route, body = COMPLETION, {"prompt": draft.prompt}
        body = {"model": self._name(endpoint)} | body | draft.sampling
        if draft.tokens and "max_tokens" in body:
            body["max_tokens"] = max(1, body["max_tokens"] - draft.tokens)
        if draft.cap is not None and await ends_thoughts(endpoint):
            body["thinking_token_budget"] = draft.cap
        elif draft.cap is not None:
            body["max_tokens"] = max(1, min(body.get("max_tokens", draft.cap), draft.cap - draft.tokens))
        return route, body

    def _tell_of_limit(self, endpoint: Endpoint, made: int, wanted: int) -> None:
        """A server may have a limit of its own and not say so: vLLM takes max_new_tokens of the model's for one."""
        if endpoint not in self._limited:
            self._limited.add(endpoint)
            self.note(
                f"{endpoint.url} has ended an answer at {made} tokens where {wanted} were asked for: its context is "
                "full, or generation_config.json limits it (with vLLM, -- --generation-config vllm lifts that)"
            )

    def _name(self, endpoint: Endpoint) -> str:
        return self._model or endpoint.model or "default"

    def _reply(self, endpoint: Endpoint, draft: Request) -> Reply:
        thinking = draft.thinking_tokens
        text = draft.generation()
        if (
            think.CLOSE in text
            and not draft.opened
            and draft.messages
            and not draft.text.lstrip().startswith(b"<think>")
        ):
            endpoint.opened = True
        if thinking is None:
            thinking = draft.tokens if text.startswith("<think>") else 0
        return Reply(
            text=text,
            finish_reason="length" if draft.finish_reason == "length" else "stop",
            prompt_tokens=draft.prompt_tokens,
            completion_tokens=draft.tokens,
            thinking_tokens=thinking,
            seconds=draft.seconds,
            gpu_seconds=draft.gpu_seconds if endpoint.gpus is not None else None,
            wasted=draft.wasted,
            url=endpoint.url,
            engine=endpoint.engine.name,
            version=endpoint.version,
            model=self._name(endpoint),
        )


def _backoff(attempt: int) -> float:
    """Seconds to wait: doubling, with jitter, so that thousands of requests do not come back at once."""
    return min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0**attempt) * random.uniform(0.5, 1.0)
