"""How many requests a fleet takes: to `Completed`, and to be looked over."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import attrs
import httpx

from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.section import CannotMeasureError, Section
from benchmarks.targets import COMPLETED, COVERAGE, COVERAGE_AT_ONCE
from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.fanout import Target

_TO_COMPLETE: Final = 300
_TO_COVER: Final = 1000
_LIMIT: Final = 16
_LATENCY: Final = 0.05
_BUILD_SECONDS: Final = 600.0
_PAGE: Final = 1000

Work = Callable[[SnapshotService, Sequence[str]], Awaitable[None]]


@attrs.define(eq=False)
class _Counted(httpx.AsyncBaseTransport):
    """Counts what goes through it, and lets each request take its time."""

    inner: httpx.AsyncBaseTransport
    requests: Counter[str] = attrs.field(factory=Counter)
    in_flight: int = 0
    most: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests[f"{request.method} {request.url.path.split('/')[-1]}"] += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(_LATENCY)
            return await self.inner.handle_async_request(request)
        finally:
            self.in_flight -= 1

    async def aclose(self) -> None:
        await self.inner.aclose()


def completed(_: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If the emulator or the tests can't be imported.
    """
    counted = _over_emulator(_TO_COMPLETE, _complete)
    created = counted.requests["POST index_snapshot"]
    lists = counted.requests["GET index_snapshots"]
    pages = counted.requests["GET clusters"]
    beyond = counted.requests.total() - created - 2 * _TO_COMPLETE
    return Section(
        "To `Completed`",
        f"Requests of one `fan_out` (ensure) of {_TO_COMPLETE} clusters with"
        f' until="completed" over the emulator in this process, in virtual time:'
        f" each snapshot builds for {_BUILD_SECONDS:.0f} s, an answer takes"
        f" {_LATENCY * 1000:.0f} ms. Counted, so once is enough.",
        [
            table(
                ["", "creations", "lists", "pages of clusters", "beyond, per cluster"],
                [["requests", created, lists, pages, f"{beyond / _TO_COMPLETE:.2f}"]],
            ),
        ],
        {COMPLETED: [beyond / _TO_COMPLETE]},
    )


def coverage(_: Effort) -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If the emulator or the tests can't be imported.
    """
    counted = _over_emulator(_TO_COVER, _cover)
    lists = counted.requests["GET index_snapshots"]
    pages = counted.requests["GET clusters"]
    beyond = counted.requests.total() - _TO_COVER - -(-_TO_COVER // _PAGE)
    return Section(
        "Coverage",
        f"Requests of one `coverage` of {_TO_COVER:,} clusters with `limit={_LIMIT}`"
        f" over the emulator in this process, in virtual time; {_PAGE:,} clusters"
        " are a page. Counted, so once is enough.",
        [
            table(
                ["", "lists", "pages of clusters", "beyond", "at once, at most"],
                [["requests", lists, pages, beyond, counted.most]],
            ),
        ],
        {COVERAGE: [beyond], COVERAGE_AT_ONCE: [counted.most]},
    )


async def _complete(service: SnapshotService, cluster_ids: Sequence[str]) -> None:
    run = service.fan_out(
        (Target(cluster_id, "nightly-1") for cluster_id in cluster_ids),
        until="completed",
        limit=100,
    )
    async with run:
        summary = await run.finish()
    if summary.completed != len(cluster_ids):
        raise RuntimeError(f"not all were completed: {summary}")


async def _cover(service: SnapshotService, cluster_ids: Sequence[str]) -> None:
    looked_at = [one async for one in service.coverage(max_age=86400.0, limit=_LIMIT)]
    if len(looked_at) != len(cluster_ids):
        raise RuntimeError(f"not all were looked at, but {len(looked_at)}")


def _over_emulator(clusters: int, work: Work) -> _Counted:
    try:
        from css_snapshot.emulator import (  # noqa: PLC0415  # an extra
            EmulatorState,
            EmulatorTransport,
        )
        from tests.support.virtual_time import VirtualTime, run  # noqa: PLC0415
    except ImportError as exc:
        raise CannotMeasureError(f"{exc.name} is not installed") from None

    async def scenario(time: VirtualTime) -> _Counted:
        state = EmulatorState(
            clusters=clusters, build_seconds=_BUILD_SECONDS, clock=time.monotonic
        )
        async with (
            _Counted(EmulatorTransport(state)) as counted,
            SnapshotService(
                endpoint="https://css.example",
                project_id=state.project_id,
                auth=TokenAuth(state.token),
                transport=counted,
                retry=RetryPolicy.none(),
                clock=time.clock,
            ) as service,
        ):
            await work(service, state.cluster_ids)
        return counted

    return run(scenario)
