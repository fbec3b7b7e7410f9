"""Why a request failed at a server, and what that costs the request, the server and the prompt."""

import random

from r1tool.errors import BadRow, R1Error

FIRST_BACKOFF_SECONDS = 0.25
LONGEST_BACKOFF_SECONDS = 60.0
LONGEST_WISH_SECONDS = 300.0


class Failure(Exception):
    """A request that is asked again, for as long as a server lives unless it `costs_retry`.

    costs_retry: it uses up one of --retries, unless a server of our own is restarted for it.
    loses_server: the server is taken out until it answers again; `trouble` is why one that does answer is restarted.
    rules_out_server: the server cannot be used, now or later.
    slows_server: the server is given fewer requests at a time.
    suspects_prompt: if the server turns out to have crashed, the prompt may be what crashed it.
    retry_after: the server's own wish, in seconds.
    """

    costs_retry = False
    loses_server = False
    rules_out_server = False
    slows_server = False
    suspects_prompt = False
    trouble: str | None = None
    retry_after: float | None = None

    def pause(self, times: int) -> float:
        """Seconds to wait after failing `times` in a row.

        What the server wishes, else doubling, with jitter, so that thousands of requests do not come back at once.
        """
        backoff = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2.0**times) * random.uniform(0.5, 1.0)
        return min(self.retry_after or backoff, LONGEST_WISH_SECONDS)


class Busy(Failure):
    """502, 504 or a lost connection: nobody's fault. `status` is what the server answered, None if it did not."""

    suspects_prompt = True

    def __init__(self, message: str, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.retry_after, self.status = retry_after, status


class Overloaded(Busy):
    """429 or 503, or no file descriptor left: too much is asked at once."""

    slows_server = True
    suspects_prompt = False


class Gone(Busy):
    """Nobody can be reached at the address."""

    loses_server = True
    suspects_prompt = False


class Dead(Gone):
    """The engine behind the address has said that it is dead."""

    suspects_prompt = True
    trouble = "lost its engine"


class Broken(Failure):
    """A 500, a reply that cannot be read, a stream that broke off."""

    costs_retry = True


class Stalled(Broken):
    """Nothing has come for too long, while the server was at work for others."""


class Hung(Stalled):
    """Nothing has come for too long, nor has it for anybody else."""

    loses_server = True
    suspects_prompt = True
    trouble = "is hanging"


class Unusable(Failure, R1Error):
    """A wrong key, model or address, or a server that cannot do what is asked of it.

    A server that has answered before is not ruled out at once: a gateway says so while the one behind it is changed.
    """

    rules_out_server = True


class Refused(BadRow):
    """400, 413 or 422: the request itself is at fault, and asking again would not help."""


class GivenUp(BadRow):
    """One request has failed as often as it may."""
