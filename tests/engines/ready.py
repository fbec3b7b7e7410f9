"""Waiting for a server that a test has started."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    """Return when /v1/models answers. Raises RuntimeError, with the end of `log`, if it does not."""
    deadline = time.monotonic() + seconds
    while not _answers(f"{url}/v1/models"):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{url} is not ready:\n{log.read_text()[-4000:]}")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False
