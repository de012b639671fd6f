"""The drill as a task: verified, red, unknown, killed, and cleaned up after."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any, Final

import attrs
import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowTaskTimeout,
)
from airflow.sdk.execution_time.timeout import timeout
from airflow.serialization.serialized_objects import DagSerialization

from css_snapshot import DrillReport
from css_snapshot.emulator import EmulatedCluster, EmulatorState, Fault
from css_snapshot.integrations.airflow import RestoreDrillOperator
from tests.support.airflow_tasks import context_of, execute

pytestmark = pytest.mark.usefixtures("connection")

PROD: Final = "prod-cluster"
TEST: Final = "test-cluster"


@pytest.fixture
def state() -> EmulatorState:
    """A cluster with a snapshot, and one to restore into."""
    state = EmulatorState(
        clusters=[
            EmulatedCluster(id=PROD, name="prod", indices=("orders", "logs")),
            EmulatedCluster(id=TEST, name="test", indices=()),
        ],
        restore_seconds=0.1,
    )
    state.add_snapshot(PROD, "nightly", age=3600.0)
    return state


@attrs.define
class Steps:
    """A check and a clean-up that note what they were given, and end as told."""

    verdict: object = None
    failure: Exception | None = None
    checked: list[DrillReport] = attrs.field(factory=list)
    cleaned: list[DrillReport] = attrs.field(factory=list)

    async def verify(self, report: DrillReport) -> object:
        self.checked.append(report)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    async def cleanup(self, report: DrillReport) -> None:
        self.cleaned.append(report)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def steps() -> Steps:
    return Steps()


def operator(steps: Steps, **options: Any) -> RestoreDrillOperator:
    wanted = {
        "cluster_id": PROD,
        "into": TEST,
        "poll": 0.05,
        "settle": 0.2,
        "verify": steps.verify,
        "cleanup": steps.cleanup,
        **options,
    }
    return RestoreDrillOperator(task_id="drill", **wanted)


def drilled(steps: Steps, **options: Any) -> Any:
    return execute(operator(steps, **options), context_of())


def problem_of(steps: Steps, **options: Any) -> str:
    with pytest.raises(AirflowException) as failed:
        drilled(steps, **options)
    assert not isinstance(failed.value, AirflowFailException)
    return str(failed.value)


def test_it_returns_the_report_of_a_restoration_that_was_found_good(
    state: EmulatorState, steps: Steps
) -> None:
    report = drilled(steps, indices="logs", rename_prefix="q1-", prefix="night")

    (snapshot,) = state.snapshots(PROD)
    assert (report["verdict"], report["snapshot"]["id"]) == ("verified", snapshot.id)
    assert report["expected_indices"] == ["q1-logs"] == [*state.cluster(TEST).restored]
    assert report["age"] >= 3600.0
    assert (len(steps.checked), len(steps.cleaned)) == (1, 1)


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        (ValueError("drill_logs is empty"), "ValueError('drill_logs is empty')"),
        (False, "the check says so"),
    ],
)
def test_a_check_that_fails_is_red_and_cleaned_up_after(
    steps: Steps, state: EmulatorState, verdict: object, why: str
) -> None:
    steps.verdict = verdict

    (snapshot,) = state.snapshots(PROD)
    assert problem_of(steps) == f"failed: nightly ({snapshot.id}): {why}"
    assert [report.verdict for report in steps.cleaned] == ["failed"]


def test_a_lost_answer_restores_once(state: EmulatorState, steps: Steps) -> None:
    state.faults.add(Fault.drop_after_commit(), operation="restore")

    assert drilled(steps)["verdict"] == "verified"
    assert state.counts["restore"] == 1


def test_what_is_unknown_is_red_and_cleaned_up_after(
    state: EmulatorState, steps: Steps
) -> None:
    state.faults.add(Fault.drop(), operation="restore")

    problem = problem_of(steps)

    assert problem.startswith("unknown: nightly (")
    assert "IndeterminateRestoreError" in problem
    assert (len(steps.checked), len(steps.cleaned)) == (0, 1)


def test_indices_that_are_left_behind_are_red(steps: Steps) -> None:
    steps.failure = OSError("no route")

    assert problem_of(steps) == "the clean-up failed: OSError('no route')"


def test_a_cluster_without_a_good_snapshot_may_have_one_later(steps: Steps) -> None:
    assert "no usable snapshot" in problem_of(steps, prefix="weekly")
    assert steps.cleaned == []


@pytest.mark.parametrize("options", [{"into": PROD}, {"timeout": 0.0}])
def test_what_would_fail_again_is_not_tried_again(
    state: EmulatorState, steps: Steps, options: dict[str, object]
) -> None:
    with pytest.raises(AirflowFailException, match=next(iter(options))):
        drilled(steps, **options)

    assert state.counts["restore"] == 0


@pytest.fixture
def terminated() -> Iterator[list[RestoreDrillOperator]]:
    """Do on SIGTERM what Airflow's worker does: tell the operator of it."""
    told: list[RestoreDrillOperator] = []
    before = signal.signal(signal.SIGTERM, lambda *_: told[0].on_kill())
    yield told
    signal.signal(signal.SIGTERM, before)


def test_a_kill_cleans_up(steps: Steps, terminated: list[RestoreDrillOperator]) -> None:
    async def verify(report: DrillReport) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    killed = operator(steps, verify=verify)
    terminated.append(killed)

    with pytest.raises(AirflowException) as ended:
        execute(killed, context_of())

    assert str(ended.value) == (
        f"killed; indices whose names begin with drill_ may be left in cluster {TEST}"
    )

    assert [report.verdict for report in steps.cleaned] == [None]


def test_a_task_that_runs_out_of_time_cleans_up(steps: Steps) -> None:
    async def verify(report: DrillReport) -> None:
        await asyncio.Event().wait()

    with pytest.raises(AirflowTaskTimeout), timeout(1.0):
        drilled(steps, verify=verify)

    assert [report.verdict for report in steps.cleaned] == [None]


def test_airflow_can_store_a_dag_with_a_drill(steps: Steps) -> None:
    with DAG("drills", schedule=None) as dag:
        operator(steps)

    assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == "drills"
