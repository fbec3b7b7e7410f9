"""r1tool's folder for what can be fetched or made again: the demonstration model, the logs of servers."""

import os
from pathlib import Path


def cache() -> Path:
    """`r1tool` in XDG_CACHE_HOME, else in ~/.cache; it need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "r1tool"
