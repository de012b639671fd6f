"""The life of an emulated snapshot, without HTTP."""

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import create, refusal, rows

BODY = {"name": "snapshot_001"}
_SAMPLE_FIELDS = [
    *("created", "updated", "datastore", "version", "id", "name", "description"),
    *("clusterId", "clusterName", "status", "backupType", "backupMethod"),
    *("backupExpectedStartTime", "backupKeepDay", "backupPeriod", "indices"),
    *("totalShards", "failedShards", "restoreStatus", "startTime", "endTime"),
    "bucketName",
]


def test_a_creation_answers_id_and_name_and_nothing_else(
    state: EmulatorState, cluster_id: str
) -> None:
    answer = state.create_snapshot(cluster_id, BODY)

    (snapshot,) = state.snapshots(cluster_id)
    assert answer == {"backup": {"id": snapshot.id, "name": "snapshot_001"}}
    assert state.creations == 1


def test_a_row_has_the_fields_of_the_vendors_sample_with_its_types(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.create_snapshot(
        cluster_id,
        {"name": "snapshot_001", "indices": ".kibana,website2", "description": "d"},
    )
    clock.advance(2.0)

    (row,) = rows(state, cluster_id)

    assert list(row) == _SAMPLE_FIELDS
    assert row["created"] == "2026-09-21T14:13:20"
    assert row["updated"] == "2026-09-21T14:13:22"
    assert row["startTime"] == 1_790_000_000_000
    assert row["endTime"] == 1_790_000_002_000
    assert row["datastore"] == {"type": "elasticsearch", "version": "7.10.2"}
    assert row["status"] == "COMPLETED"
    assert (row["backupType"], row["backupMethod"]) == ("1", "manual")
    assert (row["indices"], row["description"]) == (".kibana,website2", "d")
    assert (row["totalShards"], row["failedShards"]) == (6, 0)
    assert row["restoreStatus"] == "none"


def test_a_snapshot_is_building_until_its_time_is_up(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    create(state, cluster_id)

    clock.advance(1.999)
    (building,) = rows(state, cluster_id)
    actions = state.cluster(cluster_id).actions
    clock.advance(0.001)
    (completed,) = rows(state, cluster_id)

    assert (building["status"], building["endTime"]) == ("BUILDING", None)
    assert actions == ["SNAPSHOTTING"]
    assert completed["status"] == "COMPLETED"
    assert state.cluster(cluster_id).actions == []


@pytest.mark.parametrize(
    ("outcome", "failed_shards"), [("FAILED", 3), ("PART_FAILED", 1)]
)
def test_the_next_snapshot_ends_as_programmed_and_the_one_after_it_well(
    state: EmulatorState,
    cluster_id: str,
    clock: ManualClock,
    outcome: str,
    failed_shards: int,
) -> None:
    state.cluster(cluster_id).outcomes.append(outcome)  # type: ignore[arg-type]  # parametrized
    create(state, cluster_id, "first")
    clock.advance(2.0)
    create(state, cluster_id, "second")
    clock.advance(2.0)

    second, first = rows(state, cluster_id)

    assert (first["status"], first["failedShards"]) == (outcome, failed_shards)
    assert (second["status"], second["failedShards"]) == ("COMPLETED", 0)


def test_a_stuck_snapshot_keeps_its_cluster_busy_until_it_is_deleted(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.next_outcome(cluster_id, "STUCK")
    snapshot_id = create(state, cluster_id)
    clock.advance(86400.0)
    busy = refusal(state.create_snapshot, cluster_id, {"name": "another"})

    state.delete_snapshot(cluster_id, snapshot_id)

    assert busy == (409, "CSS.0011")
    assert state.cluster(cluster_id).actions == []


def test_the_list_shows_the_newest_first_even_within_one_second(
    cluster_id: str, clock: ManualClock
) -> None:
    state = EmulatorState(clock=clock.timestamp, busy_lock=False)
    for name in ("first", "second", "third"):
        create(state, cluster_id, name)

    names = [row["name"] for row in rows(state, cluster_id)]

    assert names == ["third", "second", "first"]


def test_a_new_snapshot_shows_only_after_the_lag(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, list_lag=5.0)
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)

    clock.advance(4.999)
    early = rows(state, cluster_id)
    clock.advance(0.001)

    assert early == []
    assert len(rows(state, cluster_id)) == 1


def test_a_vanished_snapshot_is_gone_and_its_name_free(
    state: EmulatorState, cluster_id: str
) -> None:
    snapshot_id = create(state, cluster_id)

    state.vanish(cluster_id, snapshot_id)

    assert rows(state, cluster_id) == []
    assert create(state, cluster_id) != snapshot_id


def test_an_unknown_cluster_is_403_and_not_404(state: EmulatorState) -> None:
    assert refusal(state.create_snapshot, "unknown", BODY) == (403, "CSS.0015")
    assert refusal(state.list_snapshots, "unknown") == (403, "CSS.0015")
    assert refusal(state.get_cluster, "unknown") == (403, "CSS.0015")


def test_a_taken_name_is_refused_on_its_cluster_only(
    state: EmulatorState, clock: ManualClock
) -> None:
    first, second, _third = state.cluster_ids
    create(state, first)
    clock.advance(2.0)

    assert refusal(state.create_snapshot, first, BODY) == (409, "CSS.0043")
    create(state, second)
    assert state.creations == 2


def test_a_failed_snapshot_still_holds_its_name(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.next_outcome(cluster_id, "FAILED")
    create(state, cluster_id)
    clock.advance(2.0)

    assert refusal(state.create_snapshot, cluster_id, BODY) == (409, "CSS.0043")


def test_names_may_repeat_where_uniqueness_is_off(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, unique_names=False, busy_lock=False)
    cluster_id = state.cluster_ids[0]

    first, second = create(state, cluster_id), create(state, cluster_id)

    assert first != second
    assert len(rows(state, cluster_id)) == 2


@pytest.mark.parametrize("status", [409, 202])
def test_a_busy_cluster_refuses_another_with_the_status_asked_for(
    clock: ManualClock, status: int
) -> None:
    state = EmulatorState(clock=clock.timestamp, busy_status=status)
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)

    another = refusal(state.create_snapshot, cluster_id, {"name": "another"})

    assert another == (status, "CSS.0011")
    assert state.creations == 1


@pytest.mark.parametrize(
    ("conflict_first", "code"), [(True, "CSS.0043"), (False, "CSS.0011")]
)
def test_whether_a_repetition_meets_its_name_or_the_lock_first_can_be_chosen(
    clock: ManualClock, conflict_first: bool, code: str
) -> None:
    state = EmulatorState(clock=clock.timestamp, conflict_first=conflict_first)
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)

    assert refusal(state.create_snapshot, cluster_id, BODY) == (409, code)


def test_a_taken_name_is_noticed_on_an_idle_cluster_too(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, conflict_first=False)
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)
    clock.advance(2.0)

    assert refusal(state.create_snapshot, cluster_id, BODY) == (409, "CSS.0043")


