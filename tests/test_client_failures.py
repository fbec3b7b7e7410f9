"""What each kind of failure costs, and the life of a server's state."""

import asyncio

import pytest

from r1tool.client.balancer import Balancer
from r1tool.client.endpoint import Endpoint, EndpointState
from r1tool.client.failures import (
    LONGEST_BACKOFF_SECONDS,
    LONGEST_WISH_SECONDS,
    Broken,
    Busy,
    Dead,
    Failure,
    Gone,
    Hung,
    Overloaded,
    Stalled,
    Unusable,
)
from r1tool.client.supervisor import Supervisor
from r1tool.errors import R1Error


@pytest.mark.parametrize(
    ("kind", "costs"),
    [
        (Busy, "suspects_prompt"),
        (Overloaded, "slows_server"),
        (Gone, "loses_server"),
        (Dead, "loses_server suspects_prompt"),
        (Broken, "costs_retry"),
        (Stalled, "costs_retry"),
        (Hung, "costs_retry loses_server suspects_prompt"),
        (Unusable, "rules_out_server"),
    ],
)
def test_what_a_failure_costs(kind: type[Failure], costs: str) -> None:
    every = ("costs_retry", "loses_server", "rules_out_server", "slows_server", "suspects_prompt")
    assert {name for name in every if getattr(kind, name)} == set(costs.split())


def test_a_server_is_asked_again_when_it_wishes_or_ever_later() -> None:
    assert Overloaded("", retry_after=7).pause(1) == 7
    assert Overloaded("", retry_after=1e6).pause(1) == LONGEST_WISH_SECONDS
    for times in range(1, 50):
        longest = min(LONGEST_BACKOFF_SECONDS, 0.25 * 2**times)
        assert longest / 2 <= Broken("").pause(times) <= longest


class Idle(Supervisor):
    """One whose servers do nothing by themselves."""

    async def _keep(self, endpoint: Endpoint) -> None:
        self._revive(endpoint)
        await asyncio.Event().wait()


def test_a_failure_moves_a_server_from_state_to_state() -> None:
    async def main() -> tuple[list[EndpointState], list[str]]:
        notes: list[str] = []
        one, other = endpoints = [Endpoint("http://one"), Endpoint("http://other")]
        balancer = Balancer(endpoints, None)
        supervisor, seen = Idle(balancer, 600, notes.append), [one.state]
        supervisor.start()
        await asyncio.sleep(0)
        seen.append(one.state)
        supervisor.failed(one, Busy("busy"), 0)
        seen.append(one.state)
        supervisor.failed(one, Dead("its engine is dead"), 0)
        seen.append(one.state)
        assert (one.reason, one.trouble) == ("its engine is dead", "lost its engine")
        supervisor.failed(one, Unusable("no such model"), 0)
        seen.append(one.state)
        supervisor.failed(other, Unusable("no such model here"), 0)
        with pytest.raises(R1Error, match="no such model here"):
            await balancer.acquire()
        await supervisor.stop()
        return seen, notes

    seen, notes = asyncio.run(main())
    assert [state.name for state in seen] == ["WAITING", "UP", "UP", "LOST", "GIVEN_UP"]
    assert notes == ["no such model; continuing without it"]
