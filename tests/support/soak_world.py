"""A soak: many creations with random faults and cancellations, and what is left.

    python tests/soak_world.py memory 200000
    python tests/soak_world.py socket 20000 [httpx|fast]

Prints one line of JSON: the figures of `Figures`. Everything random is seeded; what
the machine's timing adds is which of the calls a cancellation reaches in time.
"""

import asyncio
import gc
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import httpx

from css_snapshot import RetryPolicy, SnapshotService, default_transport
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import (
    EmulatorServer,
    EmulatorState,
    EmulatorTransport,
    Fault,
)
from css_snapshot.errors import CSSError
from css_snapshot.transport.default import TransportKind
from css_snapshot.workflows.verdict import may_have_created

FAULTS: Final = (
    *(Fault.status(500), Fault.status_after_commit(500), Fault.drop()),
    *(Fault.drop_after_commit(), Fault.reset(), Fault.reset_after_commit()),
    *(Fault.truncate(), Fault.garbage(), Fault.status(403), Fault.throttle()),
)
SHARE_OF_FAULTS: Final = 0.05
SHARE_CANCELLED: Final = 0.01
WORKERS: Final = 32
_BATCH: Final = 100
_STEPS: Final = 16

Transport = httpx.AsyncBaseTransport


@attrs.define(kw_only=True)
class Figures:
    """What a soak came to.

    Attributes:
        calls: Creations called.
        seconds: Wall-clock time of all of them.
        succeeded: Calls that answered a backup.
        cancelled: Calls that were cancelled.
        refused: Calls that ended in an error which proves that nothing was made.
        unclear: Calls that ended in an error which leaves it open.
        created: Snapshots that the cloud holds.
        missing: Successes whose snapshot the cloud does not hold.
        unexplained: Snapshots of a call that ended in neither of the ways that allow
            for one.
        duplicates: Names that the cloud holds more than once.
        tasks: Tasks left over, the soak's own taken off.
        descriptors: File descriptors more than before the first call.
        grown: KiB of resident memory more at the end than after a tenth of the calls.
    """

    calls: int = 0
    seconds: float = 0.0
    succeeded: int = 0
    cancelled: int = 0
    refused: int = 0
    unclear: int = 0
    created: int = 0
    missing: int = 0
    unexplained: int = 0
    duplicates: int = 0
    tasks: int = 0
    descriptors: int = 0
    grown: int = 0

    def count(self, ending: str) -> None:
        """Count a call by how it ended."""
        setattr(self, ending, getattr(self, ending) + 1)

    @property
    def lost(self) -> int:
        """Outcomes that the cloud contradicts."""
        return self.missing + self.unexplained + self.duplicates


class Soak:
    """Calls `create` over and over, and keeps no more of each call than a count.

    What the calls made is looked up, and taken out of the cloud, a hundred calls at a
    time, so that memory that grows is ours. A request of a cancelled call may arrive
    later than that, so the names of those are kept.

    Args:
        service: What is soaked.
        state: The cloud behind it.
    """

    def __init__(self, service: SnapshotService, state: EmulatorState) -> None:
        self._service = service
        self._state = state
        self._random = random.Random(0)  # noqa: S311  # repeatable chance is wanted
        self._cancelled: set[str] = set()
        self.figures = Figures()

    async def run(self, calls: int) -> None:
        """Make so many calls, several at a time, each worker in a cluster of its own.

        Args:
            calls: How many.
        """
        numbers = iter(range(self.figures.calls, self.figures.calls + calls))
        began = time.monotonic()
        async with asyncio.TaskGroup() as workers:
            for cluster_id in self._state.cluster_ids:
                workers.create_task(self._work(cluster_id, numbers))
        self.figures.seconds += time.monotonic() - began
        self.figures.calls += calls

    def look(self) -> None:
        """Compare once more, when nothing can arrive any more."""
        for cluster_id in self._state.cluster_ids:
            self._compare(cluster_id, {})

    async def _work(self, cluster_id: str, numbers: Iterator[int]) -> None:
        endings: dict[str, str] = {}
        for number in numbers:
            name = f"snapshot_{number:07d}"
            endings[name] = await self._call(cluster_id, name)
            if len(endings) == _BATCH:
                self._compare(cluster_id, endings)
                endings = {}
        self._compare(cluster_id, endings)

    async def _call(self, cluster_id: str, name: str) -> str:
        call = asyncio.ensure_future(self._service.create(cluster_id, name))
        if self._random.random() < SHARE_CANCELLED:
            self._cancelled.add(name)
            for _ in range(self._random.randrange(_STEPS)):
                await asyncio.sleep(0)
            call.cancel()
        await asyncio.wait([call])
        if call.cancelled():
            return "cancelled"
        error = call.exception()
        if error is None:
            return f"succeeded {call.result().id}"
        if not isinstance(error, CSSError):
            raise error
        own = any(map(may_have_created, (error, *error.earlier)))
        return "unclear" if own else "refused"

    def _compare(self, cluster_id: str, endings: Mapping[str, str]) -> None:
        """Compare what calls said with what the cloud holds, and empty it."""
        cluster = self._state.cluster(cluster_id)
        held = {snapshot.name: snapshot.id for snapshot in cluster.snapshots}
        figures = self.figures
        figures.created += len(cluster.snapshots)
        figures.duplicates += len(cluster.snapshots) - len(held)
        cluster.snapshots.clear()
        for name, ending in endings.items():
            word, _, backup = ending.partition(" ")
            figures.count(word)
            if word == "succeeded" and held.get(name) != backup:
                figures.missing += 1
            if word == "refused" and name in held:
                figures.unexplained += 1
        figures.unexplained += len(held.keys() - endings.keys() - self._cancelled)


