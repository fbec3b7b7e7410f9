"""One display for the commands of a pipeline, which share a terminal and know nothing of each other.

Processes with the same terminal and the same process group meet in a directory. Each publishes its row in a file it
keeps locked for life; whoever holds the lock of the directory paints all rows, left to right as they stand in the
pipeline, in one write a frame. The kernel frees the lock of a painter that dies, and another goes on. stdout is never
touched.
"""

import fcntl
import os
import stat
import threading
import time
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

FRAME_SECONDS = 0.2
PLAIN_SECONDS = 60.0
STALE_SECONDS = 60.0
STDERR = 2
BAR_COLUMNS = 30
MIN_BAR_COLUMNS = 8
NAME_COLUMNS = 8
ROW_BYTES = 1024
"""Of a published row, always: one that grew would be read half while it is written."""

Mode = Literal["live", "plain", "none"]


class State(msgspec.Struct):
    """What a command tells the painter. `since` and `ended` are seconds since the epoch, `eta` seconds from now."""

    name: str
    total: int | None
    since: float
    count: int = 0
    bad: int = 0
    detail: str = ""
    ended: float | None = None
    eta: float | None = None


def counted(count: int, noun: str) -> str:
    """`1 row`, `2,000 rows`: a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


class Progress:
    """A command's row of the display: a live one on a terminal, else a line a minute.

    `enabled` False shows nothing. Set `detail` to any short text.
    """

    def __init__(self, name: str, total: int | None = None, enabled: bool | None = None) -> None:
        self._state = State(name, total, time.time())
        self._closing = threading.Event()
        self._mode = _mode(STDERR, enabled)
        self._board: _Board | None = None
        if self._mode == "live":
            try:
                self._board = _Board(_folder(STDERR), STDERR)
            except OSError:
                self._mode = "plain"
        if self._mode != "none":
            self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
            self._thread.start()

    @property
    def detail(self) -> str:
        return self._state.detail

    @detail.setter
    def detail(self, text: str) -> None:
        self._state.detail = text

    @property
    def total(self) -> int | None:
        return self._state.total

    @total.setter
    def total(self, total: int | None) -> None:
        self._state.total = total

    @property
    def count(self) -> int:
        return self._state.count

    @property
    def is_shown(self) -> bool:
        return self._mode != "none"

    def expect(self, seconds: float | None) -> None:
        """Say how long the rest takes, where the mean rate since the start would not tell."""
        self._state.eta = seconds

    def advance(self, n: int = 1, bad: int = 0) -> None:
        self._state.count += n
        self._state.bad += bad

    def log(self, text: str) -> None:
        """Print a line on stderr that stays, above the rows of a live display."""
        if self._board:
            self._board.log(text)
        else:
            _write(STDERR, text + "\n")

    def close(self) -> None:
        """Paint the final state. What is logged from now on goes straight to stderr."""
        if self._closing.is_set():
            return
        self._state.ended = time.time()
        self._closing.set()
        if self._mode != "none":
            self._thread.join()
        self._board = None

    def _run(self) -> None:
        if not self._board:
            while not self._closing.wait(PLAIN_SECONDS):
                _write(STDERR, "r1tool " + line(self._state, time.time(), 0) + "\n")
            return
        board = self._board
        while not self._closing.is_set():
            board.show(self._state)
            self._closing.wait(FRAME_SECONDS)
        board.show(self._state)
        board.leave()


class _Row(NamedTuple):
    state: State
    is_ours: bool
    is_alive: bool


class _Board:
    """The directory where the processes of one pipeline meet."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self._folder, self._descriptor = folder, descriptor
        _clear(folder)
        self._path = folder / f"{os.getpid()}.row"
        self._row = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._row, fcntl.LOCK_EX)
        self._lead: int | None = None
        self._height = self._logged = 0
        self._painted: list[State] = []

    def show(self, state: State) -> None:
        """Publish our row; paint all of them if that is our part."""
        try:
            text = msgspec.json.encode(state)
            os.pwrite(self._row, text.ljust(ROW_BYTES), 0)
            if self._is_foreground() and self._may_paint():
                self._paint()
        except OSError:
            pass  # the directory or the terminal is gone; nothing here is worth a failure

    def log(self, text: str) -> None:
        try:
            with (self._folder / "log").open("a") as log:
                log.write(text + "\n")
        except OSError:
            _write(self._descriptor, text + "\n")

    def leave(self) -> None:
        """Stop painting. The last one out removes the directory."""
        try:
            while self._lead is not None:
                self._release()
                # one that ended just now may have left its last row to us
                if not self._has_painted_all() and self._may_paint():
                    self._paint()
        except OSError:
            pass  # the terminal is gone
        os.close(self._row)
        try:
            if not any(map(_is_locked, self._folder.glob("*.row"))) and self._may_paint():
                for path in self._folder.glob("*"):
                    path.unlink(missing_ok=True)
                self._folder.rmdir()
                self._release()
        except OSError:
            pass  # another was the last one out

    def _has_painted_all(self) -> bool:
        """Whether no row has ended since the last time."""
        return all(row.state.ended is None or row.state in self._painted for row in self._rows())

    def _release(self) -> None:
        assert self._lead is not None
        os.close(self._lead)
        self._lead = None

    def _rows(self) -> list[_Row]:
        rows = []
        for path in sorted(self._folder.glob("*.row"), key=lambda path: int(path.stem)):
            try:
                state = msgspec.json.decode(path.read_bytes(), type=State)
            except (OSError, msgspec.DecodeError):
                continue  # just being written
            ours = path == self._path
            rows.append(_Row(state, ours, ours or (state.ended is None and _is_locked(path))))
        return rows

    def _is_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return False

    def _may_paint(self) -> bool:
        if self._lead is not None:
            return True
        lead = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lead, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lead)
            return False
        self._lead = lead
        if left := os.pread(lead, 64, 0).split():
            # a painter before us died: paint over its rows
            self._height, self._logged = int(left[0]), int(left[1])
        return True

    def _paint(self) -> None:
        assert self._lead is not None
        width = os.get_terminal_size(self._descriptor).columns
        text = "\r" + (f"\x1b[{self._height}A" if self._height else "")
        try:
            with (self._folder / "log").open("rb") as log:
                log.seek(self._logged)
                lines = log.read().rpartition(b"\n")[0]
            if lines:
                self._logged += len(lines) + 1
                text += "".join(f"\x1b[2K{each}\n" for each in lines.decode(errors="replace").split("\n"))
        except FileNotFoundError:
            pass
        rows = self._rows()
        now = time.time()
        for state, _, alive in rows:
            text += "\x1b[2K" + line(state, now, width - 1, killed=not alive and state.ended is None) + "\n"
        text += "\x1b[J"
        self._height, self._painted = len(rows), [row.state for row in rows]
        _write(self._descriptor, text)
        os.pwrite(self._lead, f"{self._height} {self._logged} ".encode(), 0)


