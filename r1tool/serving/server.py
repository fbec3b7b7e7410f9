"""The life of a model server of one's own: started, watched, restarted, ended."""

import asyncio
import contextlib
import os
import re
import shlex
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import aiohttp

from r1tool.engines.engine import Engine
from r1tool.errors import R1Error
from r1tool.serving import gpus, logs, reaper
from r1tool.serving.identify import KEY_NEEDED, authorization, identify

POLL_SECONDS = 0.25
PORT_TRIES = 3
STOP_SECONDS = reaper.GRACE_SECONDS + 5
WELL_SECONDS = 60.0


class Server:
    """One server process, or one per node, at `url`.

    `command` makes the command line for a port, in a thread of its own, and may fetch what the engine needs. `gpus` is
    how many it computes on, 0 on a CPU; `version` the engine's own, known once started.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        model: str,
        command: Callable[[int], Sequence[str]],
        *,
        log: Path,
        ready_timeout: float,
        environment: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        gpu_count: int = 0,
        version: str | None = None,
    ) -> None:
        self.name, self.engine, self.model, self.gpus = name, engine, model, gpu_count
        self.version = version
        self.context: int | None = None
        self.log = log
        self.url = ""
        self._command, self._environment = command, dict(environment or {})
        self._host, self._ready_timeout = host, ready_timeout
        self._process: asyncio.subprocess.Process | None = None
        self._ready = False
        self._well = self._seen = 0  # bytes of the log: when the server was last taken to be well, and last measured

    async def start(self) -> None:
        """Return when the server answers. Raises R1Error with the engine's own reason, and where its log is."""
        for attempt in range(1, PORT_TRIES + 1):
            try:
                await self._spawn()
                await self._wait_until_ready()
                return
            except BaseException as error:
                await self.stop()
                if not (isinstance(error, PortTaken) and attempt < PORT_TRIES):
                    raise

    async def stop(self) -> None:
        """SIGTERM to all its processes, and SIGKILL ten seconds later; returns when none is left."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        process.stdin.close()
        # when this wait is cut short, the reaper goes on by itself
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
                _kill_group(process.pid)

    async def died(self) -> str:
        """Wait until the process ends by itself, and return the reason in one sentence."""
        while self._process is not None:
            process = self._process
            try:
                async with asyncio.timeout(WELL_SECONDS):
                    status = await process.wait()
            except TimeoutError:
                self._note_well()
                continue
            if process is self._process:
                _kill_group(process.pid)
                return f"{self.name} died: {self._reason(status)}; see {self.log}"
        await asyncio.Event().wait()
        raise AssertionError

    async def restart(self) -> None:
        """Stop, if need be, and start on a new port: `url` changes."""
        await self.stop()
        await self.start()

    async def _spawn(self) -> None:
        port = free_port()
        command = await asyncio.to_thread(self._command, port)
        self.url = f"http://{self._host}:{port}"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            line = re.sub(r"(--api-key[= ])\S+", r"\1...", shlex.join(command))
            log.write(f"$ {line}\n".encode())
            log.flush()
            self._ready, self._well, self._seen = False, log.tell(), log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", reaper.__file__, *command),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=os.environ | self._environment,
                start_new_session=True,
            )

    async def _wait_until_ready(self) -> None:
        assert self._process
        exited = asyncio.create_task(self._process.wait())
        try:
            session = aiohttp.ClientSession(headers=authorization())
            async with asyncio.timeout(self._ready_timeout), session:
                while not await _answers(session, self.url + self.engine.ready_path):
                    done, _ = await asyncio.wait([exited], timeout=POLL_SECONDS)
                    if done:
                        raise self._failure(exited.result())
                if not self.version:
                    _, self.version, _, self.context = await identify(session, self.url)
            self._ready, self._well, self._seen = True, self._log_size(), self._log_size()
        except TimeoutError:
            last = logs.last_line(self._output())
            raise R1Error(
                f"{self.name} was not ready after {self._ready_timeout:g} s (--ready-timeout); "
                f"the last line of {self.log} is: {last}"
            ) from None
        finally:
            exited.cancel()

    def _failure(self, status: int) -> R1Error:
        kind = PortTaken if re.search(logs.PORT_TAKEN, self._output()) else R1Error
        return kind(f"{self.name} did not start: {self._reason(status)}; see {self.log}")

    def _reason(self, status: int) -> str:
        reason = logs.reason(self._output(), self.engine.signatures, status, was_ready=self._ready)
        if "GPU memory" in reason and (held := gpus.holders()):
            return f"{reason}; in use by {held}: wait for it with --spool, or divide the GPUs with --gpus"
        return reason

    def _output(self) -> str:
        """What the server has written since it was last well, or since it was started."""
        return logs.excerpt(self.log, self._well)

    def _note_well(self) -> None:
        """It was well a while ago, for it lives; unless it writes as much as only a dying engine does.

        A vLLM whose engine has died lives on for a minute or more: it writes a traceback for each of its requests.
        """
        size = self._log_size()
        if size - self._seen < logs.HEAD_BYTES:
            self._well = self._seen
        self._seen = size

    def _log_size(self) -> int:
        with contextlib.suppress(OSError):
            return self.log.stat().st_size
        return 0


class PortTaken(R1Error):
    """Another program took the port between our choice and the engine's listening."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=5)) as response:
            if response.status in (401, 403):
                raise R1Error(f"{url} returned {response.status}: {KEY_NEEDED}")
            return response.status == 200
    except (aiohttp.ClientError, OSError):
        return False


def _kill_group(pid: int) -> None:
    """What a killed reaper has left in its group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, 9)
