"""`sample`: rows in, rows with generations out."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from r1tool.client.options import ClientOptions
from r1tool.errors import BadRow, R1Error
from r1tool.records.ids import row_id
from r1tool.records.row import Row
from r1tool.sample.options import SampleOptions
from r1tool.sample.problems import name_problem, problem_of
from r1tool.sample.prompts import PromptBuilder
from r1tool.sample.report import Report
from r1tool.serving.options import ServingOptions
from r1tool.stream.journal import Journal

if TYPE_CHECKING:
    from r1tool.engines.engine import Engine
    from r1tool.stream.stage import Stage

REQUESTS_AHEAD = 1.25
"""Requests that are made, as a multiple of what keeps the servers busy."""
HELD = 4
"""Generations in memory, finished ones of unfinished rows included, as a multiple of those requests."""
ROWS_BESIDE = 64
"""Rows that are graded, or wait for the one who reads them, beside those with requests."""


async def sample(
    stage: "Stage",
    serving: ServingOptions,
    client: ClientOptions,
    options: SampleOptions,
    engine: "Engine | None",
    *,
    journal: Journal | None = None,
    output: str | None = None,
) -> None:
    """Put every row of `stage` through a model and write it with its generations.

    `engine` is what `launch.choose` says of `serving`.
    What `journal` and the rows already in the file `output` hold is not asked for again; if that is everything, no
    server is started and the file is left as it is. Raises R1Error if no server can be had.
    """
    from r1tool.client.client import ANSWER_SECONDS, connect
    from r1tool.sample.resume import PreviousOutput
    from r1tool.sample.sampler import Sampler
    from r1tool.sample.store import GenerationStore
    from r1tool.serving.launch import with_thinking_budget
    from r1tool.stream.concurrent import map_rows

    if options.thinking_budget is not None:
        serving = with_thinking_budget(serving, engine)
    async with connect(serving, client, engine, note=stage.note) as servers:
        prompts = PromptBuilder(options, engine, serving.model)
        if servers.served_model is None:
            await servers.answers_within(ANSWER_SECONDS)
        report = Report(options.n)
        signals: list[int] = []
        stage.on_signal(signals.append)
        store = GenerationStore(journal, servers, stage.note, stage.warn)
        sampler = Sampler(stage, servers, prompts, store, report)
        earlier = PreviousOutput(output, prompts, servers.served_model, journal, stage.note) if output else None

        def rows_in_flight() -> int:
            """More rows as long as the servers could do with more requests: a row waits for its slowest sample."""
            enough = max(1, int(servers.capacity * REQUESTS_AHEAD))
            rows = min(enough, HELD * enough // options.n)
            return rows + ROWS_BESIDE if servers.asked < enough else 0

        with _on_notice(sampler.checkpoint):
            background = [asyncio.create_task(sampler.checkpoint_often())]
            if stage.progress.is_shown:
                background.append(asyncio.create_task(report.show_often(stage, servers)))
                threading.Thread(target=count_rows, args=(stage,), name="count", daemon=True).start()
            try:
                rows = name_problem(stage.rows(), options.problem_field)
                if earlier:
                    rows = earlier.still_missing(rows, stage)
                await map_rows(stage, sampler.row, in_flight=rows_in_flight, ordered=False, rows=rows)
            finally:
                for task in background:
                    task.cancel()
                stage.progress.detail = ""
                if (report.done or report.kept or report.begun or report.missing) and signal.SIGPIPE not in signals:
                    stage.note(report.closing(servers))
        if earlier and not stage.stopped:
            earlier.finish(stage)


def first_request(
    rows: Iterator[Row], serving: ServingOptions, options: SampleOptions, engine: "Engine | None"
) -> dict[str, Any]:
    """Route and body of the first request that `sample` would send. Raises R1Error if there is no row to ask about."""
    prompts = PromptBuilder(options, engine, serving.model)
    for row in name_problem(rows, options.problem_field):
        with contextlib.suppress(BadRow):
            problem = problem_of(row, options.problem_field)
            request = prompts.request(problem, row_id(row, options.id_field), options.offset)
            route, fields = request.opening
            return {"route": route} | fields | request.sampling
    raise R1Error("no row with a problem, so no request to show")


def count_rows(stage: "Stage") -> None:
    """Tell the progress row how many rows are to come, where all inputs are files on this machine."""
    from r1tool.stream.readers import lines

    if stage.progress.total is not None or any(each.is_remote or each.is_pipe for each in stage.sources):
        return
    total = 0
    for source in stage.sources:
        if source.path is None:
            return
        with contextlib.suppress(OSError, R1Error):
            total += sum(1 for _ in lines(source, lambda damage: None))
    stage.progress.total = total or None


@contextlib.contextmanager
def _on_notice(checkpoint: Callable[[], None]) -> Iterator[None]:
    """Call `checkpoint` at SIGUSR1, by which Slurm tells that time is nearly up."""
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGUSR1)
    try:
        loop.add_signal_handler(signal.SIGUSR1, checkpoint)
    except (ValueError, RuntimeError):
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, before)
