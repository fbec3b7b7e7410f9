"""The process workers are forked from, and the loop a worker runs."""

import mmap
import os
import signal
import socket
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from r1tool.errors import R1Error

DONE, FAILED, MEMORY = range(3)
REPLY = struct.Struct("<BI")
"""How a step ended, and the bytes of its result that follow."""
REPLY_SECONDS = 0.02
"""Results of quick steps are sent together: waking the parent costs more than they do."""
PR_SET_PDEATHSIG = 1

Work = Callable[[bytes, bytes], bytes]
_NOTE = struct.Struct("<qqdd")


class Note(NamedTuple):
    """What a worker leaves where its parent sees it: the number of the task, the step of it that is under way.

    `since` is the monotonic clock, `cpu` the worker's CPU time when that step began, both in seconds.
    """

    task: int
    step: int
    since: float
    cpu: float


class ForkServer:
    """A child that ran `warm` and forks a worker on request, in about 10 ms.

    It ends when this process does, by any death, and takes its workers with it.
    """

    def __init__(self, work: Work, workers: int, memory_bytes: int, warm: Callable[[], None] | None) -> None:
        self._notes = mmap.mmap(-1, workers * _NOTE.size)
        self._control, theirs = socket.socketpair()
        self._pid = os.fork()
        if not self._pid:
            _serve_forever(theirs, work, self._notes, memory_bytes, warm)
        theirs.close()

    def spawn(self, place: int) -> tuple[socket.socket, int]:
        """A socket to a new worker that leaves its notes at `place`, and its process id."""
        _NOTE.pack_into(self._notes, place * _NOTE.size, 0, 0, 0.0, 0.0)
        ours, theirs = socket.socketpair()
        try:
            socket.send_fds(self._control, [b"f" + place.to_bytes(4, "little")], [theirs.fileno()])
            pid = self._control.recv(4, socket.MSG_WAITALL)
        except OSError:
            pid = b""
        theirs.close()
        if len(pid) < 4:
            raise R1Error("the process that workers are forked from has died; R1TOOL_DEBUG=1 may show why")
        return ours, int.from_bytes(pid, "little")

    def note(self, place: int) -> Note:
        return Note(*_NOTE.unpack_from(self._notes, place * _NOTE.size))

    def kill(self, pid: int) -> None:
        """End a worker; its process id is not given to another before that."""
        try:
            self._control.send(b"k" + pid.to_bytes(4, "little"))
        except OSError:
            pass  # the server is gone, and the workers with it

    def close(self) -> None:
        """End the workers and this child."""
        self._control.close()
        os.waitpid(self._pid, 0)


def _serve_forever(
    control: socket.socket, work: Work, notes: mmap.mmap, memory_bytes: int, warm: Callable[[], None] | None
) -> None:
    """Never returns."""
    children: set[int] = set()
    try:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        _keep_only(control.fileno())
        if warm is not None:
            warm()
        import ctypes

        prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone can end a child that hangs with its parent
        server = os.getpid()
        while True:
            request, descriptors, _, _ = socket.recv_fds(control, 5, 1)
            if len(request) < 5:
                break
            number = int.from_bytes(request[1:], "little")
            if request[:1] == b"k":
                pid = number
                if pid in children:
                    _end(pid)
                    children.discard(pid)
                continue
            pid = os.fork()
            if not pid:
                if prctl is not None:
                    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() != server:
                    os._exit(0)
                control.close()
                _work_forever(socket.socket(fileno=descriptors[0]), work, notes, number, memory_bytes)
            os.close(descriptors[0])
            children.add(pid)
            control.send(pid.to_bytes(4, "little"))
    finally:
        for pid in children:
            _end(pid)
        os._exit(0)


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _work_forever(connection: socket.socket, work: Work, notes: mmap.mmap, place: int, memory_bytes: int) -> None:
    """Never returns."""
    import resource

    status = 0
    try:
        if os.path.exists("/proc/self/statm"):
            with open("/proc/self/statm") as statm:
                used = int(statm.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, used + memory_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        file = connection.makefile("rb")
        task = 0
        while head := file.read(8):
            task += 1
            count, context_size = struct.unpack("<II", head)
            sizes = struct.unpack(f"<{count}I", file.read(4 * count))
            context = file.read(context_size)
            steps = [file.read(size) for size in sizes]
            replies: list[bytes] = []
            sent = time.monotonic()
            for number, step in enumerate(steps):
                now = time.monotonic()
                if now - sent > REPLY_SECONDS:
                    connection.sendall(b"".join(replies))
                    replies, sent = [], now
                _NOTE.pack_into(notes, place * _NOTE.size, task, number, now, time.process_time())
                try:
                    kind, result = DONE, work(context, step)
                except MemoryError:
                    connection.sendall(b"".join(replies) + REPLY.pack(MEMORY, 0))
                    os._exit(1)
                except Exception:
                    if os.environ.get("R1TOOL_DEBUG") == "1":
                        import traceback

                        traceback.print_exc()
                    kind, result = FAILED, b""
                replies += (REPLY.pack(kind, len(result)), result)
            connection.sendall(b"".join(replies))
    except BaseException:
        status = 1
    finally:
        os._exit(status)


def _keep_only(descriptor: int) -> None:
    """Close every descriptor but stderr and `descriptor`; stdin and stdout become /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, max(os.sysconf("SC_OPEN_MAX"), 1 << 16))
