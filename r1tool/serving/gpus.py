"""The GPUs of this machine, shared out to servers."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from r1tool.errors import USAGE, R1Error
from r1tool.progress import counted


def visible() -> list[str]:
    """The GPUs this process may use, by index or by CUDA's other names; empty on a machine without."""
    limit = os.environ.get("CUDA_VISIBLE_DEVICES")
    if limit is not None:
        return [name for name in limit.split(",") if name.strip() not in ("", "-1", "NoDevFiles")]
    nvidia = [file for file in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", file.name)]
    amd = list(Path("/sys/class/kfd/kfd/topology/nodes").glob("*/gpu_id"))
    amd = [file for file in amd if file.read_text().strip() not in ("", "0")]
    return [str(index) for index in range(len(nvidia or amd))]


def parse(text: str) -> list[int]:
    """`0-3,6` as [0, 1, 2, 3, 6]."""
    chosen: list[int] = []
    for part in text.split(","):
        if not (match := re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)):
            raise R1Error(f"--gpus {text}: {part!r} is neither a number nor a range such as 0-3", USAGE)
        first, last = int(match[1]), int(match[2] or match[1])
        chosen += range(first, last + 1)
    return sorted(set(chosen))


def share(text: str | None, replicas: int, each: int) -> list[list[str] | None]:
    """The GPUs of each replica, `each` of them; None leaves the choice to the engine.

    `text` is --gpus, positions among the visible ones. Raises R1Error if there are too few.
    """
    here = visible()
    if text is None and (replicas == 1 or not here):
        return [None] * replicas
    chosen = parse(text) if text else list(range(len(here)))
    if here and chosen[-1] >= len(here):
        raise R1Error(f"--gpus {text}: only {counted(len(here), 'GPU')} visible, numbered from 0", USAGE)
    if len(chosen) < replicas * each:
        need = f"{replicas} x {each}" if replicas > 1 else str(each)
        raise R1Error(f"too few GPUs: --tp, --pp and --replicas need {need}, but there are only {len(chosen)}", USAGE)
    names = [here[index] if here else str(index) for index in chosen]
    if replicas == 1:
        return [names]
    return [names[index * each : (index + 1) * each] for index in range(replicas)]


def holders() -> str:
    """Which programs hold GPU memory now, such as `pid 4242 (vllm, 61000 MiB)`; empty if it cannot be told."""
    if not shutil.which("nvidia-smi"):
        return ""
    query = ["nvidia-smi", "--query-compute-apps=pid,process_name,used_memory", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    rows = [line.split(", ") for line in done.stdout.splitlines()] if done.returncode == 0 else []
    return ", ".join(f"pid {row[0]} ({Path(row[1]).name}, {row[2]})" for row in rows if len(row) == 3)
