"""How snapshots end, and how much of that can be decided from outside."""

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState, OutcomeRule
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import create, refusal, rows


def _create_many(state: EmulatorState, clock: ManualClock, count: int) -> list[str]:
    cluster_id = state.cluster_ids[0]
    for number in range(count):
        create(state, cluster_id, f"snapshot-{number:03}")
        clock.advance(state.build_seconds)
    return [row.status for row in state.snapshots(cluster_id)]


def test_a_rule_holds_for_the_names_and_the_cluster_it_names(
    state: EmulatorState, clock: ManualClock
) -> None:
    first, second, _third = state.cluster_ids
    state.outcomes.add("FAILED", cluster_id=first, name="nightly-*")
    for cluster_id in (first, second):
        for name in ("nightly-1", "weekly-1"):
            create(state, cluster_id, name)
            clock.advance(2.0)

    ends = [
        [row.status for row in state.snapshots(cluster_id)]
        for cluster_id in (first, second)
    ]

    assert ends == [["FAILED", "COMPLETED"], ["COMPLETED", "COMPLETED"]]


def test_a_share_is_a_matter_of_seeded_chance(clock: ManualClock) -> None:
    def ends(seed: int) -> list[str]:
        state = EmulatorState(clock=clock.timestamp, seed=seed)
        state.outcomes.add("FAILED", share=0.25)
        return _create_many(state, clock, 100)

    first, again, other = ends(1), ends(1), ends(2)

    assert first == again
    assert first != other
    assert 15 <= first.count("FAILED") <= 35


def test_a_rule_ends_after_its_times_and_can_be_taken_back(
    state: EmulatorState, clock: ManualClock
) -> None:
    state.outcomes.add("FAILED", times=1)
    later = state.outcomes.add("PART_FAILED")
    state.outcomes.remove(OutcomeRule(outcome="PART_FAILED"))

    ends = _create_many(state, clock, 3)
    state.outcomes.remove(later)
    create(state, state.cluster_ids[0], "after-it")
    clock.advance(2.0)

    assert ends == ["FAILED", "PART_FAILED", "PART_FAILED"]
    assert state.snapshots(state.cluster_ids[0])[-1].status == "COMPLETED"
    assert len(state.outcomes) == 1
    state.outcomes.clear()
    assert len(state.outcomes) == 0


def test_the_queue_of_a_cluster_goes_before_the_rules(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.outcomes.add("FAILED")
    state.next_outcome(cluster_id, "COMPLETED")
    assert _create_many(state, clock, 2) == ["COMPLETED", "FAILED"]


@pytest.mark.parametrize(
    ("rule", "cluster", "seconds"), [(9.0, 5.0, 9.0), (None, 5.0, 5.0), (0.0, 5.0, 0.0)]
)
def test_what_is_said_of_one_snapshot_goes_before_its_cluster_and_the_options(
    clock: ManualClock, rule: float | None, cluster: float, seconds: float
) -> None:
    slow = EmulatedCluster(build_seconds=cluster)
    state = EmulatorState(clock=clock.timestamp, clusters=[slow, EmulatedCluster()])
    state.outcomes.add(build_seconds=rule, cluster_id=slow.id)

    for cluster_id in state.cluster_ids:
        create(state, cluster_id)

    lasting = [state.snapshots(one)[0].build_seconds for one in state.cluster_ids]
    assert lasting == [seconds, 2.0]


def test_a_partial_snapshot_has_the_shards_it_was_given(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.outcomes.add("PART_FAILED", total_shards=40, failed_shards=7)
    create(state, cluster_id)
    (building,) = rows(state, cluster_id)
    clock.advance(2.0)
    (ended,) = rows(state, cluster_id)

    assert (building["totalShards"], building["failedShards"]) == (40, 0)
    assert (ended["totalShards"], ended["failedShards"]) == (40, 7)


def test_a_vanishing_snapshot_is_gone_at_its_end_and_its_name_is_free(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.outcomes.add("VANISHED", times=1)
    create(state, cluster_id)
    (building,) = rows(state, cluster_id)
    clock.advance(2.0)

    assert building["status"] == "BUILDING"
    assert rows(state, cluster_id) == []
    assert state.snapshots(cluster_id) == ()
    create(state, cluster_id)


def test_a_snapshot_of_the_past_ends_as_it_is_told_and_leaves_the_queue_alone(
    state: EmulatorState, cluster_id: str
) -> None:
    state.next_outcome(cluster_id, "STUCK")
    rule = OutcomeRule(outcome="PART_FAILED", failed_shards=2, build_seconds=600.0)

    told = state.add_snapshot(cluster_id, "told", age=3600.0, outcome=rule)
    failed = state.add_snapshot(cluster_id, "failed", age=3600.0, outcome="FAILED")
    next_one = state.add_snapshot(cluster_id, "next", age=3600.0)

    assert (told.status, told.failed_shards) == ("PART_FAILED", 2)
    assert told.ends - told.created == 600.0
    assert failed.status == "FAILED"
    assert next_one.status == "BUILDING"


def test_the_name_of_a_failed_snapshot_is_free_once_it_is_deleted(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.outcomes.add("FAILED", times=1)
    snapshot_id = create(state, cluster_id)
    clock.advance(2.0)
    body = {"name": "snapshot_001"}

    burnt = refusal(state.create_snapshot, cluster_id, body)
    state.delete_snapshot(cluster_id, snapshot_id)
    create(state, cluster_id)

    assert burnt == (409, "CSS.0043")


@pytest.mark.parametrize(
    ("passed", "shown"), [(0.0, "0%"), (25.0, "25%"), (99.99, "99%")]
)
def test_the_progress_of_a_snapshot_is_in_its_clusters_row(
    clock: ManualClock, passed: float, shown: str
) -> None:
    state = EmulatorState(clock=clock.timestamp, build_seconds=100.0)
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)
    clock.advance(passed)

    row = state.get_cluster(cluster_id)

    assert row["actions"] == ["SNAPSHOTTING"]
    assert row["actionProgress"] == {"SNAPSHOTTING": shown}


def test_a_snapshot_that_never_ends_never_reaches_a_hundred_per_cent(
    clock: ManualClock,
) -> None:
    state = EmulatorState(clock=clock.timestamp, build_seconds=0.0)
    cluster_id = state.cluster_ids[0]
    state.outcomes.add("STUCK")
    create(state, cluster_id)
    clock.advance(3600.0)

    (snapshot,) = state.snapshots(cluster_id)
    assert snapshot.progress == 99
    state.delete_snapshot(cluster_id, snapshot.id)


def test_a_site_may_not_show_that_a_snapshot_is_built(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, show_snapshotting=False)
    cluster_id = state.cluster_ids[0]
    create(state, cluster_id)

    row = state.get_cluster(cluster_id)

    assert (row["actions"], row["actionProgress"]) == ([], {})
    busy = refusal(state.create_snapshot, cluster_id, {"name": "another"})
    assert busy == (409, "CSS.0011")
