"""The names that tasks give their snapshots: the same again, and always valid."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from css_snapshot import CreateSnapshotRequest
from css_snapshot.integrations.airflow.names import name_for, repeatable_name
from tests.support.thoroughness import examples

MOMENT = datetime(2026, 3, 7, 2, 30, 59, tzinfo=UTC)


@settings(max_examples=examples(200), deadline=None)
@given(
    st.text(max_size=300),
    st.datetimes(min_value=datetime(1, 1, 3), timezones=st.timezones()),  # noqa: DTZ001  # hypothesis adds the zone
    st.lists(st.text(max_size=50), max_size=5),
)
def test_whatever_it_is_made_of_the_service_takes_it(
    label: str, moment: datetime, identity: list[str]
) -> None:
    name = repeatable_name(label, moment, *identity)

    assert CreateSnapshotRequest(name).name == name


def test_people_can_read_the_label_and_the_moment_in_utc() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=8)))

    name = repeatable_name("Nightly Logs__eu", elsewhere, "run")

    assert re.fullmatch(r"nightly-logs__eu-20260307t0230-[a-z2-7]{10}", name)


@pytest.mark.parametrize(
    ("label", "start"),
    [("7days", "s-7days-2026"), ("每晚", "s-2026"), ("-x-", "x-2026")],
)
def test_a_label_that_is_no_beginning_gets_one(label: str, start: str) -> None:
    assert repeatable_name(label, MOMENT, "run").startswith(start)


def test_it_is_the_same_again_and_differs_if_anything_does() -> None:
    names = {
        repeatable_name("dag", MOMENT, *identity)
        for identity in (
            ("dag", "run-1", "task", "cluster"),
            ("dag", "run-1", "task", "cluster"),
            ("dag", "run-2", "task", "cluster"),
            ("dag", "run-1", "taskcluster", ""),
            ("dag", "run-1", "task", "cluster", "logs-*"),
        )
    }

    assert len(names) == 4


def test_a_long_label_is_cut_without_losing_what_tells_names_apart() -> None:
    first = repeatable_name("x" * 200, MOMENT, "run-1")
    second = repeatable_name("x" * 200, MOMENT, "run-2")

    assert len(first) == len(second) == 64
    assert first != second


def test_a_context_without_a_run_is_refused() -> None:
    with pytest.raises(TypeError, match="no run"):
        name_for({"dag_run": None}, "task", "cluster", None)
