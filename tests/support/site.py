"""A site in memory: clusters whose snapshots take time and end as told."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import attrs
import httpx

Ending: TypeAlias = Literal["COMPLETED", "FAILED", "PART_FAILED", "never", "vanishes"]


@attrs.define
class Truth:
    """A snapshot as it is, whatever anybody is shown of it."""

    id: str
    name: str
    begun: float
    seconds: float
    ending: Ending

    def status(self, now: float) -> str:
        if self.ending == "never" or now < self.begun + self.seconds:
            return "BUILDING"
        return self.ending

    def row(self, now: float) -> Mapping[str, object]:
        status = self.status(now)
        partial = status == "PART_FAILED"
        return {
            "id": self.id,
            "name": self.name,
            "status": status,
            "backupType": "1",
            "totalShards": 5,
            "failedShards": 2 if partial else 0,
        }


@attrs.define(eq=False)
class Site(httpx.AsyncBaseTransport):
    """Clusters and their snapshots.

    Attributes:
        clusters: The ids.
        now: Returns the time in seconds.
        seconds: How long a snapshot takes, by cluster; 60 where it is not said.
        endings: How a cluster's snapshots end, by cluster, the next first.
        shows: Whether the list of clusters shows `SNAPSHOTTING`.
        faults: What the next requests meet: a method, and what happens in place of
            the answer, after it was carried out or before.
        truths: The snapshots, by cluster.
        posts: Creations received, by cluster.
        requests: Requests received, by method and last word of the path.
    """

    clusters: list[str]
    now: Callable[[], float]
    seconds: dict[str, float] = attrs.field(factory=dict)
    endings: dict[str, list[Ending]] = attrs.field(factory=dict)
    shows: bool = True
    faults: list[tuple[str, str]] = attrs.field(factory=list)
    truths: dict[str, list[Truth]] = attrs.field(factory=dict)
    posts: Counter[str] = attrs.field(factory=Counter)
    requests: Counter[str] = attrs.field(factory=Counter)
    _ids: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        parts = request.url.path.split("/")
        self.requests[f"{request.method} {parts[-1]}"] += 1
        fault = self._fault(request.method)
        if fault.startswith("before"):
            return self._fail(fault)
        answer = self._answer(request, parts)
        return self._fail(fault) if fault else answer

    def is_usable(self, cluster: str, name: str) -> bool:
        return any(
            truth.name == name and truth.status(self.now()) == "COMPLETED"
            for truth in self.truths.get(cluster, ())
        )

    def _fault(self, method: str) -> str:
        for index, (which, what) in enumerate(self.faults):
            if which == method:
                del self.faults[index]
                return what
        return ""

    @staticmethod
    def _fail(fault: str) -> httpx.Response:
        _, _, what = fault.partition(" ")
        if what == "lost":
            raise httpx.ReadError("connection reset")
        return httpx.Response(int(what))

    def _answer(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        if parts[-1] == "clusters":
            return self._page(request)
        cluster = parts[4]
        if request.method == "POST":
            return self._create(cluster, json.loads(request.content)["name"])
        now = self.now()
        rows = [
            truth.row(now)
            for truth in self.truths.get(cluster, ())
            if not (truth.ending == "vanishes" and truth.status(now) != "BUILDING")
        ]
        return httpx.Response(200, json={"backups": rows})

    def _page(self, request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("start", "1"))
        limit = int(request.url.params.get("limit", "10"))
        shown = self.clusters[start - 1 : start - 1 + limit]
        rows = [self._cluster(cluster) for cluster in shown]
        body = {"clusters": rows, "totalSize": len(self.clusters)}
        return httpx.Response(200, json=body)

    def _cluster(self, cluster: str) -> Mapping[str, object]:
        works = self.shows and self._building(cluster)
        return {
            "id": cluster,
            "name": f"name-of-{cluster}",
            "status": "200",
            "actions": ["SNAPSHOTTING"] if works else [],
            "actionProgress": {"SNAPSHOTTING": "40%"} if works else {},
        }

    def _building(self, cluster: str) -> bool:
        now = self.now()
        return any(
            truth.status(now) == "BUILDING" for truth in self.truths.get(cluster, ())
        )

    def _create(self, cluster: str, name: str) -> httpx.Response:
        self.posts[cluster] += 1
        truths = self.truths.setdefault(cluster, [])
        if any(truth.name == name for truth in truths):
            return httpx.Response(409, json={"errCode": "CSS.0043"})
        if self._building(cluster):
            return httpx.Response(409, json={"errCode": "CSS.0011"})
        self._ids += 1
        endings = self.endings.get(cluster)
        truths.append(
            Truth(
                id=f"s{self._ids}",
                name=name,
                begun=self.now(),
                seconds=self.seconds.get(cluster, 60.0),
                ending=endings.pop(0) if endings else "COMPLETED",
            )
        )
        backup = {"id": f"s{self._ids}", "name": name}
        return httpx.Response(201, json={"backup": backup})
