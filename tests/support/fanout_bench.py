"""What the tests of runs share: targets, operations to steer, a cloud in memory."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from typing import Final, TypeVar

import attrs
import httpx

from css_snapshot import Clock
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    AuthenticationError,
    ClusterBusyError,
    InternalServerError,
    ThrottledError,
)
from css_snapshot.fanout import FanOut, Outcome, Target
from css_snapshot.fanout.fan_out import fan_out_snapshots
from css_snapshot.fanout.options import RunOptions
from css_snapshot.models import Ensured
from css_snapshot.typing import OnExists, OnSpoiled, SnapshotOperation
from css_snapshot.workflows.ensure import EnsureOptions
from tests.support.clients import api_client

T = TypeVar("T")

NAME: Final = "nightly-1"


def targets(count: int) -> Iterator[Target]:
    """Make targets of as many clusters, `c0` first."""
    return (Target(f"c{number}", NAME) for number in range(count))


def snapshots_of(
    client: ApiClient,
    targets: Iterable[Target] | AsyncIterable[Target],
    *,
    operation: SnapshotOperation = "ensure",
    on_exists: OnExists = "adopt",
    on_spoiled: OnSpoiled = "fail",
    settle: float = 15.0,
    **options: object,
) -> FanOut[Ensured]:
    """Prepare a run of snapshots over a client; the other options are `RunOptions`."""
    return fan_out_snapshots(
        client,
        targets,
        operation=operation,
        ensuring=EnsureOptions(
            on_exists=on_exists, on_spoiled=on_spoiled, settle=settle
        ),
        options=RunOptions(**options),  # type: ignore[arg-type]  # any of them
    )


async def outcomes_of(run: FanOut[T]) -> list[Outcome[T]]:
    """Carry a run to its end and answer its outcomes."""
    async with run:
        return [outcome async for outcome in run]


async def follow(run: FanOut[T], seen: list[Outcome[T]]) -> None:
    """Take outcomes down one by one, so that they are there when the run raises."""
    async for outcome in run:
        seen.append(outcome)  # noqa: PERF401  # a list that never comes helps nobody


def busy() -> ClusterBusyError:
    return ClusterBusyError("another operation is running", status=409)


def unauthorized() -> AuthenticationError:
    return AuthenticationError("401 wrong key", status=401)


def internal() -> InternalServerError:
    return InternalServerError("500 oops", status=500)


def throttled(
    *, retry_after: float | None = None, limit: tuple[int, float] | None = None
) -> ThrottledError:
    error = ThrottledError("429 too many", status=429)
    error.retry_after = retry_after
    error.limit = limit
    return error


@attrs.define(eq=False)
class Gated:
    """An operation whose calls wait until they are let go, one by one or all.

    Attributes:
        started: Clusters in the order of their calls.
        running: Clusters whose calls are under way.
        most: How many were under way at most.
        cancelled: Clusters whose calls were cancelled.
    """

    started: list[str] = attrs.field(factory=list)
    running: list[str] = attrs.field(factory=list)
    most: int = 0
    cancelled: list[str] = attrs.field(factory=list)
    _gates: dict[str, asyncio.Event] = attrs.field(factory=dict)
    _open: bool = False
    _begun: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def __call__(self, target: Target) -> str:
        cluster = target.cluster_id
        self.started.append(cluster)
        self.running.append(cluster)
        self.most = max(self.most, len(self.running))
        self._begun.set()
        try:
            if not self._open:
                await self._gates.setdefault(cluster, asyncio.Event()).wait()
        except asyncio.CancelledError:
            self.cancelled.append(cluster)
            raise
        finally:
            self.running.remove(cluster)
        return cluster

    async def under_way(self, count: int) -> None:
        """Wait until so many calls are under way."""
        while len(self.running) < count:
            self._begun.clear()
            await self._begun.wait()

    def let_go(self, cluster: str) -> None:
        self._gates.pop(cluster).set()

    def open(self) -> None:
        self._open = True
        for gate in self._gates.values():
            gate.set()


async def settled() -> None:
    """Let everything happen that can without time, a thread or a socket."""
    for _ in range(50):
        await asyncio.sleep(0)


@attrs.define(eq=False)
class Cloud(httpx.AsyncBaseTransport):
    """Clusters and their snapshots in memory, with the faults a test puts in.

    Attributes:
        faults: By cluster, what its next creations meet: an answer instead, or a
            function that is called instead.
        snapshots: Names by cluster.
        lists: Lists read by cluster.
        posts: Creations asked for by cluster.
        posted: Set when a creation is asked for.
        forgetful: Whether nothing is kept, for runs of any length.
    """

    faults: dict[str, list[Callable[[], httpx.Response]]] = attrs.field(factory=dict)
    list_faults: dict[str, list[Callable[[], httpx.Response]]] = attrs.field(
        factory=dict
    )
    snapshots: dict[str, list[str]] = attrs.field(factory=dict)
    lists: Counter[str] = attrs.field(factory=Counter)
    posts: Counter[str] = attrs.field(factory=Counter)
    forgetful: bool = False
    posted: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        cluster = request.url.path.split("/")[4]
        if request.method == "GET":
            return self._list(cluster)
        name = json.loads(request.content)["name"]
        self.posted.set()
        if not self.forgetful:
            self.posts[cluster] += 1
        faults = self.faults.get(cluster)
        if faults:
            return faults.pop(0)()
        return self.create(cluster, name)

    def create(self, cluster: str, name: str = NAME) -> httpx.Response:
        if not self.forgetful:
            self.snapshots.setdefault(cluster, []).append(name)
        backup = {"id": f"{cluster}-{name}", "name": name}
        return httpx.Response(201, json={"backup": backup})

    def lose_after_creating(self, cluster: str) -> None:
        def lose() -> httpx.Response:
            self.create(cluster)
            raise httpx.ReadError("connection reset")

        self.faults.setdefault(cluster, []).append(lose)

    def refuse(
        self, cluster: str, status: int, code: str = "", *, times: int = 1
    ) -> None:
        body = {"errCode": code, "externalMessage": "no"} if code else {}
        self.faults.setdefault(cluster, []).extend(
            [lambda: httpx.Response(status, json=body)] * times
        )

    def refuse_lists(self, cluster: str, status: int, *, times: int = 1) -> None:
        self.list_faults.setdefault(cluster, []).extend(
            [lambda: httpx.Response(status, json={})] * times
        )

    def client(
        self,
        clock: Clock | None = None,
        timeout: float = 1.0,
        endpoint: str = "https://css.example.com",
    ) -> ApiClient:
        return api_client(self, clock, timeout=timeout, endpoint=endpoint)

    def _list(self, cluster: str) -> httpx.Response:
        if not self.forgetful:
            self.lists[cluster] += 1
        faults = self.list_faults.get(cluster)
        if faults:
            return faults.pop(0)()
        rows = [
            {
                "id": f"{cluster}-{name}{'-again' * number}",
                "name": name,
                "status": "BUILDING",
            }
            for number, name in enumerate(self.snapshots.get(cluster, ()))
        ]
        return httpx.Response(200, json={"backups": rows})
