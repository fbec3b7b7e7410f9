"""What a run of `sample` has done so far: its progress row and its closing line."""

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from r1tool.client.generation import Generation
from r1tool.client.request import Request
from r1tool.progress import counted

if TYPE_CHECKING:
    from r1tool.client.client import Client
    from r1tool.stream.stage import Stage

REFRESH_SECONDS = 1.0
WINDOW_SECONDS = 300.0
"""Rates are of the last minutes: what was replayed from a journal came at another speed."""


class Report:
    """Counts of generations, `n` per row, and of tokens.

    `kept` came from the journal, `continued` were begun before, `begun` are left to the next run. `solved` and
    `unsolved` are rows of --until-correct, `ungraded` those without an answer to compare with.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.done = self.kept = self.continued = self.begun = self.missing = self.truncated = 0
        self.solved = self.unsolved = self.ungraded = 0
        self.tokens = self.wasted = 0
        self.gpu_seconds = 0.0
        self._since = time.monotonic()
        self._seen: deque[tuple[float, int, int]] = deque()

    def finished(self, generation: Generation, wasted: int) -> None:
        """One more generation, for which `wasted` tokens were thrown away on the way."""
        self.done += 1
        self.tokens += generation.completion_tokens or 0
        self.wasted += wasted
        self.gpu_seconds += generation.gpu_seconds or 0.0
        self.truncated += generation.finish_reason == "length"

    def dropped(self, request: Request, *, kept: bool) -> None:
        """One that was not finished; its text is `kept` for the next run, or lost."""
        self.wasted += request.wasted + (0 if kept else request.tokens)
        self.begun += kept and request.tokens > 0

    async def show_often(self, stage: "Stage", client: "Client") -> None:
        """Keep the stage's progress row up to date, for ever."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            stage.progress.detail = self.row(stage, client)

    def row(self, stage: "Stage", client: "Client") -> str:
        """Generations, rates of the last minutes, and the state of the requests."""
        now = time.monotonic()
        self._seen.append((now, self.done, client.tokens))
        while self._seen[0][0] < now - WINDOW_SECONDS:
            self._seen.popleft()
        before, done, tokens = self._seen[0]
        seconds = max(now - before, 1e-3)
        per_hour = (self.done - done) / seconds * 3600
        if stage.progress.total and self.done > done:
            missing = (stage.progress.total - stage.rows_out) * self.n
            stage.progress.expect(missing * seconds / (self.done - done))
        parts = [f"{self.done:,} new ({_rates(per_hour, client.gpus)})"]
        parts.append(f"{(client.tokens - tokens) / seconds:,.0f} tok/s")
        parts.append(f"{client.in_flight} in flight")
        if client.waiting:
            parts.append(f"{client.waiting} queued")
        if self.truncated:
            parts.append(f"{self.truncated / self.done:.1%} truncated")
        if client.retries:
            parts.append(f"{client.retries:,} retries")
        return ", ".join(parts)

    def closing(self, client: "Client") -> str:
        """The whole run in one line."""
        seconds = time.monotonic() - self._since
        parts = [f"{counted(self.done, 'generation')} ({_rates(self.done / seconds * 3600, client.gpus)})"]
        if self.kept:
            parts.append(f"{self.kept:,} taken from the journal")
        if self.continued:
            parts.append(f"{self.continued:,} continued from earlier runs")
        if self.begun:
            parts.append(f"{self.begun:,} partial, left for the next run")
        if self.missing:
            parts.append(f"{self.missing:,} missing")
        if graded := self.solved + self.unsolved:
            parts.append(f"{self.solved:,} of {counted(graded, 'row')} solved")
        if self.ungraded:
            parts.append(f"{counted(self.ungraded, 'row')} without a reference answer")
        parts.append(f"{self.tokens:,} tokens ({self.tokens / seconds:,.0f}/s)")
        if self.done:
            parts.append(f"{self.truncated / self.done:.1%} truncated at --max-tokens")
        if (hours := self.gpu_seconds / 3600) >= 0.01:
            parts.append(f"{hours:,.2f} GPU hours")
        parts.append(f"{client.retries:,} retries")
        parts.append(f"{self.wasted:,} tokens wasted")
        return ", ".join(parts)


def _rates(per_hour: float, gpus: int) -> str:
    return f"{per_hour:,.0f}/h" + (f", {per_hour / gpus:,.0f}/h per GPU" if gpus > 1 else "")
