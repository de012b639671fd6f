"""A process that reads one list and prints what that took, as JSON.

    python -m benchmarks.listing fast http://127.0.0.1:8080

Prints the longest time between two turns of the event loop in seconds (`block`), and
the peak of memory above that before, in bytes (`memory`).
"""

import asyncio
import json
import sys
import time
from typing import cast

import attrs

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
        watch = _Watch()
        watching = asyncio.create_task(watch.run())
        await asyncio.sleep(0)
        before = resident_memory()
        snapshots = await service.list(cluster_id)
        memory = (peak_memory() - before) * 1024
        watch.turn()
        watching.cancel()
    if not snapshots:
        raise RuntimeError("the list is empty")
    print(json.dumps({"block": watch.longest, "memory": memory}))


@attrs.define
class _Watch:
    """Keeps the longest time between two turns, as all would count as its memory.

    Attributes:
        longest: That, in seconds.
    """

    longest: float = 0.0
    _last: float = attrs.field(init=False, factory=time.perf_counter)

    async def run(self) -> None:
        while True:
            self.turn()
            await asyncio.sleep(0)

    def turn(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now


if __name__ == "__main__":
    asyncio.run(main(cast("TransportKind", sys.argv[1]), sys.argv[2]))
