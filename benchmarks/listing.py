"""A process that reads one list and prints what that took, as JSON.

    python -m benchmarks.listing fast http://127.0.0.1:8080

Prints the longest time between two turns of the event loop in seconds (`block`), and
the peak of memory above that before, in bytes (`memory`).
"""

import asyncio
import contextlib
import json
import sys
import time
from typing import cast

from benchmarks import creation
from benchmarks.peak import peak_memory, resident_memory
from css_snapshot import SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.transport.default import TransportKind


async def main(kind: TransportKind, endpoint: str) -> None:
    """Read the list, and print the figures."""
    cluster_id = next(creation.clusters())
    async with SnapshotService(
        endpoint=endpoint,
        project_id=creation.PROJECT,
        auth=AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY)),
        transport=kind,
    ) as service:
        turns: list[float] = []
        watch = asyncio.create_task(_watch(turns))
        await asyncio.sleep(0)
        before = resident_memory()
        snapshots = await service.list(cluster_id)
        memory = (peak_memory() - before) * 1024
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
    if not snapshots:
        raise RuntimeError("the list is empty")
    print(json.dumps({"block": _longest(turns), "memory": memory}))


async def _watch(turns: list[float]) -> None:
    while True:
        turns.append(time.perf_counter())
        await asyncio.sleep(0)


def _longest(turns: list[float]) -> float:
    ends = [*turns[1:], time.perf_counter()]
    return max(end - start for start, end in zip(turns, ends, strict=True))


if __name__ == "__main__":
    asyncio.run(main(cast("TransportKind", sys.argv[1]), sys.argv[2]))
