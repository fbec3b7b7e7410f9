"""Why an engine has ended, in one sentence, out of its log."""

import contextlib
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

HEAD_BYTES, TAIL_BYTES = 2 << 20, 1 << 20
RECENT_LINES = 400
WARNED = r"resource_tracker|\bwarnings\.warn\(|\b[A-Z]\w*Warning: "  # what Python says of its own as it ends
PORT_TAKEN = r"(?i)address already in use|EADDRINUSE|couldn't bind HTTP server socket"

# (what the engine writes, what it means); groups of the pattern are filled in
COMMON: list[tuple[str, str]] = [
    (PORT_TAKEN, "its port was taken by another program"),
    (r"No space left on device", "no space left on the disk"),
    (
        r"is not a local folder and is not a valid model identifier|RepositoryNotFoundError|HFValidationError"
        r"|Invalid repository ID or local directory",
        "no such model, in a folder or on the Hub; check --model",
    ),
    (
        r"GatedRepoError|Cannot access gated repo",
        "the model is gated: accept its terms and log in with 'hf auth login'",
    ),
    (
        r"LocalEntryNotFoundError|couldn't connect to .{0,80}to load|outgoing traffic has been disabled"
        r"|OfflineModeIsEnabled",
        "the model is not in the cache and cannot be downloaded; give --model the path of a folder",
    ),
    (r"CUDA error: out of memory|OutOfMemoryError: CUDA|HIP out of memory", "out of GPU memory"),
    (r"Cannot allocate memory|std::bad_alloc|MemoryError", "out of memory"),
]


def excerpt(log: Path, start: int) -> str:
    """What was written from byte `start` on: of much, the first 2 MiB, where the reason is, and the last 1 MiB."""
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(start)
        head = file.read(HEAD_BYTES)
        file.seek(max(start + len(head), file.seek(0, os.SEEK_END) - TAIL_BYTES))
        return (head + b"\n" + file.read(TAIL_BYTES)).decode(errors="replace")
    return ""


def reason(text: str, signatures: Sequence[tuple[str, str]], status: int, *, was_ready: bool = False) -> str:
    """The meaning of the first signature found, else the first error, else how the process ended.

    `was_ready`: the text is of a server that was well until then, so that its first error counts wherever it stands.
    Of a start only the last lines are looked at: engines call things errors there that they get over.
    """
    for pattern, meaning in [*signatures, *COMMON]:
        if match := re.search(pattern, text):
            groups = {key: value for key, value in match.groupdict().items() if value}
            return meaning.format(**groups) if groups else meaning
    lines = text.splitlines()
    if error := _first_error(lines if was_ready else lines[-RECENT_LINES:]):
        return error
    if status > 128 or status < 0:
        number = status - 128 if status > 0 else -status
        name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        return f"it was killed by {name}" + (
            ", perhaps by the kernel because memory ran out" if name == "SIGKILL" else ""
        )
    return f"exit status {status}: {last_line(text)}" if last_line(text) else f"exit status {status}"


def last_line(text: str) -> str:
    """The last line that says anything, without colours, at most 300 characters."""
    lines = [_plain(line) for line in text.splitlines() if line.strip() and not re.search(WARNED, line)]
    return lines[-1][:300] if lines else ""


def _first_error(lines: Sequence[str]) -> str:
    """Of an engine's several tracebacks, the later ones point at the first."""
    for line in lines:
        if re.search(r"(?:exited|died) unexpectedly", line):
            return "one of its processes was killed, perhaps by the kernel because memory ran out"
        if not re.search(r" (INFO|WARNING) |(?i:see root cause)|EngineDeadError|ValidationError: ", line) and (
            match := re.search(r"\b(?:[A-Z]\w*(?:Error|Exception)|Value error)[:,] .*", _plain(line))
        ):
            return match[0][:300].removeprefix("Value error, ")
    return ""


def _plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line).strip()
