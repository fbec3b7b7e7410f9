"""Run a command and end it, with everything it has started, when the parent of this process is gone.

    python reaper.py COMMAND...

Engines start several processes, in groups of their own, and a parent ended by SIGKILL cannot tell them. The reaper
can: it is told by the end of its standard input, by SIGTERM, or by a new parent; orphans of the command become its own
children. SIGTERM to all, SIGKILL after GRACE_SECONDS. Its exit status is the command's. Standard library only: it runs
as a file, on every node of a multi-node server.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

GRACE_SECONDS = 10.0
POLL_SECONDS = 0.5
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def main(command: list[str]) -> int:
    parent = os.getppid()
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    told = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: told.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        # its standard input ends when the reaper does, which srun passes on to the reapers of other nodes
        child = subprocess.Popen(command, stdin=subprocess.PIPE, preexec_fn=_die_with_reaper)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    watched = [wake, 0]
    while child.poll() is None and not told and os.getppid() == parent:
        ready, _, _ = select.select(watched, [], [], POLL_SECONDS)
        if wake in ready:
            os.read(wake, 512)
        if 0 in ready and not os.read(0, 512):
            break
    ended = child.poll()
    with contextlib.suppress(OSError):
        child.stdin.close()  # type: ignore[union-attr]
    _end_all(child, wake)
    status = child.wait() if ended is None else ended
    return 128 - status if status < 0 else status


def _end_all(child: subprocess.Popen[bytes], wake: int) -> None:
    """SIGTERM to every descendant, and SIGKILL to those that remain, until there is none."""
    deadline = time.monotonic() + GRACE_SECONDS
    _signal(descendants(os.getpid()), signal.SIGTERM)
    while left := _living(child):
        if time.monotonic() > deadline:
            _signal(left, signal.SIGKILL)
        select.select([wake], [], [], 0.05)
        with contextlib.suppress(BlockingIOError):
            os.set_blocking(wake, False)
            os.read(wake, 512)


def _living(child: subprocess.Popen[bytes]) -> list[int]:
    child.poll()
    for pid in descendants(os.getpid()):
        if pid != child.pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return descendants(os.getpid())


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def descendants(root: int) -> list[int]:
    """The living processes below `root`, parents first."""
    children: dict[int, list[int]] = {}
    for pid, parent, state in _processes():
        if state != "Z" or parent == os.getpid():
            children.setdefault(parent, []).append(pid)
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _processes() -> list[tuple[int, int, str]]:
    """(pid, parent, state) of every process."""
    if not Path("/proc/self/stat").exists():
        listing = subprocess.run(["ps", "-axo", "pid=,ppid=,state="], capture_output=True, text=True, check=False)
        rows = [line.split() for line in listing.stdout.splitlines()]
        return [(int(pid), int(parent), state[0]) for pid, parent, state in rows]
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                # pid (comm) state ppid ...; comm may hold blanks and parentheses
                state, parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[:2]
                found.append((int(name), int(parent), state))
    return found


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _die_with_reaper() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
