"""A pipe to oneself, by which a thread or a signal handler ends a wait in poll()."""

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
        try:
            os.write(self._writer, b".")
        except BlockingIOError:
            pass  # full: it is awake

    def drain(self) -> None:
        try:
            os.read(self._reader, 1 << 10)
        except BlockingIOError:
            pass

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)
