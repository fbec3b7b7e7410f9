"""Running r1tool as a user would: one command to its end, or a pipeline of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LONGEST_SECONDS = 240


def clean_environment() -> dict[str, str]:
    """That of the tests, without options for r1tool in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("R1TOOL_")}


def command(*arguments: object) -> list[str]:
    """The words of `r1tool ARGUMENTS`."""
    return [sys.executable, "-m", "r1tool", *map(str, arguments)]


R1TOOL = " ".join(command())
"""The beginning of a command in a shell."""

IMPATIENT = """
from r1tool import cli
from r1tool.client import failures, supervisor
failures.FIRST_BACKOFF_SECONDS /= 10
failures.LONGEST_BACKOFF_SECONDS /= 10
supervisor.LONGEST_PROBE_SECONDS /= 10
cli.main()
"""


def impatient(*arguments: object) -> list[str]:
    """The words of `r1tool ARGUMENTS` that waits a tenth of the time before it asks a server again."""
    return [sys.executable, "-c", IMPATIENT, *map(str, arguments)]


def run(
    *arguments: object,
    stdin: Any = b"",
    cwd: Path | None = None,
    text: bool = False,
    preexec_fn: Callable[[], None] | None = None,
    **environment: str,
) -> "subprocess.CompletedProcess[Any]":
    """Run `r1tool ARGUMENTS` to its end, with the bytes or the open file `stdin`; fails on a traceback.

    `environment` is added to that of the tests; with `text` the output is str.
    """
    given = {"input": stdin.decode() if text else stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    done: subprocess.CompletedProcess[Any] = subprocess.run(
        command(*arguments),
        capture_output=True,
        cwd=cwd,
        text=text,
        env=clean_environment() | environment,
        timeout=LONGEST_SECONDS,
        preexec_fn=preexec_fn,
        check=False,
        **given,
    )
    said = done.stderr if text else done.stderr.decode(errors="replace")
    assert "Traceback" not in said or "R1TOOL_DEBUG" in environment, said
    return done


def ok(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[Any]":
    """The same, and its status must be 0."""
    done = run(*arguments, **more)
    assert done.returncode == 0, done.stderr
    return done


class Pipeline:
    """Real processes, joined by pipes, in a process group of their own, as a shell starts them."""

    def __init__(self, *commands: list[str], stdin: Any = subprocess.DEVNULL, stdout: Any = subprocess.PIPE) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        for number, each in enumerate(commands):
            last = number == len(commands) - 1
            process = subprocess.Popen(
                each,
                stdin=stdin,
                stdout=stdout if last else subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment(),
                process_group=self.processes[0].pid if self.processes else 0,
            )
            if number:
                assert self.processes[-1].stdout
                self.processes[-1].stdout.close()
            self.processes.append(process)
            stdin = process.stdout

    @property
    def output(self) -> Any:
        return self.processes[-1].stdout

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.killpg(self.processes[0].pid, signal.SIGINT)

    def finish(self, timeout: float = 60) -> tuple[bytes, list[int], list[str]]:
        """The last one's remaining output, every exit status and every stderr."""
        output = self.output.read() if self.output else b""
        try:
            statuses = [process.wait(timeout) for process in self.processes]
        except subprocess.TimeoutExpired:
            os.killpg(self.processes[0].pid, signal.SIGKILL)
            raise
        errors = [process.stderr.read().decode() for process in self.processes if process.stderr]
        for process in self.processes:
            for file in (process.stdout, process.stderr):
                if file:
                    file.close()
        return output, statuses, errors


TESTS = Path(__file__).parents[1]
ENDLESS = """
import itertools, os, signal, sys, time
import orjson
sys.path.insert(0, sys.argv[1])
from harness.rows import long_row
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
for number in itertools.count():
    sys.stdout.buffer.write(orjson.dumps(long_row(number, int(sys.argv[3]))) + b"\\n")
    sys.stdout.flush()
    if stop:
        break
    time.sleep(float(sys.argv[2]))
"""


def endless(*, seconds: float = 0.0, characters: int = 46_000) -> list[str]:
    """A command that writes plain rows until nobody reads them, one each `seconds`; SIGINT ends it between two."""
    return [sys.executable, "-c", ENDLESS, str(TESTS), str(seconds), str(characters)]


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    """Return as soon as `condition` holds; fails if it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.01)
