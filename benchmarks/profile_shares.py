"""Where the time of a creation goes, by package."""

import asyncio
import cProfile
import pstats
from collections import Counter
from collections.abc import Mapping
from typing import Final

from benchmarks.contenders import CONTENDERS, OURS
from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import loopback_server
from benchmarks.section import Section

_IN_FLIGHT: Final = 50
_KINDS: Final = ("fast", "httpx")
# The first that is in a file's path is the one that counts.
_PARTS: Final[Mapping[str, str]] = {
    "css_snapshot/auth": "signing",
    "css_snapshot/transport": "our transport",
    "css_snapshot": "ours otherwise",
    "httpx": "httpx",
    "httpcore": "httpcore, h11, anyio",
    "h11": "httpcore, h11, anyio",
    "anyio": "httpcore, h11, anyio",
    "asyncio": "asyncio",
}
_REST: Final = "the rest, sockets and built-in functions among it"


def profile(effort: Effort) -> Section:
    """Measure, and return the section."""
    creates = effort.creates * effort.rounds
    shares = {OURS[kind]: _shares(OURS[kind], creates) for kind in _KINDS}
    columns = [*dict.fromkeys(_PARTS.values()), _REST]
    return Section(
        "Where the time goes",
        f"Share of CPU by package, in % (cProfile, {creates:,} creations with"
        f" {_IN_FLIGHT} in flight), which weighs calls of Python functions too heavily.",
        [
            table(
                ["", *columns],
                [
                    [name, *(f"{found[column]:.0f}" for column in columns)]
                    for name, found in shares.items()
                ],
            )
        ],
    )


def _shares(name: str, creates: int) -> Counter[str]:
    profiler = cProfile.Profile()

    async def work(endpoint: str) -> None:
        async with CONTENDERS[name](endpoint) as batch:
            await batch(_IN_FLIGHT, _IN_FLIGHT)
            profiler.enable()
            await batch(creates, _IN_FLIGHT)
            profiler.disable()

    with loopback_server() as endpoint:
        asyncio.run(work(endpoint))
    taken: Counter[str] = Counter()
    for (file, _, function), timed in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]  # documented, but not in typeshed
        if "select.epoll" not in function:  # which waits
            taken[_part_of(file)] += timed[2]
    whole = sum(taken.values())
    return Counter({part: 100 * time / whole for part, time in taken.items()})


def _part_of(file: str) -> str:
    path = file.replace("\\", "/")
    return next((part for word, part in _PARTS.items() if f"/{word}/" in path), _REST)
