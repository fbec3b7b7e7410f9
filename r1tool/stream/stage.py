"""One command's rows in and rows out: inputs, limits, rejects, output, signals and the closing line."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from r1tool.errors import BROKEN_PIPE, DONE, FAILED, BadRow, R1Error
from r1tool.progress import Progress, counted
from r1tool.records.row import Row
from r1tool.stream.options import StreamOptions
from r1tool.stream.outputs import OpenFile, Output, keep_apart, open_output
from r1tool.stream.readers import Cancelled, StopSignal, lines
from r1tool.stream.signals import Signals
from r1tool.stream.sources import Source, expand


class Stage:
    """A command's rows. `with Stage("verify", options) as stage: for row in stage.rows(): ... stage.write(row)`.

    `source` gives rows in place of the inputs. `drain` False lets the first SIGINT stop reading even where the input
    is a pipe. `spooled` keeps all rows on disk until the last has come. `rows()` may be consumed in one worker thread;
    `write`, `reject` and `note` are safe in any. `status` is the exit status once the stage has ended; `note` works
    then as well.
    """

    def __init__(
        self,
        name: str,
        options: StreamOptions,
        *,
        writes: bool = True,
        adopt: bool = True,
        source: Iterable[Row] | None = None,
        drain: bool = True,
        spooled: bool = False,
    ) -> None:
        self.name, self.options = name, options
        self.status = DONE
        self.rows_in = self.rows_out = self.rejected = 0
        self.sources: list[Source] = [] if source is not None else _without_output(options)
        output = [options.output, f"{options.output}.journal"] if options.output else []
        keep_apart(options.rejects, [*output, *(each.path for each in self.sources)])
        self._adopt, self._writes, self._spooled = adopt, writes, spooled
        self._given = source
        self._lock = threading.RLock()
        self._signals = Signals(drain and any(each.is_pipe for each in self.sources))
        self._output = open_output(options.output, options.compress, options.level) if writes else None
        self._rejects = self._open_rejects()
        self.progress = Progress(name, total=options.limit, enabled=False if options.quiet else options.progress)
        self._since = time.monotonic()

    @property
    def output_is_pipe(self) -> bool:
        return self._output is not None and self._output.is_pipe

    @property
    def completed(self) -> bool:
        """The stage has ended and has read all of its input, be it with bad rows: no signal cut it short."""
        return self.status in (DONE, FAILED)

    @property
    def stopped(self) -> bool:
        """No more rows are taken: SIGTERM, SIGINT at the source of a pipeline, or nobody reads the output any more."""
        return self._signals.stopped

    @property
    def stop(self) -> StopSignal:
        """What stops `readers.lines` when the stage is stopped."""
        return self._signals.stop

    def on_signal(self, callback: Callable[[int], None]) -> None:
        """Call `callback(number)` in the main thread at the first SIGINT, SIGTERM, and SIGPIPE of the output."""
        self._signals.callbacks.append(callback)

    def __enter__(self) -> "Stage":
        self._signals.install()
        if isinstance(self._output, OpenFile):
            self._output.begin()
        if self.output_is_pipe and not self.options.output:
            self._signals.watch_reader(1)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.status = self._signals.status or self.status
        finished = kind is None and self.completed
        whole = kind is None or issubclass(kind, R1Error)
        unread = self.status == BROKEN_PIPE or isinstance(error, BrokenPipeError)
        # a second signal ends at once: a pipe that nobody empties is not waited for
        stuck = self.output_is_pipe and isinstance(error, KeyboardInterrupt | SystemExit)
        try:
            if self._output and finished:
                self._output.commit()
            elif self._output and not unread and not stuck and (kept := self._output.abort(whole)):
                self.warn(f"the rows written so far are in {kept}")
            if whole and not unread:
                self._close()
        except BrokenPipeError:
            unread = True
        finally:
            if self._rejects:
                self._rejects.commit()
            self._signals.restore()
            self.progress.close()
        if unread:
            raise BrokenPipeError from None  # without the errno for which click would exit 1

    def rows(self) -> Iterator[Row]:
        """The rows of every input in order; bad ones go to the rejects."""
        from r1tool.records.aliases import adopt

        rows = self._given if self._given is not None else self._read()
        if self._spooled:
            from r1tool.stream.spool import spool

            rows = spool(rows)
        if self.options.limit == 0:
            return
        for row in rows:
            if self.stopped:
                return
            self.rows_in += 1
            try:
                yield adopt(row) if self._adopt else row
            except BadRow as error:
                self.reject(row, str(error))
            if not self._writes:
                self.progress.advance()
            if self.rows_in == self.options.limit:
                return

    def write(self, row: Row) -> None:
        self.write_line(row.encode())

    def write_line(self, line: bytes) -> None:
        """Write a row given as one line of JSON without its newline."""
        assert self._output is not None, "a stage that writes nothing"
        self._output.write(line)
        with self._lock:
            self.rows_out += 1
            self.progress.advance()

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
        """Say something on stderr, unless --quiet."""
        if not self.options.quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Say something on stderr, also with --quiet."""
        self.progress.log(f"r1tool {self.name}: {text}")

    def fail(self, text: str) -> None:
        """Say what went wrong and go on; the exit status will be 1."""
        self.status = self.status or FAILED
        self.warn(text)

    def _open_rejects(self) -> Output | None:
        path = self.options.rejects
        if not path:
            return None
        try:
            return open_output(path, "zstd" if path.endswith(".zst") else "none")
        except R1Error:
            self.leave_output()
            raise

    def _read(self) -> Iterator[Row]:
        try:
            for source in self.sources:
                yield from self._read_one(source)
        except Cancelled:
            return

    def _read_one(self, source: Source) -> Iterator[Row]:
        damage: list[str] = []
        good = number = 0
        try:
            for line in lines(source, damage.append, self._signals.stop, self.flush):
                number += 1
                row = None
                try:
                    row = Row.parse(line[:-1] if line[-1:] == b"\r" else line, source.name, number)
                    good += 1
                except BadRow as error:
                    if line.strip(b" \t\r\xef\xbb\xbf"):
                        reason = f"cut off: here the input is {damage[0]}" if damage else str(error)
                        text = msgspec.json.encode(line.decode(errors="replace"))
                        self.rows_in += 1
                        self._reject(source.name, number, None, reason, msgspec.Raw(text))
                if damage:
                    self._tell(source, damage, good)
                if row is not None:
                    yield row
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise R1Error(f"cannot read {source.name}: {error.strerror or error}") from None
        if damage:
            self._tell(source, damage, good)

    def _tell(self, source: Source, damage: list[str], rows: int) -> None:
        for what in damage:
            self.fail(f"{source.name}: {what} after {counted(rows, 'row')}")
        damage.clear()

    def _reject(self, input: str | None, line: int, id_: str | None, reason: str, row: msgspec.Raw) -> None:
        with self._lock:
            if not self.rejected and not self._rejects:
                self.note(f"rejected {input or 'row'}:{line}: {reason}; --rejects FILE saves all rejected rows")
            self.rejected += 1
            self.progress.advance(0, bad=1)
            self.status = self.status or FAILED
            if self._rejects:
                record = {"stage": self.name, "input": input, "line": line, "id": id_, "reason": reason, "row": row}
                self._rejects.write(msgspec.json.encode(record))
        if self.options.strict:
            raise R1Error(f"{input or 'row'}:{line}: {reason} (--strict)")

    def _close(self) -> None:
        seconds = time.monotonic() - self._since
        out = f", {self.rows_out:,} out" if self._writes else ""
        rejected = f", {self.rejected:,} rejected" if self.rejected else ""
        rate = self.rows_in / max(seconds, 1e-3)
        speed = f"{rate:,.0f} rows/s" if rate >= 1 else f"{3600 * rate:,.0f} rows/h"
        self.note(f"{counted(self.rows_in, 'row')} in{out}{rejected}, {seconds:.1f} s, {speed}")


def _without_output(options: StreamOptions) -> list[Source]:
    """The inputs, less the output of an earlier run that a folder or a glob among them takes in."""
    sources = expand(options.inputs)
    if not options.output or "://" in options.output:
        return sources
    output = os.path.realpath(options.output)
    return [
        source
        for source in sources
        if source.path is None or source.path in options.inputs or os.path.realpath(source.path) != output
    ]
