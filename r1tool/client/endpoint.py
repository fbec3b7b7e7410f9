"""One server as the client sees it."""

import asyncio
import base64
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from r1tool.client.concurrency import ConcurrencyLimit, Load
from r1tool.engines.table import UNKNOWN
from r1tool.serving.identify import Identity, authorization

if TYPE_CHECKING:
    import aiohttp

    from r1tool.serving.server import Server

CONNECT_SECONDS = 30
KEEP_ALIVE_SECONDS = 2.0
"""Less than the 5 of uvicorn and llama.cpp, so that no request goes into a connection that is just being closed."""
READ_BUFFER_BYTES = 16 << 10
"""Of each connection: thousands of streams that come in faster than they are read would fill several times that."""
REST_AFTER_FAILURES = 3
REST_SECONDS = 0.5
LONGEST_REST_SECONDS = 30.0


class EndpointState(Enum):
    """Where a server is in its life. Only the supervisor moves it on:

    WAITING -> UP, when it answers for the first time; UP -> LOST, when a request or its process says so; LOST -> UP,
    when it answers again; any of them -> GIVEN_UP, which it stays.
    """

    WAITING = "has not answered yet"
    UP = "is given requests"
    LOST = "is waited for, or started again"
    GIVEN_UP = "will not be asked any more"


@dataclass
class Capabilities:
    """What a server can do, None until it has been found out (capabilities.py), with `lock` held meanwhile.

    opened: its chat template ends with `<think>`. rendering: the way in which it continues a text, or "none".
    ends_thoughts: it ends a thought at `thinking_token_budget`.
    """

    opened: bool | None = None
    rendering: str | None = None
    ends_thoughts: bool | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Endpoint:
    """A server at `url`: what it is and can do, the state of its life, what it has in hand and what it has done.

    A name and password in the URL are shown to the server where no key is set, and to nobody else.

    server: set where it is one of our own. gpus: None where nobody knows. lives: how often it has been started.
    reason: why a request lost it. trouble: what is wrong with one that answers and is of no use.
    tokens: received since the start. load: what it last said of itself.
    """

    def __init__(self, url: str, *, server: "Server | None" = None, gpus: int | None = None) -> None:
        (self.url, self._login), self.server, self.gpus = _without_login(url), server, gpus
        self.identity = Identity(server.engine if server else UNKNOWN, None, server.model if server else None, None)
        self.capabilities = Capabilities()
        self._session: aiohttp.ClientSession | None = None

        self.state = EndpointState.WAITING
        self.lives = 0
        self.reason = ""
        self.trouble: str | None = None
        self._lost = asyncio.Event()

        self.in_flight = 0
        self.concurrency = ConcurrencyLimit()
        self.load = Load()
        self.tokens = 0
        self.last_progress = 0.0
        self._failures_in_a_row = 0
        self._failed_at = self._rests_until = 0.0
        self._gpu_clock = self._gpu_clock_at = 0.0

    @property
    def alive(self) -> bool:
        """Whether it may be given requests."""
        return self.state is EndpointState.UP

    def mark_up(self) -> None:
        """It answers, perhaps again."""
        self.state, self.trouble = EndpointState.UP, None
        self._lost.clear()
        self.last_progress = time.monotonic()
        self._failures_in_a_row, self._rests_until = 0, 0.0

    def mark_lost(self, reason: str, trouble: str | None) -> None:
        """Nobody answers, or to no use."""
        if self.alive:
            self.state, self.reason = EndpointState.LOST, reason
        self.trouble = self.trouble or trouble
        self._lost.set()

    def mark_given_up(self) -> None:
        self.state = EndpointState.GIVEN_UP

    async def wait_lost(self) -> None:
        """Return when it is lost."""
        await self._lost.wait()

    @property
    def session(self) -> "aiohttp.ClientSession":
        """Its connections: as many as there are requests, and no timeout but for connecting."""
        if self._session is None:
            import aiohttp

            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
                read_bufsize=READ_BUFFER_BYTES,
                headers=authorization() or self._login,
            )
        return self._session

    def _connector(self) -> "aiohttp.TCPConnector":
        import aiohttp

        if not self.identity.engine.keeps_connections:
            return aiohttp.TCPConnector(limit=0, force_close=True)
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)

    async def close(self) -> None:
        """Drop its connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    @property
    def idle(self) -> float:
        """Seconds since it has sent something useful, to anybody."""
        return time.monotonic() - self.last_progress

    def progressed(self, tokens: int = 0) -> None:
        """It has sent something useful."""
        self.tokens += tokens
        self.last_progress = time.monotonic()
        self._failures_in_a_row = 0

    @property
    def rest(self) -> float:
        """Seconds until it may be asked again: one that keeps failing fast would draw every request."""
        return max(0.0, self._rests_until - time.monotonic())

    def failed(self, since: float) -> None:
        """It has failed a request made at `since`; several in a row make it rest, ever longer.

        Requests that were under way together fail together, and count as one.
        """
        if since < self._failed_at:
            return
        self._failures_in_a_row += 1
        self._failed_at = time.monotonic()
        if self._failures_in_a_row >= REST_AFTER_FAILURES:
            rest = REST_SECONDS * 2 ** min(self._failures_in_a_row - REST_AFTER_FAILURES, 6)
            self._rests_until = time.monotonic() + min(rest, LONGEST_REST_SECONDS)

    def take(self) -> None:
        """One more request is with it."""
        self._tick()
        self.in_flight += 1

    def give_back(self) -> None:
        """One request less is with it."""
        self._tick()
        self.in_flight -= 1

    @property
    def gpu_clock(self) -> float:
        """The integral of GPUs / requests in flight over time: its growth is one request's share, in seconds."""
        self._tick()
        return self._gpu_clock

    def _tick(self) -> None:
        now = time.monotonic()
        if self.in_flight and self.gpus:
            self._gpu_clock += self.gpus * (now - self._gpu_clock_at) / self.in_flight
        self._gpu_clock_at = now


def _without_login(url: str) -> tuple[str, dict[str, str] | None]:
    """http://name:password@host as http://host and the header that shows a server name and password (RFC 7617)."""
    login, at, _ = urlsplit(url).netloc.rpartition("@")
    if not at:
        return url, None
    name, _, password = login.partition(":")
    encoded = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return url.replace(login + at, "", 1), {"Authorization": f"Basic {encoded}"}
