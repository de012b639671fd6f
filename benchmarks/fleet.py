"""A process that creates snapshots of a large fleet, and tells its peak memory.

python -m benchmarks.fleet fan_out 100000
"""

import asyncio
import resource
import sys
from collections.abc import Iterator

import httpx

from benchmarks import creation
from css_snapshot import SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.fanout import Target

LIMIT = 100


class _Memory(httpx.AsyncBaseTransport):
    async def handle_async_request(
        self,
        request: httpx.Request,  # noqa: ARG002 - the interface has it
    ) -> httpx.Response:
        await asyncio.sleep(0)
        return httpx.Response(
            creation.CREATED,
            headers=list(creation.ANSWER_HEADERS),
            content=creation.ANSWER,
        )


def _targets(number: int) -> Iterator[Target]:
    for _, cluster_id in zip(range(number), creation.clusters(), strict=False):
        yield Target(cluster_id, creation.NAME, indices=creation.INDICES)


async def _fan_out(service: SnapshotService, number: int) -> None:
    run = service.fan_out(_targets(number), operation="create", limit=LIMIT)
    async with run:
        async for _ in run:
            pass
    if run.summary.created != number:
        raise RuntimeError(f"not all were created: {run.summary}")


async def _gather(service: SnapshotService, number: int) -> None:
    slots = asyncio.Semaphore(LIMIT)

    async def create(target: Target) -> None:
        async with slots:
            await service.create(target.cluster_id, target.name, indices=target.indices)

    await asyncio.gather(*map(create, _targets(number)))


async def _main(how: str, number: int) -> None:
    async with SnapshotService(
        endpoint="https://css.example",
        project_id=creation.PROJECT,
        auth=AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY)),
        transport=_Memory(),
    ) as service:
        await {"fan_out": _fan_out, "gather": _gather}[how](service, number)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
