"""Keeping servers in the pool: own ones are started and restarted, others ejected and taken back."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from r1tool.client.balancer import Balancer
from r1tool.client.continuation import COMPLETION, inquire
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Broken, Busy
from r1tool.errors import USAGE, R1Error
from r1tool.serving.identify import KEY_NEEDED, identify

FIRST_ANSWER_SECONDS = 30.0
PROBE_SECONDS = 1.0
LONGEST_PROBE_SECONDS = 15.0
PROBE_TIMEOUT_SECONDS = 30.0
FRUITLESS_STARTS = 3
RESTART_SECONDS = 2.0
LAST_WORDS_SECONDS = 10.0
"""A server that has lost its engine ends by itself, and then its log says why."""


class Supervisor:
    """One task for each endpoint. `patience` is how long, in seconds, servers at URLs may all be away.

    `first` is how long before any of them has ever answered (default: FIRST_ANSWER_SECONDS, or `patience` if less).

    `one_model` says that nobody has named a model, so that all servers have to serve the same.
    """

    def __init__(
        self,
        pool: Balancer,
        patience: float,
        note: Callable[[str], None],
        *,
        first: float | None = None,
        one_model: bool = False,
    ) -> None:
        self.pool, self.patience, self.note, self.one_model = pool, patience, note, one_model
        self.first = min(patience, FIRST_ANSWER_SECONDS) if first is None else first
        self._failed: set[Endpoint] = set()
        self._tasks: dict[Endpoint, asyncio.Task[None]] = {}
        self._given_up: set[Endpoint] = set()
        self._away_since = time.monotonic()
        self._seen = False

    def start(self) -> None:
        """Start own servers and look for the others; once is enough."""
        if not self._tasks:
            self._away_since = time.monotonic()
            for endpoint in self.pool.endpoints:
                keep = self._keep_own if endpoint.server else self._keep_remote
                self._tasks[endpoint] = asyncio.create_task(self._guard(keep(endpoint)))

    async def stop(self) -> None:
        """End own servers and drop all connections."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(
            *(endpoint.server.stop() for endpoint in self.pool.endpoints if endpoint.server), return_exceptions=True
        )
        for endpoint in self.pool.endpoints:
            await endpoint.close()

    def lose(self, endpoint: Endpoint, trouble: str | None = None) -> None:
        """Nobody answers there: take it out until it is well again. One of our own in `trouble` is restarted."""
        if endpoint.alive:
            endpoint.alive = False
            self._away_since = time.monotonic()
        endpoint.trouble = endpoint.trouble or trouble
        endpoint.lost.set()

    def drop(self, endpoint: Endpoint, error: R1Error) -> None:
        """It is of no use to us and will not be: go on without it, or end with `error` if it was the last."""
        if endpoint not in self._given_up:
            self._tasks[endpoint].cancel()
            self.lose(endpoint)
            self._give_up(endpoint, error)

    async def _guard(self, keeping: Coroutine[Any, Any, None]) -> None:
        try:
            await keeping
        except Exception as error:
            self.pool.fail(error if isinstance(error, R1Error) else R1Error(f"{type(error).__name__}: {error}"))

    async def _keep_own(self, endpoint: Endpoint) -> None:
        server = endpoint.server
        assert server
        fruitless = 0
        quick = server.engine.starts_quickly
        if not quick:
            self.note(f"starting {server.name}; its log is {server.log}")
        while True:
            since = time.monotonic()
            try:
                await server.restart()
            except R1Error as error:
                fruitless += 1
                self._failed.add(endpoint)
                if fruitless >= FRUITLESS_STARTS or (not self._seen and len(self._failed) == len(self.pool.endpoints)):
                    return self._give_up(endpoint, error)
                self.note(f"{error}; trying again")
                await asyncio.sleep(RESTART_SECONDS * 2**fruitless)
                continue
            await endpoint.close()
            endpoint.url, endpoint.version, endpoint.context = server.url, server.version, server.context
            endpoint.lives += 1
            if not quick:
                self.note(f"{server.name} is ready after {time.monotonic() - since:.0f} s")
            self._revive(endpoint)
            tokens = endpoint.tokens
            while (reason := await self._death(endpoint)) is None:
                self._revive(endpoint)
            self.lose(endpoint)
            fruitless = 0 if endpoint.tokens > tokens else fruitless + 1
            if fruitless >= FRUITLESS_STARTS:
                return self._give_up(endpoint, R1Error(reason))
            self.note(f"{reason}; starting it again")

    async def _death(self, endpoint: Endpoint) -> str | None:
        """Wait for the process to end, or to be lost; the reason to restart it, None if it is well after all."""
        assert endpoint.server
        died = asyncio.create_task(endpoint.server.died())
        lost = asyncio.create_task(endpoint.lost.wait())
        try:
            await asyncio.wait([died, lost], return_when=asyncio.FIRST_COMPLETED)
            if not died.done():
                await asyncio.wait([died], timeout=LAST_WORDS_SECONDS if endpoint.trouble else PROBE_SECONDS)
            if died.done():
                return died.result()
            if endpoint.trouble:
                return f"{endpoint.server.name} {endpoint.trouble}"
            unwell = await self._probe(endpoint)
            return f"{endpoint.server.name} does not answer: {unwell}" if unwell else None
        finally:
            died.cancel()
            lost.cancel()

    def _give_up(self, endpoint: Endpoint, error: R1Error) -> None:
        self._given_up.add(endpoint)
        if len(self._given_up) == len(self.pool.endpoints):
            self.pool.fail(error)
        else:
            self.note(f"{error}; going on without it")

    async def _keep_remote(self, endpoint: Endpoint) -> None:
        pause, seen, told, useless = PROBE_SECONDS / 4, False, False, False
        while True:
            try:
                trouble = await self._probe(endpoint) or (await self._hangs(endpoint) if endpoint.trouble else None)
            except R1Error as error:
                return self._give_up(endpoint, error)
            if trouble is None:
                self._compare(endpoint)
                if seen and not useless:
                    self.note(f"{endpoint.url} is back")
                seen, tokens = True, endpoint.tokens
                self._revive(endpoint)
                await endpoint.lost.wait()
                if useless and endpoint.tokens == tokens:
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, LONGEST_PROBE_SECONDS)
                    continue
                reason = f" ({endpoint.reason})" if endpoint.reason else ""
                self.note(f"{endpoint.url} does not answer{reason}; waiting for it")
                # it may be well when it is looked at and for no request, as a router before a server that is gone
                useless, pause = endpoint.tokens == tokens, PROBE_SECONDS / 4
                continue
            if not seen and not told:
                self.note(f"waiting for {endpoint.url}: {trouble}")
                told = True
            away = time.monotonic() - self._away_since
            patience = self.patience if self._seen else self.first
            if away > patience and not any(each.alive for each in self.pool.endpoints):
                urls = ", ".join(each.url for each in self.pool.endpoints)
                raise R1Error(f"no server has answered at {urls} for {away:.0f} s: {trouble}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PROBE_SECONDS)

    def _compare(self, endpoint: Endpoint) -> None:
        """Raises R1Error where another server serves another model and nobody has said which is meant."""
        for other in self.pool.endpoints:
            if self.one_model and other.model and endpoint.model and other.model != endpoint.model:
                raise R1Error(
                    f"{other.url} serves {other.model} and {endpoint.url} serves {endpoint.model}: "
                    "say with --model which is meant",
                    USAGE,
                )

    async def _hangs(self, endpoint: Endpoint) -> str | None:
        """None if a server that did nothing any more makes a token again, or refuses to; else what is wrong."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                await inquire(endpoint, COMPLETION, {"prompt": "1", "max_tokens": 1})
        except TimeoutError:
            return f"no token within {PROBE_TIMEOUT_SECONDS:.0f} s"
        except (Busy, Broken) as error:
            return str(error)
        return None

    async def _probe(self, endpoint: Endpoint) -> str | None:
        """None if the server answers, else what is wrong. Raises R1Error if it wants a key."""
        import aiohttp

        try:
            async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
                async with endpoint.session.get(f"{endpoint.url}/v1/models") as response:
                    status = response.status
                if status in (401, 403):
                    raise R1Error(f"{endpoint.url} answers {status}: {KEY_NEEDED}")
                if status >= 500 or status == 429:
                    return f"it answers {status}"
                who = await identify(endpoint.session, endpoint.url)
                endpoint.engine, endpoint.version, endpoint.model, endpoint.context = who
        except TimeoutError:
            return f"no answer within {PROBE_TIMEOUT_SECONDS:.0f} s"
        except (aiohttp.ClientError, OSError) as error:
            return str(error) or type(error).__name__
        return None

    def _revive(self, endpoint: Endpoint) -> None:
        self._seen = True
        endpoint.revived()
        self.pool.wake()
