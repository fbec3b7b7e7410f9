"""What a worker process may use: memory, CPU, no files, no life without its parent. The same for every worker."""

import ctypes
import math
import mmap
import os
import resource
import signal

PR_SET_PDEATHSIG = 1
PROBE_BYTES = 1 << 20
ADDRESS_SPACE_BYTES = 1 << 47
MAX_CPU_SECONDS = 1 << 30

_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone can end a child that hangs with its parent


def apply(memory_bytes: int, parent: int) -> None:
    """Limit this process, a child of `parent`, for good.

    It may allocate `memory_bytes` on top of what it has, write into no file, dump no core, and ends with its parent.
    """
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    _lower(resource.RLIMIT_AS, image_bytes() + memory_bytes)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_CORE, 0)


def allow_cpu(seconds: float) -> None:
    """End this process by SIGXCPU once it has used `seconds` of CPU time since it began; more may be allowed later.

    Its parent is expected to end it earlier. Where that is stopped or gone, nothing else does.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = min(math.ceil(min(seconds, MAX_CPU_SECONDS)), MAX_CPU_SECONDS if hard == resource.RLIM_INFINITY else hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def image_bytes() -> int:
    """The address space this process uses."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return _probe_image_bytes()


def _probe_image_bytes() -> int:
    """The lowest limit under which another page can be had: what is used, up to PROBE_BYTES more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    low, high = 0, ADDRESS_SPACE_BYTES if hard == resource.RLIM_INFINITY else hard
    while high - low > PROBE_BYTES:
        middle = (low + high) // 2
        try:
            resource.setrlimit(resource.RLIMIT_AS, (middle, hard))
            mmap.mmap(-1, mmap.PAGESIZE).close()
            high = middle
        except (OSError, ValueError, MemoryError):
            low = middle
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    return high


def _lower(which: int, value: int) -> None:
    """Limit to `value`, or less where the caller was given less."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (OSError, ValueError):
        if which != resource.RLIMIT_AS:  # macOS knows no limit of address space
            raise