def test_the_quota_counts_what_the_cluster_holds(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, quota=1)
    first, second, _third = state.cluster_ids
    snapshot_id = create(state, first)
    clock.advance(2.0)

    full = refusal(state.create_snapshot, first, {"name": "another"})
    create(state, second)
    state.delete_snapshot(first, snapshot_id)
    create(state, first, "another")

    assert full == (413, "CSS.0030")


def test_options_changed_later_take_effect_at_once(
    state: EmulatorState, cluster_id: str
) -> None:
    state.quota = 0
    assert refusal(state.create_snapshot, cluster_id, BODY) == (413, "CSS.0030")


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        (EmulatedCluster(backup_available=False), (415, "CSS.0004")),
        (EmulatedCluster(engine="logstash"), (415, "CSS.5108")),
        (EmulatedCluster(status="303"), (400, "CSS.5090")),
    ],
    ids=["snapshots off", "logstash", "unavailable"],
)
def test_a_cluster_that_cannot_be_backed_up_refuses(
    clock: ManualClock, cluster: EmulatedCluster, expected: tuple[int, str]
) -> None:
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])
    assert refusal(state.create_snapshot, cluster.id, BODY) == expected
    assert rows(state, cluster.id) == []


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="engine"):
        EmulatedCluster(engine="solr")


def test_equal_seeds_give_equal_ids() -> None:
    first, second, other = (EmulatorState(seed=seed) for seed in (7, 7, 8))
    assert first.cluster_ids == second.cluster_ids
    assert create(first, first.cluster_ids[0]) == create(second, second.cluster_ids[0])
    assert first.cluster_ids != other.cluster_ids


def test_the_state_shows_none_of_its_secrets(state: EmulatorState) -> None:
    pair = state.credentials.temporary_pair(900)
    shown = repr(state) + repr(pair) + repr(state.credentials.issue_token(None))
    assert state.secret_key not in shown
    assert pair.secret_key not in shown
    assert str(pair.security_token) not in shown
