"""The process workers are forked from: a child of this one, or a clean interpreter."""

import importlib
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, NoReturn

from r1tool.errors import R1Error
from r1tool.workers.worker import HEARTBEAT, Heartbeat, Work, Worker, work_forever

MEMORY_BYTES = 1 << 30
"""What a worker may allocate on top of the warm image."""
PARENT_CHECK_SECONDS = 2.0
"""Other children of the parent may hold its end of the socket open, so that its end is no news."""

Warm = Callable[[], object]


class ForkServer:
    """The parent's end of a process that ran `warm` and forks a worker on request, in about 10 ms.

    That process ends when this one does, by any death, and takes its workers with it.
    """

    def __init__(
        self, control: socket.socket, process: "_Child | subprocess.Popen[bytes]", heartbeats: mmap.mmap
    ) -> None:
        self._control, self._process, self._heartbeats = control, process, heartbeats
        self._is_ready = False

    @classmethod
    def fork(cls, work: Work, workers: int, memory_bytes: int, warm: Warm | None) -> "ForkServer":
        """A child of this process, whose memory `work` and `warm` may use; for a process with few threads."""
        heartbeats = mmap.mmap(-1, workers * HEARTBEAT.size)
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            _serve_forever(theirs, parent, work, heartbeats, memory_bytes, warm)
        theirs.close()
        return cls(ours, _Child(pid), heartbeats)

    @classmethod
    def launch(cls, work: Work, workers: int, memory_bytes: int, warm: Warm) -> "ForkServer":
        """A clean interpreter that imports `work` and `warm`, functions of a module; for any process, threads or not.

        Its workers' heartbeats stay with it.
        """
        package = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
        ours, theirs = socket.socketpair()
        names = [f"{function.__module__}:{function.__qualname__}" for function in (work, warm)]
        numbers = map(str, (theirs.fileno(), os.getpid(), workers, memory_bytes))
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "r1tool.workers.forkserver", *names, *numbers],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None if os.environ.get("R1TOOL_DEBUG") == "1" else subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return cls(ours, process, mmap.mmap(-1, workers * HEARTBEAT.size))

    def spawn(self, place: int, seconds: float | None = None) -> Worker:
        """A new worker that leaves its heartbeats at `place`. Waits up to `seconds` for it. Raises R1Error."""
        HEARTBEAT.pack_into(self._heartbeats, place * HEARTBEAT.size, 0, 0, 0.0, 0.0)
        ours, theirs = socket.socketpair()
        try:
            self._control.settimeout(seconds)
            socket.send_fds(self._control, [b"f" + place.to_bytes(4, "little")], [theirs.fileno()])
            pid = self._control.recv(4)
        except OSError:
            pid = b""
        theirs.close()
        if len(pid) < 4:
            ours.close()
            raise R1Error("the process that forks the workers died; R1TOOL_DEBUG=1 may show why")
        self._is_ready = True
        return Worker(ours, int.from_bytes(pid, "little"), place)

    def heartbeat(self, place: int) -> Heartbeat:
        return Heartbeat(*HEARTBEAT.unpack_from(self._heartbeats, place * HEARTBEAT.size))

    def kill(self, worker: Worker) -> None:
        """End a worker; its process id is not given to another process before that."""
        try:
            self._control.send(b"k" + worker.pid.to_bytes(4, "little"))
        except OSError:
            pass  # the server is gone, and the workers with it

    def close(self) -> None:
        """End the workers and the process they are forked from."""
        self._control.close()
        if not self._is_ready:
            self._process.kill()  # no need to warm up
        self._process.wait()

    def forget(self) -> None:
        """In a child of the process that made it, which has no say in it."""
        self._control.close()


class _Child(NamedTuple):
    """As a Popen: a child that is waited for once, so that its process id is its own until then."""

    pid: int

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        os.waitpid(self.pid, 0)


def _serve_forever(
    control: socket.socket,
    parent: int,
    work: Work,
    heartbeats: mmap.mmap,
    memory_bytes: int,
    warm: Warm | None,
) -> NoReturn:
    children: set[int] = set()
    try:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        _keep_only(control.fileno())
        if warm is not None:
            warm()
        importlib.import_module("r1tool.workers.limits")  # once, and not in each worker

        poll = select.poll()
        poll.register(control, select.POLLIN)
        server = os.getpid()
        while os.getppid() == parent:
            if not poll.poll(PARENT_CHECK_SECONDS * 1000):
                continue
            request, descriptors, _, _ = socket.recv_fds(control, 5, 1)
            if len(request) < 5:
                break
            number = int.from_bytes(request[1:], "little")
            if request[:1] == b"k":
                if number in children:
                    _end(number)
                    children.discard(number)
                continue
            pid = os.fork()
            if not pid:
                control.close()
                connection = socket.socket(fileno=descriptors[0])
                work_forever(connection, work, heartbeats, number, memory_bytes, server)
            os.close(descriptors[0])
            children.add(pid)
            control.send(pid.to_bytes(4, "little"))
    except Exception:
        if os.environ.get("R1TOOL_DEBUG") == "1":
            import traceback

            traceback.print_exc()
    finally:
        for pid in children:
            _end(pid)
        os._exit(0)


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _keep_only(descriptor: int) -> None:
    """Close every descriptor but stderr and `descriptor`; stdin and stdout become /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, max(os.sysconf("SC_OPEN_MAX"), 1 << 16))


def _main(work: str, warm: str, *numbers: str) -> NoReturn:
    """What `launch` runs."""
    descriptor, parent, workers, memory_bytes = map(int, numbers)
    heartbeats = mmap.mmap(-1, workers * HEARTBEAT.size)
    control = socket.socket(fileno=descriptor)
    _serve_forever(control, parent, _imported(work), heartbeats, memory_bytes, _imported(warm))


def _imported(name: str) -> Callable[..., bytes]:
    module, _, function = name.partition(":")
    found: Callable[..., bytes] = getattr(importlib.import_module(module), function)
    return found


if __name__ == "__main__":
    _main(*sys.argv[1:])
