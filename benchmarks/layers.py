"""What our own layers cost when the transport answers from memory."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import httpx

from benchmarks import creation
from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.memory_transport import MemoryTransport, created
from benchmarks.rounds import Spread, cpu_seconds, interleaved
from benchmarks.section import Section
from css_snapshot import SnapshotService
from css_snapshot.api.decode import decode_backup
from css_snapshot.api.encode import encode_create
from css_snapshot.api.operations import CREATE_SNAPSHOT
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.client.attempt import attempt

_ENDPOINT = "https://css.cn-north-4.myhuaweicloud.com"
_REFERENCE = "one httpx.Request and one httpx.Response"


class _NoAuth(httpx.Auth):
    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        yield request


def layers(effort: Effort) -> Section:
    """Measure, and return the section."""
    with asyncio.Runner() as runner:
        samples = interleaved(_steps(runner, effort.repeats), effort.rounds * 2)
    whole = samples["create"]
    relative = Spread.of_ratios(whole, samples["reference"])
    rows = [
        [
            name,
            f"{Spread.of(times).scaled(1e6).median:.1f}",
            f"{Spread.of_ratios(times, whole).scaled(100).median:.0f}",
        ]
        for name, times in {**_shares(samples), "create": whole}.items()
    ]
    return Section(
        "Layers",
        f"CPU of a whole `create` over a transport in memory; {effort.rounds * 2}"
        f" rounds of {effort.repeats} (lowest to highest). Beside a bare aiohttp"
        ' POST it is in the table "Fan-out".',
        [
            table(["", "relative"], [[f"create / {_REFERENCE}", relative]]),
            table(["share of it", "µs", "%"], rows),
        ],
    )


def _shares(samples: Mapping[str, list[float]]) -> dict[str, list[float]]:
    whole = samples["create"]
    shares = {
        "model: validate, encode": samples["model"],
        "signing (AK/SK)": _less(whole, samples["create, not signed"]),
        "attempt: time limit, auth flow, reading": _less(
            samples["attempt"], samples["response"]
        ),
        "the transport: building its answer": samples["response"],
        "parse": samples["parse"],
    }
    shares["the rest: request, retry, deadline, verdict"] = [
        total - sum(parts)
        for total, *parts in zip(whole, *shares.values(), strict=True)
    ]
    return shares


def _steps(runner: asyncio.Runner, repeats: int) -> dict[str, Callable[[], float]]:
    def steps(work: Callable[[], Awaitable[object]]) -> Callable[[], float]:
        async def timed() -> float:
            began = time.process_time()
            for _ in range(repeats):
                await work()
            return (time.process_time() - began) / repeats

        return lambda: runner.run(timed())

    def loop(work: Callable[[], object]) -> Callable[[], float]:
        return lambda: cpu_seconds(work, repeats)

    signing = AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY))
    return {
        "reference": loop(lambda: (_request(), created())),
        "create": steps(_creating(signing)),
        "create, not signed": steps(_creating(_NoAuth())),
        "attempt": steps(_attempting()),
        "model": loop(_model),
        "response": loop(created),
        "parse": loop(lambda: decode_backup(creation.ANSWER)),
    }


def _creating(auth: httpx.Auth) -> Callable[[], Awaitable[object]]:
    service = SnapshotService(
        endpoint=_ENDPOINT,
        project_id=creation.PROJECT,
        auth=auth,
        transport=MemoryTransport(),
    )
    cluster_ids = creation.clusters()
    return lambda: service.create(
        next(cluster_ids), creation.NAME, indices=creation.INDICES
    )


def _attempting() -> Callable[[], Awaitable[object]]:
    request, auth, transport = _request(), _NoAuth(), MemoryTransport()
    return lambda: attempt(request, auth, transport, 30.0)


def _model() -> object:
    model = CreateSnapshotRequest(creation.NAME, indices=creation.INDICES)
    return CREATE_SNAPSHOT(cluster_id="ea244205", body=encode_create(model))


def _request() -> httpx.Request:
    return httpx.Request(
        "POST",
        _ENDPOINT + creation.path("ea244205-d641-45d9-9dcb-ab2236bcd07e"),
        headers=creation.HEADERS,
        content=creation.BODY,
    )


def _less(samples: list[float], others: list[float]) -> list[float]:
    return [one - other for one, other in zip(samples, others, strict=True)]
