"""Asking model servers, and getting an answer for as long as one of them lives."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from r1tool.client.balancer import Balancer
from r1tool.client.endpoint import Endpoint
from r1tool.client.exchange import Exchange
from r1tool.client.generation import Generation
from r1tool.client.load import poll_load
from r1tool.client.options import ClientOptions
from r1tool.client.request import Request
from r1tool.client.retry import Retry
from r1tool.client.supervisor import OwnSupervisor, RemoteSupervisor, Supervisor
from r1tool.client.watchdog import Watchdog
from r1tool.engines.engine import Engine
from r1tool.errors import R1Error
from r1tool.serving.launch import DEFAULTS, make_servers, urls
from r1tool.serving.options import ServingOptions

if TYPE_CHECKING:
    from r1tool.serving.launch import Runner

ANSWER_SECONDS = 2.0
"""How long a server at a URL may take to say which model it serves before anything is asked of it."""


@asynccontextmanager
async def connect(
    serving: ServingOptions,
    client: ClientOptions,
    engine: Engine | None,
    *,
    runner: "Runner" = "generate",
    note: Callable[[str], None],
) -> AsyncIterator["Client"]:
    """The servers at `--url`, or own ones of `engine`, as `launch.choose` has chosen.

    They are looked for, or started, when the first request comes; own ones end with the block. Raises R1Error where
    they cannot be started so.
    """
    patience, concurrency = client.stall_timeout, client.concurrency
    supervisor: Supervisor
    if engine is None:
        gpus = serving.tp * serving.pp
        balancer = Balancer([Endpoint(url, gpus=gpus) for url in urls(serving)], concurrency)
        first = serving.ready_timeout if serving.ready_timeout != DEFAULTS.ready_timeout else None
        supervisor = RemoteSupervisor(balancer, patience, note, first=first, one_model=serving.model is None)
    else:
        if engine.notice:
            note(engine.notice)
        servers = make_servers(serving, runner=runner, engine=engine)
        if concurrency is None and engine.requests_at_once:
            concurrency = engine.requests_at_once * len(servers)
        balancer = Balancer([Endpoint("", server=server, gpus=server.gpus) for server in servers], concurrency)
        supervisor = OwnSupervisor(balancer, patience, note)
    asking = Client(balancer, supervisor, client, serving.model, note)
    try:
        yield asking
    finally:
        await asking.close()


class Client:
    """Requests balanced over a command's servers; each waits its turn and is retried as its failure deserves."""

    def __init__(
        self,
        balancer: Balancer,
        supervisor: Supervisor,
        options: ClientOptions,
        model: str | None,
        note: Callable[[str], None],
    ) -> None:
        self.balancer, self.note = balancer, note
        self._supervisor, self._model = supervisor, model
        self._watchdog = Watchdog(options.stall_timeout)
        self._exchange = Exchange(self._watchdog, model, note)
        self._retry = Retry(balancer, supervisor, options.retries, note)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def engine(self) -> Engine:
        """UNKNOWN where it cannot be told (yet)."""
        return self._one.identity.engine

    @property
    def served_model(self) -> str | None:
        """The model that answers: --model, else the first that the server serves, None before it has said so."""
        return self._model or self._one.identity.model

    @property
    def tokens(self) -> int:
        """Tokens received since the start."""
        return sum(endpoint.tokens for endpoint in self.balancer.endpoints)

    @property
    def gpus(self) -> int:
        """GPUs of the living servers, as far as is known."""
        return sum(endpoint.gpus or 0 for endpoint in self.balancer.endpoints if endpoint.alive)

    @property
    def capacity(self) -> int:
        """Requests that may be in flight now."""
        return self.balancer.capacity

    @property
    def in_flight(self) -> int:
        return self.balancer.in_flight

    @property
    def asked(self) -> int:
        """Requests in flight, and those that no server has been found for yet."""
        return self.balancer.in_flight + self.balancer.waiting

    @property
    def waiting(self) -> int:
        """Requests that wait in the servers' own queues."""
        return sum(endpoint.load.waiting or 0 for endpoint in self.balancer.endpoints if endpoint.alive)

    @property
    def retries(self) -> int:
        """Requests asked again."""
        return self._retry.retries

    @property
    def _one(self) -> Endpoint:
        endpoints = self.balancer.endpoints
        return next((each for each in endpoints if each.alive), endpoints[0])

    async def ready(self) -> None:
        """Return when a server answers. Raises R1Error if none will."""
        self._start()
        self.balancer.release(await self.balancer.acquire(first=True))

    async def answers_within(self, seconds: float) -> bool:
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
                asyncio.create_task(poll_load(self.balancer, self.note)),
            ]

    async def close(self) -> None:
        """End own servers and drop all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._supervisor.stop()

    async def chat(self, messages: list[dict[str, str]], **sampling: Any) -> Generation:
        """The answer to a conversation. `sampling` are fields of the request: temperature, max_tokens, seed, stop...

        Raises Refused (400) or GivenUp (too many failures), both BadRow, and R1Error if no server is left.
        """
        return await self.generate(Request(messages=messages, **sampling))

    async def complete(self, prompt: str, **sampling: Any) -> Generation:
        """What the model puts after `prompt`, without a chat template; raises as `chat` does."""
        return await self.generate(Request(prompt=prompt, **sampling))

    async def generate(self, request: Request) -> Generation:
        """Finish `request`: what it holds already is continued where the server can."""
        generation = await self.generate_until(request, None)
        assert generation
        return generation

    async def generate_until(self, request: Request, enough: Callable[[Request], bool] | None) -> Generation | None:
        """The same, but None as soon as `enough` says so of what has arrived."""
        self._start()
        prompt = request.prompt if request.messages is None else request.messages[-1]["content"]
        return await self._retry.answer(
            lambda endpoint: self._exchange.generate(endpoint, request, enough), lambda: request.tokens, prompt
        )

    async def post(self, route: str, body: dict[str, Any]) -> Any:
        """The JSON answer of any other route (/pooling, /classify, ...), `model` filled in; raises as `chat` does."""
        self._start()
        return await self._retry.answer(
            lambda endpoint: self._exchange.post(endpoint, route, body), lambda: 0, object()
        )
