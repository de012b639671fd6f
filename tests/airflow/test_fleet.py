"""One task for all clusters: created, waited for in one trigger, and none missing."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

import asyncio
import json
import time
from typing import Any

import pytest
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    TaskDeferred,
)
from airflow.sdk.serde import deserialize, serialize
from airflow.triggers.base import TriggerEvent

from css_snapshot.emulator import EmulatedCluster, EmulatorState, Fault
from css_snapshot.integrations.airflow import CreateSnapshotsOperator, SnapshotsTrigger
from tests.support.airflow_tasks import context_of, execute

pytestmark = pytest.mark.usefixtures("connection")

Records = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def last_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the last look of a trigger whose time is up come soon."""
    monkeypatch.setattr(
        "css_snapshot.integrations.airflow.endings._LAST_LOOK_SECONDS", 0.5
    )


def operator(**options: Any) -> CreateSnapshotsOperator:
    return CreateSnapshotsOperator(
        task_id="snapshots", **{"timeout": 1.0, "settle": 0.5, **options}
    )


def deferred_by(operator: CreateSnapshotsOperator) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        execute(operator, context_of())
    return deferred.value


async def event_of(trigger: SnapshotsTrigger) -> dict[str, Records]:
    events: list[TriggerEvent] = [event async for event in trigger.run()]
    assert [type(event) for event in events] == [TriggerEvent]
    payload: dict[str, Records] = events[0].payload
    assert json.loads(json.dumps(payload)) == payload
    return payload


def carried_out(operator: CreateSnapshotsOperator) -> Records:
    """Execute an operator as Airflow does: the task, its trigger, and the task again."""
    deferred = deferred_by(operator)
    assert isinstance(deferred.trigger, SnapshotsTrigger)
    event = asyncio.run(event_of(deferred.trigger))
    resume = getattr(operator, deferred.method_name)
    records: Records = resume(context_of(), event)
    return records


def executed(operator: CreateSnapshotsOperator) -> object:
    return execute(operator, context_of())


def problems_of(operator: CreateSnapshotsOperator) -> str:
    with pytest.raises(AirflowException) as failed:
        carried_out(operator)
    assert not isinstance(failed.value, AirflowFailException)
    return str(failed.value)


def test_each_cluster_has_a_complete_snapshot_at_the_end(state: EmulatorState) -> None:
    state.add_cluster(EmulatedCluster(engine="logstash"))

    records = carried_out(operator())

    held = {
        cluster.id: [(row.id, row.name) for row in cluster.snapshots]
        for cluster in state.clusters
        if cluster.engine != "logstash"
    }
    told = {
        record["cluster_id"]: [(record["snapshot_id"], record["name"])]
        for record in records
    }
    assert held == told
    assert [record["cluster_id"] for record in records] == sorted(held)
    assert {record["outcome"] for record in records} == {"completed"}
    assert {record["problem"] for record in records} == {None}
    assert len({record["name"] for record in records}) == 3
    assert state.creations == 3


def test_a_retry_goes_on_with_what_the_first_try_created(state: EmulatorState) -> None:
    first = carried_out(operator())
    again = carried_out(operator())

    assert first == again
    assert state.creations == 3


def test_without_deferring_it_waits_in_the_worker(state: EmulatorState) -> None:
    records = execute(operator(deferrable=False), context_of())

    assert isinstance(records, list)
    assert [record["outcome"] for record in records] == ["completed"] * 3


def test_a_name_of_ones_own_is_the_same_in_each_cluster(state: EmulatorState) -> None:
    carried_out(operator(name="by-hand"))

    for cluster_id in state.cluster_ids:
        assert [row.name for row in state.snapshots(cluster_id)] == ["by-hand"]


def test_a_snapshot_that_failed_is_red_and_numbered_by_the_next_try(
    state: EmulatorState,
) -> None:
    unlucky = sorted(state.cluster_ids)[1]
    state.next_outcome(unlucky, "FAILED")

    problem = problems_of(operator())
    records = carried_out(operator())

    assert problem.startswith("1 of 3 snapshots are missing: spoiled ")
    assert unlucky in problem
    failed, completed = state.snapshots(unlucky)
    assert completed.name == f"{failed.name}-2"
    assert records[1]["name"] == completed.name
    assert state.creations == 4


def test_what_is_spoiled_may_be_replaced_or_refused(state: EmulatorState) -> None:
    cluster_id = state.cluster_ids[0]
    state.next_outcome(cluster_id, "FAILED")
    problems_of(operator())

    refused = problems_of(operator(on_spoiled="fail"))
    carried_out(operator(on_spoiled="replace"))

    assert "ended FAILED" in refused
    (held,) = state.snapshots(cluster_id)
    assert held.status == "COMPLETED"


