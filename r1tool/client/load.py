"""Looking at the servers' own counters: for the limits of requests in flight, the watchdog and the progress row."""

import asyncio
import time
from collections.abc import Callable

from r1tool.client.balancer import Balancer
from r1tool.client.concurrency import Load
from r1tool.client.endpoint import Endpoint
from r1tool.serving.metrics import read_metrics

LOOK_SECONDS = 2.0


async def monitor(pool: Balancer, note: Callable[[str], None]) -> None:
    """Look at every living server every LOOK_SECONDS, for ever; `note` what its limit has settled on."""
    await asyncio.gather(*(_watch(endpoint, pool, note) for endpoint in pool.endpoints))


async def _watch(endpoint: Endpoint, pool: Balancer, note: Callable[[str], None]) -> None:
    settled = False
    tokens, since = endpoint.tokens, time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = time.monotonic()
        rate = (endpoint.tokens - tokens) / (now - since)
        tokens, since = endpoint.tokens, now
        if not endpoint.alive:
            continue
        endpoint.load = await look(endpoint, rate)
        if pool.limit is not None:
            continue
        endpoint.concurrency.observe(endpoint.load, endpoint.in_flight, time.monotonic())
        pool.wake()
        if endpoint.concurrency.settled and not settled:
            settled = True
            note(f"{endpoint.concurrency.limit} requests in flight at {endpoint.url} ({endpoint.concurrency.reason})")


async def look(endpoint: Endpoint, rate: float) -> Load:
    """What the server says of itself; what it does not say is None."""
    metrics = await read_metrics(endpoint.session, endpoint.url, endpoint.engine)
    if metrics is None:
        return Load(rate=rate)
    if metrics.generation_tokens != endpoint.generated:
        endpoint.generated = metrics.generation_tokens
        endpoint.last_progress = time.monotonic()
    return Load(metrics.running, metrics.waiting, metrics.kv_use, rate)
