"""The example DAGs, run headless against the emulator."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

import importlib.util
from collections.abc import Iterator, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Final

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.utils.session import create_session
from sqlalchemy import event

from css_snapshot.emulator import EmulatedCluster, EmulatorState, Fault

DAGS: Final = Path(__file__).parent / "dags"

pytestmark = pytest.mark.usefixtures("database", "connection")


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def dag() -> DAG:
    dag: DAG = load(DAGS / "nightly_snapshots.py").dag
    mapped = dag.get_task("snapshot").partial_kwargs
    mapped["retry_delay"] = timedelta(0)
    mapped["poll"] = 0.1
    mapped["settle"] = 0.5
    return dag


@pytest.fixture
def fleet_dag(monkeypatch: pytest.MonkeyPatch) -> DAG:
    monkeypatch.setattr(
        "css_snapshot.integrations.airflow.endings._LAST_LOOK_SECONDS", 0.5
    )
    dag: DAG = load(DAGS / "nightly_fleet.py").dag
    for task in dag.tasks:
        task.retry_delay = timedelta(0)
    snapshots = dag.get_task("snapshots")
    snapshots.timeout = 1.0
    snapshots.settle = 0.5
    return dag


@pytest.fixture
def stored_triggers() -> Iterator[list[dict[str, object]]]:
    """Collect what is written to the table of triggers."""
    rows: list[dict[str, object]] = []

    def note(_mapper: object, _connection: object, trigger: Trigger) -> None:
        rows.append(dict(trigger.kwargs))

    event.listen(Trigger, "before_insert", note)
    yield rows
    event.remove(Trigger, "before_insert", note)


def tries_of(run_id: str, task_id: str = "snapshot") -> dict[int, tuple[str, int]]:
    with create_session() as session:
        rows = session.query(TaskInstance).filter_by(run_id=run_id, task_id=task_id)
        return {row.map_index: (row.state, row.try_number) for row in rows}


def results_of(run_id: str, task_id: str = "snapshot") -> list[Mapping[str, object]]:
    with create_session() as session:
        rows = session.query(XComModel).filter_by(
            run_id=run_id, task_id=task_id, key="return_value"
        )
        return [XComModel.deserialize_value(row) for row in rows]


def test_each_cluster_gets_exactly_one_snapshot_though_one_task_fails_once(
    dag: DAG, state: EmulatorState
) -> None:
    unlucky = sorted(state.cluster_ids)[1]
    state.faults.add(
        Fault.status_after_commit(403), operation="create", cluster_id=unlucky
    )

    run = dag.test()

    print(f"\n{run.run_id}: {run.state}, (state, tries): {tries_of(run.run_id)}")  # noqa: T201  # shown by `pytest -s`
    assert run.state == "success"
    assert tries_of(run.run_id) == {
        0: ("success", 1),
        1: ("success", 2),
        2: ("success", 1),
    }
    assert state.creations == 3
    held = {
        cluster_id: [snapshot.id for snapshot in state.snapshots(cluster_id)]
        for cluster_id in state.cluster_ids
    }
    told = {row["cluster_id"]: [row["snapshot_id"]] for row in results_of(run.run_id)}
    assert held == told


def test_what_is_stored_of_the_triggers_is_ids_and_numbers(
    dag: DAG, state: EmulatorState, stored_triggers: list[dict[str, object]]
) -> None:
    run = dag.test()

    assert run.state == "success"
    assert len(stored_triggers) == 3
    assert {str(row["cluster_id"]) for row in stored_triggers} == set(state.cluster_ids)
    for row in stored_triggers:
        assert set(row) == {
            *("css_conn_id", "cluster_id", "snapshot_id", "until", "poll")
        }
    shown = repr(stored_triggers)
    assert state.secret_key not in shown
    assert state.access_key not in shown


def test_a_snapshot_that_failed_is_followed_by_a_numbered_one(
    dag: DAG, state: EmulatorState
) -> None:
    unlucky = sorted(state.cluster_ids)[2]
    state.next_outcome(unlucky, "FAILED")

    run = dag.test()

    assert run.state == "success"
    assert tries_of(run.run_id)[2] == ("success", 2)
    failed, completed = state.snapshots(unlucky)
    assert completed.name == f"{failed.name}-2"
    assert state.creations == 4


def test_a_fleet_that_is_busy_all_the_time_is_no_success(
    dag: DAG, state: EmulatorState
) -> None:
    state.build_seconds = 3600.0
    for cluster_id in state.cluster_ids:
        state.create_snapshot(cluster_id, {"name": "by-hand"})

    run = dag.test()

    assert run.state == "failed"
    assert tries_of(run.run_id) == dict.fromkeys(range(3), ("failed", 3))
    assert state.creations == len(state.cluster_ids)


def test_clusters_that_are_busy_at_the_first_try_get_their_snapshots_at_the_next(
    dag: DAG, state: EmulatorState
) -> None:
    for cluster_id in state.cluster_ids:
        busy = Fault.status(409, code="CSS.0011")
        state.faults.add(busy, operation="create", cluster_id=cluster_id)

    run = dag.test()

    assert run.state == "success"
    assert tries_of(run.run_id) == dict.fromkeys(range(3), ("success", 2))
    assert state.creations == 3


def test_a_run_that_finds_no_cluster_is_no_success(
    dag: DAG, state: EmulatorState
) -> None:
    dag.get_task("clusters").name_prefix = "nobody-has-this"

    run = dag.test()

    assert run.state == "failed"


def test_one_task_and_one_trigger_serve_a_fleet_though_one_snapshot_fails_once(
    fleet_dag: DAG, state: EmulatorState, stored_triggers: list[dict[str, object]]
) -> None:
    unlucky = sorted(state.cluster_ids)[1]
    state.next_outcome(unlucky, "FAILED")

    run = fleet_dag.test()

    assert run.state == "success"
    assert tries_of(run.run_id, "snapshots") == {-1: ("success", 2)}
    assert tries_of(run.run_id, "check") == {-1: ("success", 1)}
    assert tries_of(run.run_id, "prune") == {-1: ("success", 1)}
    assert state.creations == 4
    # One trigger per try; the failed snapshot went, as a newer usable one outlives it.
    assert len(stored_triggers) == 2
    assert [row.status for row in state.snapshots(unlucky)] == ["COMPLETED"]
    shown = repr(stored_triggers)
    assert state.secret_key not in shown
    assert state.access_key not in shown


def test_a_fleet_with_a_cluster_that_stays_without_a_snapshot_is_no_success(
    fleet_dag: DAG, state: EmulatorState
) -> None:
    state.next_outcome(state.cluster_ids[0], "FAILED", "FAILED", "FAILED")

    run = fleet_dag.test()

    assert run.state == "failed"
    assert tries_of(run.run_id, "snapshots") == {-1: ("failed", 3)}
    assert state.creations == 5


@pytest.fixture
def drill_dag(
    state: EmulatorState, search: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> DAG:
    state.restore_seconds = 0.1
    prod = state.add_cluster(EmulatedCluster(name="prod", indices=["orders", "logs"]))
    state.add_snapshot(prod.id, "nightly", age=3600.0)
    monkeypatch.setenv("AIRFLOW_VAR_PRODUCTION_CLUSTER", prod.id)
    monkeypatch.setenv("AIRFLOW_VAR_TEST_CLUSTER", state.cluster_ids[0])
    module = load(DAGS / "monthly_drill.py")
    monkeypatch.setattr(
        module, "TEST_CLUSTER", f"http://127.0.0.1:{search.server_port}"
    )
    dag: DAG = module.dag
    dag.get_task("drill").poll = 0.1
    return dag


@pytest.fixture
def documents() -> dict[str, int]:
    """How many documents each index of the test cluster has."""
    return {"drill_orders": 7, "drill_logs": 3}


@pytest.fixture
def search(documents: dict[str, int]) -> Iterator[ThreadingHTTPServer]:
    """The search engine of the test cluster: counts, and deletes."""

    class Engine(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(documents.get(self.path.split("/")[1]))

        def do_DELETE(self) -> None:
            self._answer(documents.pop(self.path.strip("/"), None))

        def _answer(self, count: int | None) -> None:
            body = f'{{"count": {count or 0}}}'.encode()
            self.send_response(404 if count is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002  # its name there

    with ThreadingHTTPServer(("127.0.0.1", 0), Engine) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_monthly_drill_restores_checks_and_removes(
    drill_dag: DAG,
    state: EmulatorState,
    documents: dict[str, int],
    stored_triggers: list[dict[str, object]],
) -> None:
    run = drill_dag.test()

    assert run.state == "success"
    (report,) = results_of(run.run_id, "drill")
    assert report["verdict"] == "verified"
    assert report["expected_indices"] == ["drill_orders", "drill_logs"]
    assert state.counts["restore"] == 1
    assert documents == {}
    assert stored_triggers == []


def test_a_drill_that_finds_an_index_empty_is_no_success_and_removes(
    drill_dag: DAG, documents: dict[str, int]
) -> None:
    documents["drill_logs"] = 0

    run = drill_dag.test()

    assert run.state == "failed"
    assert documents == {}
