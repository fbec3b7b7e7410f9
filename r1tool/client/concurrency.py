"""How many requests one server is given: slow start, then additive increase and multiplicative decrease.

Doubling, as TCP does, until the server says stop: by a waiting queue, a full KV cache, 429, or, where it
has no metrics, by tokens a second that no longer grow. From then on the limit creeps up by a sixteenth and falls by a
fifth.
"""

from dataclasses import dataclass

START = 16
CEILING = 4096
FULL_CACHE = 0.92
GAIN = 1.05
"""More requests have to bring at least this much more tokens a second where nothing else tells."""
DECREASE = 0.8
COOL_SECONDS = 30.0
"""A decrease takes time to show: requests in hand are finished, not thrown away."""
SLACK = 0.1
"""Of the requests running, how many may wait in the server's queue so that it never runs dry.

A longer queue counts when it is seen twice in a row: a burst of prompts takes a moment to be read."""


@dataclass(frozen=True)
class Load:
    """What one server says of itself, or what is seen of it; None where it does not tell. `rate` is tokens/s."""

    running: int | None = None
    waiting: int | None = None
    cache: float | None = None
    rate: float | None = None


class ConcurrencyLimit:
    """The limit of requests in flight at one server under `--concurrency auto`."""

    def __init__(self, start: int = START) -> None:
        self.limit = start
        self.reason: str | None = None
        self._slow_start = True
        self._best_rate = 0.0
        self._overloaded = self._queued = False
        self._cool_until = 0.0

    @property
    def converged(self) -> bool:
        """The server has said stop at least once."""
        return not self._slow_start

    def overloaded(self) -> None:
        """The server has answered 429 or 503."""
        self._overloaded = True

    def observe(self, load: Load, in_flight: int, now: float) -> None:
        """Take in what was seen of the server; `now` is in seconds."""
        stop = self._stop(load)
        if stop:
            self._slow_start, self.reason = False, stop
            if now >= self._cool_until:
                self._cool_until = now + COOL_SECONDS
                self.limit = max(1, self._lower(load, in_flight))
        elif in_flight >= self.limit and not self._queued:
            if not self._slow_start:
                self.limit += max(1, self.limit // 16)
            elif load.waiting is not None or self._gained(load):
                self.limit *= 2
            else:
                self._slow_start, self.reason = False, "throughput no longer grows"
            self.limit = min(self.limit, CEILING)

    def _stop(self, load: Load) -> str | None:
        """The server's reason against more requests, if it has one."""
        overloaded, self._overloaded = self._overloaded, False
        if overloaded:
            return "server busy"
        queued, self._queued = self._queued, bool(load.waiting and load.waiting > SLACK * (load.running or 0))
        if self._queued and queued:
            return "waiting queue"
        if load.cache is not None and load.cache > FULL_CACHE:
            return "KV cache full"
        return None

    def _lower(self, load: Load, in_flight: int) -> int:
        """The new limit: what the server runs at once and a little more where it queues, else a fifth less."""
        if self.reason == "waiting queue" and load.running:
            return min(self.limit, round(load.running * (1 + SLACK / 2)) + 1)
        return round(min(self.limit, max(in_flight, 1)) * DECREASE)

    def _gained(self, load: Load) -> bool:
        rate, best = load.rate or 0.0, self._best_rate
        self._best_rate = max(rate, best)
        return rate >= best * GAIN
