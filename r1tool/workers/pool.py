"""Worker processes for work that may hang, crash or eat all memory: one step is lost, nothing else."""

import os
import select
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

from r1tool.errors import R1Error
from r1tool.workers.forkserver import FAILED, MEMORY, REPLY, ForkServer

MEMORY_BYTES = 1 << 30
"""What a worker may allocate on top of the warm image."""
IN_FLIGHT_BYTES = 32 << 20
STARVED_FACTOR = 3
"""A step that got less than half a core, on a busy machine, may take this many times its seconds."""
AHEAD = 2
"""Tasks at a worker: the one it works on and the next."""
MAX_DEATHS = 10
"""Workers that may die one after the other without having begun a step."""
RECEIVE_BYTES = 1 << 16
IOV_MAX = 1024
CLOSE_SECONDS = 0.05


class Lost(NamedTuple):
    """What stands in place of a step's result."""

    reason: Literal["timeout", "memory", "crash"]


class Task(NamedTuple):
    """One row's work: `work(context, step)` is called for each step. `row` stays in the parent."""

    row: Any
    context: bytes
    steps: list[bytes]


class _Job:
    """A task under way. `sent` are the steps its worker was given, `todo` those of them that have not come back."""

    __slots__ = ("results", "sent", "size", "task", "todo")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.results: list[bytes | Lost | None] = [None] * len(task.steps)
        self.todo: deque[int] = deque(range(len(task.steps)))
        self.sent: list[int] = []
        self.size = len(task.context) + sum(map(len, task.steps))

    def message(self) -> list[bytes]:
        """What is left to do, as a worker reads it."""
        self.sent = list(self.todo)
        steps = [self.task.steps[index] for index in self.sent]
        sizes = struct.pack(f"<{len(steps) + 2}I", len(steps), len(self.task.context), *map(len, steps))
        return [sizes, self.task.context, *steps]


class _Worker:
    """A worker process, the jobs at it, and what was received of its next reply."""

    def __init__(self, server: ForkServer, place: int) -> None:
        self.place = place
        self.socket, self.pid = server.spawn(place)
        self.socket.setblocking(False)
        self.jobs: deque[_Job] = deque()
        self.begun = 0
        """Tasks it was given, but for those still in `jobs`."""
        self.out: deque[memoryview] = deque()
        self.received = b""

    def give(self, job: _Job) -> None:
        self.jobs.append(job)
        message = job.message()
        if self.out or len(message) > IOV_MAX:
            self.out.append(memoryview(b"".join(message)))
            return
        try:
            sent = self.socket.sendmsg(message)
        except BlockingIOError:
            sent = 0
        except OSError:
            return  # it died: reading says so
        if sent < sum(map(len, message)):
            self.out.append(memoryview(b"".join(message))[sent:])

    def send(self) -> None:
        """Send more of what did not fit into the socket."""
        try:
            while self.out:
                sent = self.socket.send(self.out[0])
                if sent < len(self.out[0]):
                    self.out[0] = self.out[0][sent:]
                else:
                    self.out.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self.out.clear()  # it died: reading says so

    def receive(self) -> Literal["alive", "memory", "gone"]:
        """Take the results that have come."""
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return "alive"
        except OSError:
            data = b""
        if not data:
            return "gone"
        if self.received:
            data = self.received + data
        at, end = 0, len(data)
        while end - at >= REPLY.size:
            kind, size = REPLY.unpack_from(data, at)
            if end - at < REPLY.size + size:
                break
            if kind == MEMORY:
                return "memory"
            at += REPLY.size
            job = self.jobs[0]
            job.results[job.todo.popleft()] = Lost("crash") if kind == FAILED else data[at : at + size]
            at += size
            if not job.todo:
                self.jobs.popleft()
                self.begun += 1
        self.received = data[at:]
        return "alive"

    def cpu_seconds(self) -> float:
        """CPU time of the process; see clock_getcpuclockid(3)."""
        try:
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            return 0.0


