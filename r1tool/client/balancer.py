"""Which server gets the next request: the living one with the fewest in flight."""

import asyncio
from collections import deque

from r1tool.client.endpoint import Endpoint
from r1tool.errors import R1Error

WAKE_LATE_SECONDS = 0.01
"""Later than the end of a rest, so that it is over."""


class Balancer:
    """The servers of one command. `limit` bounds all requests in flight; None leaves it to each server's own limit."""

    def __init__(self, endpoints: list[Endpoint], limit: int | None) -> None:
        self.endpoints, self.limit = endpoints, limit
        self._waiting: deque[asyncio.Future[Endpoint]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._error: R1Error | None = None

    @property
    def in_flight(self) -> int:
        return sum(endpoint.in_flight for endpoint in self.endpoints)

    @property
    def waiting(self) -> int:
        """Requests that no server has been found for yet."""
        return len(self._waiting)

    @property
    def capacity(self) -> int:
        """How many requests may be in flight now."""
        concurrency = sum(endpoint.concurrency.limit for endpoint in self.endpoints if endpoint.alive)
        return self.limit if self.limit is not None else concurrency

    async def acquire(self, *, first: bool = False) -> Endpoint:
        """Wait for a server with room; `first` goes before those that have waited. Raises what `fail` was given."""
        if self._error:
            raise self._error
        endpoint = None if self._waiting and not first else self._choose()
        if endpoint is None:
            future: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
            if first:
                self._waiting.appendleft(future)
            else:
                self._waiting.append(future)
            try:
                return await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled() and not future.exception():
                    self.release(future.result())
                raise
        endpoint.take()
        return endpoint

    def release(self, endpoint: Endpoint) -> None:
        """The request is no longer with `endpoint`."""
        endpoint.give_back()
        self.wake()

    def wake(self) -> None:
        """Hand out what room there is, after a server has come back, or may have more, or has rested."""
        while self._waiting:
            if self._waiting[0].done():
                self._waiting.popleft()
            elif (endpoint := self._choose()) is None:
                return
            else:
                endpoint.take()
                self._waiting.popleft().set_result(endpoint)

    def fail(self, error: R1Error) -> None:
        """No server is left, nor will be: everybody who waits gets `error`."""
        self._error = error
        for future in self._waiting:
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()

    def _choose(self) -> Endpoint | None:
        if self.limit is not None and self.in_flight >= self.limit:
            return None
        living = [endpoint for endpoint in self.endpoints if endpoint.alive]
        ready = [endpoint for endpoint in living if not endpoint.rest]
        if living and not ready:
            self._wake_in(min(each.rest for each in living) + WAKE_LATE_SECONDS)
        if self.limit is None:
            ready = [endpoint for endpoint in ready if endpoint.in_flight < endpoint.concurrency.limit]
        return min(ready, key=lambda endpoint: endpoint.in_flight, default=None)

    def _wake_in(self, seconds: float) -> None:
        """Wake when the first rest is over: one alarm at a time."""
        loop = asyncio.get_running_loop()
        if self._alarm and loop.time() < self._alarm.when() <= loop.time() + seconds:
            return
        if self._alarm:
            self._alarm.cancel()
        self._alarm = loop.call_later(seconds, self.wake)
