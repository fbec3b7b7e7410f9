"""One server as the client sees it."""

import asyncio
import base64
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from r1tool.client.concurrency import ConcurrencyLimit, Load
from r1tool.engines.table import UNKNOWN
from r1tool.serving.identify import authorization

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


class Endpoint:
    """A server at `url`, what it is, whether it lives, and how much it has in hand.

    A name and password in the URL are shown to the server where no key is set, and to nobody else.

    `server` is set where it is one of our own. `gpus` is None where nobody knows. `lost` is set while it is out of the
    pool, with its `trouble` in a few words if it answers and is of no use; `reason` is why a request lost it.
    """

    def __init__(self, url: str, *, server: "Server | None" = None, gpus: int | None = None) -> None:
        (self.url, self._login), self.server, self.gpus = _without_login(url), server, gpus
        self.engine = server.engine if server else UNKNOWN
        self.version: str | None = None
        self.model: str | None = server.model if server else None
        self.context: int | None = None
        self.alive = False
        self.lives = 0
        self.trouble: str | None = None
        self.reason = ""
        self.lost = asyncio.Event()
        self.concurrency = ConcurrencyLimit()
        self.in_flight = 0
        self.tokens = 0
        self.last_progress = 0.0
        self.load = Load()
        self.generated: float | None = None
        self.opened: bool | None = None
        self.rendering: str | None = None
        self.ends_thoughts: bool | None = None
        self.learning = asyncio.Lock()
        self._failures = 0
        self._failed_at = self._rest_until = 0.0
        self._session: aiohttp.ClientSession | None = None
        self._gpu_clock = self._gpu_clock_at = 0.0

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

        if not self.engine.keeps_connections:
            return aiohttp.TCPConnector(limit=0, force_close=True)
        return aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_SECONDS)

    async def close(self) -> None:
        """Drop its connections."""
        session, self._session = self._session, None
        if session:
            await session.close()

    @property
    def resting(self) -> float:
        """Seconds until it may be asked again: one that keeps failing fast would draw every request."""
        return max(0.0, self._rest_until - time.monotonic())

    @property
    def idle(self) -> float:
        """Seconds since it has sent something useful, to anybody."""
        return time.monotonic() - self.last_progress

    def take(self) -> None:
        """One more request is with it."""
        self._tick()
        self.in_flight += 1

    def give_back(self) -> None:
        """One request less is with it."""
        self._tick()
        self.in_flight -= 1

    def progressed(self, tokens: int = 0) -> None:
        """It has sent something useful."""
        self.tokens += tokens
        self.last_progress = time.monotonic()
        self._failures = 0

    def revived(self) -> None:
        """It answers again."""
        self.alive, self.trouble = True, None
        self.lost.clear()
        self.last_progress = time.monotonic()
        self._failures, self._rest_until = 0, 0.0

    def failed(self, since: float) -> None:
        """It has failed a request made at `since`; several in a row make it rest, ever longer.

        Requests that were under way together fail together, and count as one.
        """
        if since < self._failed_at:
            return
        self._failures += 1
        self._failed_at = time.monotonic()
        if self._failures >= REST_AFTER_FAILURES:
            rest = REST_SECONDS * 2 ** min(self._failures - REST_AFTER_FAILURES, 6)
            self._rest_until = time.monotonic() + min(rest, LONGEST_REST_SECONDS)

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
