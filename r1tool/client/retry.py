"""The life of a request: acquire a server, ask it, and settle what a failure costs, until there is an answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from r1tool.client.balancer import Balancer
from r1tool.client.endpoint import Endpoint
from r1tool.client.failures import Failure, GivenUp
from r1tool.client.quarantine import Quarantine
from r1tool.client.supervisor import Supervisor
from r1tool.progress import counted

QUIET_FAILURES = 6
"""That cost no retry, and a request may meet in a row before somebody is told."""

T = TypeVar("T")


class Retry:
    """Asks again as failures.py says. `limit` is how many failures that cost one a request may have."""

    def __init__(self, balancer: Balancer, supervisor: Supervisor, limit: int, note: Callable[[str], None]) -> None:
        self.balancer, self.supervisor, self.limit, self.note = balancer, supervisor, limit, note
        self.retries = 0
        self._quarantine = Quarantine()
        self._complained: set[Endpoint] = set()

    async def answer(
        self, ask: Callable[[Endpoint], Awaitable[T]], progress: Callable[[], int], prompt: Hashable
    ) -> T:
        """What `ask` returns once a server has answered; `progress` counts the tokens that have come.

        Raises what `ask` does but for failures, GivenUp, and R1Error once no server is left.
        """
        paid = unpaid = 0
        while True:
            endpoint = await self.balancer.acquire(first=paid + unpaid > 0)
            before, since = progress(), time.monotonic()
            try:
                async with self._quarantine.isolate(prompt, endpoint, progress):
                    return await ask(endpoint)
            except Failure as failure:
                self.supervisor.failed(endpoint, failure, since)
                if failure.costs_retry and not (failure.loses_server and endpoint.server):
                    paid += 1
                    if paid > self.limit:
                        raise GivenUp(f"gave up after {counted(paid, 'failure')}; the last one: {failure}") from None
                    pause = failure.pause(paid)
                else:
                    unpaid = 1 if progress() > before else unpaid + 1
                    if unpaid == QUIET_FAILURES:
                        self._complain(endpoint, failure)
                    pause = failure.pause(unpaid)
            finally:
                self.balancer.release(endpoint)
            self.retries += 1
            await asyncio.sleep(pause)

    def _complain(self, endpoint: Endpoint, failure: Failure) -> None:
        """Say once of a server that it is asked in vain, and will be."""
        if endpoint.alive and endpoint not in self._complained:
            self._complained.add(endpoint)
            self.note(f"{failure}; still busy, retrying")
