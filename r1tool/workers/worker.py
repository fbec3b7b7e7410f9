"""A worker process and its parent's end of it: steps go to it through a socket, results come back."""

import mmap
import os
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, NoReturn

DONE, FAILED, MEMORY = range(3)
REPLY = struct.Struct("<BI")
"""How a step ended, and the bytes of its result that follow; FAILED has the traceback there, with R1TOOL_DEBUG=1."""
HEADER = struct.Struct("<IId")
"""The number of steps, the bytes of their context, the seconds each may take; sizes, context and steps follow."""
REPLY_SECONDS = 0.02
"""Results of quick steps are sent together: waking the parent costs more than they do."""
RECEIVE_BYTES = 1 << 16
IOV_MAX = 1024

Work = Callable[[bytes, bytes], bytes]


class Lost(NamedTuple):
    """What stands in place of a step's result."""

    reason: Literal["timeout", "memory", "crash"]


class Task(NamedTuple):
    """One row's work: `work(context, step)` is called for each step. `row` stays in the parent."""

    row: Any
    context: bytes
    steps: list[bytes]


class Job:
    """A task under way. `sent` are the steps its worker was given, `todo` those of them that have not come back."""

    __slots__ = ("results", "sent", "size", "task", "todo")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.results: list[bytes | Lost | None] = [None] * len(task.steps)
        self.todo: deque[int] = deque(range(len(task.steps)))
        self.sent: list[int] = []
        self.size = len(task.context) + sum(map(len, task.steps))

    def message(self, seconds: float) -> list[bytes]:
        """What is left to do, as a worker reads it."""
        self.sent = list(self.todo)
        steps = [self.task.steps[index] for index in self.sent]
        sizes = map(len, steps)
        header = struct.pack(f"{HEADER.format}{len(steps)}I", len(steps), len(self.task.context), seconds, *sizes)
        return [header, self.task.context, *steps]


class Heartbeat(NamedTuple):
    """What a worker leaves where its parent sees it: the number of the task, the step of it that is under way.

    `since` is the monotonic clock, `cpu` the worker's CPU time when that step began, both in seconds.
    """

    task: int
    step: int
    since: float
    cpu: float


HEARTBEAT = struct.Struct("<qqdd")


class Worker:
    """The parent's end of a worker: the jobs at it, and what was received of its next reply."""

    def __init__(self, socket: socket.socket, pid: int, place: int) -> None:
        self.socket, self.pid, self.place = socket, pid, place
        self.socket.setblocking(False)
        self.jobs: deque[Job] = deque()
        self.begun = 0
        """Tasks it was given, but for those still in `jobs`."""
        self.out: deque[memoryview] = deque()
        self.received = b""

    def give(self, job: Job, seconds: float) -> None:
        """Let it do what is left of `job`, at most `seconds` a step."""
        self.jobs.append(job)
        message = job.message(seconds)
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
            result = data[at : at + size]
            if kind == FAILED:
                sys.stderr.write(result.decode(errors="replace"))
            job.results[job.todo.popleft()] = Lost("crash") if kind == FAILED else result
            at += size
            if not job.todo:
                self.jobs.popleft()
                self.begun += 1
        self.received = data[at:]
        return "alive"

    @property
    def events(self) -> int:
        """What to wait for in poll()."""
        return select.POLLIN | select.POLLOUT if self.out else select.POLLIN

    def cpu_seconds(self) -> float:
        """CPU time of the process; see clock_getcpuclockid(3)."""
        try:
            return time.clock_gettime(~self.pid << 3 | 2)
        except OSError:
            return 0.0


def work_forever(
    connection: socket.socket, work: Work, heartbeats: mmap.mmap, place: int, memory_bytes: int, parent: int
) -> NoReturn:
    """The life of a worker, a child of `parent`: do what comes until the connection ends."""
    from r1tool.workers import limits

    status = 1
    try:
        limits.apply(memory_bytes, parent)
        debug = os.environ.get("R1TOOL_DEBUG") == "1"
        file = connection.makefile("rb")
        task, cpu_allowed = 0, 0.0
        while header := file.read(HEADER.size):
            task += 1
            count, context_size, seconds = HEADER.unpack(header)
            sizes = struct.unpack(f"<{count}I", file.read(4 * count))
            context = file.read(context_size)
            steps = [file.read(size) for size in sizes]
            replies: list[bytes] = []
            sent = time.monotonic()
            for number, step in enumerate(steps):
                now, cpu = time.monotonic(), time.process_time()
                if now - sent > REPLY_SECONDS:
                    connection.sendall(b"".join(replies))
                    replies, sent = [], now
                if cpu_allowed - cpu < 2 * seconds:
                    cpu_allowed = cpu + 4 * seconds + 1
                    limits.allow_cpu(cpu_allowed)
                HEARTBEAT.pack_into(heartbeats, place * HEARTBEAT.size, task, number, now, cpu)
                try:
                    kind, result = DONE, work(context, step)
                except MemoryError:
                    connection.sendall(b"".join(replies) + REPLY.pack(MEMORY, 0))
                    os._exit(1)
                except Exception:
                    kind, result = FAILED, _traceback() if debug else b""
                replies += (REPLY.pack(kind, len(result)), result)
            connection.sendall(b"".join(replies))
        status = 0
    finally:
        os._exit(status)


def _traceback() -> bytes:
    """For the parent to print: a worker may write into no file, not even where stderr is one."""
    import traceback

    return traceback.format_exc().encode(errors="replace")
