"""SIGINT, SIGTERM, SIGHUP and a reader that went away, turned into a stage that stops taking rows.

A shell sends SIGINT to every process of a pipeline at once, and so is SIGHUP sent when the terminal is closed. The
source of a pipeline stops taking rows; a filter goes on until its input ends, so that nothing on its way is lost. A
second SIGINT ends at once; SIGHUP comes twice by itself, from the terminal and from the shell.
"""

import os
import select
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from r1tool.errors import BROKEN_PIPE, HANGUP, INTERRUPTED, TERMINATED
from r1tool.stream.readers import StopSignal

STATUS = {
    signal.SIGHUP: HANGUP,
    signal.SIGINT: INTERRUPTED,
    signal.SIGPIPE: BROKEN_PIPE,
    signal.SIGTERM: TERMINATED,
}
OF_ALL_THE_PIPELINE = (signal.SIGINT, signal.SIGHUP)


class Signals:
    """The first signal is noted in `number`; where it is to stop the stage, `stop` is set and `stopped` true."""

    def __init__(self, drains: bool) -> None:
        self.number: int | None = None
        self.stopped = False
        self.stop = StopSignal()
        self.callbacks: list[Callable[[int], None]] = []
        self._drains = drains
        self._before: dict[int, Any] = {}

    def install(self) -> None:
        """Handle signals from now on, if this is the main thread; one that is ignored, as under nohup, stays so."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)

    def watch_reader(self, descriptor: int) -> None:
        """Take it for a signal when nobody reads `descriptor`, a pipe, any more: rows may be minutes apart."""
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, self._handle)
            threading.Thread(target=_wait_for_reader_to_go, args=(descriptor,), daemon=True).start()

    def restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        self.stop.close()

    @property
    def status(self) -> int | None:
        """The exit status that the signal asks for, None if work goes on to its end."""
        return STATUS[signal.Signals(self.number)] if self.stopped and self.number is not None else None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGPIPE:
            if self.stopped:
                return
        elif number == signal.SIGHUP:
            if self.number is not None:
                return
        elif self.number in (signal.SIGINT, signal.SIGTERM) and number == self.number:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(TERMINATED)
        self.number = number
        if number not in OF_ALL_THE_PIPELINE or not self._drains:
            self.stopped = True
            self.stop.set()
        for callback in self.callbacks:
            callback(number)


def _wait_for_reader_to_go(descriptor: int) -> None:
    poll = select.poll()
    poll.register(descriptor, 0)
    poll.poll()
    if signal.getsignal(signal.SIGPIPE) not in (signal.SIG_IGN, signal.SIG_DFL):
        os.kill(os.getpid(), signal.SIGPIPE)
