"""Telling a stall from patience: no tokens for a long time is fine as long as the server is busy with others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Hung, Stalled

TICK_SECONDS = 5.0
QUEUED_STALLS = 10
"""A request that has not begun is given this many times the stall timeout while the server is busy with others."""


class Watchdog:
    """Ends exchanges in which nothing happens for `stall` seconds.

    Once an answer has begun, its own tokens count. Before that, it may be queueing: then the server's progress on any
    request counts, up to QUEUED_STALLS times as long.
    """

    def __init__(self, stall: float) -> None:
        self.stall = stall
        self._watched: set[_Watched] = set()

    @asynccontextmanager
    async def watch(self, endpoint: Endpoint, progress: Callable[[], int]) -> AsyncIterator[None]:
        """An exchange to look after; `progress` counts its tokens. Raises Stalled, or Hung where nobody gets any."""
        watched = _Watched(endpoint, progress)
        self._watched.add(watched)
        try:
            async with watched.timeout:
                yield
        except TimeoutError:
            if not watched.timeout.expired():
                raise
            kind = Hung if endpoint.idle > self.stall else Stalled
            raise kind(f"{endpoint.url}: no data for {self.stall:g} s") from None
        finally:
            self._watched.discard(watched)

    async def run(self) -> None:
        """Check all exchanges from time to time, for ever."""
        tick = min(TICK_SECONDS, self.stall / 4)
        before = time.monotonic()
        while True:
            await asyncio.sleep(tick)
            now = time.monotonic()
            # a process that was stopped or starved has not listened: that time does not count
            lost = max(0.0, now - before - 2 * tick)
            before = now
            for watched in list(self._watched):
                watched.since += lost
                self._check(watched, now)

    def _check(self, watched: "_Watched", now: float) -> None:
        tokens = watched.progress()
        if tokens != watched.tokens:
            watched.tokens, watched.since, watched.begun = tokens, now, True
            return
        idle = now - watched.since
        if idle < self.stall:
            return
        queueing = not watched.begun and watched.endpoint.idle < self.stall
        if not queueing or idle > QUEUED_STALLS * self.stall:
            watched.timeout.reschedule(asyncio.get_running_loop().time())


class _Watched:
    def __init__(self, endpoint: Endpoint, progress: Callable[[], int]) -> None:
        self.endpoint, self.progress = endpoint, progress
        self.tokens = progress()
        self.since = time.monotonic()
        self.begun = False
        self.timeout = asyncio.timeout(None)