@pytest.mark.parametrize("deferrable", [True, False])
def test_clusters_that_are_busy_or_not_ready_are_red_and_the_others_are_waited_for(
    state: EmulatorState, *, deferrable: bool
) -> None:
    busy, *others = sorted(state.cluster_ids)
    off = state.add_cluster(EmulatedCluster(backup_available=False))
    built = state.build_seconds
    state.build_seconds = 3600.0
    state.create_snapshot(busy, {"name": "by-hand"})
    state.build_seconds = built

    carry_out = carried_out if deferrable else executed
    with pytest.raises(AirflowException) as failed:
        carry_out(operator(deferrable=deferrable))

    problem = str(failed.value)
    assert problem.startswith("2 of 4 snapshots are missing: ")
    assert f"busy {busy}/" in problem
    assert f"not ready {off.id}/" in problem
    for cluster_id in others:
        assert [row.status for row in state.snapshots(cluster_id)] == ["COMPLETED"]


def test_a_snapshot_that_is_late_is_red(state: EmulatorState) -> None:
    state.next_outcome(state.cluster_ids[0], "STUCK")

    problem = problems_of(operator())

    assert problem.startswith(
        f"1 of 3 snapshots are missing: late {state.cluster_ids[0]}/"
    )


def test_nothing_is_waited_for_where_nothing_was_accepted(state: EmulatorState) -> None:
    state.faults.add(Fault.status(403), operation="create", times=None)

    with pytest.raises(AirflowException, match="3 of 3 snapshots are missing"):
        execute(operator(), context_of())


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (None, {"name": "NOT A NAME"}),
        (None, {"on_spoiled": "ignore"}),
        (Fault.status(401, dialect="gateway"), {}),
    ],
    ids=["a name that is none", "an option that is none", "refused credentials"],
)
def test_what_would_fail_again_is_not_tried_again(
    state: EmulatorState, fault: Fault | None, options: dict[str, object]
) -> None:
    if fault is not None:
        state.faults.add(fault, times=None)

    with pytest.raises(AirflowFailException):
        execute(operator(**options), context_of())

    assert state.creations == 0


def test_credentials_that_are_refused_on_the_way_are_not_tried_again(
    state: EmulatorState,
) -> None:
    state.faults.add(
        Fault.status(401, dialect="gateway"), operation="create", times=None
    )

    with pytest.raises(AirflowFailException, match="credentials were not accepted"):
        execute(operator(), context_of())


def test_that_there_is_no_cluster_is_a_failure_unless_that_is_allowed() -> None:
    nobody = {"name_prefix": "nobody-has-this"}

    with pytest.raises(AirflowException, match="no cluster"):
        execute(operator(**nobody), context_of())

    assert execute(operator(**nobody, allow_empty=True), context_of()) == []


def test_the_trigger_survives_being_stored_and_holds_no_secret(
    state: EmulatorState,
) -> None:
    trigger = deferred_by(operator()).trigger
    assert isinstance(trigger, SnapshotsTrigger)

    path, kwargs = trigger.serialize()
    anew = SnapshotsTrigger(**deserialize(json.loads(json.dumps(serialize(kwargs)))))

    assert path == "css_snapshot.integrations.airflow.trigger.SnapshotsTrigger"
    assert anew.serialize() == trigger.serialize()
    shown = repr(trigger) + repr(kwargs) + repr(vars(trigger))
    assert state.secret_key not in shown
    assert state.access_key not in shown


def test_the_trigger_only_looks_however_often_it_is_run(state: EmulatorState) -> None:
    trigger = deferred_by(operator()).trigger
    assert isinstance(trigger, SnapshotsTrigger)

    first = asyncio.run(event_of(trigger))
    again = asyncio.run(event_of(trigger))

    assert first == again
    assert state.counts["create"] == state.creations == 3


def test_a_trigger_that_is_late_still_looks_once(state: EmulatorState) -> None:
    state.build_seconds = 0.0
    trigger = deferred_by(operator()).trigger
    assert isinstance(trigger, SnapshotsTrigger)
    trigger.until = time.time() - 3600.0

    records = asyncio.run(event_of(trigger))["endings"]

    assert [record["outcome"] for record in records] == ["completed"] * 3


def test_a_snapshot_that_the_trigger_never_finds_is_told(state: EmulatorState) -> None:
    deferred = deferred_by(operator())
    cluster_id = min(state.cluster_ids)
    for row in state.snapshots(cluster_id):
        state.vanish(cluster_id, row.id)

    assert isinstance(deferred.trigger, SnapshotsTrigger)
    records = asyncio.run(event_of(deferred.trigger))["endings"]

    bad = [record for record in records if record["problem"] is not None]
    assert [record["cluster_id"] for record in bad] == [cluster_id]
    assert state.creations == 3


def test_why_the_trigger_could_not_go_on_is_told_of_each_snapshot(
    state: EmulatorState,
) -> None:
    trigger = deferred_by(operator()).trigger
    assert isinstance(trigger, SnapshotsTrigger)
    state.faults.add(Fault.status(401, dialect="gateway"), times=None)

    records = asyncio.run(event_of(trigger))["endings"]

    assert [record["outcome"] for record in records] == ["late"] * 3
    for record in records:
        assert str(record["problem"]).startswith(f"late {record['cluster_id']}/")
        assert record["snapshot_id"]
