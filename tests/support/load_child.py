"""A run of many targets in a process of its own, which prints what it cost.

    python load_child.py COUNT [JOURNAL]

The transport answers from memory and keeps nothing. Prints one line of JSON: the peak
of resident memory in KiB, CPU in microseconds per target, and how many were created.
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from css_snapshot.fanout import Target
from tests.support.fanout_bench import NAME, Cloud, snapshots_of


def peak_memory() -> int:
    """Return the peak of this process alone, in KiB.

    Where `/proc` is there, it is better than `getrusage`, which on Linux starts with
    the peak of the process that made this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found is not None:
            return int(found.group(1))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


async def source(count: int) -> AsyncIterator[Target]:
    for number in range(count):
        yield Target(f"c{number}", NAME)


async def main(count: int, journal: str | None) -> None:
    client = Cloud(forgetful=True).client()
    began = time.process_time()
    async with snapshots_of(
        client,
        source(count),
        operation="create",
        limit=200,
        journal=journal,
    ) as run:
        summary = await run.finish()
    cpu = (time.process_time() - began) / count * 1e6
    figures = {"peak": peak_memory(), "cpu": round(cpu), "created": summary.created}
    print(json.dumps(figures))  # noqa: T201  # for the parent


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None))
