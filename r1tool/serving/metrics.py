"""What a server says of itself: its queue, its memory, its tokens."""

import re
from dataclasses import dataclass

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class Metrics:
    """Requests running and waiting, share of the KV cache in use (0 to 1, None if not told), tokens since start."""

    running: int
    waiting: int
    kv_use: float | None
    prompt_tokens: int
    generation_tokens: int


# one name for each field of Metrics
NAMES = {
    "vllm": (
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:kv_cache_usage_perc",
        "vllm:prompt_tokens_total",
        "vllm:generation_tokens_total",
    ),
    "sglang": (
        "sglang:num_running_reqs",
        "sglang:num_queue_reqs",
        "sglang:full_token_usage",
        "sglang:prompt_tokens_total",
        "sglang:generation_tokens_total",
    ),
    "embedded": (
        "llamacpp:requests_processing",
        "llamacpp:requests_deferred",
        "llamacpp:kv_cache_usage_ratio",
        "llamacpp:prompt_tokens_total",
        "llamacpp:tokens_predicted_total",
    ),
}
OLD_NAMES = {"vllm:gpu_cache_usage_perc": "vllm:kv_cache_usage_perc", "sglang:token_usage": "sglang:full_token_usage"}


async def read_metrics(session: aiohttp.ClientSession, url: str, engine: str) -> Metrics | None:
    """The server's metrics now; None where it has none or does not answer."""
    if engine not in NAMES:
        return None
    try:
        async with session.get(f"{url}/metrics", timeout=TIMEOUT) as response:
            return parse(await response.text(), engine) if response.status == 200 else None
    except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError):
        return None


def parse(text: str, engine: str) -> Metrics | None:
    """Metrics out of Prometheus' text format. Counts of several workers are added; of KV use the highest counts."""
    values: dict[str, list[float]] = {}
    for match in re.finditer(r"^([a-zA-Z_:]+)(?:\{[^\n]*\})? (\S+)(?: \d+)?$", text, re.MULTILINE):
        name, value = match.groups()
        values.setdefault(OLD_NAMES.get(name, name), []).append(float(value))
    running, waiting, kv_use, prompt_tokens, generation_tokens = (values.get(name) for name in NAMES[engine])
    if running is None:
        return None
    return Metrics(
        running=int(sum(running)),
        waiting=int(sum(waiting or [])),
        kv_use=max(kv_use) if kv_use else None,
        prompt_tokens=int(sum(prompt_tokens or [])),
        generation_tokens=int(sum(generation_tokens or [])),
    )
