"""A process that makes snapshots of a large fleet and prints what that took, as JSON.

    python -m benchmarks.fleet completed 100000

The fleet answers from memory, keeps nothing, and all its snapshots are complete at the
same moment, so that as many as a run watches at once are under way until then. Prints the peak of
memory in KiB (`peak`) and the CPU seconds (`cpu`).
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final

import attrs
import httpx

from benchmarks import creation
from benchmarks.memory_transport import created
from benchmarks.peak import peak_memory
from css_snapshot import Clock, SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.fanout import Target

LIMIT: Final = 100
BUILD_SECONDS: Final = 60.0

Way = Callable[[SnapshotService, int], Awaitable[None]]


@attrs.frozen(eq=False)
class _Fleet(httpx.AsyncBaseTransport):
    size: int
    now: Callable[[], float]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.method == "POST":
            return created()
        if request.url.path.endswith("/clusters"):
            return self._page(request.url.params)
        row = {
            "id": creation.SNAPSHOT,
            "name": creation.NAME,
            "status": "BUILDING" if self._is_building else "COMPLETED",
            "totalShards": 5,
            "failedShards": 0,
        }
        return httpx.Response(200, json={"backups": [row]})

    @property
    def _is_building(self) -> bool:
        return self.now() < BUILD_SECONDS

    def _page(self, asked: httpx.QueryParams) -> httpx.Response:
        start, limit = int(asked.get("start", "1")) - 1, int(asked["limit"])
        actions = ["SNAPSHOTTING"] if self._is_building else []
        shown = islice(creation.clusters(start), min(limit, self.size - start))
        rows = [{"id": one, "status": "200", "actions": actions} for one in shown]
        return httpx.Response(200, json={"clusters": rows, "totalSize": self.size})


def _targets(number: int) -> Iterator[Target]:
    for cluster_id in islice(creation.clusters(), number):
        yield Target(cluster_id, creation.NAME, indices=creation.INDICES)


async def _one_by_one(service: SnapshotService, number: int) -> None:
    for target in _targets(number):
        await service.create(target.cluster_id, target.name, indices=target.indices)


async def _gathered(service: SnapshotService, number: int) -> None:
    slots = asyncio.Semaphore(LIMIT)

    async def create(target: Target) -> None:
        async with slots:
            await service.create(target.cluster_id, target.name, indices=target.indices)

    await asyncio.gather(*map(create, _targets(number)))


async def _accepted(
    service: SnapshotService, number: int, journal: Path | None = None
) -> None:
    run = service.fan_out(
        _targets(number), operation="create", limit=LIMIT, journal=journal
    )
    async with run:
        async for _ in run:
            pass
    if run.summary.created != number:
        raise RuntimeError(f"not all were accepted: {run.summary}")


async def _completed(service: SnapshotService, number: int) -> None:
    run = service.fan_out(
        _targets(number), operation="create", until="completed", limit=LIMIT
    )
    async with run:
        async for _ in run:
            pass
    if run.summary.completed != number:
        raise RuntimeError(f"not all were completed: {run.summary}")


def _service(size: int, clock: Clock) -> SnapshotService:
    return SnapshotService(
        endpoint="https://css.example",
        project_id=creation.PROJECT,
        auth=AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY)),
        transport=_Fleet(size, clock.monotonic),
        clock=clock,
    )


def _journalled(journal: Path) -> Way:
    return lambda service, number: _accepted(service, number, journal)


_WAYS: Final[Mapping[str, Way]] = {
    "one-by-one": _one_by_one,
    "gathered": _gathered,
    "accepted": _accepted,
    "completed": _completed,
}


def main(way: str, number: int, journal: Path | None = None) -> None:
    """Make the snapshots, and print what that took."""
    work = _WAYS[way] if journal is None else _journalled(journal)
    began = time.process_time()
    if way == "completed":
        # Its pauses take no time; only this one needs what the tests do.
        from tests.support.virtual_time import VirtualTime, run  # noqa: PLC0415

        async def in_virtual_time(passing: VirtualTime) -> None:
            await work(_service(number, passing.clock), number)

        run(in_virtual_time)
    else:
        asyncio.run(_in_real_time(work, number))
    cpu = time.process_time() - began
    print(json.dumps({"peak": peak_memory(), "cpu": cpu}))


async def _in_real_time(work: Way, number: int) -> None:
    await work(_service(number, Clock()), number)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *map(Path, sys.argv[3:]))
