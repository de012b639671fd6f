"""Retention: as restic's `forget`, and what no rule may ever do."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from css_snapshot import (
    BackupType,
    RequestValidationError,
    RestoreStatus,
    Retention,
    Snapshot,
    SnapshotStatus,
)

VECTORS: Final = json.loads(
    (Path(__file__).with_name("restic_forget.json")).read_text()
)
NOON: Final = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BERLIN: Final = ZoneInfo("Europe/Berlin")


def snapshot(id_: str, begun: datetime | None = NOON, **changes: Any) -> Snapshot:
    plain = Snapshot(
        id=id_,
        name=f"nightly-{id_}",
        status=SnapshotStatus.COMPLETED,
        backup_type=BackupType.MANUAL,
        start_time=begun,
        total_shards=4,
        failed_shards=0,
        restore_status=RestoreStatus.NONE,
    )
    return attrs.evolve(plain, **changes)


def ids(snapshots: Iterable[Snapshot]) -> list[str]:
    return [row.id for row in snapshots]


def daily(*days: int, **changes: Any) -> list[Snapshot]:
    """Make one snapshot at noon on each of so many days ago."""
    return [snapshot(f"d{day}", NOON - timedelta(days=day), **changes) for day in days]


@pytest.mark.parametrize(
    "case",
    VECTORS["cases"],
    ids=lambda case: f"{case['times']} {json.dumps(case['keep'])}",
)
def test_it_keeps_what_restic_keeps(case: dict[str, Any]) -> None:
    rules = dict(case["keep"])
    if "within" in rules:
        rules["within"] = timedelta(hours=rules["within"])
    times = VECTORS[case["times"]]
    rows = [snapshot(text, datetime.fromisoformat(text)) for text in times]

    plan = Retention(**rules, timezone=case["timezone"]).plan(rows)

    kept = {times[position] for position in case["kept"]}
    assert {kept.snapshot.id for kept in plan.keep} == kept
    assert set(ids(plan.delete)) == {*times} - kept
    assert plan.untouched == ()


def test_what_goes_is_in_order_and_what_stays_says_why() -> None:
    rows = daily(3, 1, 0, 2, 4)

    plan = Retention(last=1, daily=2, within=timedelta(days=1)).plan(rows)

    assert [(kept.snapshot.id, kept.reasons) for kept in plan.keep] == [
        ("d0", ("last", "daily", "within")),
        ("d1", ("daily",)),
    ]
    assert ids(plan.delete) == ["d4", "d3", "d2"]


def test_the_newest_ones_stay_whatever_the_rules_say() -> None:
    rows = daily(0, 1, 2, 3)

    plan = Retention(last=1, at_least=3).plan(rows)

    assert [(kept.snapshot.id, kept.reasons) for kept in plan.keep] == [
        ("d0", ("last",)),
        ("d1", ("at least",)),
        ("d2", ("at least",)),
    ]


def test_all_go_only_if_it_is_said_twice() -> None:
    rows = daily(0, 1)

    assert ids(Retention(at_least=0).plan(rows).delete) == ["d1", "d0"]
    assert ids(Retention(last=1, at_least=0).plan(rows).delete) == ["d1"]


@pytest.mark.parametrize("spoiled", ["FAILED", "PART_FAILED", "COMPLETED"])
def test_spoiled_ones_push_nothing_out_and_go_when_a_newer_one_is_good(
    spoiled: str,
) -> None:
    bad = {"status": SnapshotStatus(spoiled), "failed_shards": 1}
    rows = [*daily(2, 3), *daily(0, 1, **bad), *daily(4, **bad)]

    plan = Retention(last=1).plan(rows)

    assert [kept.snapshot.id for kept in plan.keep] == ["d2"]
    assert ids(plan.delete) == ["d4", "d3"]
    assert [(row.id, why) for row, why in plan.untouched] == [
        ("d0", "failed, with no newer usable one"),
        ("d1", "failed, with no newer usable one"),
    ]


def test_a_spoiled_one_of_the_same_time_is_evidence() -> None:
    rows = [snapshot("good"), snapshot("zbad", status=SnapshotStatus.FAILED)]

    assert Retention(last=1).plan(rows).delete == ()


def test_without_any_usable_one_nothing_goes() -> None:
    rows = daily(0, 1, 2, status=SnapshotStatus.FAILED)

    assert Retention(last=1, at_least=0).plan(rows).delete == ()


UNTOUCHED: Final = {
    "automatic": {"backup_type": BackupType.AUTOMATIC},
    "not known to be manual": {"backup_type": BackupType("2")},
    "name does not start with nightly-": {"name": "weekly-1"},
    "building": {"status": SnapshotStatus.BUILDING},
    "status ARCHIVING": {"status": SnapshotStatus("ARCHIVING")},
    "being restored": {"restore_status": RestoreStatus.RESTORING},
    "restore status waiting": {"restore_status": RestoreStatus("waiting")},
    "no start time": {"start_time": None},
}


@pytest.mark.parametrize(("why", "changes"), UNTOUCHED.items())
@pytest.mark.parametrize("day", [0, 9])
def test_some_are_left_alone_and_do_not_count(
    why: str, changes: dict[str, Any], day: int
) -> None:
    odd = snapshot("odd", NOON - timedelta(days=day))
    rows = [attrs.evolve(odd, **changes), *daily(1, 2)]

    plan = Retention(last=1).plan(rows, prefix="nightly-")

    assert [(row.id, text) for row, text in plan.untouched] == [("odd", why)]
    assert [kept.snapshot.id for kept in plan.keep] == ["d1"]
    assert ids(plan.delete) == ["d2"]


@pytest.mark.parametrize("status", ["success", "failed", "none"])
def test_a_restoration_that_is_over_protects_nothing(status: str) -> None:
    rows = [*daily(0), *daily(1, restore_status=RestoreStatus(status))]

    assert ids(Retention(last=1).plan(rows).delete) == ["d1"]


def test_a_row_shown_twice_counts_once() -> None:
    rows = [*daily(0), *daily(0), *daily(1)]

    plan = Retention(last=2).plan(rows)

    assert [kept.snapshot.id for kept in plan.keep] == ["d0", "d1"]
    assert plan.delete == ()


def test_a_row_shown_twice_and_differently_is_left_alone() -> None:
    rows = [*daily(0, 5), *daily(5, status=SnapshotStatus.BUILDING)]

    for order in (rows, rows[::-1]):
        plan = Retention(last=1).plan(order)
        assert [(row.id, row.status, why) for row, why in plan.untouched] == [
            ("d5", "BUILDING", "shown twice, and not alike")
        ]
        assert plan.delete == ()


def test_only_what_began_before_a_time_goes() -> None:
    rows = [*daily(0, 1, 2, 3), *daily(4, status=SnapshotStatus.FAILED)]

    plan = Retention(last=1).plan(rows, before=NOON - timedelta(days=2))

    assert ids(plan.delete) == ["d4", "d3"]
    assert [(row.id, why) for row, why in plan.untouched] == [
        ("d1", "too recent to go"),
        ("d2", "too recent to go"),
    ]


def test_what_is_left_alone_is_in_order() -> None:
    odd = {"backup_type": BackupType.AUTOMATIC}
    rows = [snapshot("b", None, **odd), *daily(2, 0, 1, **odd), snapshot("c", None)]

    plan = Retention(last=1).plan(rows)

    assert [row.id for row, _ in plan.untouched] == ["d0", "d1", "d2", "c", "b"]


def test_the_start_decides_and_the_creation_where_there_is_none() -> None:
    rows = [
        snapshot("new", NOON, created=NOON - timedelta(days=9)),
        snapshot("old", None, created=NOON - timedelta(days=1)),
    ]

    assert ids(Retention(last=1).plan(rows).delete) == ["old"]


def test_of_two_of_one_time_it_is_always_the_same_one_that_stays() -> None:
    rows = [snapshot("a"), snapshot("b")]

    assert ids(Retention(daily=1).plan(rows).delete) == ["a"]
    assert ids(Retention(daily=1).plan(rows[::-1]).delete) == ["a"]


def test_within_is_counted_from_the_newest_usable_one_in_real_hours() -> None:
    # The clock goes back at 3:00 that day, so these are 25 hours apart.
    newest = datetime(2026, 10, 25, 12, 0, tzinfo=BERLIN)
    rows = [
        snapshot("bad", newest + timedelta(days=9), status=SnapshotStatus.FAILED),
        snapshot("new", newest),
        snapshot("old", datetime(2026, 10, 24, 12, 0, tzinfo=BERLIN)),
    ]

    def gone(hours: int) -> list[str]:
        within = timedelta(hours=hours)
        rule = Retention(within=within, timezone="Europe/Berlin")
        return ids(rule.plan(rows).delete)

    assert gone(24) == gone(25) == ["old"]
    assert gone(26) == []


def test_no_time_is_within_nothing_and_all_time_within_everything() -> None:
    rows = daily(0, 1)

    assert ids(Retention(last=1, within=timedelta(0)).plan(rows).delete) == ["d1"]
    assert Retention(within=timedelta.max).plan(rows).delete == ()


def test_the_hour_that_comes_twice_is_one_hour_and_in_order() -> None:
    rows = [
        snapshot("before", datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)),
        snapshot("after", datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=1)),
    ]

    assert ids(Retention(hourly=9, timezone="Europe/Berlin").plan(rows).delete) == [
        "before"
    ]
    assert Retention(hourly=9).plan(rows).delete == ()


@pytest.mark.parametrize(
    ("zone", "gone"),
    [("UTC", ["d"]), ("Asia/Shanghai", []), ("America/New_York", ["d"])],
)
def test_days_begin_where_the_rules_say(zone: str, gone: list[str]) -> None:
    rows = [
        snapshot("d", datetime(2026, 11, 1, 15, 0, tzinfo=UTC)),
        snapshot("e", datetime(2026, 11, 1, 17, 0, tzinfo=UTC)),
    ]

    assert ids(Retention(daily=2, timezone=zone).plan(rows).delete) == gone


def test_the_machine_s_zone_is_irrelevant(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = daily(0, 1, 2, 3)
    here = Retention(daily=2, weekly=2).plan(rows)

    monkeypatch.setenv("TZ", "Pacific/Kiritimati")

    assert Retention(daily=2, weekly=2).plan(rows) == here


def test_a_time_beyond_the_calendar_of_the_zone_is_no_start() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    rows = [snapshot("far", last), *daily(0, 1)]

    plan = Retention(last=1, timezone="Asia/Shanghai").plan(rows)

    assert [(row.id, why) for row, why in plan.untouched] == [("far", "no start time")]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "retention"),
        ({"last": 0}, "retention"),
        ({"at_least": 3}, "retention"),
        ({"within": timedelta(0)}, "retention"),
        ({"last": -1}, "last"),
        ({"hourly": -1}, "hourly"),
        ({"daily": -1}, "daily"),
        ({"weekly": True}, "weekly"),
        ({"monthly": 1.0}, "monthly"),
        ({"yearly": "1"}, "yearly"),
        ({"last": 1, "at_least": -1}, "at_least"),
        ({"within": timedelta(seconds=-1)}, "within"),
        ({"within": 3600}, "within"),
        ({"last": 1, "timezone": "Mars/Olympus"}, "timezone"),
        ({"last": 1, "timezone": "Europe"}, "timezone"),
        ({"last": 1, "timezone": "../UTC"}, "timezone"),
        ({"last": 1, "timezone": ""}, "timezone"),
        ({"last": 1, "timezone": None}, "timezone"),
    ],
    ids=repr,
)
def test_what_can_not_be_a_rule_is_refused(options: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        Retention(**options)

    assert caught.value.field == field
    assert "\n" not in str(caught.value)


ZONES: Final = ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Shanghai")
DAYS: Final = 86400
# Around the changes of the clocks, or anywhere in four years.
MOMENTS: Final = (st.integers(0, 30 * DAYS) | st.integers(0, 1460 * DAYS)).map(
    lambda seconds: NOON - timedelta(seconds=seconds)
)
SNAPSHOTS: Final = st.lists(
    st.builds(
        lambda id_, begun, changes: snapshot(f"s{id_}", begun, **changes),
        st.integers(0, 10**6),
        MOMENTS,
        st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["nightly-x", "weekly-x"]),
                "status": st.sampled_from(
                    [*SnapshotStatus, SnapshotStatus("ARCHIVING")]
                ),
                "backup_type": st.sampled_from([*BackupType, BackupType("2"), None]),
                "failed_shards": st.sampled_from([0, 1, None]),
                "restore_status": st.sampled_from([*RestoreStatus, None]),
                "start_time": st.sampled_from([None, NOON]),
                "created": st.sampled_from([None, NOON]),
            },
        ),
    ),
    max_size=25,
    unique_by=lambda row: row.id,
)
COUNT: Final = st.integers(0, 4)
RULES: Final = st.builds(
    Retention,
    last=st.integers(1, 4),
    hourly=COUNT,
    daily=COUNT,
    weekly=COUNT,
    monthly=COUNT,
    yearly=COUNT,
    within=st.none() | st.timedeltas(timedelta(0), timedelta(days=400)),
    at_least=COUNT,
    timezone=st.sampled_from(ZONES),
) | st.builds(
    Retention,
    daily=st.integers(1, 9),
    weekly=COUNT,
    timezone=st.sampled_from(ZONES),
)
PREFIX: Final = st.sampled_from([None, "nightly-"])
BEFORE: Final = st.none() | MOMENTS


def is_counted(row: Snapshot, prefix: str | None) -> bool:
    return (
        row.is_manual
        and row.is_usable
        and row.name.startswith(prefix or "")
        and row.restore_status in {"none", "success", "failed", None}
        and (row.start_time or row.created) is not None
    )


@given(rows=SNAPSHOTS, rules=RULES, prefix=PREFIX, before=BEFORE)
def test_no_rule_ever_touches_what_it_may_not(
    rows: list[Snapshot], rules: Retention, prefix: str | None, before: datetime | None
) -> None:
    plan = rules.plan(rows, prefix=prefix, before=before)

    counted = [row for row in rows if is_counted(row, prefix)]
    starts = {row.id: row.start_time or row.created or NOON for row in rows}
    gone = set(ids(plan.delete))
    for row in plan.delete:
        assert row.is_manual
        assert row.is_finished
        assert row.name.startswith(prefix or "")
        assert row.restore_status != "restoring"
        assert before is None or starts[row.id] < before
        if not row.is_usable:
            assert any(starts[good.id] > starts[row.id] for good in counted)
    left = [row for row in counted if row.id not in gone]
    assert len(left) >= min(len(counted), max(rules.at_least, rules.last))
    if counted and (rules.at_least or rules.last):
        newest = max(starts[row.id] for row in counted)
        assert newest in {starts[row.id] for row in left}


@given(rows=SNAPSHOTS, rules=RULES, prefix=PREFIX, before=BEFORE, data=st.data())
def test_every_row_is_told_of_once_in_whatever_order_they_come(
    rows: list[Snapshot],
    rules: Retention,
    prefix: str | None,
    before: datetime | None,
    data: st.DataObject,
) -> None:
    shown = data.draw(st.permutations(rows + rows[:3]))

    plan = rules.plan(shown, prefix=prefix, before=before)

    assert plan == rules.plan(rows, prefix=prefix, before=before)
    told = [kept.snapshot for kept in plan.keep]
    told += [*plan.delete, *(row for row, _ in plan.untouched)]
    assert sorted(ids(told)) == sorted(ids(rows))
    assert all(kept.reasons for kept in plan.keep)


@given(rows=SNAPSHOTS, rules=RULES, prefix=PREFIX, before=BEFORE, data=st.data())
@example(
    rows=daily(0, 1, 2, 3),
    rules=Retention(daily=2),
    prefix=None,
    before=None,
    data=None,
)
def test_a_plan_half_carried_out_is_still_the_same_plan(
    rows: list[Snapshot],
    rules: Retention,
    prefix: str | None,
    before: datetime | None,
    data: st.DataObject | None,
) -> None:
    plan = rules.plan(rows, prefix=prefix, before=before)
    half = (
        len(plan.delete)
        if data is None
        else data.draw(st.integers(0, len(plan.delete)))
    )
    gone = set(ids(plan.delete[:half]))

    again = plan.renewed(row for row in rows if row.id not in gone)

    assert again.delete == plan.delete[half:]
    assert again.keep == plan.keep
    assert again.untouched == plan.untouched


@given(rows=SNAPSHOTS, rules=RULES)
def test_failed_ones_never_change_what_good_ones_stay(
    rows: list[Snapshot], rules: Retention
) -> None:
    good = [row for row in rows if row.is_usable]

    assert rules.plan(rows).keep == rules.plan(good).keep
