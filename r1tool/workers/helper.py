"""Math-Verify in a process of its own, for grade() in notebooks and training loops: killed when it takes too long.

The process started here imports Math-Verify once and then only forks; the fork does the work. A fork that is killed is
replaced in milliseconds.
"""

import atexit
import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from typing import IO

START_SECONDS = 60.0
MEMORY_BYTES = 1 << 30

DIFFERENT, EQUAL, UNREADABLE, LIMIT = b"0", b"1", b"?", b"!"


class Worker:
    """One helper process and the fork at its end of the pipes. Not safe in threads: `verify` below lends them out."""

    def __init__(self) -> None:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "r1tool.workers.helper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
        self.pid = 0

    def ask(self, gold: str, answer: str, seconds: float) -> bool | None:
        """math_verify.verify within `seconds`. Raises TimeoutError, after which the worker is ready again."""
        if not self.pid:
            self.pid = self._hello(START_SECONDS)
        sides = [side.encode(errors="replace") for side in (gold, answer)]
        self._write(struct.pack("<II", *map(len, sides)) + b"".join(sides))
        reply = self._read(1, time.monotonic() + seconds)
        if reply in (DIFFERENT, EQUAL):
            return reply == EQUAL
        if reply == UNREADABLE:
            return None
        if not reply:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.pid = 0
        raise TimeoutError("the limit of time or memory was reached")

    def close(self) -> None:
        """End the helper and its fork."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe
            pipe.close()
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def _hello(self, seconds: float) -> int:
        """A new fork's process id, which is the first thing it says."""
        greeting = self._read(5, time.monotonic() + seconds)
        if len(greeting) < 5 or greeting[:1] != b"p":
            raise OSError("the helper process of r1tool.grading did not start; does 'import math_verify' work here?")
        return int.from_bytes(greeting[1:], "little")

    def _read(self, size: int, deadline: float) -> bytes:
        assert self.process.stdout
        data, pipe = b"", self.process.stdout.fileno()
        while len(data) < size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                return b""
            part = os.read(pipe, size - len(data))
            if not part:
                return b""
            data += part
        return data

    def _write(self, data: bytes) -> None:
        assert self.process.stdin
        os.write(self.process.stdin.fileno(), data) if len(data) <= select.PIPE_BUF else _write_all(
            self.process.stdin, data
        )


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(data)
    pipe.flush()


_idle: list[Worker] = []
_lent: set[Worker] = set()
_lock = threading.Lock()
_slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))


def verify(gold: str, answer: str, seconds: float) -> bool | None:
    """math_verify.verify in a helper process, from any thread. Raises TimeoutError within `seconds`."""
    with _slots:
        with _lock:
            worker = _idle.pop() if _idle else Worker()
            _lent.add(worker)
        try:
            return worker.ask(gold, answer, seconds)
        except (OSError, ValueError) as error:
            if not isinstance(error, TimeoutError):
                worker.close()
                worker = Worker()
            raise
        finally:
            with _lock:
                _lent.clear() if not _lent else _lent.discard(worker)
                _idle.append(worker)


@atexit.register
def close() -> None:
    """End every helper process."""
    with _lock:
        for worker in [*_idle, *_lent]:
            worker.close()
        _idle.clear()
        _lent.clear()


def _forget() -> None:
    """After a fork the helpers belong to the parent."""
    global _lock, _slots
    _lock = threading.Lock()
    _slots = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
    _idle.clear()
    _lent.clear()


os.register_at_fork(after_in_child=_forget)


def _main() -> None:
    """Fork, wait for the fork to die, fork again; end when the parent closes the pipe."""
    from r1tool.grading.math import math_verify

    math_verify.warm()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bell, ring = os.pipe()
    os.set_blocking(bell, False)
    os.set_blocking(ring, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ring)
    parent = os.getppid()
    while True:
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            _serve()
        while True:
            select.select([bell], [], [], 2.0)
            with contextlib.suppress(BlockingIOError):
                os.read(bell, 4096)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if os.getppid() != parent:
                os.kill(child, signal.SIGKILL)
                return
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            return


def _serve() -> None:
    """The fork: answer requests until the pipe ends. Never returns."""
    import resource

    from r1tool.grading.math import math_verify

    status = 1
    try:
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        sys.stdout.flush()
        os.write(1, b"p" + os.getpid().to_bytes(4, "little"))
        with open(0, "rb", closefd=False) as requests:
            while len(head := requests.read(8)) == 8:
                gold, answer = (requests.read(size).decode() for size in struct.unpack("<II", head))
                try:
                    outcome = math_verify.verify(gold, answer)
                except TimeoutError:
                    os.write(1, LIMIT)
                    os._exit(1)
                os.write(1, UNREADABLE if outcome is None else EQUAL if outcome else DIFFERENT)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    _main()
