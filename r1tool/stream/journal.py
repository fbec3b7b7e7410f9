"""An append-only record of what has been paid for: finished results, and partial texts on their way to one."""

import contextlib
import fcntl
import hashlib
import os
import threading
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from r1tool.errors import USAGE, R1Error

SYNC_SECONDS = 5.0
READ_BYTES = 1 << 20
HEADER = b'{"r1tool":"journal","version":1}\n'


class Key(NamedTuple):
    """Which result: of which row, the how-manieth, and a hash of the request that leads to it."""

    id: str
    sample: int
    sha: str


class Partial(NamedTuple):
    """The text of an unfinished result and what was noted with it last."""

    text: bytes
    state: dict[str, Any]


class _Record(msgspec.Struct, omit_defaults=True):
    """One line: `done` is a finished result; `text` is what has come to a partial one since byte `at` of it."""

    id: str
    sample: int
    sha: str
    done: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    at: int = 0
    state: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Journal:
    """One line of JSON a record, in the file before the call returns, on the disk within SYNC_SECONDS.

    Opening takes a lock, cuts off what a killed writer has left of a last line, and indexes the rest: about 300 bytes
    of memory a record, texts stay on disk. Without `resume` what it holds is not looked at, and goes when there is
    something to take its place. Raises R1Error if another process writes it or it is no journal.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool = True) -> None:
        self.path = Path(path)
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise R1Error(f"{self.path}: cannot open the journal: {error.strerror}", USAGE) from None
        self._done: dict[bytes, tuple[int, int]] = {}
        self._partial: dict[bytes, list[tuple[int, int]]] = {}
        self._written: dict[bytes, int] = {}
        self._dirty = self._replaced = False
        self._error: OSError | None = None
        self._closed = threading.Event()
        try:
            self._lock()
            self._open(resume)
        except BaseException:
            os.close(self._fd)
            raise
        self._syncing = threading.Thread(target=self._sync_often, name="journal", daemon=True)
        self._syncing.start()

    def __contains__(self, key: Key) -> bool:
        return _digest(key) in self._done

    def finished(self, key: Key) -> bytes | None:
        """The finished result, as JSON, or None."""
        place = self._done.get(_digest(key))
        if place is None:
            return None
        done = self._read(place).done
        return bytes(done) if isinstance(done, msgspec.Raw) else None

    def partial(self, key: Key) -> Partial | None:
        """What there is of an unfinished result, or None."""
        text, state = bytearray(), b"{}"
        for place in self._partial.get(_digest(key), ()):
            record = self._read(place)
            if not isinstance(record.text, str):
                continue
            if record.at == 0:
                text.clear()
            if record.at == len(text):
                text += record.text.encode()
                state = bytes(record.state) if isinstance(record.state, msgspec.Raw) else state
        if not text:
            return None
        self._written[_digest(key)] = len(text)
        return Partial(bytes(text), msgspec.json.decode(state))

    def finish(self, key: Key, result: Any, *, remember: bool = False) -> None:
        """Record a finished result: anything msgspec can encode.

        `finished` gives it back if it is to `remember`: it is indexed, its text stays on disk.
        """
        length = self._append(_Record(*key, done=msgspec.Raw(msgspec.json.encode(result))))
        digest = _digest(key)
        self._written.pop(digest, None)
        if remember:
            self._done[digest] = (os.fstat(self._fd).st_size - length, length)

    def checkpoint(self, key: Key, text: bytes | bytearray, state: dict[str, Any], *, anew: bool = False) -> None:
        """Record the text so far; only what has come since the last call is written, or all of it if `anew`."""
        digest = _digest(key)
        at = 0 if anew else self._written.get(digest, 0)
        if not anew and len(text) == at:
            return
        encoded = msgspec.Raw(msgspec.json.encode(state))
        self._append(_Record(*key, text=text[at:].decode(), at=at, state=encoded))
        self._written[digest] = len(text)

    def sync(self) -> None:
        """Put what was written onto the disk."""
        if self._dirty:
            self._dirty = False
            os.fsync(self._fd)

    def close(self) -> None:
        """Sync, and let go of the lock."""
        if not self._closed.is_set():
            self._closed.set()
            self._syncing.join()
            self.sync()
            os.close(self._fd)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise R1Error(
                f"{self.path}: another process is writing this journal; wait for it, or name another with --journal"
            ) from None
        except OSError:
            pass  # a file system without locks

    def _open(self, resume: bool) -> None:
        size = os.fstat(self._fd).st_size
        start = os.pread(self._fd, len(HEADER), 0)
        if not HEADER.startswith(start):
            raise R1Error(f"{self.path} is not a journal of r1tool; choose another file with --journal", USAGE)
        if len(start) < len(HEADER):
            self._begin()
        elif not resume:
            self._replaced = True
        elif size > len(HEADER):
            self._index(size)

    def _begin(self) -> None:
        self._replaced = False
        os.ftruncate(self._fd, 0)
        self._write(HEADER)

    def _index(self, size: int) -> None:
        decode = msgspec.json.Decoder(_Record).decode
        with os.fdopen(os.dup(self._fd), "rb", buffering=READ_BYTES) as file:
            place = file.seek(len(HEADER))
            for line in file:
                if not line.endswith(b"\n"):
                    os.ftruncate(self._fd, place)
                    break
                start, place = place, place + len(line)
                try:
                    record = decode(line)
                except msgspec.MsgspecError:
                    continue
                digest = _digest(Key(record.id, record.sample, record.sha))
                if isinstance(record.done, msgspec.Raw):
                    self._done[digest] = (start, len(line))
                    self._partial.pop(digest, None)
                elif digest not in self._done:
                    self._partial.setdefault(digest, []).append((start, len(line)))

    def _read(self, place: tuple[int, int]) -> _Record:
        start, length = place
        return msgspec.json.decode(os.pread(self._fd, length, start), type=_Record)

    def _append(self, record: _Record) -> int:
        if self._replaced:
            self._begin()
        line = msgspec.json.encode(record) + b"\n"
        self._write(line)
        return len(line)

    def _write(self, data: bytes) -> None:
        if self._error:
            raise R1Error(f"{self.path}: cannot write the journal: {self._error.strerror}")
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # the next record must not be glued to a torn one
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - (len(data) - len(view)))
            raise R1Error(f"{self.path}: cannot write the journal: {error.strerror}") from None
        self._dirty = True

    def _sync_often(self) -> None:
        while not self._closed.wait(SYNC_SECONDS):
            try:
                self.sync()
            except OSError as error:
                self._error = error


def journal_path(output: str | None) -> str | None:
    """The journal that belongs to an output file; None for stdout, a pipe, a device and a remote file.

    Raises R1Error where the file's folder is not there.
    """
    if output is None or output == "-" or "://" in output or (os.path.exists(output) and not os.path.isfile(output)):
        return None
    if not (folder := Path(output).parent).is_dir():
        raise R1Error(f"-o {output}: no such folder: {folder}", USAGE)
    return f"{output}.journal"


def _digest(key: Key) -> bytes:
    return hashlib.blake2b(f"{key.id}\0{key.sample}\0{key.sha}".encode(), digest_size=16).digest()
