"""What the journal holds of a run's generations: finished ones, and the texts of those under way."""

from collections.abc import Callable

import msgspec

from r1tool.client.client import Client
from r1tool.client.generation import Generation
from r1tool.client.request import Request
from r1tool.errors import R1Error
from r1tool.stream.journal import Journal, Key

_decode = msgspec.json.Decoder(Generation).decode


class GenerationStore:
    """The journal as the sampler sees it; where there is none, nothing is found and nothing kept.

    What another model than the client's has made is not taken. `note` and `warn` are told of such things, each once.
    """

    def __init__(
        self, journal: Journal | None, client: Client, note: Callable[[str], None], warn: Callable[[str], None]
    ) -> None:
        self.journal, self.client, self.note, self.warn = journal, client, note, warn
        self._under_way: dict[Key, Request] = {}
        self._written: dict[Key, int] = {}
        """The revision of each text whose beginning is in the journal, so that the rest can be appended."""
        self._said: set[str] = set()

    def finished(self, key: Key) -> Generation | None:
        """A generation that is paid for."""
        found = self.journal.finished(key) if self.journal else None
        if found is None:
            return None
        generation = _decode(found)
        served = self.client.served_model
        if served is not None and generation.model != served:
            self._once(
                self.note, f"the journal holds generations of {generation.model}, which are not used for {served}"
            )
            return None
        return generation

    async def begin(self, key: Key, request: Request) -> bool:
        """`request` is about to be asked: whether it goes on from a text that an earlier run has left."""
        begun = await self._resume(key, request)
        self._under_way[key] = request
        return begun

    def checkpoint(self) -> None:
        """Keep the texts of all requests under way."""
        for key, request in self._under_way.items():
            self._keep(key, request)

    def finish(self, key: Key, generation: Generation) -> None:
        self._forget(key)
        if self.journal:
            self.journal.finish(key, generation, remember=True)

    def abandon(self, key: Key) -> bool:
        """It will not be finished in this run; whether its text is kept for the next."""
        self._keep(key, self._under_way[key])
        self._forget(key)
        return self.journal is not None

    async def _resume(self, key: Key, request: Request) -> bool:
        partial = self.journal.partial(key) if self.journal else None
        if partial is None:
            return False
        if self.client.served_model is None:
            await self.client.ready()
        if partial.state.get("model") not in (None, self.client.served_model):
            return False
        request.resume(partial.text, partial.state)
        self._written[key] = request.revision
        return True

    def _keep(self, key: Key, request: Request) -> None:
        if not self.journal or not request.text:
            return
        try:
            state = request.state | {"model": self.client.served_model}
            self.journal.checkpoint(key, request.text, state, anew=self._written.get(key) != request.revision)
            self._written[key] = request.revision
        except R1Error as error:  # a full disk may have room again when there is an answer to keep
            self._once(self.warn, f"{error}; partial generations are not saved")

    def _forget(self, key: Key) -> None:
        del self._under_way[key]
        self._written.pop(key, None)

    def _once(self, say: Callable[[str], None], text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            say(text)
