"""Worker processes for work that may hang, crash or eat all memory: one step is lost, nothing else."""

import os
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from r1tool.stream.worker import FAILED, MEMORY, ForkServer

MEMORY_BYTES = 1 << 30
"""What a worker may allocate on top of the warm image."""
IN_FLIGHT_BYTES = 32 << 20
STARVED_FACTOR = 3
"""A step that got less than half a core, on a busy machine, may take this many times its seconds."""
AHEAD = 2
"""Tasks at a worker: the one it works on and the next."""


class Lost(NamedTuple):
    """What stands in place of a step's result."""

    reason: Literal["timeout", "memory", "crash"]


class Task(NamedTuple):
    """One row's work: `work(context, step)` is called for each step. `row` stays in the parent."""

    row: Any
    context: bytes
    steps: list[bytes]


class _Job:
    """A task under way."""

    __slots__ = ("results", "size", "task")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.results: list[bytes | Lost] = []
        self.size = len(task.context) + sum(map(len, task.steps))

    @property
    def done(self) -> bool:
        return len(self.results) == len(self.task.steps)

    def message(self) -> bytes:
        """What is left to do, as a worker reads it."""
        steps = self.task.steps[len(self.results) :]
        sizes = struct.pack(f"<{len(steps) + 2}I", len(steps), len(self.task.context), *map(len, steps))
        return b"".join((sizes, self.task.context, *steps))


class _Worker:
    """A worker process, the jobs at it, and what was received of its next reply."""

    def __init__(self, server: ForkServer) -> None:
        self.socket, self.pid = server.spawn()
        self.socket.setblocking(False)
        self.jobs: deque[_Job] = deque()
        self.out: deque[memoryview] = deque()
        self.received = b""
        self.since = 0.0
        self.cpu = 0.0

    def give(self, job: _Job) -> None:
        if not self.jobs:
            self.start_clock()
        self.jobs.append(job)
        self.out.append(memoryview(job.message()))

    def start_clock(self) -> None:
        self.since = time.monotonic()
        self.cpu = self.cpu_seconds()

    def cpu_seconds(self) -> float:
        try:
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            return 0.0


