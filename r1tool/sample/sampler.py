"""The generations of one row: those an earlier run has paid for, and the missing ones."""

import asyncio
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from r1tool.client.budget import force
from r1tool.client.client import Client
from r1tool.client.generation import Generation
from r1tool.client.request import Request
from r1tool.errors import BadRow
from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.sample.columns import write_columns
from r1tool.sample.problems import problem_of
from r1tool.sample.prompts import PromptBuilder
from r1tool.sample.report import Report
from r1tool.sample.store import GenerationStore
from r1tool.stream.concurrent import CallThread
from r1tool.stream.journal import Key

if TYPE_CHECKING:
    from r1tool.stream.stage import Stage

CHECKPOINT_SECONDS = 10.0
REASONS_SAID = 5


class Sampler:
    """Makes rows whole. Many rows are under way at once, in one event loop."""

    def __init__(
        self, stage: "Stage", client: Client, prompts: PromptBuilder, store: GenerationStore, report: Report
    ) -> None:
        self.stage, self.client, self.prompts, self.store, self.report = stage, client, prompts, store, report
        self.options = prompts.options
        self._coming: dict[Key, asyncio.Future[Generation]] = {}
        self._warned = False
        self._explained: set[str] = set()
        self._grader = CallThread("grader") if self.options.until_correct else None

    async def row(self, row: Row) -> Row:
        """The row with its generations, as many as could be had. Raises BadRow if there is none.

        When cancelled it returns what is finished; the texts of the rest are in the journal.
        """
        problem = problem_of(row, self.options.problem_field)
        id_ = row_id(row, self.options.id_field)
        done: dict[int, Generation] = {}
        failures: list[BaseException] = []
        asked, cancelled = 0, False
        while not cancelled:
            try:
                more = await self._wanted(row, done, asked)
            except asyncio.CancelledError:
                break
            if not more:
                break
            first = self.options.offset + asked
            tasks = {i: asyncio.create_task(self._generation(problem, id_, i)) for i in range(first, first + more)}
            asked += more
            cancelled = await _settle(tasks.values())
            done |= {i: task.result() for i, task in tasks.items() if not task.cancelled() and not task.exception()}
            failures += [error for task in tasks.values() if not task.cancelled() and (error := task.exception())]
            fatal = next((error for error in failures if not isinstance(error, BadRow)), None)
            if fatal is not None and not cancelled:
                if done:  # the error ends the run: nobody would write this row
                    self.stage.write(write_columns(row, list(done.values()), asked - len(done), self.prompts))
                raise fatal
        if not done:
            self._explain(id_, failures)
            raise failures[0] if failures and not cancelled else asyncio.CancelledError
        if len(done) < asked:
            self.stage.mark_failed()
            self.report.missing += asked - len(done)
        self._explain(id_, failures)
        return write_columns(row, list(done.values()), asked - len(done), self.prompts)

    async def checkpoint_often(self) -> None:
        """Put the texts of all requests in flight into the journal from time to time, for ever."""
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            self.checkpoint()

    def checkpoint(self) -> None:
        """Put the texts of all requests in flight into the journal now, or say that there is none."""
        if not self.store.journal and not self._is_shown and not self._warned:
            self._warned = True
            self.stage.note("no journal: interrupted generations would be lost; keep them with --journal FILE")
        self.store.checkpoint()

    @property
    def _is_shown(self) -> bool:
        """Whether the rows go to a terminal or were built in: nobody means to keep them."""
        return not self.stage.sources or (self.stage.options.output is None and os.isatty(1))

    def _explain(self, id_: str, failures: list[BaseException]) -> None:
        """Say why generations are missing, each kind of reason once."""
        for reason in (str(error) for error in failures if isinstance(error, BadRow)):
            if reason not in self._explained and len(self._explained) < REASONS_SAID:
                self._explained.add(reason)
                self.stage.note(f"{id_}: generation failed: {reason}")

    async def _wanted(self, row: Row, done: dict[int, Generation], asked: int) -> int:
        """How many generations to ask for next."""
        options = self.options
        if asked < options.n:
            return options.n - asked
        if not options.until_correct or not options.max_n or not done:
            return 0
        right = await self._right(row, done.values())
        if right is None:
            self.report.ungraded += 1
            return 0
        more = max(0, min(options.until_correct - right, options.max_n - asked))
        if not more:
            self.report.solved += right >= options.until_correct
            self.report.unsolved += right < options.until_correct
        return more

    async def _right(self, row: Row, generations: Iterable[Generation]) -> int | None:
        """How many are right; None where there is nothing to compare with."""
        from r1tool.grading import grade

        assert self._grader
        outcomes = [
            (await self._grader.run(grade, row.get("answer"), each.text, row.get("problem"))).outcome
            for each in generations
        ]
        return None if "gold_unparsable" in outcomes else outcomes.count("correct")

    async def _generation(self, problem: str, id_: str, sample: int) -> Generation:
        """What is kept, what is on its way for another row of the same id and problem, else a new one."""
        request = self.prompts.request(problem, id_, sample)
        key = Key(id_, sample, self.prompts.fingerprint(request))
        if (kept := self.store.finished(key)) is not None:
            self.report.kept += 1
            return kept
        if key in self._coming:
            return await asyncio.shield(self._coming[key])
        coming = self._coming[key] = asyncio.ensure_future(self._ask(request, key))
        try:
            return await coming
        finally:
            del self._coming[key]

    async def _ask(self, request: Request, key: Key) -> Generation:
        if await self.store.begin(key, request):
            self.report.continued += 1
        options = self.options
        try:
            if options.thinking_budget is not None or options.wait:
                answer = await force(self.client, request, budget=options.thinking_budget, waits=options.wait)
            else:
                answer = await self.client.generate(request)
        except BaseException:
            self.report.dropped(request, kept=self.store.abandon(key))
            raise
        self.store.finish(key, answer)
        self.report.finished(answer, request.wasted)
        return answer


async def _settle(tasks: Iterable["asyncio.Task[Any]"]) -> bool:
    """Wait for all; True if this was cancelled meanwhile, and then they are too."""
    tasks = list(tasks)
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return True
    return False
