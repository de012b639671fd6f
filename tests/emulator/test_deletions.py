"""Deleting and restoring emulated snapshots, without HTTP."""

from css_snapshot.emulator import EmulatorState
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import create, refusal, rows


def test_a_deleted_snapshot_is_unknown_to_a_second_delete(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    snapshot_id = create(state, cluster_id)
    clock.advance(2.0)

    state.delete_snapshot(cluster_id, snapshot_id)

    second = refusal(state.delete_snapshot, cluster_id, snapshot_id)
    assert second == (400, "CSS.5111")
    assert rows(state, cluster_id) == []


def test_a_snapshot_cannot_be_deleted_while_it_is_made(
    state: EmulatorState, cluster_id: str
) -> None:
    snapshot_id = create(state, cluster_id)
    early = refusal(state.delete_snapshot, cluster_id, snapshot_id)
    assert early == (409, "CSS.3004")


def test_automatic_snapshots_cannot_be_deleted_while_the_policy_is_on(
    state: EmulatorState, cluster_id: str
) -> None:
    policy = {"enable": "true", "prefix": "auto", "keepday": 3}
    state.set_policy(cluster_id, policy)
    snapshot = state.add_snapshot(cluster_id, "auto-1", automatic=True, age=60.0)
    (row,) = rows(state, cluster_id)

    refused = refusal(state.delete_snapshot, cluster_id, snapshot.id)
    state.close_policy(cluster_id)
    state.delete_snapshot(cluster_id, snapshot.id)

    assert (row["backupType"], row["backupMethod"]) == ("0", "auto")
    assert (row["backupKeepDay"], row["backupPeriod"]) == (3, "00:00 GMT+08:00")
    assert refused == (415, "CSS.0004")
    assert state.creations == 0


def test_a_restore_shows_in_the_snapshot_and_in_the_target(
    state: EmulatorState, clock: ManualClock
) -> None:
    source, target, _third = state.cluster_ids
    snapshot_id = create(state, source)
    clock.advance(2.0)

    state.restore_snapshot(source, snapshot_id, {"target_cluster": target})

    restoring = rows(state, source)[0]["restoreStatus"]
    actions = state.cluster(target).actions
    deletion = refusal(state.delete_snapshot, source, snapshot_id)
    clock.advance(2.0)
    assert restoring == "restoring"
    assert actions == ["RESTORING"]
    assert state.cluster(source).actions == []
    assert deletion == (409, "CSS.3004")
    assert rows(state, source)[0]["restoreStatus"] == "success"
    assert state.cluster(target).actions == []


def test_a_restore_can_be_made_to_fail(
    state: EmulatorState, clock: ManualClock
) -> None:
    source, target, _third = state.cluster_ids
    snapshot_id = create(state, source)
    clock.advance(2.0)
    state.next_restore(source, "failed")

    state.restore_snapshot(source, snapshot_id, {"target_cluster": target})
    clock.advance(2.0)

    assert rows(state, source)[0]["restoreStatus"] == "failed"


def test_what_is_not_complete_or_not_there_cannot_be_restored(
    state: EmulatorState, clock: ManualClock
) -> None:
    source, target, _third = state.cluster_ids
    body = {"target_cluster": target}
    state.next_outcome(source, "FAILED")
    snapshot_id = create(state, source)

    building = refusal(state.restore_snapshot, source, snapshot_id, body)
    clock.advance(2.0)
    failed = refusal(state.restore_snapshot, source, snapshot_id, body)
    unknown = refusal(state.restore_snapshot, source, "unknown", body)

    assert building == (409, "CSS.0011")
    assert failed == (400, "CSS.6012")
    assert unknown == (400, "CSS.5111")


def test_a_restore_is_refused_by_its_target(
    state: EmulatorState, clock: ManualClock
) -> None:
    source, target, _third = state.cluster_ids
    snapshot_id = create(state, source)
    clock.advance(2.0)
    create(state, target)

    busy = refusal(
        state.restore_snapshot, source, snapshot_id, {"target_cluster": target}
    )
    unknown = refusal(
        state.restore_snapshot, source, snapshot_id, {"target_cluster": "unknown"}
    )

    assert busy == (409, "CSS.0011")
    assert unknown == (403, "CSS.0015")
