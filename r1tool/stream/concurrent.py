"""Many rows at once through an asynchronous function, in bounded memory."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop

from r1tool.errors import BadRow
from r1tool.records.row import Row

if TYPE_CHECKING:
    from r1tool.stream.stage import Stage

ROOM_SECONDS = 0.25

T = TypeVar("T")
Work = Callable[[Row], Awaitable[Row | None]]


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine under uvloop, with as many open files as the system lets us have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return uvloop.run(main)


async def map_rows(
    stage: "Stage", work: Work, *, in_flight: int | Callable[[], int], ordered: bool, rows: Iterator[Row] | None = None
) -> None:
    """Put every row of `stage`, or `rows` instead, through `work`, and write what it returns.

    None writes nothing, BadRow rejects the row. At most `in_flight` rows are read and not yet written. They are
    written in input order, or as they are done. On an interrupt `work` is cancelled; it may still return a row.
    """
    await _RowMapper(stage, work, in_flight, ordered).run(rows or stage.rows())


class _RowMapper:
    def __init__(self, stage: "Stage", work: Work, in_flight: int | Callable[[], int], ordered: bool) -> None:
        self.stage, self.work = stage, work
        self.room = in_flight if callable(in_flight) else lambda: in_flight
        self.loop = asyncio.get_running_loop()
        self.reader, self.writer = CallThread("reader"), CallThread("writer")
        self.tasks: set[asyncio.Task[None]] = set()
        self.stop: asyncio.Future[None] = self.loop.create_future()
        self.changed = asyncio.Event()
        self.turn: asyncio.Event | None = asyncio.Event() if ordered else None
        if self.turn:
            self.turn.set()

    async def run(self, rows: Iterator[Row]) -> None:
        self.stage.on_signal(self._on_signal)
        try:
            await self._feed(rows)
            while self.tasks and not self.stop.done():
                waiting: set[asyncio.Future[None]] = {self.stop, *self.tasks}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            # a cancelled task does not take back the row it has given to the writer
            await self.writer.run(lambda: None)
        if self.stop.done():
            self.stop.result()

    async def _feed(self, rows: Iterator[Row]) -> None:
        while not self.stop.done():
            while len(self.tasks) >= max(1, self.room()) and not self.stop.done():
                self.changed.clear()
                changed = self.loop.create_task(self.changed.wait())
                waiting: set[asyncio.Future[Any]] = {self.stop, changed}
                await asyncio.wait(waiting, timeout=ROOM_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
            reading = self.reader.run(next, rows, None)
            either: set[asyncio.Future[Any]] = {self.stop, reading}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self.stop.done() or (row := reading.result()) is None:
                return
            before = self.turn
            if before:
                self.turn = asyncio.Event()
            task = self.loop.create_task(self._one(row, before, self.turn))
            self.tasks.add(task)
            task.add_done_callback(self._settled)

    async def _one(self, row: Row, before: asyncio.Event | None, after: asyncio.Event | None) -> None:
        try:
            result, reason = await self.work(row), None
        except BadRow as error:
            result, reason = None, str(error)
        if before and not self.stop.done():
            try:
                await before.wait()
            except asyncio.CancelledError:
                if not self.stage.stopped:
                    raise  # after a signal what is done is written, be it out of order
        if reason is not None:
            await self.writer.run(self.stage.reject, row, reason)
        elif result is not None:
            await self.writer.run(self.stage.write, result)
        if after:
            after.set()

    def _settled(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.changed.set()
        if not task.cancelled() and (error := task.exception()) is not None and not self.stop.done():
            self.stop.set_exception(error)

    def _on_signal(self, number: int) -> None:
        self.loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self.stage.stopped and not self.stop.done():
            self.stop.set_result(None)


class CallThread:
    """A daemon thread that runs one call after another: a read that never returns does not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]] = (
            queue.SimpleQueue()
        )
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def run(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """The result of `function(*arguments)`, called in the thread."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._calls.put((future, function, arguments))
        return future

    def _serve(self) -> None:
        while True:
            future, function, arguments = self._calls.get()
            try:
                result, error = function(*arguments), None
            except BaseException as caught:
                result, error = None, caught
            try:
                self._loop.call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:
                return


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
