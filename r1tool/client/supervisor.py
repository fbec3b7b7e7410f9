"""The life of each server: own ones are started and restarted, others are taken out and taken back."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from r1tool.client.balancer import Balancer
from r1tool.client.endpoint import Endpoint, EndpointState
from r1tool.client.failures import Failure, Gone, Unusable
from r1tool.client.probe import trouble_of, trouble_with_a_token
from r1tool.errors import USAGE, R1Error

FIRST_ANSWER_SECONDS = 30.0
PROBE_SECONDS = 1.0
SHORTEST_PROBE_SECONDS = 0.25
LONGEST_PROBE_SECONDS = 15.0
FRUITLESS_STARTS = 3
RESTART_SECONDS = 2.0
LAST_WORDS_SECONDS = 10.0
"""A server that has lost its engine ends by itself, and then its log says why."""


class Supervisor(ABC):
    """One task for each endpoint, and the one place where an endpoint's state changes.

    `patience` is in seconds: without a token for as long, a server that cannot be used is given up.
    """

    def __init__(self, balancer: Balancer, patience: float, note: Callable[[str], None]) -> None:
        self.balancer, self.patience, self.note = balancer, patience, note
        self._tasks: dict[Endpoint, asyncio.Task[None]] = {}
        self._seen = False
        self._away_since = time.monotonic()

    @abstractmethod
    async def _keep(self, endpoint: Endpoint) -> None:
        """Look after `endpoint` for ever. Raises Unusable to give it up, R1Error to end the run."""

    def start(self) -> None:
        """Start own servers and look for the others; once is enough."""
        if not self._tasks:
            self._away_since = time.monotonic()
            for endpoint in self.balancer.endpoints:
                self._tasks[endpoint] = asyncio.create_task(self._guard(endpoint))

    async def stop(self) -> None:
        """End own servers and drop all connections."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        endpoints = self.balancer.endpoints
        await asyncio.gather(*(each.server.stop() for each in endpoints if each.server), return_exceptions=True)
        for endpoint in endpoints:
            await endpoint.close()

    def failed(self, endpoint: Endpoint, failure: Failure, since: float) -> None:
        """A request made at `since` has failed: do to the server what the failure says."""
        endpoint.failed(since)
        if failure.slows_server:
            endpoint.concurrency.overloaded()
        if failure.loses_server:
            self._lose(endpoint, str(failure) if isinstance(failure, Gone) else "", failure.trouble)
        if failure.rules_out_server and (not endpoint.tokens or endpoint.idle > self.patience):
            assert isinstance(failure, R1Error)
            self._give_up(endpoint, failure)

    async def _guard(self, endpoint: Endpoint) -> None:
        try:
            await self._keep(endpoint)
        except Unusable as error:
            self._give_up(endpoint, error)
        except Exception as error:
            self.balancer.fail(error if isinstance(error, R1Error) else R1Error(f"{type(error).__name__}: {error}"))

    def _revive(self, endpoint: Endpoint) -> None:
        """It answers: requests may go there."""
        self._seen = True
        endpoint.mark_up()
        self.balancer.wake()

    def _lose(self, endpoint: Endpoint, reason: str = "", trouble: str | None = None) -> None:
        """Nobody answers there: take it out until it is well again. One of our own in `trouble` is restarted."""
        if endpoint.alive:
            self._away_since = time.monotonic()
        endpoint.mark_lost(reason, trouble)

    def _give_up(self, endpoint: Endpoint, error: R1Error) -> None:
        """It is of no use to us and will not be: go on without it, or end with `error` if it was the last."""
        if endpoint.state is EndpointState.GIVEN_UP:
            return
        self._lose(endpoint)
        endpoint.mark_given_up()
        if (task := self._tasks[endpoint]) is not asyncio.current_task():
            task.cancel()
        if all(each.state is EndpointState.GIVEN_UP for each in self.balancer.endpoints):
            self.balancer.fail(error)
        else:
            self.note(f"{error}; continuing without it")


