"""Worker processes for work that may hang, crash or eat all memory: one step is lost, nothing else."""

import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from r1tool.errors import R1Error
from r1tool.workers.forkserver import MEMORY_BYTES, ForkServer, Warm
from r1tool.workers.selfpipe import SelfPipe
from r1tool.workers.worker import Job, Lost, Task, Work, Worker

__all__ = ["Lost", "Pool", "Task"]

IN_FLIGHT_BYTES = 32 << 20
STARVED_FACTOR = 3
"""A step that got less than half a core, on a busy machine, may take this many times its seconds."""
AHEAD = 2
"""Tasks at a worker: the one it works on and the next."""
MAX_DEATHS = 10
"""Workers that may die one after the other without having begun a step."""
CLOSE_SECONDS = 0.05


class Pool:
    """`workers` processes that run `work(context, step)`; a context manager.

    A step over `step_seconds` or MEMORY_BYTES is given up with its worker, and the task goes on with its next step
    in a new one. `warm` runs once, in the process the workers are forked from. Create it while the process has few
    threads and little memory: both are forked. It takes no time: workers are waited for when there is work.
    """

    def __init__(
        self,
        work: Work,
        *,
        workers: int,
        step_seconds: float,
        bytes_in_flight: int = IN_FLIGHT_BYTES,
        warm: Warm | None = None,
    ) -> None:
        self._step_seconds = step_seconds
        self._bytes_in_flight = bytes_in_flight
        self._count = workers
        self._server = ForkServer.fork(work, workers, MEMORY_BYTES, warm)
        self._workers: list[Worker] = []
        self._deaths = 0

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for worker in self._workers:
            worker.socket.close()

    def map(
        self, tasks: Iterable[Task], idle: Callable[[], None] | None = None
    ) -> Iterator[tuple[Task, list[bytes | Lost]]]:
        """Each task with the results of its steps, in order, as soon as it and all before it are done.

        `idle` is called before waiting for the next: the moment to flush what was made of the last.
        """
        feed = _Feed(tasks, self._bytes_in_flight)
        order: deque[Job] = deque()
        waiting: deque[Job] = deque()
        try:
            while True:
                while feed.jobs:
                    job = feed.jobs.popleft()
                    order.append(job)
                    if job.todo:
                        waiting.append(job)
                while order and None not in order[0].results:
                    job = order.popleft()
                    feed.release(job.size)
                    yield job.task, job.results  # type: ignore[misc]
                if not order and feed.ended and not feed.jobs:
                    feed.check()
                    return
                self._assign(waiting)
                if idle is not None:
                    idle()
                self._wait(feed, wants_more=not waiting)
        finally:
            feed.close()

    def _assign(self, waiting: deque[Job]) -> None:
        if waiting and not self._workers:
            self._workers = [self._server.spawn(place) for place in range(self._count)]
        while waiting:
            worker = min(self._workers, key=lambda worker: len(worker.jobs))
            if len(worker.jobs) >= AHEAD:
                return
            worker.give(waiting.popleft(), self._step_seconds)

    def _wait(self, feed: "_Feed", wants_more: bool) -> None:
        """Until a worker has a result or is late, or, if that is wanted, the input has a task."""
        poll = select.poll()
        timeout = None
        now = time.monotonic()
        if wants_more and not feed.will_wake():
            return
        if wants_more and not feed.ended:
            poll.register(feed.pipe, select.POLLIN)
        by_fd = {}
        for worker in self._workers:
            if worker.jobs:
                fd = worker.socket.fileno()
                by_fd[fd] = worker
                poll.register(fd, worker.events)
                left = self._seconds_left(worker, now)
                timeout = left if timeout is None else min(timeout, left)
        for fd, event in poll.poll(None if timeout is None else max(timeout, 0.001) * 1000):
            if fd == feed.pipe.fileno():
                feed.pipe.drain()
                continue
            worker = by_fd[fd]
            if event & select.POLLOUT:
                worker.send()
            if event & ~select.POLLOUT and (state := worker.receive()) != "alive":
                late = self._seconds_left(worker, time.monotonic()) <= 0  # while this process was stopped
                self._replace(worker, Lost("memory" if state == "memory" else "timeout" if late else "crash"))
        now = time.monotonic()
        for worker in by_fd.values():
            if worker.jobs and self._seconds_left(worker, now) <= 0 and worker in self._workers:
                self._replace(worker, Lost("timeout"))

    def _seconds_left(self, worker: Worker, now: float) -> float:
        """Until the step under way is late. One that does not get a core on a busy machine is given more time."""
        beat = self._server.heartbeat(worker.place)
        if beat.task != worker.begun + 1:
            return self._step_seconds  # it has done all it was given, or begins
        left = beat.since + self._step_seconds - now
        if left <= 0 and worker.cpu_seconds() - beat.cpu < self._step_seconds / 2:
            left += (STARVED_FACTOR - 1) * self._step_seconds
        return left

    def _replace(self, worker: Worker, lost: Lost) -> None:
        """Give up the step `worker` is at, and go on in a new worker."""
        self._server.kill(worker)
        worker.socket.setblocking(True)
        while worker.receive() == "alive":
            pass  # what it had done before it died
        beat = self._server.heartbeat(worker.place)
        worker.socket.close()
        new = self._workers[worker.place] = self._server.spawn(worker.place)
        if worker.jobs and beat.task == worker.begun + 1:
            self._deaths = 0
            job = worker.jobs[0]
            # results that were not sent yet are lost too: those steps were quick, and are done again
            job.results[job.sent[beat.step]] = job.results[job.sent[beat.step]] or lost
        else:
            self._deaths += 1
            if self._deaths > MAX_DEATHS:
                raise R1Error("worker processes die as soon as they start; R1TOOL_DEBUG=1 may show why")
        for job in worker.jobs:
            job.todo = deque(index for index, result in enumerate(job.results) if result is None)
            if job.todo:
                new.give(job, self._step_seconds)


class _Feed:
    """Takes tasks in a thread of its own, up to a number of bytes, so that results are delivered while it waits."""

    def __init__(self, tasks: Iterable[Task], limit: int) -> None:
        self.jobs: deque[Job] = deque()
        self.ended = False
        self.pipe = SelfPipe()
        self._wakes = False
        self._limit, self._refill = limit, limit * 7 // 8
        self._bytes = 0
        self._room = threading.Condition()
        self._is_full = self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(tasks,), daemon=True)
        self._thread.start()

    def will_wake(self) -> bool:
        """Let `pipe` be woken when there is a task; False if there is one already."""
        self._wakes = True
        if self.jobs:
            self._wakes = False
        return not self.jobs

    def release(self, size: int) -> None:
        """A task of `size` bytes is done with."""
        with self._room:
            self._bytes -= size
            if self._is_full and self._bytes <= self._refill:
                self._is_full = False
                self._room.notify()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        with self._room:
            self._closed = True
            self._room.notify()
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():  # else it waits for input and may still wake the pipe
            self.pipe.close()

    def _run(self, tasks: Iterable[Task]) -> None:
        try:
            for task in tasks:
                job = Job(task)
                with self._room:
                    self._is_full = self._bytes >= self._limit
                    self._room.wait_for(lambda: not self._is_full or self._closed)
                    if self._closed:
                        return
                    self._bytes += job.size
                self.jobs.append(job)
                self._wake()
        except BaseException as error:
            self._error = error
        finally:
            self.ended = True
            self._wakes = True
            self._wake()

    def _wake(self) -> None:
        if self._wakes:
            self._wakes = False
            self.pipe.wake()
