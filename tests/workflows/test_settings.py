"""Policies and settings: applied as wanted, and looked for after a lost answer."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import attrs
import httpx
import pytest

from css_snapshot import (
    ForbiddenError,
    GatewayError,
    IndeterminateSettingsError,
    InternalServerError,
    SnapshotPolicy,
    SnapshotService,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorState, EmulatorTransport, Fault
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]
Call = Callable[[SnapshotService, str], Awaitable[object]]

POLICY: Final = SnapshotPolicy(
    enabled=True, prefix="nightly", period="16:00 GMT+08:00", keep=7
)
OFF: Final = SnapshotPolicy(enabled=False)
STORED: Final[dict[str, Any]] = {
    "bucket": "css-backups",
    "agency": "css_obs_agency",
    "base_path": "css/one",
    "max_snapshot_rate": "40MB",
    "max_restore_rate": "0",
}


@pytest.fixture
def cloud(virtual_time: VirtualTime) -> EmulatorState:
    return EmulatorState(
        clusters=1, clock=lambda: virtual_time.now().timestamp(), build_seconds=60.0
    )


@pytest.fixture
def cluster(cloud: EmulatorState) -> str:
    return cloud.cluster_ids[0]


@pytest.fixture
async def emulated(
    make_service: MakeService, cloud: EmulatorState, virtual_time: VirtualTime
) -> AsyncIterator[MakeService]:
    transport = EmulatorTransport(cloud)

    def make(**options: Any) -> SnapshotService:
        return make_service(
            transport,
            project_id=cloud.project_id,
            auth=TokenAuth(cloud.token),
            clock=virtual_time.clock,
            **options,
        )

    yield make
    await transport.aclose()


CHANGES: Final[dict[str, Call]] = {
    "set_policy": lambda service, at: service.set_policy(at, POLICY),
    "set_policy off": lambda service, at: service.set_policy(at, OFF),
    "apply_policy": lambda service, at: service.apply_policy(at, POLICY),
    "disable_policy": lambda service, at: service.disable_policy(at),
    "disable_policy and delete": lambda service, at: service.disable_policy(
        at, delete_automatic=True
    ),
    "configure": lambda service, at: service.configure(at, **STORED),
    "configure and policy": lambda service, at: service.configure(
        at, bucket="css-backups", agency="a", policy=POLICY
    ),
    "configure_automatically": lambda service, at: service.configure_automatically(at),
    "disable_snapshots": lambda service, at: service.disable_snapshots(at),
}
OPERATIONS: Final = {
    "set_policy": "set_policy",
    "set_policy off": "set_policy",
    "apply_policy": "set_policy",
    "disable_policy": "set_policy",
    "disable_policy and delete": "set_policy",
    "configure": "configure",
    "configure and policy": "configure",
    "configure_automatically": "configure_automatically",
    "disable_snapshots": "disable",
}


def prepare(name: str, cloud: EmulatorState, at: str) -> None:
    """Let a cluster be otherwise than the change makes it."""
    cluster = cloud.cluster(at)
    if name == "configure_automatically":
        cluster.backup_available = False
    if name in {"disable_policy", "disable_policy and delete", "set_policy off"}:
        cluster.policy = attrs.evolve(cluster.policy, enabled=True)
        cloud.add_snapshot(at, "automatic", automatic=True, age=900.0)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize(
    "fault",
    [
        Fault.status_after_commit(500),
        Fault.status_after_commit(502),
        Fault.status_after_commit(504),
        Fault.drop_after_commit(),
        Fault.reset_after_commit(),
        Fault.body(200, "<html>welcome</html>"),
    ],
    ids=["500", "502", "504", "dropped", "reset", "no answer"],
)
async def test_a_change_whose_answer_was_lost_is_found(
    emulated: MakeService, cloud: EmulatorState, cluster: str, name: str, fault: Fault
) -> None:
    prepare(name, cloud, cluster)
    cloud.faults.add(fault, operation=OPERATIONS[name], nth=1)

    await CHANGES[name](emulated(), cluster)

    assert cloud.counts[OPERATIONS[name]] == 1


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_that_does_not_show_is_unknown(
    *,
    emulated: MakeService,
    cloud: EmulatorState,
    cluster: str,
    virtual_time: VirtualTime,
    name: str,
) -> None:
    prepare(name, cloud, cluster)
    cloud.faults.add(Fault.status(502), operation=OPERATIONS[name], times=None)

    with pytest.raises(IndeterminateSettingsError, match="unknown") as caught:
        await CHANGES[name](emulated(), cluster)

    assert caught.value.cluster_id == cluster
    assert isinstance(caught.value.__cause__, GatewayError)
    assert cloud.counts[OPERATIONS[name]] == 1
    assert virtual_time.elapsed == pytest.approx(15.0)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_500_is_looked_into_and_repeated(
    emulated: MakeService, cloud: EmulatorState, cluster: str, name: str
) -> None:
    prepare(name, cloud, cluster)
    cloud.faults.add(Fault.status(500), operation=OPERATIONS[name], nth=1)

    await CHANGES[name](emulated(), cluster)

    assert cloud.counts[OPERATIONS[name]] == 2


@pytest.mark.parametrize("name", CHANGES)
async def test_a_500_that_stays_is_the_error(
    emulated: MakeService, cloud: EmulatorState, cluster: str, name: str
) -> None:
    prepare(name, cloud, cluster)
    cloud.faults.add(Fault.status(500), operation=OPERATIONS[name], times=None)

    with pytest.raises(InternalServerError):
        await CHANGES[name](emulated(), cluster)

    assert cloud.counts[OPERATIONS[name]] == 3


@pytest.mark.parametrize("name", CHANGES)
async def test_a_refusal_is_the_error_without_a_look(
    emulated: MakeService, cloud: EmulatorState, cluster: str, name: str
) -> None:
    prepare(name, cloud, cluster)
    cloud.faults.add(Fault.status(403), operation=OPERATIONS[name], times=None)

    with pytest.raises(ForbiddenError):
        await CHANGES[name](emulated(), cluster)

    assert cloud.counts["cluster"] == 0


@pytest.mark.parametrize("policy_api", ["v1", "v2"])
@pytest.mark.parametrize("policy", [POLICY, OFF], ids=["on", "off"])
async def test_a_policy_is_applied_once_and_read_back(
    emulated: MakeService,
    cloud: EmulatorState,
    cluster: str,
    policy_api: str,
    policy: SnapshotPolicy,
) -> None:
    service = emulated(policy_api=policy_api)
    prepare("set_policy off" if not policy.enabled else "", cloud, cluster)

    drift = await service.plan_policy(cluster, policy)
    first = await service.apply_policy(cluster, policy)
    second = await service.apply_policy(cluster, policy)

    assert drift["enabled"].want is policy.enabled
    assert (first, second) == ("changed", "unchanged")
    assert not await service.plan_policy(cluster, policy)
    sent = cloud.counts["set_policy"] + cloud.counts["open_policy"]
    assert sent + cloud.counts["close_policy"] == 1


@pytest.mark.parametrize("naming", ["snake", "camel"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"indices": "*"},
        {"indices": "a,b*"},
        {"frequency": "DAY"},
        {"frequency": "HOUR", "period": None},
        {"frequency": "SUN"},
        {"period": "00:00 GMT+08:00"},
    ],
    ids=repr,
)
async def test_what_was_set_has_not_drifted(
    *,
    emulated: MakeService,
    cloud: EmulatorState,
    cluster: str,
    naming: Any,
    changes: dict[str, Any],
) -> None:
    cloud.naming = naming
    service = emulated()
    policy = attrs.evolve(POLICY, **changes)

    await service.set_policy(cluster, policy)

    assert not await service.plan_policy(cluster, policy)
    assert await service.apply_policy(cluster, policy) == "unchanged"


async def test_a_policy_that_is_accepted_and_dropped_is_not_applied(
    emulated: MakeService,
    cloud: EmulatorState,
    cluster: str,
    virtual_time: VirtualTime,
) -> None:
    cloud.faults.add(
        Fault.body(200, '{"enable": "true", "prefix": "old", "keepday": 3}'),
        operation="get_policy",
        times=None,
    )

    with pytest.raises(IndeterminateSettingsError) as caught:
        await emulated().apply_policy(cluster, POLICY)

    assert "keep: have 3, want 7" in str(caught.value)
    assert virtual_time.elapsed == pytest.approx(15.0)


async def test_a_policy_may_take_a_while_to_be_read_back(
    emulated: MakeService,
    cloud: EmulatorState,
    cluster: str,
    virtual_time: VirtualTime,
) -> None:
    before = Fault.body(200, '{"enable": "false"}')
    for nth in (1, 2, 3):
        cloud.faults.add(before, operation="get_policy", nth=nth)
    cloud.faults.add(Fault.drop(), operation="get_policy", nth=4)

    assert await emulated().apply_policy(cluster, POLICY) == "changed"

    assert cloud.counts["set_policy"] == 1
    assert virtual_time.elapsed < 15.0


SHOWN: Final = {
    "enable": "false",
    "bucket": "css-backups",
    "agency": "css_obs_agency",
    "basePath": "css/one/",
    "snapshotCmkId": "k1",
    "maxSnapshotBytesPerSeconds": "40mb",
    "maxRestoreBytesPerSeconds": "0MB",
}


@pytest.mark.parametrize(
    ("changes", "backup_available", "is_found"),
    [
        ({}, True, True),
        ({}, None, True),
        ({}, False, False),
        ({"bucket": "other"}, True, False),
        ({"agency": "other"}, True, False),
        ({"basePath": "other"}, True, False),
        ({"basePath": None}, True, False),
        ({"snapshotCmkId": "k2"}, True, False),
        ({"snapshotCmkId": ""}, True, False),
        ({"maxSnapshotBytesPerSeconds": "41MB"}, True, False),
        ({"maxSnapshotBytesPerSeconds": "40GB"}, True, False),
        ({"maxSnapshotBytesPerSeconds": "40 M"}, True, False),
        ({"maxSnapshotBytesPerSeconds": None}, True, False),
        ({"maxSnapshotBytesPerSeconds": "40M"}, True, True),
        ({"maxRestoreBytesPerSeconds": "-1"}, True, True),
        ({"maxRestoreBytesPerSeconds": "1kb"}, True, False),
    ],
    ids=repr,
)
async def test_settings_are_found_if_all_that_was_sent_shows(
    *,
    make_service: MakeService,
    virtual_time: VirtualTime,
    changes: dict[str, Any],
    backup_available: bool | None,
    is_found: bool,
) -> None:
    row = {"id": "c1", "name": "one", "status": "200"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(504)
        if request.url.path.endswith("/policy"):
            return httpx.Response(200, json={**SHOWN, **changes})
        return httpx.Response(200, json={**row, "backupAvailable": backup_available})

    service = make_service(httpx.MockTransport(answer), clock=virtual_time.clock)
    configuring = service.configure("c1", **STORED, cmk_id="k1")

    if is_found:
        await configuring
    else:
        with pytest.raises(IndeterminateSettingsError):
            await configuring


@pytest.mark.parametrize("keep", [7, 8])
async def test_a_policy_that_was_sent_along_has_to_show(
    make_service: MakeService, virtual_time: VirtualTime, keep: int
) -> None:
    policy = {"enable": "true", "prefix": "nightly", "period": "16:00 GMT+08:00"}
    row = {"id": "c1", "name": "one", "status": "200", "keepday": keep}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(504)
        return httpx.Response(200, json={**SHOWN, **policy, **row})

    service = make_service(httpx.MockTransport(answer), clock=virtual_time.clock)
    configuring = service.configure(
        "c1", bucket="css-backups", agency="css_obs_agency", policy=POLICY
    )

    if keep == POLICY.keep:
        await configuring
    else:
        with pytest.raises(IndeterminateSettingsError):
            await configuring


async def test_what_was_not_sent_need_not_show(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(504)
        return httpx.Response(
            200, json={**SHOWN, "id": "c1", "name": "one", "status": "200"}
        )

    service = make_service(httpx.MockTransport(answer), clock=virtual_time.clock)

    await service.configure("c1", bucket="css-backups", agency="css_obs_agency")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("configure_automatically", None),
        ("disable_snapshots", None),
        ("disable_snapshots", True),
        ("configure_automatically", False),
    ],
)
async def test_a_switch_is_unknown_unless_the_site_shows_it(
    make_service: MakeService,
    virtual_time: VirtualTime,
    name: str,
    shown: bool | None,
) -> None:
    row = {"id": "c1", "name": "one", "status": "200", "backupAvailable": shown}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if request.method == "GET" else 502, json=row)

    service = make_service(httpx.MockTransport(answer), clock=virtual_time.clock)

    with pytest.raises(IndeterminateSettingsError):
        await CHANGES[name](service, "c1")


async def test_automatic_snapshots_that_are_left_show_that_it_was_not_done(
    emulated: MakeService, cloud: EmulatorState, cluster: str
) -> None:
    prepare("", cloud, cluster)
    cloud.add_snapshot(cluster, "automatic", automatic=True, age=900.0)
    cloud.faults.add(Fault.status(502), operation="set_policy", times=None)

    await emulated().disable_policy(cluster)
    with pytest.raises(IndeterminateSettingsError):
        await emulated().disable_policy(cluster, delete_automatic=True)
