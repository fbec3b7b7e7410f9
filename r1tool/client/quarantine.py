"""Prompts that kill the server they are sent to: which of those that were there when it died is to blame."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager

from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Gone

MAX_CRASHES = 1
"""Of own servers, at which a prompt may be there without having got a token since they were started."""
CLEARED_POLL_SECONDS = 0.2


class Quarantine:
    """What is held against prompts, of which several requests may be under way."""

    def __init__(self) -> None:
        self._failures: dict[Hashable, set[tuple[Endpoint, int]]] = {}
        self._trial = asyncio.Lock()

    def failed(self, prompt: Hashable, endpoint: Endpoint, life: int) -> None:
        """A request failed as it does when the server dies; whether it did is known once it lives again."""
        self._failures.setdefault(prompt, set()).add((endpoint, life))

    def acquit(self, prompt: Hashable) -> None:
        """It has got a token."""
        self._failures.pop(prompt, None)

    def deaths(self, prompt: Hashable) -> int:
        """How many servers have died with it in hand."""
        return sum(endpoint.lives > life for endpoint, life in self._failures.get(prompt, ()))

    @asynccontextmanager
    async def alone(self, prompt: Hashable, endpoint: Endpoint, progress: Callable[[], int]) -> AsyncIterator[None]:
        """Those that were there when a server died go on one by one until they get a token: one may be to blame."""
        if not self.deaths(prompt):
            yield
            return
        await self._trial.acquire()

        async def acquitted() -> None:
            before = progress()
            while progress() == before:
                await asyncio.sleep(CLEARED_POLL_SECONDS)

        watch = asyncio.create_task(acquitted())
        watch.add_done_callback(lambda _: self._trial.release())
        try:
            if not endpoint.alive:
                raise Gone(f"{endpoint.url} was lost to another request")
            yield
        finally:
            watch.cancel()
