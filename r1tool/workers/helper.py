"""A function called in processes that can be killed, by a process that must not be forked: a notebook, a trainer."""

import atexit
import os
import select
import threading
import time

from r1tool.errors import R1Error
from r1tool.workers.forkserver import MEMORY_BYTES, ForkServer, Warm
from r1tool.workers.worker import Job, Lost, Task, Work, Worker

START_SECONDS = 60.0


class Helper:
    """Calls `work(context, step)` within a number of seconds, from any thread, also in a forked child.

    The first call starts a clean interpreter, which runs `warm` and then forks a worker a thread, and another, in
    milliseconds, for one that was killed. Both are functions of a module, by whose names that interpreter finds them.
    """

    def __init__(self, work: Work, warm: Warm) -> None:
        self._work, self._warm = work, warm
        self._start_anew()
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    def _start_anew(self) -> None:
        self._count = max(2, os.cpu_count() or 2)
        self._slots = threading.BoundedSemaphore(self._count)
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._idle: list[Worker] = []
        self._places = list(range(self._count))

    def call(self, context: bytes, step: bytes, seconds: float) -> bytes | Lost:
        """The result, or how it was lost. Neither the start nor the wait for a free worker counts to the `seconds`.

        Raises R1Error where no worker can be started.
        """
        with self._slots:
            worker = self._lend()
            result: bytes | Lost = Lost("crash")
            try:
                result = _result(worker, Job(Task(None, context, [step])), seconds)
            finally:  # also of KeyboardInterrupt: the answer that is still to come must not be taken for the next one
                self._take_back(worker, isinstance(result, bytes))
            return result

    def close(self) -> None:
        """End every process of it; the next call starts another."""
        with self._lock:
            self._end_server()

    def _lend(self) -> Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.receive() == "alive":
                    return worker
                self._discard(worker)
            place = self._places.pop()
            try:
                return self._spawn(place)
            except BaseException:
                self._places.append(place)
                raise

    def _spawn(self, place: int) -> Worker:
        if self._server is not None:
            try:
                return self._server.spawn(place, START_SECONDS)
            except R1Error:
                self._end_server()  # somebody has killed it
        try:
            self._server = ForkServer.launch(self._work, self._count, MEMORY_BYTES, self._warm)
            return self._server.spawn(place, START_SECONDS)
        except BaseException:
            self._end_server()
            raise

    def _take_back(self, worker: Worker, is_ready: bool) -> None:
        with self._lock:
            if is_ready:
                self._idle.append(worker)
            else:
                self._discard(worker)

    def _discard(self, worker: Worker) -> None:
        worker.socket.close()
        self._places.append(worker.place)
        if self._server is not None:
            self._server.kill(worker)

    def _end_server(self) -> None:
        while self._idle:
            self._discard(self._idle.pop())
        if self._server is not None:
            self._server.close()
            self._server = None

    def _forget(self) -> None:
        """In a forked child: the processes are the parent's, and so were the threads that hold the lock."""
        for worker in self._idle:
            worker.socket.close()
        if self._server is not None:
            self._server.forget()
        self._start_anew()


def _result(worker: Worker, job: Job, seconds: float) -> bytes | Lost:
    deadline = time.monotonic() + seconds
    worker.give(job, seconds)
    while job.todo:
        poll = select.poll()
        poll.register(worker.socket, worker.events)
        left = deadline - time.monotonic()
        if left <= 0:
            return Lost("timeout")
        for _, event in poll.poll(left * 1000):
            if event & select.POLLOUT:
                worker.send()
            if event & ~select.POLLOUT and (state := worker.receive()) != "alive":
                return Lost("memory" if state == "memory" else "crash")
    result = job.results[0]
    assert result is not None
    return result
