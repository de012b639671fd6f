"""The operators, the trigger and the hook by themselves, against the emulator."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

import asyncio
import json
import os
import pickle
import signal
import time

import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    TaskDeferred,
)
from airflow.sdk.serde import deserialize, serialize
from airflow.triggers.base import TriggerEvent

from css_snapshot import DrillReport, Retention, SnapshotService
from css_snapshot.emulator import EmulatedCluster, EmulatorState, Fault
from css_snapshot.integrations.airflow import (
    CheckCoverageOperator,
    CreateSnapshotOperator,
    CreateSnapshotsOperator,
    ListClustersOperator,
    PruneSnapshotsOperator,
    RestoreDrillOperator,
    SnapshotHook,
    SnapshotTrigger,
)
from tests.support.airflow_tasks import context_of, execute

pytestmark = pytest.mark.usefixtures("connection")


def operator_for(state: EmulatorState, **options: object) -> CreateSnapshotOperator:
    return CreateSnapshotOperator(
        task_id="snapshot",
        **{"cluster_id": state.cluster_ids[0], "poll": 0.1, **options},  # type: ignore[arg-type]  # a test's own
    )


def trigger_of(state: EmulatorState, **options: object) -> SnapshotTrigger:
    with pytest.raises(TaskDeferred) as deferred:
        execute(operator_for(state, **options), context_of())
    trigger = deferred.value.trigger
    assert isinstance(trigger, SnapshotTrigger)
    return trigger


async def event_of(trigger: SnapshotTrigger) -> dict[str, object]:
    events: list[TriggerEvent] = [event async for event in trigger.run()]
    assert [type(event) for event in events] == [TriggerEvent]
    payload = events[0].payload
    assert isinstance(payload, dict)
    return payload


def test_the_name_tells_the_dag_and_the_moment_and_is_the_same_for_the_next_try(
    state: EmulatorState,
) -> None:
    first = execute(operator_for(state, wait=False), context_of())
    again = execute(operator_for(state, wait=False), context_of())

    assert first == again
    (held,) = state.snapshots(state.cluster_ids[0])
    assert held.name.startswith("nightly-20260307t0200-")
    assert state.creations == 1


@pytest.mark.parametrize(
    ("options", "run_id"),
    [
        ({}, "manual__2026-03-08"),
        ({"indices": ["logs-a", "logs-b"]}, "scheduled__2026-03-07"),
    ],
)
def test_another_run_or_other_indices_are_another_snapshot(
    state: EmulatorState, options: dict[str, object], run_id: str
) -> None:
    state.build_seconds = 0.0
    execute(operator_for(state, wait=False), context_of())

    execute(operator_for(state, wait=False, **options), context_of(run_id))

    assert state.creations == 2


def test_the_order_of_the_indices_makes_no_difference(state: EmulatorState) -> None:
    execute(operator_for(state, wait=False, indices="logs-a,logs-b"), context_of())
    execute(operator_for(state, wait=False, indices=["logs-b", "logs-a"]), context_of())

    assert state.creations == 1


def test_a_name_of_ones_own_is_taken_as_it_is(state: EmulatorState) -> None:
    ending = execute(operator_for(state, name="by-hand", wait=False), context_of())

    assert isinstance(ending, dict)
    assert ending["name"] == "by-hand"


def test_without_deferring_it_waits_in_the_worker(state: EmulatorState) -> None:
    ending = execute(operator_for(state, deferrable=False), context_of())

    (held,) = state.snapshots(state.cluster_ids[0])
    assert isinstance(ending, dict)
    assert ending["snapshot_id"] == held.id
    assert ending["name"] == held.name
    assert isinstance(ending["seconds"], float)


def test_the_operator_goes_on_with_what_the_trigger_tells(state: EmulatorState) -> None:
    operator = operator_for(state)

    assert operator.execute_complete({}, {"name": "nightly"}) == {"name": "nightly"}
    with pytest.raises(AirflowException, match="it failed"):
        operator.execute_complete({}, {"problem": "it failed"})


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (None, {"name": "NOT A NAME"}),
        (Fault.status(401, dialect="gateway"), {}),
    ],
    ids=["a name that is none", "credentials that are refused"],
)
def test_what_would_fail_again_is_not_tried_again(
    state: EmulatorState, fault: Fault | None, options: dict[str, object]
) -> None:
    if fault is not None:
        state.faults.add(fault, times=None)

    with pytest.raises(AirflowFailException):
        execute(operator_for(state, **options), context_of())

    assert state.creations == 0


async def nothing(report: DrillReport) -> None:
    pass


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (CreateSnapshotOperator, {"cluster_id": "c1"}),
        (CreateSnapshotsOperator, {}),
        (ListClustersOperator, {}),
        (PruneSnapshotsOperator, {"retention": Retention(last=1)}),
        (CheckCoverageOperator, {"max_age": 3600.0}),
        (RestoreDrillOperator, {"cluster_id": "c1", "into": "c2", "verify": nothing}),
    ],
)
def test_a_connection_that_can_not_work_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, kind: type, options: dict[str, object]
) -> None:
    broken = {"conn_type": "css_snapshot", "login": "key", "password": ""}
    monkeypatch.setenv("AIRFLOW_CONN_CSS_DEFAULT", json.dumps(broken))

    with pytest.raises(AirflowFailException, match="login and password are needed"):
        execute(kind(task_id="task", **options), context_of())


def test_what_may_succeed_later_may_be_tried_again(state: EmulatorState) -> None:
    state.faults.add(Fault.status(403), operation="create")

    with pytest.raises(AirflowException, match="403") as failed:
        execute(operator_for(state), context_of())

    assert not isinstance(failed.value, AirflowFailException)


def test_a_kill_cancels_what_is_going_on(state: EmulatorState) -> None:
    operator = operator_for(state)
    ended: list[str] = []

    async def work(service: SnapshotService) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    before = signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    try:
        with pytest.raises(AirflowException, match="killed; the next try finds out"):
            operator.carry_out(work)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert ended == ["work"]


def test_a_kill_when_nothing_is_going_on_does_nothing(state: EmulatorState) -> None:
    operator = operator_for(state)

    operator.on_kill()
    execute(operator_for(state, wait=False), context_of())
    operator.on_kill()

    assert state.creations == 1


def test_the_trigger_survives_being_stored_and_holds_no_secret(
    state: EmulatorState, connection: dict[str, object]
) -> None:
    trigger = trigger_of(state)

    path, kwargs = trigger.serialize()
    anew = SnapshotTrigger(**deserialize(json.loads(json.dumps(serialize(kwargs)))))

    assert path == "css_snapshot.integrations.airflow.trigger.SnapshotTrigger"
    assert anew.serialize() == trigger.serialize()
    shown = repr(trigger) + repr(kwargs) + repr(vars(trigger))
    assert state.secret_key not in shown
    assert state.access_key not in shown


def test_the_trigger_only_looks_however_often_it_is_run(state: EmulatorState) -> None:
    trigger = trigger_of(state)
    creations = state.counts["create"]

    first = asyncio.run(event_of(trigger))
    again = asyncio.run(event_of(trigger))

    assert first == again
    assert first["snapshot_id"] == trigger.snapshot_id
    assert isinstance(first["seconds"], float)
    assert state.counts["create"] == creations == 1
    assert json.loads(json.dumps(first)) == first


def test_the_trigger_tells_of_a_snapshot_that_failed(state: EmulatorState) -> None:
    state.next_outcome(state.cluster_ids[0], "FAILED")

    event = asyncio.run(event_of(trigger_of(state)))

    assert "failed" in str(event["problem"])


def test_the_trigger_gives_up_when_the_time_is_up(state: EmulatorState) -> None:
    state.next_outcome(state.cluster_ids[0], "STUCK")

    event = asyncio.run(event_of(trigger_of(state, timeout=0.2)))

    assert "not finished within" in str(event["problem"])


def test_a_trigger_that_is_late_still_looks_once(state: EmulatorState) -> None:
    state.build_seconds = 0.0
    trigger = trigger_of(state)
    trigger.until = time.time() - 3600.0

    assert "problem" not in asyncio.run(event_of(trigger))


def test_the_clusters_are_listed_sorted_without_those_that_have_no_snapshots(
    state: EmulatorState,
) -> None:
    usable = sorted(state.cluster_ids)
    state.add_cluster(EmulatedCluster(engine="logstash"))

    assert execute(ListClustersOperator(task_id="clusters"), {}) == usable


def test_clusters_that_are_busy_or_not_ready_are_listed_all_the_same(
    state: EmulatorState,
) -> None:
    first, second, third = sorted(state.cluster_ids)
    state.build_seconds = 3600.0
    state.create_snapshot(first, {"name": "by-hand"})
    off = state.add_cluster(EmulatedCluster(backup_available=False))
    creating = state.add_cluster(EmulatedCluster(status="100"))

    listed = execute(ListClustersOperator(task_id="clusters"), {})

    assert listed == sorted([first, second, third, off.id, creating.id])


def test_that_there_is_no_cluster_is_a_failure_unless_that_is_allowed(
    state: EmulatorState,
) -> None:
    strict, lenient = (
        ListClustersOperator(
            task_id="clusters", name_prefix="nobody-has-this", allow_empty=allow_empty
        )
        for allow_empty in (False, True)
    )

    with pytest.raises(AirflowException, match="no cluster") as failed:
        execute(strict, {})

    assert not isinstance(failed.value, AirflowFailException)
    assert execute(lenient, {}) == []


def test_a_cluster_that_is_busy_is_tried_again(state: EmulatorState) -> None:
    cluster_id = state.cluster_ids[0]
    state.build_seconds = 3600.0
    state.create_snapshot(cluster_id, {"name": "by-hand"})

    with pytest.raises(AirflowException) as failed:
        execute(operator_for(state, settle=0.0), context_of())

    assert not isinstance(failed.value, AirflowFailException)
    assert state.creations == 1


def test_the_clusters_can_be_chosen_by_name_and_engine(state: EmulatorState) -> None:
    wanted = state.add_cluster(EmulatedCluster(name="logs-1", engine="opensearch"))
    state.add_cluster(EmulatedCluster(name="logs-2"))

    chosen = execute(
        ListClustersOperator(
            task_id="clusters", name_prefix="logs-", engine="opensearch"
        ),
        {},
    )

    assert chosen == [wanted.id]


def test_the_hook_remembers_nothing_but_the_connections_id(
    state: EmulatorState,
) -> None:
    hook = SnapshotHook()
    service = hook.get_conn()

    assert repr(hook) == "SnapshotHook('css_default')"
    shown = repr(hook) + repr(vars(hook)) + repr(service) + repr(vars(service))
    assert state.secret_key not in shown
    assert state.secret_key.encode() not in pickle.dumps(hook.css_conn_id)


def test_a_connection_can_be_tested(state: EmulatorState) -> None:
    assert SnapshotHook().test_connection() == (True, "3 clusters")

    state.faults.add(Fault.status(403), operation="clusters")
    works, why = SnapshotHook().test_connection()

    assert not works
    assert "403" in why


def test_a_connection_that_can_not_be_used_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CSS_OTHER", '{"conn_type": "css_snapshot"}')

    works, why = SnapshotHook("css_other").test_connection()

    assert not works
    assert "login and password" in why


def test_airflow_knows_the_type_of_connection_and_its_fields() -> None:
    providers = ProvidersManager()

    hook = providers.hooks["css_snapshot"]
    assert hook is not None
    assert hook.hook_name == SnapshotHook.hook_name
    assert hook.connection_id_attribute_name == "css_conn_id"
    behaviour = providers.field_behaviours["css_snapshot"]
    assert behaviour["relabeling"]["login"] == "Access key (AK)"
    sensitive = {
        widget.field_name: widget.is_sensitive
        for name, widget in providers.connection_form_widgets.items()
        if name.startswith("extra__css_snapshot__")
    }
    assert sensitive == {
        "domain": False,
        "endpoint": False,
        "iam_endpoint": False,
        "project_id": False,
        "region": False,
        "security_token": True,
    }
