"""The service against the emulated cloud: calls that belong together."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest

from css_snapshot import (
    BadRequestError,
    ClusterBusyError,
    RestoreStatus,
    SnapshotPolicy,
    SnapshotService,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorState, EmulatorTransport
from css_snapshot.fanout import Created, Target
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]

POLICY: Final = SnapshotPolicy(
    enabled=True, prefix="snapshot", period="16:00 GMT+08:00", keep=7
)


@pytest.fixture
def cloud(virtual_time: VirtualTime) -> EmulatorState:
    return EmulatorState(
        clusters=2,
        clock=lambda: virtual_time.now().timestamp(),
        build_seconds=120.0,
        restore_seconds=60.0,
    )


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


async def test_the_whole_life_of_a_snapshot(
    emulated: MakeService, cloud: EmulatorState
) -> None:
    service = emulated()
    source, target = cloud.cluster_ids
    progress: list[str] = []

    backup = await service.create(source, "nightly", indices="logs-*")
    with pytest.raises(ClusterBusyError):
        await service.create(source, "second")
    finished = await service.wait(
        source, backup.id, on_progress=lambda seen: progress.append(seen.status)
    )
    await service.restore(source, backup.id, target_cluster_id=target)
    restored = await service.wait_restored(source, backup.id)
    await service.delete(source, backup.id)

    assert finished.is_usable
    assert finished.duration == 120.0
    assert progress[0] == "BUILDING"
    assert progress[-1] == "COMPLETED"
    assert restored.restore_status is RestoreStatus.SUCCESS
    assert await service.list(source) == ()


async def test_ensuring_twice_creates_once(
    emulated: MakeService, cloud: EmulatorState
) -> None:
    service = emulated()
    source, _ = cloud.cluster_ids

    first = await service.ensure(source, "nightly")
    second = await service.ensure(source, "nightly")

    assert (first.how, second.how) == ("created", "adopted")
    assert first.backup == second.backup
    assert cloud.creations == 1


async def test_a_run_over_many_clusters_belongs_to_the_service(
    emulated: MakeService, cloud: EmulatorState
) -> None:
    targets = [Target(cluster_id, "nightly") for cluster_id in cloud.cluster_ids]

    async with emulated().fan_out(targets) as run:
        outcomes = [outcome async for outcome in run]

    assert [type(outcome) for outcome in outcomes] == [Created, Created]
    assert cloud.creations == 2


@pytest.mark.parametrize("naming", ["snake", "camel"])
@pytest.mark.parametrize("policy_api", ["v1", "v2"])
async def test_the_default_spelling_is_understood_by_old_and_new_sites(
    emulated: MakeService, cloud: EmulatorState, naming: Any, policy_api: str
) -> None:
    cloud.naming = naming
    service = emulated(policy_api=policy_api)
    source, target = cloud.cluster_ids
    cloud.add_snapshot(source, "nightly", age=500.0)
    (snapshot,) = await service.list(source)

    await service.configure(
        source,
        bucket=cloud.cluster(source).repository.bucket,
        agency="css_obs_agency",
        base_path="css_repository/mine",
    )
    await service.set_policy(source, POLICY)
    switched_on = await service.get_policy(source)
    await service.disable_policy(source)
    switched_off = await service.get_policy(source)
    await service.restore(source, snapshot.id, target_cluster_id=target)

    assert switched_on.enabled
    assert (switched_on.prefix, switched_on.keep) == ("snapshot", 7)
    assert switched_on.base_path == "css_repository/mine"
    assert not switched_off.enabled
    assert cloud.cluster(target).actions == ["RESTORING"]


@pytest.mark.parametrize(("names", "naming"), [("snake", "camel"), ("camel", "snake")])
async def test_the_wrong_spelling_alone_is_not_understood(
    emulated: MakeService, cloud: EmulatorState, names: str, naming: Any
) -> None:
    cloud.naming = naming
    source, target = cloud.cluster_ids
    cloud.add_snapshot(source, "nightly", age=500.0)
    service = emulated(wire_names=names)
    (snapshot,) = await service.list(source)

    with pytest.raises(BadRequestError):
        await service.restore(source, snapshot.id, target_cluster_id=target)


async def test_switching_off_deletes_automatic_ones_if_asked(
    emulated: MakeService, cloud: EmulatorState
) -> None:
    service = emulated()
    source, _ = cloud.cluster_ids
    await service.set_policy(source, POLICY)
    cloud.add_snapshot(source, "snapshot-1", automatic=True, age=900.0)
    cloud.add_snapshot(source, "mine", age=500.0)

    await service.disable_policy(source, delete_automatic=True)

    assert [snapshot.name for snapshot in await service.list(source)] == ["mine"]


async def test_the_function_is_switched_off_and_on_again(
    emulated: MakeService, cloud: EmulatorState
) -> None:
    service = emulated()
    source, _ = cloud.cluster_ids

    await service.disable_snapshots(source)
    off = (await service.cluster(source)).snapshot_readiness
    await service.disable_snapshots(source)
    await service.configure_automatically(source)
    on = (await service.cluster(source)).snapshot_readiness

    assert [reason.obstacle for reason in off.reasons] == ["switched off"]
    assert on


@pytest.mark.parametrize("paging", ["start", "offset"])
async def test_a_large_fleet_is_listed_whole(
    emulated: MakeService, cloud: EmulatorState, paging: Any
) -> None:
    cloud.paging = paging
    for _ in range(1500):
        cloud.add_cluster()

    ids = [cluster.id async for cluster in emulated().clusters()]

    assert sorted(ids) == sorted(cloud.cluster_ids)
    assert len(ids) == 1502


async def test_pruning_leaves_what_is_wanted(
    emulated: MakeService, cloud: EmulatorState
) -> None:
    source, _ = cloud.cluster_ids
    for day in range(1, 6):
        cloud.add_snapshot(source, f"nightly-{day}", age=day * 86400.0)
    cloud.add_snapshot(source, "automatic", automatic=True, age=9 * 86400.0)

    plan = await emulated().prune(source, keep=2, older_than=3.5 * 86400.0)

    assert [snapshot.name for snapshot in plan.delete] == ["nightly-5", "nightly-4"]
    left = {snapshot.name for snapshot in cloud.snapshots(source)}
    assert left == {"nightly-1", "nightly-2", "nightly-3", "automatic"}
