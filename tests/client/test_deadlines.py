"""No call outlives its deadline: to the second in virtual time, and on a real wire."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

import tests.support.fault_server as faults
from css_snapshot import (
    CSSError,
    DrillReport,
    RequestTimeoutError,
    RetryPolicy,
    SnapshotPolicy,
    SnapshotService,
    WaitTimeoutError,
)
from css_snapshot.auth import AccessToken, AkSkAuth, Credentials, TokenAuth
from css_snapshot.auth.renewal import FETCH_LIMIT
from css_snapshot.fanout import State, Target, read_status
from tests.support.fault_server import FaultServer, Script
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]
Call = Callable[[SnapshotService], Awaitable[object]]

DEADLINE: Final = 7.0
NOISE: Final = 2.0
"""Seconds that a busy machine may be late by; the server would drip for ever."""

POLICY: Final = SnapshotPolicy(
    enabled=True, prefix="automatic", period="16:00 GMT+08:00", keep=7
)


async def all_covered(service: SnapshotService) -> object:
    return [covered async for covered in service.coverage(max_age=1.0)]


async def all_clusters(service: SnapshotService) -> object:
    return [cluster async for cluster in service.clusters()]


async def no_check(report: DrillReport) -> None:
    raise AssertionError("there was nothing to check")


CALLS: Final[dict[str, Call]] = {
    "create": lambda service: service.create("c1", "snapshot_001"),
    "ensure": lambda service: service.ensure("c1", "snapshot_001"),
    "list": lambda service: service.list("c1"),
    "get": lambda service: service.get("c1", "s1"),
    "find": lambda service: service.find("c1", "snapshot_001"),
    "delete": lambda service: service.delete("c1", "s1"),
    "prune": lambda service: service.prune("c1", keep=1),
    "restore": lambda service: service.restore("c1", "s1", target_cluster_id="c2"),
    "ensure_restored": lambda service: service.ensure_restored(
        "c1", "s1", target_cluster_id="c2"
    ),
    "drill": lambda service: service.drill("c1", into="c2", verify=no_check),
    "get_policy": lambda service: service.get_policy("c1"),
    "set_policy": lambda service: service.set_policy("c1", POLICY),
    "plan_policy": lambda service: service.plan_policy("c1", POLICY),
    "apply_policy": lambda service: service.apply_policy("c1", POLICY),
    "create_agency": lambda service: service.create_agency(
        domain_id="d1", domain_name="acme"
    ),
    "disable_policy": lambda service: service.disable_policy("c1"),
    "configure": lambda service: service.configure(
        "c1", bucket="css-backups", agency="css_obs_agency"
    ),
    "configure_automatically": lambda service: service.configure_automatically("c1"),
    "disable_snapshots": lambda service: service.disable_snapshots("c1"),
    "clusters": all_clusters,
    "coverage": all_covered,
    "cluster": lambda service: service.cluster("c1"),
}


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> Call:
    return CALLS[request.param]


class Slow(httpx.AsyncBaseTransport):
    """Answers the same to every request, so many seconds later; `None` never does."""

    def __init__(
        self,
        seconds: float | None,
        answer: Callable[[httpx.Request], httpx.Response] | None = None,
    ) -> None:
        self.requests = 0
        self._seconds = seconds
        self._answer = answer or (lambda _: httpx.Response(500))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self._seconds is None:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self._seconds or 0.0)
        return self._answer(request)


async def test_a_call_that_is_never_answered_ends_at_its_deadline(
    make_service: MakeService, virtual_time: VirtualTime, call: Call
) -> None:
    transport = Slow(None)
    service = make_service(
        transport, clock=virtual_time.clock, timeout=60.0, deadline=DEADLINE
    )

    with pytest.raises(CSSError):
        await call(service)

    assert virtual_time.elapsed == pytest.approx(DEADLINE)
    assert transport.requests == 1


@pytest.mark.parametrize("seconds", [0.0, 0.9, 2.0, 6.9])
@pytest.mark.parametrize("status", [500, 429, 503])
async def test_a_call_that_is_repeated_ends_by_its_deadline(
    *,
    make_service: MakeService,
    virtual_time: VirtualTime,
    call: Call,
    seconds: float,
    status: int,
) -> None:
    transport = Slow(seconds, lambda _: httpx.Response(status))
    service = make_service(
        transport,
        clock=virtual_time.clock,
        retry=RetryPolicy(
            statuses=frozenset({500, 429, 503}), attempts=99, random=lambda: 0.99
        ),
        timeout=60.0,
        deadline=DEADLINE,
    )

    with pytest.raises(CSSError):
        await call(service)

    assert virtual_time.elapsed <= DEADLINE + 1e-6
    assert transport.requests >= 1


async def test_what_a_call_looks_up_after_a_failure_is_within_its_deadline(
    make_service: MakeService, virtual_time: VirtualTime, call: Call
) -> None:
    answers = iter([500, 403, 409, 404])

    def reply(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json=_everything())
        return httpx.Response(next(answers, 500), json={"errCode": "CSS.0011"})

    service = make_service(
        Slow(3.0, reply), clock=virtual_time.clock, timeout=60.0, deadline=DEADLINE
    )

    with contextlib.suppress(CSSError):
        await call(service)

    assert virtual_time.elapsed <= DEADLINE + 1e-6


def _everything() -> dict[str, object]:
    """Answer whatever a reading call may ask for, with three snapshots to prune."""
    rows = [
        {
            "id": f"s{number}",
            "name": f"snapshot-{number}",
            "status": "COMPLETED",
            "backupType": "1",
            "backupMethod": "manual",
            "created": "2026-03-01T12:00:00",
            "totalShards": 1,
            "failedShards": 0,
        }
        for number in range(3)
    ]
    policy = {
        "keepday": 7,
        "period": "16:00 GMT+08:00",
        "prefix": "a",
        "enable": "true",
    }
    return {"backups": rows, "clusters": [], "totalSize": 0, "id": "c1", **policy}


async def test_waiting_ends_at_its_timeout_though_no_look_ever_ends(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    service = make_service(Slow(None), clock=virtual_time.clock, timeout=3600.0)

    with pytest.raises(WaitTimeoutError):
        await service.wait("c1", "s1", timeout=DEADLINE)
    assert virtual_time.elapsed == pytest.approx(DEADLINE)

    with pytest.raises(WaitTimeoutError):
        await service.wait_restored("c1", "s1", timeout=DEADLINE)
    assert virtual_time.elapsed == pytest.approx(2 * DEADLINE)


async def never(*, force_refresh: bool = False) -> AccessToken:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("never answered")


async def never_keys(*, force_refresh: bool = False) -> Credentials:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("never answered")


@pytest.mark.parametrize(
    "auth", [TokenAuth(never), AkSkAuth(never_keys)], ids=["token", "keys"]
)
async def test_credentials_that_never_come_end_a_call_at_its_deadline_unsent(
    make_service: MakeService, virtual_time: VirtualTime, auth: httpx.Auth, call: Call
) -> None:
    transport = Slow(0.0)
    service = make_service(
        transport, clock=virtual_time.clock, auth=auth, timeout=60.0, deadline=DEADLINE
    )

    with pytest.raises(CSSError) as caught:
        await call(service)

    assert caught.value.sent is False
    assert virtual_time.elapsed == pytest.approx(DEADLINE)
    assert transport.requests == 0
    await _close(auth)


async def test_a_renewal_that_hangs_has_a_limit_of_its_own(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    service = make_service(
        Slow(0.0), clock=virtual_time.clock, auth=TokenAuth(never), timeout=3600.0
    )

    with pytest.raises(RequestTimeoutError):
        await service.list("c1")

    assert virtual_time.elapsed == pytest.approx(FETCH_LIMIT)


async def _close(auth: httpx.Auth) -> None:
    """Stop the renewal that goes on for callers who may still come."""
    if isinstance(auth, TokenAuth | AkSkAuth):
        await auth.aclose()


class Stubborn(httpx.AsyncBaseTransport):
    """Never answers, and takes so many seconds to be cancelled."""

    def __init__(self, seconds: float) -> None:
        self.asked = asyncio.Event()
        self._seconds = seconds

    async def handle_async_request(
        self,
        request: httpx.Request,  # noqa: ARG002  # the same end for every request
    ) -> httpx.Response:
        self.asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            await asyncio.sleep(self._seconds)
            raise
        raise AssertionError("never answered")


@pytest.mark.parametrize(("stubborn", "taken"), [(0.0, 0.0), (0.5, 0.5), (99.0, 0.8)])
async def test_leaving_a_run_takes_less_than_a_second_however_stubborn_its_calls(
    *,
    make_service: MakeService,
    virtual_time: VirtualTime,
    tmp_path: Path,
    stubborn: float,
    taken: float,
) -> None:
    transport = Stubborn(stubborn)
    service = make_service(transport, clock=virtual_time.clock)
    journal = tmp_path / "nightly.db"
    targets = [Target(f"c{number}", "nightly") for number in range(9)]

    async with service.fan_out(targets, operation="create", journal=journal, limit=4):
        await transport.asked.wait()
        began = virtual_time.elapsed

    assert virtual_time.elapsed - began == pytest.approx(taken)
    assert read_status(journal).counts[State.INTENT] >= 1
    await asyncio.sleep(stubborn)


@pytest.mark.parametrize("operation", ["create", "ensure"])
async def test_a_run_of_calls_with_a_deadline_ends_by_it(
    make_service: MakeService, virtual_time: VirtualTime, operation: str
) -> None:
    service = make_service(
        Slow(None), clock=virtual_time.clock, timeout=60.0, deadline=DEADLINE
    )
    targets = [Target(f"c{number}", "nightly") for number in range(8)]

    async with service.fan_out(targets, operation=operation, limit=4) as run:  # type: ignore[arg-type]  # one of the two
        outcomes = [outcome async for outcome in run]

    assert len(outcomes) == 8
    assert virtual_time.elapsed == pytest.approx(2 * DEADLINE)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    async with FaultServer() as server:
        yield server


SLOW: Final = {
    "drip-body": faults.drip_body,
    "drip-head": faults.drip_head,
    "endless-interim": faults.endless_interim,
    "silent": faults.silent,
    "deaf": faults.deaf,
}
DRIPPED: Final[dict[str, Call]] = {
    **{name: CALLS[name] for name in ("create", "ensure", "list")},
    "wait": lambda service: service.wait("c1", "s1", timeout=0.1),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW)
async def test_no_call_waits_for_a_server_that_drips(
    *,
    server: FaultServer,
    transport_kind: str,
    make_transport: Callable[..., httpx.AsyncBaseTransport],
    make_service: MakeService,
    script: Script,
) -> None:
    server.plan(*[script] * 80)
    transport = make_transport(transport_kind)

    async def lateness(name: str) -> float:
        service = make_service(
            transport,
            endpoint=server.endpoint,
            timeout=60.0,
            deadline=None if name == "wait" else 0.1,
        )
        began = time.monotonic()
        with pytest.raises(CSSError):
            await DRIPPED[name](service)
        return time.monotonic() - began - 0.1

    late = await asyncio.gather(*map(lateness, DRIPPED))

    print(f"{late} seconds late")  # noqa: T201  # shown by `pytest -s`
    assert max(late) < NOISE
