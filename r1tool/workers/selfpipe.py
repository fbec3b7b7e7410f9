"""A pipe to oneself, by which a thread or a signal handler ends a wait in poll()."""

import contextlib
import os


class SelfPipe:
    """Readable from `wake()`, which any thread or signal handler may call, until `drain()`."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._reader

    def wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full of calls to wake up is enough of them
            os.write(self._writer, b".")

    def drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 1 << 10)

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)
