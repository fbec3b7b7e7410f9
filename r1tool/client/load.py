"""What the servers say of themselves: for the limits of requests in flight, the watchdog and the progress row."""

import asyncio
import time
from collections.abc import Callable

from r1tool.client.balancer import Balancer
from r1tool.client.concurrency import Load
from r1tool.client.endpoint import Endpoint
from r1tool.serving.metrics import read_metrics

POLL_SECONDS = 2.0


async def poll_load(balancer: Balancer, note: Callable[[str], None]) -> None:
    """Poll every living server every POLL_SECONDS, for ever; `note` the limit that each has converged on."""
    await asyncio.gather(*(_poll(endpoint, balancer, note) for endpoint in balancer.endpoints))


async def _poll(endpoint: Endpoint, balancer: Balancer, note: Callable[[str], None]) -> None:
    told = False
    tokens, since = endpoint.tokens, time.monotonic()
    generated: int | None = None
    while True:
        await asyncio.sleep(POLL_SECONDS)
        now = time.monotonic()
        rate = (endpoint.tokens - tokens) / (now - since)
        tokens, since = endpoint.tokens, now
        if not endpoint.alive:
            continue
        metrics = await read_metrics(endpoint.session, endpoint.url, endpoint.identity.engine)
        if metrics is None:
            endpoint.load = Load(rate=rate)
        else:
            endpoint.load = Load(metrics.running, metrics.waiting, metrics.kv_use, rate)
            if metrics.generation_tokens != generated:
                generated = metrics.generation_tokens
                endpoint.last_progress = time.monotonic()
        if balancer.limit is not None:
            continue
        limit = endpoint.concurrency
        limit.observe(endpoint.load, endpoint.in_flight, time.monotonic())
        balancer.wake()
        if limit.converged and not told:
            told = True
            note(f"{endpoint.url}: concurrency limited to {limit.limit} ({limit.reason})")
