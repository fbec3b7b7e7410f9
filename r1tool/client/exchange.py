"""One request at one server: what is sent, what comes, and what it took."""

import time
from collections.abc import Callable
from typing import Any

from r1tool.client import transport
from r1tool.client.body import next_body
from r1tool.client.capabilities import learn_from
from r1tool.client.endpoint import Endpoint
from r1tool.client.generation import Generation
from r1tool.client.request import Request
from r1tool.client.watchdog import Watchdog
from r1tool.engines.table import ENGINES


class Exchange:
    """Asks a server once, under the eyes of the watchdog. Raises Failure, or Refused.

    `model` is the one to name, None for what each server serves.
    """

    def __init__(self, watchdog: Watchdog, model: str | None, note: Callable[[str], None]) -> None:
        self.watchdog, self.model, self.note = watchdog, model, note
        self._told_of_limit: set[Endpoint] = set()

    async def generate(
        self, endpoint: Endpoint, request: Request, enough: Callable[[Request], bool] | None
    ) -> Generation | None:
        """Bring `request` to its end, or until `enough` says so of it (None)."""
        model = self._name(endpoint)
        since, clock = time.monotonic(), endpoint.gpu_clock
        try:
            async with self.watchdog.watch(endpoint, lambda: request.tokens):
                route, body = await next_body(endpoint, request, model)
                made = await transport.stream(endpoint, route, body, request, enough)
        finally:
            request.seconds += time.monotonic() - since
            request.gpu_seconds += endpoint.gpu_clock - clock
        learn_from(endpoint, request)
        if request.finish_reason is None:
            return None
        if request.finish_reason == "length" and made is not None and made < body.get("max_tokens", 0):
            self._tell_of_limit(endpoint, made, body["max_tokens"])
        return Generation.of(request, endpoint, model)

    async def post(self, endpoint: Endpoint, route: str, body: dict[str, Any]) -> Any:
        """The JSON answer of another route."""
        async with self.watchdog.watch(endpoint, lambda: 0):
            return await transport.post(endpoint, route, {"model": self._name(endpoint)} | body)

    def _name(self, endpoint: Endpoint) -> str:
        return self.model or endpoint.identity.model or "default"

    def _tell_of_limit(self, endpoint: Endpoint, made: int, wanted: int) -> None:
        """A server may have a limit of its own and not say so: vLLM takes max_new_tokens of the model's for one."""
        if endpoint not in self._told_of_limit:
            self._told_of_limit.add(endpoint)
            lifting = (each for each in ENGINES.values() if each.lifts_limit)
            remedies = "; ".join(f"for {each.title}, {each.lifts_limit} lifts it" for each in lifting)
            self.note(
                f"{endpoint.url} ended an answer at {made} tokens, but {wanted} were requested: its context is "
                f"full, or generation_config.json sets a limit ({remedies})"
            )
