"""Automatic snapshots: when they are taken, which stay, and which are cancelled."""

from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from css_snapshot.emulator import AutomaticPolicy, EmulatedCluster, EmulatorState
from css_snapshot.emulator.cloud.schedule import due_times, last_clearing
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START, create
from tests.support.virtual_time import VirtualTime

HOUR = 3600.0
DAY = 24 * HOUR
BODY = {"enable": "true", "prefix": "auto", "keepday": 3}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _at(text: str) -> float:
    return _moment(text).timestamp()


def _names(state: EmulatorState, cluster_id: str) -> list[str]:
    return [row.name for row in state.snapshots(cluster_id)]


def _times(state: EmulatorState, cluster_id: str) -> list[str]:
    return [
        datetime.fromtimestamp(row.created, UTC).isoformat()[:16]
        for row in state.snapshots(cluster_id)
    ]


@pytest.mark.parametrize(
    ("period", "frequency", "first", "second"),
    [
        ("16:00 GMT+08:00", "HOUR", "2026-09-21T15:00", "2026-09-21T16:00"),
        ("16:00 GMT+08:00", "DAY", "2026-09-22T08:00", "2026-09-23T08:00"),
        ("23:00 GMT-03:00", "DAY", "2026-09-22T02:00", "2026-09-23T02:00"),
        ("05:00 GMT+05:30", "DAY", "2026-09-21T23:30", "2026-09-22T23:30"),
        # The 21st of September 2026 is a Monday; at 01:00 in the east it is Sunday.
        ("23:00 GMT+08:00", "MON", "2026-09-21T15:00", "2026-09-28T15:00"),
        ("01:00 GMT+08:00", "MON", "2026-09-27T17:00", "2026-10-04T17:00"),
        ("12:00 GMT+00:00", "TUE", "2026-09-22T12:00", "2026-09-29T12:00"),
        ("12:00 GMT+00:00", "WED", "2026-09-23T12:00", "2026-09-30T12:00"),
        ("12:00 GMT+00:00", "THU", "2026-09-24T12:00", "2026-10-01T12:00"),
        ("12:00 GMT+00:00", "FRI", "2026-09-25T12:00", "2026-10-02T12:00"),
        ("12:00 GMT+00:00", "SAT", "2026-09-26T12:00", "2026-10-03T12:00"),
        ("12:00 GMT+00:00", "SUN", "2026-09-27T12:00", "2026-10-04T12:00"),
        ("12:00 GMT+00:00", "WEEK", "2026-09-27T12:00", "2026-10-04T12:00"),
    ],
)
def test_a_policy_is_due_at_its_hour_in_its_zone(
    period: str, frequency: str, first: str, second: str
) -> None:
    policy = AutomaticPolicy(period=period, frequency=frequency)

    span = 8 * HOUR if frequency == "HOUR" else 14 * DAY
    due = list(due_times(policy, START, START + span))

    assert due[:2] == [_at(first), _at(second)]


def test_a_moment_is_due_once() -> None:
    policy = AutomaticPolicy(frequency="HOUR")
    noon = _at("2026-09-21T12:00")

    assert list(due_times(policy, noon - 1, noon)) == [noon]
    assert list(due_times(policy, noon, noon + 1)) == []
    assert list(due_times(policy, noon, noon - DAY)) == []


def test_a_clock_that_jumps_by_years_costs_no_more_than_the_latest_moments() -> None:
    policy = AutomaticPolicy(frequency="HOUR")
    now = _at("2026-09-21T12:00")

    due = list(due_times(policy, 0.0, now))

    assert len(due) == 200
    assert due[-1] == now


@pytest.mark.parametrize(
    ("moment", "clearing"),
    [
        ("2026-09-21T12:29:59", "2026-09-21T11:30"),
        ("2026-09-21T12:30:00", "2026-09-21T12:30"),
        ("2026-09-21T13:00:00", "2026-09-21T12:30"),
    ],
)
def test_what_is_too_many_is_cleared_at_half_past(moment: str, clearing: str) -> None:
    assert last_clearing(_at(moment)) == _at(clearing)


