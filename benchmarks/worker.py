"""A process that is one contender, and tells what a batch cost it.

    python -m benchmarks.worker "aiohttp, bare" http://127.0.0.1:8080

It prints a line when it is ready. Each line it then reads, `creates in_flight`, is a
batch, answered by a line of JSON: CPU seconds of this process (user and system, all
threads) and wall-clock seconds.
"""

import asyncio
import gc
import json
import resource
import sys
import time

from benchmarks.contenders import CONTENDERS, Open
from benchmarks.file_limit import raise_file_limit


def _opener(name: str) -> Open:
    if name in CONTENDERS:
        return CONTENDERS[name]
    from benchmarks.pools import POOLS  # noqa: PLC0415  # httpx is not in every process

    return POOLS[name]


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def work(name: str, endpoint: str) -> None:
    """Carry out the batches that come in, until there are no more."""
    raise_file_limit()
    async with _opener(name)(endpoint) as batch:
        print("ready", flush=True)
        for line in sys.stdin:
            creates, in_flight = map(int, line.split())
            gc.collect()
            cpu, wall = _cpu(), time.perf_counter()
            await batch(creates, in_flight)
            cost = {"cpu": _cpu() - cpu, "wall": time.perf_counter() - wall}
            print(json.dumps(cost), flush=True)


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
