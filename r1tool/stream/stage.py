"""One command's rows in and rows out: inputs, limits, rejects, output, signals and the closing line."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import msgspec

from r1tool.errors import DONE, FAILED, INTERRUPTED, TERMINATED, BadRow, R1Error
from r1tool.records.row import Row
from r1tool.stream.options import StreamOptions
from r1tool.stream.readers import Damaged, lines
from r1tool.stream.sources import Source, expand
from r1tool.stream.spool import spool
from r1tool.stream.writers import RowFile, open_writer


class Stage:
    """A command's rows. `with Stage("verify", options) as stage: for row in stage.rows(): ... stage.write(row)`.

    `source` gives rows in place of the inputs. `drain` False lets the first SIGINT stop reading even where the input
    is a pipe. `spooled` keeps all rows on disk until the last has come. `rows()` may be consumed in one worker thread;
    `write`, `reject` and `note` are safe in any.
    """

    def __init__(
        self,
        name: str,
        options: StreamOptions,
        *,
        writes: bool = True,
        adopt: bool = True,
        keep_partial: bool = False,
        source: Iterable[Row] | None = None,
        drain: bool = True,
        spooled: bool = False,
    ) -> None:
        self.name, self.options = name, options
        self.status = DONE
        self.interrupted = False
        self.rows_in = self.rows_out = self.rejected = 0
        self._adopt, self._writes, self._keep_partial = adopt, writes, keep_partial
        self._given, self._spooled = source, spooled
        self._lock = threading.RLock()
        self._rejects: RowFile | None = None
        self._callbacks: list[Callable[[int], None]] = []
        self._handlers: dict[int, Any] = {}
        self._signal: int | None = None
        self._sources: list[Source] = [] if source is not None else expand(options.inputs)
        self._drains = drain and any(each.is_pipe for each in self._sources)
        self._output = open_writer(options.output, options.compress, options.level) if writes else None
        self._since = time.monotonic()

    @property
    def output_is_pipe(self) -> bool:
        return getattr(self._output, "is_pipe", False)

    def __enter__(self) -> "Stage":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._signal == signal.SIGTERM:
            self.status = TERMINATED
        elif self._signal == signal.SIGINT and not self._drains:
            self.status = INTERRUPTED
        if self._output:
            if kind is None and self.status in (DONE, FAILED):
                self._output.commit()
            elif kind is None or issubclass(kind, R1Error):
                self._output.abort(keep=True)
            else:
                self._output.abort()
        if self._rejects:
            self._rejects.commit()
        if not self.options.quiet and (kind is None or issubclass(kind, R1Error)):
            self._close()

    def on_signal(self, callback: Callable[[int], None]) -> None:
        """Call `callback(number)` in the main thread at the first SIGINT and at SIGTERM."""
        self._callbacks.append(callback)

    def rows(self) -> Iterator[Row]:
        """The rows of every input in order; bad ones go to the rejects."""
        rows = self._given if self._given is not None else self._read()
        for row in spool(rows) if self._spooled else rows:
            if self.stopped or self.rows_in == self.options.limit:
                return
            self.rows_in += 1
            if self._adopt:
                from r1tool.records.aliases import adopt

                try:
                    adopt(row)
                except BadRow as error:
                    self.reject(row, str(error))
                    continue
            yield row

    def write(self, row: Row) -> None:
        self.write_line(row.encode())

    def write_line(self, line: bytes) -> None:
        """Write a row given as one line of JSON without its newline."""
        assert self._output is not None, "a stage that writes nothing"
        self._output.write(line)
        self.rows_out += 1

    def flush(self) -> None:
        """Let what was written be readable now."""
        if self._output:
            self._output.flush()

    def leave_output(self) -> None:
        """There was nothing to write: leave the output file as it was."""
        if self._output:
            self._output.abort()
            self._output = None

    def reject(self, row: Row, reason: str) -> None:
        """Count `row` as unusable and keep it with its reason. Raises R1Error with --strict."""
        from r1tool.records.ids import row_id

        try:
            id_: str | None = row_id(row)
        except BadRow:
            id_ = None
        self._reject(row.input, row.line, id_, reason, msgspec.Raw(row.encode()))

    def note(self, text: str) -> None:
        """Say something on stderr."""
        if not self.options.quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Say something on stderr, also with --quiet."""
        with self._lock:
            sys.stderr.write(f"r1tool {self.name}: {text}\n")

    @property
    def stopped(self) -> bool:
        return self._signal == signal.SIGTERM or (self.interrupted and not self._drains)

    def _read(self) -> Iterator[Row]:
        for source in self._sources:
            number = 0
            try:
                for number, line in enumerate(lines(source), 1):
                    line = line[:-1] if line.endswith(b"\n") else line
                    try:
                        yield Row.parse(line, source.name, number)
                    except BadRow as error:
                        if line.strip():
                            text = msgspec.json.encode(line.decode(errors="replace"))
                            self._reject(source.name, number, None, str(error), msgspec.Raw(text))
            except Damaged as error:
                self.status = self.status or FAILED
                self.warn(f"{source.name}: {error} after {number} rows")
            except OSError as error:
                raise R1Error(f"{source.name}: {error.strerror or error}") from None

    def _reject(self, input: str | None, line: int, id_: str | None, reason: str, row: msgspec.Raw) -> None:
        with self._lock:
            self.rejected += 1
            self.status = self.status or FAILED
            if self.options.rejects:
                if self._rejects is None:
                    zstd = self.options.rejects.endswith(".zst")
                    self._rejects = RowFile(self.options.rejects, "zstd" if zstd else "none")
                record = {"stage": self.name, "input": input, "line": line, "id": id_, "reason": reason, "row": row}
                self._rejects.write(msgspec.json.encode(record))
        if self.options.strict:
            raise R1Error(f"{input or 'row'}:{line}: {reason} (--strict)")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.interrupted = True
        self._signal = number
        for callback in self._callbacks:
            callback(number)

    def _close(self) -> None:
        seconds = time.monotonic() - self._since
        out = f", {self.rows_out} out" if self._writes else ""
        rejected = f", {self.rejected} rejected" if self.rejected else ""
        rate = self.rows_in / seconds if seconds else 0.0
        self.warn(f"{self.rows_in} rows in{out}{rejected}, {seconds:.1f} s, {rate:.0f} rows/s")