class Pool:
    """`workers` processes that run `work(context, step)`; a context manager.

    A step over `step_seconds` or `memory_bytes` is given up with its worker, and the task goes on with its next step
    in a new one. `warm` runs once, in the process the workers are forked from.
    """

    def __init__(
        self,
        work: Callable[[bytes, bytes], bytes],
        *,
        workers: int,
        step_seconds: float,
        memory_bytes: int = MEMORY_BYTES,
        bytes_in_flight: int = IN_FLIGHT_BYTES,
        warm: Callable[[], None] | None = None,
    ) -> None:
        self._step_seconds = step_seconds
        self._bytes_in_flight = bytes_in_flight
        self._server = ForkServer(work, memory_bytes, warm)
        self._workers = [_Worker(self._server) for _ in range(workers)]

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        for worker in self._workers:
            worker.socket.close()

    def map(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, list[bytes | Lost]]]:
        """Each task with the results of its steps, in order, as soon as it and all before it are done."""
        feed = _Feed(tasks, self._bytes_in_flight)
        order: deque[_Job] = deque()
        waiting: deque[_Job] = deque()
        try:
            while True:
                for job in feed.take():
                    order.append(job)
                    waiting.append(job)
                while order and order[0].done:
                    job = order.popleft()
                    feed.release(job.size)
                    yield job.task, job.results
                if not order:
                    if feed.ended:
                        feed.check()
                        return
                    feed.wait()
                    continue
                self._assign(waiting)
                self._step(feed)
        finally:
            feed.close()

    def _assign(self, waiting: deque[_Job]) -> None:
        while waiting:
            if waiting[0].done:
                waiting.popleft()
                continue
            worker = min(self._workers, key=lambda worker: len(worker.jobs))
            if len(worker.jobs) >= AHEAD:
                return
            worker.give(waiting.popleft())

    def _step(self, feed: "_Feed") -> None:
        """Wait until a worker or the input has something, and deal with it."""
        poll = select.poll()
        poll.register(feed.wake, select.POLLIN)
        by_fd = {}
        deadline = None
        for worker in self._workers:
            if worker.out:
                self._send(worker)
            if worker.jobs:
                by_fd[worker.socket.fileno()] = worker
                poll.register(worker.socket, select.POLLIN | (select.POLLOUT if worker.out else 0))
                end = worker.since + self._step_seconds
                deadline = end if deadline is None else min(deadline, end)
        timeout = None if deadline is None else max(1.0, (deadline - time.monotonic()) * 1000)
        for fd, _ in poll.poll(timeout):
            if fd in by_fd:
                self._receive(by_fd[fd])
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.jobs and now - worker.since > self._step_seconds and self._is_late(worker, now):
                self._replace(worker, Lost("timeout"))

    def _is_late(self, worker: _Worker, now: float) -> bool:
        starved = worker.cpu_seconds() - worker.cpu < self._step_seconds / 2
        if starved and now - worker.since < STARVED_FACTOR * self._step_seconds:
            return False
        self._receive(worker)
        return bool(worker.jobs) and now - worker.since > self._step_seconds

    def _send(self, worker: _Worker) -> None:
        try:
            while worker.out:
                view = worker.out[0]
                sent = worker.socket.send(view)
                if sent == len(view):
                    worker.out.popleft()
                else:
                    worker.out[0] = view[sent:]
        except BlockingIOError:
            pass
        except OSError:
            pass  # it died: reading says so

    def _receive(self, worker: _Worker) -> None:
        try:
            data = worker.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._replace(worker, Lost("crash"))
            return
        data = worker.received + data
        while len(data) >= 5:
            kind, size = struct.unpack_from("<BI", data)
            if len(data) < 5 + size:
                break
            result = data[5 : 5 + size]
            data = data[5 + size :]
            if kind == MEMORY:
                self._replace(worker, Lost("memory"))
                return
            job = worker.jobs[0]
            job.results.append(Lost("crash") if kind == FAILED else result)
            if job.done:
                worker.jobs.popleft()
            worker.start_clock()
        worker.received = data

    def _replace(self, worker: _Worker, lost: Lost) -> None:
        """Give up the step `worker` is at, and go on in a new worker."""
        self._server.kill(worker.pid)
        worker.socket.close()
        new = _Worker(self._server)
        self._workers[self._workers.index(worker)] = new
        jobs, worker.jobs = worker.jobs, deque()
        if jobs:
            jobs[0].results.append(lost)
        for job in jobs:
            if not job.done:
                new.give(job)


class _Feed:
    """Takes tasks in a thread of its own, up to a number of bytes, so that results are delivered while it waits."""

    def __init__(self, tasks: Iterable[Task], limit: int) -> None:
        self.wake, self._bell = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._bell, False)
        self._limit = limit
        self._bytes = 0
        self._jobs: deque[_Job] = deque()
        self._room = threading.Condition()
        self._error: BaseException | None = None
        self._closed = False
        self.ended = False
        self._thread = threading.Thread(target=self._run, args=(tasks,), daemon=True)
        self._thread.start()

    def take(self) -> Iterator[_Job]:
        self._silence()
        while self._jobs:
            yield self._jobs.popleft()

    def release(self, size: int) -> None:
        with self._room:
            self._bytes -= size
            self._room.notify()

    def wait(self) -> None:
        poll = select.poll()
        poll.register(self.wake, select.POLLIN)
        poll.poll()

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        with self._room:
            self._closed = True
            self._room.notify()

    def _silence(self) -> None:
        try:
            os.read(self.wake, 1 << 12)
        except BlockingIOError:
            pass

    def _ring(self) -> None:
        try:
            os.write(self._bell, b".")
        except BlockingIOError:
            pass

    def _run(self, tasks: Iterable[Task]) -> None:
        try:
            for task in tasks:
                job = _Job(task)
                with self._room:
                    self._room.wait_for(lambda: self._bytes < self._limit or self._closed)
                    if self._closed:
                        return
                    self._bytes += job.size
                self._jobs.append(job)
                self._ring()
        except BaseException as error:
            self._error = error
        finally:
            self.ended = True
            self._ring()
