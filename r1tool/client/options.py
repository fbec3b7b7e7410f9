"""How hard to ask, and when to give up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClientOptions:
    """`concurrency` None grows until the server says stop; `stall_timeout` is seconds without any progress."""

    concurrency: int | None = None
    stall_timeout: float = 600.0
    retries: int = 5
