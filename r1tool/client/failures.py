"""Why a request failed, as far as it decides what to do next."""

from r1tool.errors import BadRow


class Busy(Exception):
    """429, 503 or a lost connection: nobody's fault, asked again for as long as the server lives.

    `retry_after` is the server's own wish in seconds, `status` what it answered, None if it did not.
    """

    def __init__(self, message: str, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.retry_after, self.status = retry_after, status


class Overloaded(Busy):
    """The server has said that it has too much to do."""


class Gone(Busy):
    """Nobody can be reached at the address."""


class Dead(Gone):
    """The engine behind the address has said that it is dead."""


class Broken(Exception):
    """A 500, a reply that cannot be read, a stream that broke off, a stall: costs one of the retries."""


class Stalled(Broken):
    """Nothing has come for too long."""


class Refused(BadRow):
    """400, 413 or 422: the request itself is at fault, and asking again would not help."""


class GivenUp(BadRow):
    """One request has failed as often as it may."""