def add_faults(state: EmulatorState) -> None:
    """Let one request in twenty go wrong, each way as often as the others."""
    # Of several that strike the first wins, so that the later ones have to be likelier.
    share = SHARE_OF_FAULTS / len(FAULTS)
    left = 1.0
    for fault in FAULTS:
        state.faults.add(fault, times=None, probability=share / left)
        left -= share


@asynccontextmanager
async def memory(state: EmulatorState) -> AsyncIterator[tuple[str, Transport]]:
    """Reach a cloud without a socket."""
    transport = EmulatorTransport(state)
    try:
        yield "https://css.example", transport
    finally:
        await transport.aclose()


@asynccontextmanager
async def socket(
    state: EmulatorState, kind: TransportKind = "httpx"
) -> AsyncIterator[tuple[str, Transport]]:
    """Reach a cloud over a socket.

    Args:
        state: The cloud.
        kind: The library underneath.
    """
    async with EmulatorServer(state) as server:
        transport = default_transport(kind, trust_env=False)
        try:
            yield server.endpoint, transport
        finally:
            await transport.aclose()


Way = Callable[[EmulatorState], AbstractAsyncContextManager[tuple[str, Transport]]]


async def soak(way: Way, calls: int) -> Figures:
    """Soak a service, and answer what it came to.

    Args:
        way: How to reach the cloud.
        calls: How many creations to call; a tenth of them settle the memory first.
    """
    await _soak(way, 1, _State())
    before = _State()
    soaked, grown = await _soak(way, calls, before)
    figures = soaked.figures
    soaked.look()
    # What closes a socket is a callback of the loop's next turn.
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()
    after = _State()
    figures.tasks = after.tasks - before.tasks
    figures.descriptors = after.descriptors - before.descriptors
    figures.grown = grown
    return figures


async def _soak(way: Way, calls: int, before: "_State") -> tuple[Soak, int]:
    state = EmulatorState(clusters=WORKERS, build_seconds=0.0)
    async with way(state) as (endpoint, transport):
        service = SnapshotService(
            endpoint=endpoint,
            project_id=state.project_id,
            auth=TokenAuth(state.token),
            transport=transport,
            retry=RetryPolicy(base=0.0),
        )
        soaked = Soak(service, state)
        add_faults(state)
        await soaked.run(max(1, calls // 10))
        settled = _State()
        await soaked.run(calls - soaked.figures.calls)
        grown = _State().resident - settled.resident
    return soaked, grown


class _State:
    """What a process holds at a moment: tasks, file descriptors, KiB of memory."""

    def __init__(self) -> None:
        gc.collect()
        self.tasks = len(asyncio.all_tasks())
        self.descriptors = len(list(Path("/proc/self/fd").iterdir()))
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.resident = pages * os.sysconf("SC_PAGE_SIZE") // 1024


async def main(way: str, calls: int, kind: TransportKind = "httpx") -> None:
    """Soak, and print the figures."""
    chosen: Way = memory if way == "memory" else partial(socket, kind=kind)
    figures = await soak(chosen, calls)
    print(json.dumps(attrs.asdict(figures)))  # noqa: T201  # for whoever started it


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4]))  # type: ignore[arg-type]  # a kind, or an error from below
