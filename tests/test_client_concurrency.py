"""`--concurrency auto`: grows until the server says stop, and not much further."""

from r1tool.client.concurrency import CEILING, START, ConcurrencyLimit, Load


def simulate(concurrency: ConcurrencyLimit, slots: int, looks: int, metrics: bool = True) -> list[int]:
    """A server that runs `slots` requests at once, 10 tokens/s each; the client always has enough to ask."""
    limits = []
    for look in range(looks):
        running = min(slots, concurrency.limit)
        load = Load(running, concurrency.limit - running, running / slots / 2, 10.0 * running)
        concurrency.observe(load if metrics else Load(rate=load.rate), concurrency.limit, 2.0 * look)
        limits.append(concurrency.limit)
    return limits


def test_it_doubles_while_nothing_waits() -> None:
    assert simulate(ConcurrencyLimit(), 10_000, 3) == [START * 2, START * 4, START * 8]


def test_it_settles_a_little_above_what_the_server_runs_at_once() -> None:
    for slots in (8, 56, 128, 256, 1000):
        limits = simulate(ConcurrencyLimit(), slots, 60)
        assert all(slots <= limit <= slots * 1.25 + 2 for limit in limits[-20:]), (slots, limits[-20:])


def test_without_metrics_it_stops_where_more_requests_bring_no_more_tokens() -> None:
    concurrency = ConcurrencyLimit()
    simulate(concurrency, 100, 12, metrics=False)
    assert concurrency.converged and concurrency.reason == "throughput no longer grows"
    assert 100 <= concurrency.limit <= 600


def test_a_full_cache_makes_it_shrink_once_in_a_while_and_not_at_every_look() -> None:
    concurrency = ConcurrencyLimit()
    simulate(concurrency, 10_000, 4)
    limits = []
    for look in range(10):
        concurrency.observe(Load(200, 0, 0.97, 100.0), concurrency.limit, 100.0 + 2 * look)
        limits.append(concurrency.limit)
    assert limits[0] < START * 16
    assert len(set(limits)) == 1


def test_too_many_requests_makes_it_shrink() -> None:
    concurrency = ConcurrencyLimit()
    simulate(concurrency, 10_000, 4)
    before = concurrency.limit
    concurrency.overloaded()
    concurrency.observe(Load(rate=1.0), before, 100.0)
    assert concurrency.limit < before


def test_it_does_not_grow_where_there_is_nothing_to_ask() -> None:
    concurrency = ConcurrencyLimit()
    for look in range(20):
        concurrency.observe(Load(3, 0, 0.1, 30.0), 3, 2.0 * look)
    assert concurrency.limit == START


def test_it_ends_somewhere() -> None:
    assert simulate(ConcurrencyLimit(), 1_000_000, 100)[-1] == CEILING