def test_snapshots_are_taken_while_nobody_looks(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    period = {"period": "16:00 GMT+08:00", "indices": "logs-*"}
    state.set_policy(cluster_id, {**BODY, **period})

    clock.advance(DAY)

    (snapshot,) = state.snapshots(cluster_id)
    assert snapshot.name == f"auto-{round(snapshot.created * 1000)}"
    assert _times(state, cluster_id) == ["2026-09-22T08:00"]
    assert (snapshot.automatic, snapshot.status) == (True, "COMPLETED")
    assert snapshot.indices == "logs-*"
    assert snapshot.policy == state.cluster(cluster_id).policy
    assert state.creations == 0


def test_a_due_snapshot_shows_at_once_and_keeps_its_cluster_busy(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.set_policy(cluster_id, {**BODY, "frequency": "HOUR"})

    clock.now = _moment("2026-09-21T15:00")

    assert state.get_cluster(cluster_id)["actions"] == ["SNAPSHOTTING"]
    page = state.list_clusters()["clusters"]
    assert isinstance(page, list)
    assert [row["actions"] for row in page].count(["SNAPSHOTTING"]) == 1


def test_the_newest_stay_and_the_others_go_at_half_past(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.set_policy(cluster_id, {**BODY, "frequency": "HOUR"})

    clock.now = _moment("2026-09-21T18:29")
    before = _times(state, cluster_id)
    clock.now = _moment("2026-09-21T18:30")

    assert before == [f"2026-09-21T{hour}:00" for hour in (15, 16, 17, 18)]
    assert _times(state, cluster_id) == before[1:]


def test_the_outcome_of_looking_often_is_that_of_looking_once(
    clock: ManualClock,
) -> None:
    often, once = (
        EmulatorState(clock=clock.timestamp),
        EmulatorState(clock=clock.timestamp),
    )
    cluster_id = often.cluster_ids[0]
    for state in (often, once):
        state.set_policy(cluster_id, {**BODY, "frequency": "HOUR"})

    for _ in range(100):
        clock.advance(0.7 * HOUR)
        often.list_snapshots(cluster_id)

    assert _names(often, cluster_id) == _names(once, cluster_id)
    assert len(_names(once, cluster_id)) in {3, 4}


def test_a_keepday_can_count_days(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, keepday_unit="days")
    cluster_id = state.cluster_ids[0]
    state.set_policy(cluster_id, {**BODY, "frequency": "HOUR", "keepday": 2})

    clock.advance(5 * DAY)

    oldest = min(row.created for row in state.snapshots(cluster_id))
    assert len(_names(state, cluster_id)) == 49
    assert oldest == _at("2026-09-24T14:00")


@pytest.mark.parametrize(("unit", "left"), [("snapshots", 2), ("days", 3)])
def test_what_is_due_at_half_past_counts_when_it_is_cleared(
    clock: ManualClock, unit: Any, left: int
) -> None:
    state = EmulatorState(clock=clock.timestamp, build_seconds=0.0, keepday_unit=unit)
    cluster_id = state.cluster_ids[0]
    # 05:00 in Kolkata is 23:30 in UTC.
    policy = {"period": "05:00 GMT+05:30", "keepday": 2}
    state.set_policy(cluster_id, {**BODY, **policy})

    clock.now = _moment("2026-09-25T23:30")

    assert len(_names(state, cluster_id)) == left


def test_only_snapshots_of_the_policys_own_frequency_are_cleared(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.set_policy(cluster_id, {**BODY, "keepday": 1})
    clock.advance(DAY)
    daily = _names(state, cluster_id)
    create(state, cluster_id, "manual")
    state.set_policy(cluster_id, {**BODY, "keepday": 1, "frequency": "HOUR"})

    clock.advance(DAY + HOUR / 2)

    assert _names(state, cluster_id)[:2] == [*daily, "manual"]
    assert len(_names(state, cluster_id)) == 3


@pytest.mark.parametrize("what", ["snapshot", "restoration into", "restoration of"])
def test_what_is_due_during_another_one_is_cancelled_silently(
    clock: ManualClock, what: str
) -> None:
    state = EmulatorState(
        clock=clock.timestamp, build_seconds=HOUR, restore_seconds=HOUR
    )
    busy, other, _third = state.cluster_ids
    old = state.add_snapshot(busy, "old-snapshot", age=2 * HOUR)
    foreign = state.add_snapshot(other, "foreign", age=2 * HOUR)
    state.set_policy(busy, {**BODY, "frequency": "HOUR"})

    clock.now = _moment("2026-09-21T14:30")
    if what == "snapshot":
        create(state, busy, "manual")
    elif what == "restoration into":
        state.restore_snapshot(other, foreign.id, {"target_cluster": busy})
    else:
        state.restore_snapshot(busy, old.id, {"target_cluster": other})
    clock.now = _moment("2026-09-21T16:10")

    automatic = [row for row in state.snapshots(busy) if row.automatic]
    assert [row.created for row in automatic] == [_at("2026-09-21T16:00")]


@pytest.mark.parametrize("change", [{"status": "303"}, {"backup_available": False}])
def test_a_cluster_that_cannot_be_backed_up_is_passed_over(
    clock: ManualClock, change: dict[str, object]
) -> None:
    policy = AutomaticPolicy(enabled=True, frequency="HOUR")
    cluster = EmulatedCluster(policy=policy, **change)  # type: ignore[arg-type]  # parametrized
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])

    clock.advance(DAY)

    assert state.snapshots(cluster.id) == ()


def test_a_policy_that_is_switched_off_takes_and_clears_nothing(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.set_policy(cluster_id, {**BODY, "frequency": "HOUR"})
    clock.advance(4 * HOUR)
    before = _names(state, cluster_id)
    state.close_policy(cluster_id)

    clock.advance(DAY)

    assert len(before) == 4
    assert _names(state, cluster_id) == before


def test_snapshots_of_the_policy_end_as_the_rules_have_it(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    state.outcomes.add("FAILED", name="auto-*")
    state.set_policy(cluster_id, BODY)
    clock.advance(2 * DAY)

    assert {row.status for row in state.snapshots(cluster_id)} == {"FAILED"}


async def test_time_is_that_of_the_clock_that_was_given(
    virtual_time: VirtualTime,
) -> None:
    now = virtual_time.clock.now
    state = EmulatorState(clock=lambda: now().timestamp())
    cluster_id = state.cluster_ids[0]
    state.set_policy(cluster_id, {**BODY, "frequency": "HOUR", "keepday": 90})

    await virtual_time.clock.sleep(10 * HOUR)

    assert len(state.snapshots(cluster_id)) == 10


def test_no_cluster_takes_more_than_the_emulator_bears(
    state: EmulatorState, cluster_id: str, clock: ManualClock
) -> None:
    one = state.add_snapshot(cluster_id, "old", age=HOUR)
    full = [attrs.evolve(one, id=str(number)) for number in range(10_000)]
    state.cluster(cluster_id).snapshots = full
    state.set_policy(cluster_id, {**BODY, "frequency": "HOUR"})

    clock.advance(DAY)

    assert len(state.snapshots(cluster_id)) == 10_000


@pytest.mark.parametrize(
    "change",
    [{"period": "16:30 GMT+08:00"}, {"frequency": "MONTH"}, {"keep_day": 0}],
    ids=str,
)
def test_a_policy_that_makes_no_sense_cannot_be_made(
    change: dict[str, object],
) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        AutomaticPolicy(**change)  # type: ignore[arg-type]  # what is tried
