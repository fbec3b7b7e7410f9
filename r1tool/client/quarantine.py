"""Prompts that crash the server they are sent to: which of those it held when it crashed is to blame."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager

from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Failure, GivenUp, Gone

MAX_CRASHES = 1
"""Of own servers, at which a prompt may be there without having got a token since they were started."""
CLEARED_POLL_SECONDS = 0.2


class Quarantine:
    """Prompts under suspicion, each of which may have several requests under way."""

    def __init__(self) -> None:
        self._suspected: dict[Hashable, set[tuple[Endpoint, int]]] = {}
        self._one_by_one = asyncio.Lock()

    def clear(self, prompt: Hashable) -> None:
        """It has got a token."""
        self._suspected.pop(prompt, None)

    def crashes(self, prompt: Hashable) -> int:
        """How many servers have crashed with it in hand."""
        return sum(endpoint.lives > life for endpoint, life in self._suspected.get(prompt, ()))

    @asynccontextmanager
    async def isolate(self, prompt: Hashable, endpoint: Endpoint, progress: Callable[[], int]) -> AsyncIterator[None]:
        """Send a prompt whose server crashed only while no other such prompt waits for its first token.

        What comes of it is taken down: `progress` counts the tokens it has got. Raises GivenUp where it has been there
        at more than MAX_CRASHES.
        """
        crashes = self.crashes(prompt)
        if crashes > MAX_CRASHES:
            raise GivenUp(f"gave up: the server crashed {crashes} times while handling this request")
        waiting = await self._take_turn(progress) if crashes else None
        before, life = progress(), endpoint.lives
        try:
            if crashes and not endpoint.alive:
                raise Gone(f"{endpoint.url} crashed on another request")
            yield
            self.clear(prompt)
        except Failure as failure:
            if progress() > before:
                self.clear(prompt)
            elif failure.suspects_prompt:  # whether the server has crashed is known once it lives again
                self._suspected.setdefault(prompt, set()).add((endpoint, life))
            raise
        finally:
            if waiting:
                waiting.cancel()

    async def _take_turn(self, progress: Callable[[], int]) -> "asyncio.Task[None]":
        """Wait for the others under suspicion; the turn ends with the first token, or when the task is cancelled."""
        await self._one_by_one.acquire()

        async def first_token() -> None:
            before = progress()
            while progress() == before:
                await asyncio.sleep(CLEARED_POLL_SECONDS)

        turn = asyncio.create_task(first_token())
        turn.add_done_callback(lambda _: self._one_by_one.release())
        return turn
