"""One loop repeats: every policy, status and budget over every way to create."""

import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import httpx
import pytest

from css_snapshot import RetryBudget, RetryPolicy
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import CSSError
from css_snapshot.events import BudgetEmpty, Event, RetryScheduled
from css_snapshot.fanout import Target
from css_snapshot.workflows.create import create
from css_snapshot.workflows.ensure import EnsureOptions, ensure
from tests.support.clients import api_client
from tests.support.fanout_bench import NAME, outcomes_of, snapshots_of
from tests.support.virtual_time import VirtualTime

REQUEST: Final = CreateSnapshotRequest(NAME)

Way = Callable[[ApiClient, str], Awaitable[object]]


@attrs.define
class Service:
    """Answers the first creations of each cluster with a status, then creates.

    Attributes:
        status: The status.
        times: How many creations of a cluster it meets.
        posts: Creations received, by cluster.
    """

    status: int
    times: int
    posts: Counter[str] = attrs.field(factory=Counter)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        cluster = request.url.path.split("/")[4]
        if request.method == "GET":
            return httpx.Response(200, json={"backups": []})
        self.posts[cluster] += 1
        if self.posts[cluster] <= self.times:
            return httpx.Response(self.status, json={})
        name = json.loads(request.content)["name"]
        return httpx.Response(201, json={"backup": {"id": cluster, "name": name}})


async def by_create(client: ApiClient, cluster: str) -> object:
    return await create(client, cluster, REQUEST)


async def by_ensure(client: ApiClient, cluster: str) -> object:
    return await ensure(client, cluster, REQUEST, EnsureOptions())


async def by_run_of_create(client: ApiClient, cluster: str) -> object:
    run = snapshots_of(client, [Target(cluster, NAME)], operation="create")
    return await outcomes_of(run)


async def by_run_of_ensure(client: ApiClient, cluster: str) -> object:
    return await outcomes_of(snapshots_of(client, [Target(cluster, NAME)]))


WAYS: Final = (by_create, by_ensure, by_run_of_create, by_run_of_ensure)
LOOKING: Final = (by_ensure, by_run_of_ensure)
ENOUGH: Final = 100
"""Creations whose retries take all tokens more than twice, if none come back."""
POLICIES: Final = {
    "default": lambda budget: RetryPolicy(budget=budget, random=lambda: 0.0),
    "none": lambda budget: attrs.evolve(RetryPolicy.none(), budget=budget),
    "gateway": lambda budget: attrs.evolve(
        RetryPolicy.gateway(budget=budget), random=lambda: 0.0
    ),
    "502 alone": lambda budget: RetryPolicy(
        statuses=frozenset({502}), budget=budget, random=lambda: 0.0
    ),
}


def expected_posts(way: Way, policy: RetryPolicy, status: int, *, paid: bool) -> int:
    """Return how many creations are sent where each is answered by a status."""
    repeated = status in policy.statuses and paid
    # After these the creation may be under way still, and only looking is safe.
    if way in LOOKING and status in {502, 503, 504}:
        repeated = False
    return policy.attempts if repeated else 1


@pytest.mark.parametrize("paid", [True, False], ids=["a budget", "an empty budget"])
@pytest.mark.parametrize("status", [400, 403, 500, 501, 502, 503, 504])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("way", WAYS)
async def test_the_policy_means_the_same_on_every_way(
    way: Way, policy: str, status: int, virtual_time: VirtualTime, *, paid: bool
) -> None:
    budget = RetryBudget() if paid else RetryBudget(capacity=1.0)
    chosen = POLICIES[policy](budget)
    service = Service(status, times=99)
    events: list[Event] = []
    client = api_client(
        httpx.MockTransport(service),
        virtual_time.clock,
        retry=chosen,
        on_event=events.append,
    )

    with contextlib.suppress(CSSError):
        await way(client, "c1")

    posts = expected_posts(way, chosen, status, paid=paid)
    assert service.posts["c1"] == posts
    retries = [event for event in events if isinstance(event, RetryScheduled)]
    assert len(retries) == posts - 1
    refused = [event for event in events if isinstance(event, BudgetEmpty)]
    would = expected_posts(way, chosen, status, paid=True) > 1
    assert len(refused) == (1 if would and not paid else 0)


@pytest.mark.parametrize("way", [by_create, by_ensure])
async def test_a_429_is_repeated_where_the_policy_says_so(
    way: Way, virtual_time: VirtualTime
) -> None:
    service = Service(429, times=1)
    client = api_client(
        httpx.MockTransport(service), virtual_time.clock, retry=RetryPolicy.gateway()
    )

    await way(client, "c1")

    assert service.posts["c1"] == 2


@pytest.mark.parametrize("way", WAYS)
async def test_the_tokens_of_retries_that_succeed_come_back(
    way: Way, virtual_time: VirtualTime
) -> None:
    budget = RetryBudget()
    service = Service(500, times=1)
    client = api_client(
        httpx.MockTransport(service),
        virtual_time.clock,
        retry=RetryPolicy(budget=budget, random=lambda: 0.0),
    )

    for number in range(ENOUGH):
        await way(client, f"c{number}")

    assert service.posts == {f"c{number}": 2 for number in range(ENOUGH)}
    assert budget.tokens == budget.capacity


@pytest.mark.parametrize("operation", ["create", "ensure"])
async def test_a_fleet_whose_first_creations_fail_is_done_with_a_full_budget(
    operation: str, virtual_time: VirtualTime
) -> None:
    budget = RetryBudget()
    client = api_client(
        httpx.MockTransport(Service(500, times=1)),
        virtual_time.clock,
        retry=RetryPolicy(budget=budget, random=lambda: 0.0),
    )
    run = snapshots_of(
        client,
        (Target(f"c{number}", NAME) for number in range(ENOUGH)),
        operation=operation,  # type: ignore[arg-type]  # one of the two
    )

    await outcomes_of(run)

    assert (run.summary.created, run.summary.failed) == (ENOUGH, 0)
    assert budget.tokens == budget.capacity