def line(state: State, now: float, width: int, killed: bool = False) -> str:
    """A row of the display, at most `width` columns wide; 0 is any width, without a bar."""
    seconds = max((state.ended or now) - state.since, 1e-3)
    rate = state.count / seconds
    text = f"{state.count:,}{f'/{state.total:,}' if state.total else ''} rows"
    text += f" {rate:,.0f}/s" if rate >= 1 else f" {rate * 3600:,.0f}/h"
    if state.bad:
        text += f" {state.bad:,} bad"
    if killed:
        text += " KILLED"
    elif state.ended is not None:
        text += f" done in {_duration(seconds)}"
    elif state.total and 0 < state.count < state.total:
        left = (state.total - state.count) / rate if state.eta is None else state.eta
        text += f" eta {_duration(left)}"
    if state.detail:
        text += f" {state.detail}"
    head = f"{state.name:<{NAME_COLUMNS}.{NAME_COLUMNS}} "
    room = min(BAR_COLUMNS, width - len(head) - len(text) - 1)
    if state.total and room >= MIN_BAR_COLUMNS:
        full = min(room, room * state.count // state.total)
        head += "█" * full + "░" * (room - full) + " "
    return (head + text)[:width] if width else head.rstrip() + " " + text


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{seconds:.1f}s"


def _mode(descriptor: int, enabled: bool | None) -> Mode:
    if enabled is False:
        return "none"
    return "live" if os.isatty(descriptor) and os.environ.get("TERM", "dumb") != "dumb" else "plain"


def _folder(descriptor: int) -> Path:
    """Where the processes on this terminal and in this process group meet; made if it is not there."""
    terminal = os.fstat(descriptor).st_rdev
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or Path(os.environ.get("TMPDIR", "/tmp")) / f"r1tool-{os.getuid()}")
    folder = base / f"r1tool-progress-{terminal:x}-{os.getpgrp()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise PermissionError(f"{folder} is not ours alone")
    return folder


def _clear(folder: Path) -> None:
    """Remove what is left of a pipeline that was killed as a whole, long ago, and had our process group's number."""
    files = list(folder.glob("*"))
    old = time.time() - STALE_SECONDS
    if files and all(path.stat().st_mtime < old for path in files) and not any(map(_is_locked, folder.glob("*.row"))):
        for path in files:
            path.unlink(missing_ok=True)


def _is_locked(path: Path) -> bool:
    """Whether the process that published this row is alive."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _write(descriptor: int, text: str) -> None:
    try:
        os.write(descriptor, text.encode(errors="replace"))
    except OSError:
        pass  # nobody listens