class OwnSupervisor(Supervisor):
    """Starts our own servers, and starts them again while they get anywhere."""

    def __init__(self, balancer: Balancer, patience: float, note: Callable[[str], None]) -> None:
        super().__init__(balancer, patience, note)
        self._failed_to_start: set[Endpoint] = set()

    async def _keep(self, endpoint: Endpoint) -> None:
        server = endpoint.server
        assert server
        if not server.engine.starts_quickly:
            self.note(f"starting {server.name}; log: {server.log}")
        fruitless = 0
        while True:
            try:
                await self._start(endpoint)
            except R1Error as error:
                fruitless += 1
                self._failed_to_start.add(endpoint)
                hopeless = not self._seen and len(self._failed_to_start) == len(self.balancer.endpoints)
                if hopeless or fruitless >= FRUITLESS_STARTS:
                    return self._give_up(endpoint, error)
                self.note(f"{error}; retrying")
                await asyncio.sleep(RESTART_SECONDS * 2**fruitless)
                continue
            tokens = endpoint.tokens
            reason = await self._end(endpoint)
            self._lose(endpoint)
            fruitless = 0 if endpoint.tokens > tokens else fruitless + 1
            if fruitless >= FRUITLESS_STARTS:
                return self._give_up(endpoint, R1Error(reason))
            self.note(f"{reason}; restarting it")

    async def _start(self, endpoint: Endpoint) -> None:
        """Raises R1Error if the server does not come to answer."""
        server, since = endpoint.server, time.monotonic()
        assert server
        await server.restart()
        await endpoint.close()
        endpoint.url = server.url
        endpoint.identity = endpoint.identity._replace(version=server.version, context=server.context)
        endpoint.lives += 1
        if not server.engine.starts_quickly:
            self.note(f"{server.name} is ready after {time.monotonic() - since:.0f} s")
        self._revive(endpoint)

    async def _end(self, endpoint: Endpoint) -> str:
        """Wait until the server has to be started again; the reason."""
        while (reason := await self._reason_to_restart(endpoint)) is None:
            self._revive(endpoint)
        return reason

    async def _reason_to_restart(self, endpoint: Endpoint) -> str | None:
        """Wait for the process to end, or to be lost; the reason to restart it, None if it is well after all."""
        assert endpoint.server
        died = asyncio.create_task(endpoint.server.died())
        lost = asyncio.create_task(endpoint.wait_lost())
        try:
            await asyncio.wait([died, lost], return_when=asyncio.FIRST_COMPLETED)
            if not died.done():
                await asyncio.wait([died], timeout=LAST_WORDS_SECONDS if endpoint.trouble else PROBE_SECONDS)
            if died.done():
                return died.result()
            if endpoint.trouble:
                return f"{endpoint.server.name} {endpoint.trouble}"
            trouble = await trouble_of(endpoint)
            return f"{endpoint.server.name} is not responding: {trouble}" if trouble else None
        finally:
            died.cancel()
            lost.cancel()


class RemoteSupervisor(Supervisor):
    """Waits for servers at URLs, as often as they go away. They may all be away for `patience` seconds.

    `first` is how long before any of them has ever answered (default: FIRST_ANSWER_SECONDS, or `patience` if less).
    `one_model` says that nobody has named a model, so that all servers have to serve the same.
    """

    def __init__(
        self,
        balancer: Balancer,
        patience: float,
        note: Callable[[str], None],
        *,
        first: float | None = None,
        one_model: bool = False,
    ) -> None:
        super().__init__(balancer, patience, note)
        self.first = min(patience, FIRST_ANSWER_SECONDS) if first is None else first
        self.one_model = one_model

    async def _keep(self, endpoint: Endpoint) -> None:
        await self._until_well(endpoint)
        barren = False  # it may be well when it is looked at and for no request, as a router before one that is gone
        pauses = _pauses()
        while True:
            tokens = endpoint.tokens
            self._revive(endpoint)
            await endpoint.wait_lost()
            before, barren = barren, endpoint.tokens == tokens
            if before and barren:
                await asyncio.sleep(next(pauses))
            else:
                reason = f" ({endpoint.reason})" if endpoint.reason else ""
                self.note(f"{endpoint.url} is not responding{reason}; waiting for it")
                pauses = _pauses()
            await self._until_well(endpoint)
            if not barren:
                self.note(f"{endpoint.url} is back")

    async def _until_well(self, endpoint: Endpoint) -> None:
        """Raises Unusable if it wants a key, R1Error if no server answers for too long, or it has another model."""
        told = endpoint.state is not EndpointState.WAITING
        for pause in _pauses():
            trouble = await trouble_of(endpoint)
            if trouble is None and endpoint.trouble:
                trouble = await trouble_with_a_token(endpoint)
            if trouble is None:
                break
            if not told:
                self.note(f"waiting for {endpoint.url}: {trouble}")
                told = True
            away = time.monotonic() - self._away_since
            patience = self.patience if self._seen else self.first
            if away > patience and not any(each.alive for each in self.balancer.endpoints):
                urls = ", ".join(each.url for each in self.balancer.endpoints)
                raise R1Error(f"no server at {urls} has responded for {away:.0f} s: {trouble}")
            await asyncio.sleep(pause)
        self._compare_models(endpoint)

    def _compare_models(self, endpoint: Endpoint) -> None:
        """Raises R1Error where another server serves another model and nobody has said which is meant."""
        model = endpoint.identity.model
        for other in self.balancer.endpoints:
            if self.one_model and other.identity.model and model and other.identity.model != model:
                raise R1Error(
                    f"{other.url} serves {other.identity.model} and {endpoint.url} serves {model}: "
                    "choose one with --model",
                    USAGE,
                )


def _pauses() -> Iterator[float]:
    """Seconds between two looks at a server that is away."""
    pause = SHORTEST_PROBE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PROBE_SECONDS)
