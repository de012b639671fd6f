"""A complete test file of a user of css_snapshot."""

import pytest

from css_snapshot import CSSError, IndeterminateCreateError, SnapshotService
from css_snapshot.emulator import EmulatorState, Fault, Faults

pytestmark = pytest.mark.asyncio


async def back_up(snapshots: SnapshotService, day: str) -> dict[str, str]:
    """The code under test: back up every cluster, and say how each one went."""
    report: dict[str, str] = {}
    async for cluster in snapshots.clusters():
        try:
            ensured = await snapshots.ensure(cluster.id, f"nightly-{day}")
            await snapshots.wait(cluster.id, ensured.backup.id)
            report[cluster.id] = ensured.how
        except CSSError as error:
            report[cluster.id] = type(error).__name__
    return report


async def test_every_cluster_is_backed_up(
    css_service: SnapshotService, css_emulator: EmulatorState
) -> None:
    report = await back_up(css_service, "20260307")

    assert report == dict.fromkeys(css_emulator.cluster_ids, "created")
    for cluster_id in css_emulator.cluster_ids:
        (snapshot,) = css_emulator.snapshots(cluster_id)
        assert snapshot.name == "nightly-20260307"


async def test_a_lost_answer_makes_no_second_snapshot(
    css_service: SnapshotService, css_emulator: EmulatorState, css_faults: Faults
) -> None:
    unlucky = css_emulator.cluster_ids[0]
    css_faults.add(Fault.drop_after_commit(), operation="create", cluster_id=unlucky)

    report = await back_up(css_service, "20260307")

    assert report[unlucky] == "adopted"
    assert len(css_emulator.snapshots(unlucky)) == 1


@pytest.mark.css_emulator(clusters=1, build_seconds=3600.0, list_lag=8.0)
async def test_an_hour_of_waiting_takes_no_time(
    css_service: SnapshotService, css_emulator: EmulatorState
) -> None:
    (cluster_id,) = css_emulator.cluster_ids
    backup = await css_service.create(cluster_id, "nightly-20260307")

    snapshot = await css_service.wait(cluster_id, backup.id)

    assert snapshot.is_usable


@pytest.mark.css_emulator(clusters=1, socket=True)
async def test_over_a_real_connection_that_always_breaks(
    css_service: SnapshotService, css_emulator: EmulatorState, css_faults: Faults
) -> None:
    css_faults.add(Fault.reset(), operation="create", times=None)
    (cluster_id,) = css_emulator.cluster_ids

    with pytest.raises(IndeterminateCreateError):
        await css_service.ensure(cluster_id, "nightly-20260307")

    assert css_emulator.creations == 0


async def test_one_refusal_does_not_stop_the_others(
    css_service: SnapshotService, css_emulator: EmulatorState, css_faults: Faults
) -> None:
    refused = css_emulator.cluster_ids[1]
    css_faults.add(Fault.status(403), operation="create", cluster_id=refused)

    report = await back_up(css_service, "20260307")

    assert sorted(report.values()) == ["ForbiddenError", "created", "created"]
