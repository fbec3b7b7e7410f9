"""The generations of one row: those an earlier run has paid for, and the missing ones."""

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from r1tool.client.budget import force
from r1tool.client.request import Request
from r1tool.errors import FAILED, BadRow, R1Error
from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.sample.generation import Generation, fill
from r1tool.sample.prompts import PromptBuilder
from r1tool.stream.concurrent import CallThread
from r1tool.stream.journal import Journal, Key

if TYPE_CHECKING:
    from r1tool.client.client import Client
    from r1tool.sample.report import Report
    from r1tool.stream.stage import Stage

CHECKPOINT_SECONDS = 10.0
REASONS_SAID = 5
ANOTHER = -1
"""In place of the number of cuts: the text in the journal is not the one that is being made."""

_decode = msgspec.json.Decoder(Generation).decode


class Sampler:
    """Makes rows whole. Many rows are under way at once, in one event loop."""

    def __init__(
        self, stage: "Stage", client: "Client", prompts: PromptBuilder, journal: Journal | None, report: "Report"
    ) -> None:
        self.stage, self.client, self.prompts, self.journal, self.report = stage, client, prompts, journal, report
        self.options = prompts.options
        self._drafts: dict[Key, Request] = {}
        self._coming: dict[Key, asyncio.Future[Generation]] = {}
        self._cuts: dict[Key, int] = {}
        self._explained: set[str] = set()
        self._grader = CallThread("grader") if self.options.until_correct else None

    async def row(self, row: Row) -> Row:
        """The row with its generations, as many as could be had. Raises BadRow if there is none.

        When cancelled it returns what is finished; the texts of the rest are in the journal.
        """
        field = self.options.problem_field
        if field is not None and field not in row:
            raise BadRow(f"no column {field!r}, which --problem-field names")
        problem = row.get("problem")
        if not isinstance(problem, str) or not problem.strip():
            raise BadRow("no problem")
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
                    self.stage.write(fill(row, list(done.values()), asked - len(done), self.prompts))
                raise fatal
        if not done:
            self._explain(id_, failures)
            raise failures[0] if failures and not cancelled else asyncio.CancelledError
        if len(done) < asked:
            self.stage.status = self.stage.status or FAILED
            self.report.missing += asked - len(done)
        self._explain(id_, failures)
        return fill(row, list(done.values()), asked - len(done), self.prompts)

    async def checkpoint_often(self) -> None:
        """Put the texts of all requests in flight into the journal from time to time, for ever."""
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            self.checkpoint()

    def checkpoint(self) -> None:
        """Put the texts of all requests in flight into the journal now, or say that there is none."""
        if not self.journal and not self._is_shown:
            self._once(
                self.stage.note, "no journal: what is interrupted has to be paid for again; give --journal FILE"
            )
        for key, draft in self._drafts.items():
            self._keep(key, draft)

    @property
    def _is_shown(self) -> bool:
        """Whether the rows go to a terminal or were built in: nobody means to keep them."""
        return not self.stage.sources or (self.stage.options.output is None and os.isatty(1))

    def _once(self, say: Callable[[str], None], text: str) -> None:
        if text not in self._explained:
            self._explained.add(text)
            say(text)

    def _explain(self, id_: str, failures: list[BaseException]) -> None:
        """Say why generations are missing, each kind of reason once."""
        for reason in (str(error) for error in failures if isinstance(error, BadRow)):
            if reason not in self._explained and len(self._explained) < REASONS_SAID:
                self._explained.add(reason)
                self.stage.note(f"{id_}: no generation: {reason}")

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
        draft = self.prompts.draft(problem, id_, sample)
        key = Key(id_, sample, self.prompts.sha(draft))
        if (kept := self._finished(key)) is not None:
            return kept
        if key in self._coming:
            return await asyncio.shield(self._coming[key])
        coming = self._coming[key] = asyncio.ensure_future(self._ask(draft, key))
        try:
            return await coming
        finally:
            del self._coming[key]

    async def _ask(self, draft: Request, key: Key) -> Generation:
        await self._resume(draft, key)
        self._drafts[key] = draft
        try:
            if self.options.thinking_budget is not None or self.options.wait:
                reply = await force(self.client, draft, budget=self.options.thinking_budget, waits=self.options.wait)
            else:
                reply = await self.client.generate(draft)
        except BaseException:
            self._keep(key, draft)
            self.report.dropped(draft, kept=self.journal is not None)
            raise
        finally:
            del self._drafts[key]
            self._cuts.pop(key, None)
        generation = Generation.of(reply, draft.sampling["seed"])
        if self.journal:
            self.journal.finish(key, generation, remember=True)
        self.report.finished(reply)
        return generation

    async def _resume(self, draft: Request, key: Key) -> None:
        """Go on from a text that an earlier run has left, if the same model has begun it."""
        partial = self.journal.partial(key) if self.journal else None
        if partial is None:
            return
        if self.client.served_model is None:
            await self.client.ready()
        if partial.state.get("model") not in (None, self.client.served_model):
            self._cuts[key] = ANOTHER
            return
        draft.resume(partial.text, partial.state)
        self.report.continued += 1

    def _finished(self, key: Key) -> Generation | None:
        found = self.journal.finished(key) if self.journal else None
        if found is None:
            return None
        generation = _decode(found)
        served = self.client.served_model
        if served is not None and generation.model != served:
            self._once(
                self.stage.note, f"the journal holds answers of {generation.model}; {served} is asked for its own"
            )
            return None
        self.report.kept += 1
        return generation

    def _keep(self, key: Key, draft: Request) -> None:
        if not self.journal or not draft.text:
            return
        try:
            state = draft.state | {"model": self.client.served_model}
            self.journal.checkpoint(key, draft.text, state, anew=self._cuts.get(key, 0) != draft.cuts)
            self._cuts[key] = draft.cuts
        except R1Error as error:  # a full disk may have room again when there is an answer to keep
            self._once(self.stage.warn, f"{error}; answers under way are not kept")


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