class Pool:
    """`workers` processes that run `work(context, step)`; a context manager.

    A step over `step_seconds` or `memory_bytes` is given up with its worker, and the task goes on with its next step
    in a new one. `warm` runs once, in the process the workers are forked from. Create it while the process has few
    threads and little memory: both are forked.
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
        self._server = ForkServer(work, workers, memory_bytes, warm)
        self._workers = [_Worker(self._server, place) for place in range(workers)]
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
        order: deque[_Job] = deque()
        waiting: deque[_Job] = deque()
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

    def _assign(self, waiting: deque[_Job]) -> None:
        while waiting:
            worker = min(self._workers, key=lambda worker: len(worker.jobs))
            if len(worker.jobs) >= AHEAD:
                return
            worker.give(waiting.popleft())

    def _wait(self, feed: "_Feed", wants_more: bool) -> None:
        """Until a worker has a result or is late, or, if that is wanted, the input has a task."""
        poll = select.poll()
        timeout = None
        now = time.monotonic()
        if wants_more and not feed.announce():
            return
        if wants_more and not feed.ended:
            poll.register(feed.descriptor, select.POLLIN)
        by_fd = {}
        for worker in self._workers:
            if worker.jobs:
                fd = worker.socket.fileno()
                by_fd[fd] = worker
                poll.register(fd, select.POLLIN | select.POLLOUT if worker.out else select.POLLIN)
                left = self._seconds_left(worker, now)
                timeout = left if timeout is None else min(timeout, left)
        for fd, event in poll.poll(None if timeout is None else max(timeout, 0.001) * 1000):
            if fd == feed.descriptor:
                feed.silence()
                continue
            worker = by_fd[fd]
            if event & select.POLLOUT:
                worker.send()
            if event & ~select.POLLOUT and (state := worker.receive()) != "alive":
                self._replace(worker, Lost("memory" if state == "memory" else "crash"))
        now = time.monotonic()
        for worker in by_fd.values():
            if worker.jobs and self._seconds_left(worker, now) <= 0 and worker in self._workers:
                self._replace(worker, Lost("timeout"))

    def _seconds_left(self, worker: _Worker, now: float) -> float:
        """Until the step under way is late. One that does not get a core on a busy machine is given more time."""
        note = self._server.note(worker.place)
        if note.task != worker.begun + 1:
            return self._step_seconds  # it has done all it was given, or begins
        left = note.since + self._step_seconds - now
        if left <= 0 and worker.cpu_seconds() - note.cpu < self._step_seconds / 2:
            left += (STARVED_FACTOR - 1) * self._step_seconds
        return left

    def _replace(self, worker: _Worker, lost: Lost) -> None:
        """Give up the step `worker` is at, and go on in a new worker."""
        self._server.kill(worker.pid)
        worker.socket.setblocking(True)
        while worker.receive() == "alive":
            pass  # what it had done before it died
        note = self._server.note(worker.place)
        worker.socket.close()
        new = self._workers[worker.place] = _Worker(self._server, worker.place)
        if worker.jobs and note.task == worker.begun + 1:
            self._deaths = 0
            job = worker.jobs[0]
            # results that were not sent yet are lost too: those steps were quick, and are done again
            job.results[job.sent[note.step]] = job.results[job.sent[note.step]] or lost
        else:
            self._deaths += 1
            if self._deaths > MAX_DEATHS:
                raise R1Error("worker processes die as soon as they are started; R1TOOL_DEBUG=1 may show why")
        for job in worker.jobs:
            job.todo = deque(index for index, result in enumerate(job.results) if result is None)
            if job.todo:
                new.give(job)


class _Feed:
    """Takes tasks in a thread of its own, up to a number of bytes, so that results are delivered while it waits."""

    def __init__(self, tasks: Iterable[Task], limit: int) -> None:
        self.jobs: deque[_Job] = deque()
        self.ended = False
        self.descriptor, self._bell = os.pipe()
        os.set_blocking(self.descriptor, False)
        self._announced = False
        self._limit, self._refill = limit, limit * 7 // 8
        self._bytes = 0
        self._room = threading.Condition()
        self._is_full = self._closed = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(tasks,), daemon=True)
        self._thread.start()

    def announce(self) -> bool:
        """Let `descriptor` be readable when there is a task; False if there is one already."""
        self._announced = True
        if self.jobs:
            self._announced = False
        return not self.jobs

    def silence(self) -> None:
        try:
            os.read(self.descriptor, 1 << 10)
        except BlockingIOError:
            pass

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
        if not self._thread.is_alive():  # else it waits for input and may still ring
            os.close(self.descriptor)
            os.close(self._bell)

    def _run(self, tasks: Iterable[Task]) -> None:
        try:
            for task in tasks:
                job = _Job(task)
                with self._room:
                    self._is_full = self._bytes >= self._limit
                    self._room.wait_for(lambda: not self._is_full or self._closed)
                    if self._closed:
                        return
                    self._bytes += job.size
                self.jobs.append(job)
                self._ring()
        except BaseException as error:
            self._error = error
        finally:
            self.ended = True
            self._announced = True
            self._ring()

    def _ring(self) -> None:
        if self._announced:
            self._announced = False
            os.write(self._bell, b".")
