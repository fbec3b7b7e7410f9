"""`sample`: rows in, rows with generations out."""

from typing import TYPE_CHECKING

from r1tool.client.options import ClientOptions
from r1tool.client.reply import Reply
from r1tool.errors import FAILED, BadRow
from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.sampling.generation import Generation, fill
from r1tool.sampling.options import TEMPLATE, SampleOptions
from r1tool.sampling.request import Asking
from r1tool.serving.options import ServingOptions

if TYPE_CHECKING:
    from r1tool.client.client import Client
    from r1tool.stream.stage import Stage


async def sample(stage: "Stage", serving: ServingOptions, client: ClientOptions, options: SampleOptions) -> None:
    """Put every row of `stage` through a model and write it with its generations."""
    from r1tool.client.client import connect
    from r1tool.client.gather import run_rows

    async with connect(serving, client, note=stage.note, lazy=True) as asking_client:
        plain = options.template == TEMPLATE and not options.system and not options.completion
        asking = Asking(options, demonstration=plain and asking_client.demonstration)
        sampler = Sampler(stage, asking_client, asking)
        rows = lambda: max(1, asking_client.pool.capacity * 5 // (4 * options.n)) + 1  # noqa: E731
        await run_rows(stage, sampler.row, in_flight=rows, ordered=False)


class Sampler:
    """One problem at a time; many are under way at once."""

    def __init__(self, stage: "Stage", client: "Client", asking: Asking) -> None:
        self.stage, self.client, self.asking = stage, client, asking
        self.options = asking.options

    async def row(self, row: Row) -> Row:
        """The row with its generations. Raises BadRow if there is none."""
        import asyncio

        problem = row.get("problem")
        if not isinstance(problem, str) or not problem.strip():
            raise BadRow("no problem")
        id_ = row_id(row, self.options.id_field)
        wanted = range(self.options.offset, self.options.offset + self.options.n)
        tasks = [asyncio.create_task(self._generation(problem, id_, index)) for index in wanted]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        failures = [error for task in tasks if not task.cancelled() and (error := task.exception())]
        fatal = next((error for error in failures if not isinstance(error, BadRow)), None)
        if fatal is not None:
            raise fatal
        done = [task.result() for task in tasks if not task.cancelled() and not task.exception()]
        if not done:
            raise failures[0] if failures else asyncio.CancelledError
        if len(done) < len(tasks):
            self.stage.status = self.stage.status or FAILED
        return fill(row, id_, done, len(tasks) - len(done), self.asking)

    async def _generation(self, problem: str, id_: str, index: int) -> Generation:
        draft = self.asking.draft(problem, id_, index)
        reply: Reply = await self.client.generate(draft)
        return Generation.of(reply, draft.sampling["seed"])
