"""How hard to ask, and when to give up."""

from dataclasses import dataclass
from typing import Annotated

from r1tool.option import Option


def _concurrency(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or text == "0":
        raise ValueError(f"{text!r} is neither 'auto' nor a number of requests.")
    return int(text)


@dataclass(frozen=True)
class ClientOptions:
    """`concurrency` None grows until the server says stop; `stall_timeout` is seconds without any progress."""

    concurrency: Annotated[
        int | None,
        Option(
            "--concurrency",
            metavar="auto|N",
            parse=_concurrency,
            help="Requests in flight; auto raises it until a server is saturated.",
            show_default="auto",
        ),
    ] = None
    stall_timeout: Annotated[
        float,
        Option("--stall-timeout", metavar="S", min=0.1, help="Seconds without progress before a request is retried."),
    ] = 600.0
    retries: Annotated[
        int, Option("--retries", metavar="N", min=0, help="How often one generation may fail before it is abandoned.")
    ] = 5
