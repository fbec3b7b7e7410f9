"""What a server says of itself: its queue, its memory, its tokens."""

import re
from dataclasses import dataclass

import aiohttp

from r1tool.engines.engine import Engine, MetricNames

TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class Metrics:
    """Requests running and waiting, share of the KV cache in use (0 to 1, None if not told), tokens since start."""

    running: int
    waiting: int
    kv_use: float | None
    generation_tokens: int


async def read_metrics(session: aiohttp.ClientSession, url: str, engine: Engine) -> Metrics | None:
    """The server's metrics now; None where it has none or does not answer."""
    if engine.metrics is None:
        return None
    try:
        async with session.get(f"{url}/metrics", timeout=TIMEOUT) as response:
            return parse(await response.text(), engine.metrics) if response.status == 200 else None
    except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError):
        return None


def parse(text: str, names: MetricNames) -> Metrics | None:
    """Metrics out of Prometheus' text format. Counts of several workers are added; of KV use the highest counts."""
    values: dict[str, list[float]] = {}
    for match in re.finditer(r"^([a-zA-Z_:]+)(?:\{[^\n]*\})? (\S+)(?: \d+)?$", text, re.MULTILINE):
        name, value = match.groups()
        values.setdefault(name, []).append(float(value))

    def total(name: str) -> int:
        return int(sum(values.get(name, [])))

    if names.running not in values:
        return None
    kv_use = [value for name in names.kv_use for value in values.get(name, [])]
    return Metrics(
        running=total(names.running),
        waiting=total(names.waiting),
        kv_use=max(kv_use, default=None),
        generation_tokens=total(names.generation_tokens),
    )
