"""The day after: which snapshots go, and whether each cluster is covered."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from css_snapshot import RequestValidationError, Retention
from css_snapshot.emulator import EmulatedCluster, EmulatorState, Fault
from css_snapshot.integrations.airflow import (
    CheckCoverageOperator,
    PruneSnapshotsOperator,
)
from tests.support.airflow_tasks import execute

pytestmark = pytest.mark.usefixtures("connection")


def prune(**options: Any) -> Any:
    wanted = {"retention": Retention(last=1), **options}
    return execute(PruneSnapshotsOperator(task_id="prune", **wanted), {})


def check(**options: Any) -> Any:
    return execute(
        CheckCoverageOperator(task_id="check", max_age=3600.0, **options), {}
    )


@pytest.fixture
def three_each(state: EmulatorState) -> EmulatorState:
    """Three complete snapshots of each cluster, the last of a minute ago."""
    state.build_seconds = 0.0
    for cluster_id in state.cluster_ids:
        for number in range(3):
            age = 60.0 * (3 - number)
            state.add_snapshot(cluster_id, f"nightly-{number}", age=age)
    return state


def names(state: EmulatorState) -> list[list[str]]:
    return [
        [row.name for row in state.snapshots(cluster_id)]
        for cluster_id in sorted(state.cluster_ids)
    ]


def test_what_no_rule_keeps_goes_in_each_cluster(three_each: EmulatorState) -> None:
    records = prune()

    assert names(three_each) == [["nightly-2"]] * 3
    assert [record["cluster_id"] for record in records] == sorted(
        three_each.cluster_ids
    )
    for record in records:
        assert record["keep"] == ["nightly-2"]
        assert record["delete"] == ["nightly-0", "nightly-1"]
    assert [record["delete"] for record in prune()] == [[]] * 3


def test_a_dry_run_deletes_nothing(three_each: EmulatorState) -> None:
    records = prune(dry_run=True, prefix="nightly-")

    assert records[0]["delete"] == ["nightly-0", "nightly-1"]
    assert three_each.counts["delete"] == 0


def test_what_went_before_the_service_throttled_is_told_too(
    three_each: EmulatorState,
) -> None:
    slow = min(three_each.cluster_ids)
    three_each.faults.add(
        Fault.status(429, dialect="gateway"),
        operation="delete",
        cluster_id=slow,
        nth=2,
    )

    records = prune()

    assert names(three_each) == [["nightly-2"]] * 3
    assert [record["delete"] for record in records] == [["nightly-0", "nightly-1"]] * 3


def test_a_cluster_that_can_not_be_pruned_stops_no_other_and_is_red(
    three_each: EmulatorState,
) -> None:
    unlucky, *others = sorted(three_each.cluster_ids)
    three_each.faults.add(
        Fault.status(403), operation="list", cluster_id=unlucky, times=None
    )

    with pytest.raises(AirflowException, match=r"1 of 3 clusters .*403") as failed:
        prune()

    assert not isinstance(failed.value, AirflowFailException)
    assert unlucky in str(failed.value)
    for cluster_id in others:
        assert len(three_each.snapshots(cluster_id)) == 1


def test_clusters_with_fresh_snapshots_are_covered(three_each: EmulatorState) -> None:
    three_each.add_cluster(EmulatedCluster(engine="logstash"))

    records = check(prefix="nightly")

    assert [record["state"] for record in records] == ["fresh"] * 3
    for record in records:
        assert 60.0 <= record["age"] < 3600.0
        assert record["why"].startswith("nightly-2 is ")


def test_a_cluster_without_a_fresh_one_fails_the_task(
    three_each: EmulatorState,
) -> None:
    stale, unreadable, _ = three_each.cluster_ids
    for row in three_each.snapshots(stale):
        row.created -= 7200.0
    never = three_each.add_cluster(EmulatedCluster(name="logs"))
    three_each.faults.add(
        Fault.status(403), operation="list", cluster_id=unreadable, times=None
    )

    with pytest.raises(AirflowException) as failed:
        check()

    assert not isinstance(failed.value, AirflowFailException)
    told = str(failed.value)
    assert told.startswith("3 of 4 clusters are not covered: ")
    assert f"logs ({never.id}) is never: no usable snapshot" in told
    assert f"({unreadable}) is unreadable: " in told
    assert f"({stale}) is stale: nightly-2 is 2.0 h old" in told


def test_a_lost_read_is_repeated(three_each: EmulatorState) -> None:
    three_each.faults.add(Fault.drop(), operation="list")

    assert [record["state"] for record in check()] == ["fresh"] * 3


def test_a_cluster_with_snapshots_switched_off_is_covered_only_if_that_is_said(
    three_each: EmulatorState,
) -> None:
    off = three_each.add_cluster(EmulatedCluster(backup_available=False))

    with pytest.raises(AirflowException, match=rf"\({off.id}\) is off: "):
        check()

    states = {
        record["cluster_id"]: record["state"] for record in check(ignore_off=True)
    }
    assert states[off.id] == "off"


@pytest.mark.parametrize(
    ("act", "says"), [(prune, "credentials"), (check, r"401 APIGW\.0301")]
)
def test_credentials_that_are_refused_are_not_tried_again(
    state: EmulatorState, act: Any, says: str
) -> None:
    state.faults.add(Fault.status(401, dialect="gateway"), operation="list", times=None)

    with pytest.raises(AirflowFailException, match=says):
        act()


@pytest.mark.parametrize("act", [prune, check])
def test_that_there_is_no_cluster_is_a_failure_unless_that_is_allowed(act: Any) -> None:
    with pytest.raises(AirflowException, match="no cluster"):
        act(name_prefix="nobody-has-this")

    assert act(name_prefix="nobody-has-this", allow_empty=True) == []


@pytest.mark.parametrize("options", [{"max_age": -1.0}, {"stuck_after": -1.0}])
def test_a_span_of_time_that_is_none_is_refused_with_the_dag(
    options: dict[str, Any],
) -> None:
    with pytest.raises(RequestValidationError, match=next(iter(options))):
        CheckCoverageOperator(task_id="check", **{"max_age": 3600.0, **options})


def test_airflow_can_store_a_dag_with_a_retention() -> None:
    with DAG("upkeep", schedule=None) as dag:
        PruneSnapshotsOperator(task_id="prune", retention=Retention(daily=7))

    assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == "upkeep"
