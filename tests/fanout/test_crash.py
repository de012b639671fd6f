"""A run whose process is killed over and over, and does everything exactly once."""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest

from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.fanout import State, read_status
from tests.support.child_processes import environment, script
from tests.support.thoroughness import AT_LENGTH

pytestmark = pytest.mark.soak

CHILD: Final = script("crash_child.py")

LOSSES: Final = ((Fault.drop_after_commit(), 0.15), (Fault.delay(0.05), 0.3))
FAILURES: Final = ((Fault.status_after_commit(500), 0.05), (Fault.status(500), 0.05))
"""A plain creation repeats a 500, so where names are not unique these would double."""


def cloud(clusters: int, faults: Iterable[tuple[Fault, float]]) -> EmulatorState:
    """Make a cloud that lets a name exist twice, with a list that lags behind."""
    state = EmulatorState(
        clusters=clusters, unique_names=False, busy_lock=False, list_lag=0.1, seed=7
    )
    for fault, probability in faults:
        state.faults.add(fault, operation="create", times=None, probability=probability)
    return state


def start(task: dict[str, object]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own interpreter and script
        [sys.executable, str(CHILD), json.dumps(task)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_after(process: subprocess.Popen[str], outcomes: int) -> bool:
    """Kill a run after so many new outcomes; `False` means that it ended before."""
    assert process.stdout is not None
    fresh = 0
    for line in process.stdout:
        fresh += line != "Skipped\n"
        if fresh >= outcomes:
            break
    process.kill()
    process.wait()
    return process.returncode < 0


@AT_LENGTH
def test_what_is_called_complete_is_complete_however_often_a_run_is_killed(
    tmp_path: Path,
) -> None:
    clusters, kills = 300, 10
    journal = tmp_path / "nightly.db"
    state = EmulatorState(clusters=clusters, build_seconds=1.0, seed=7)
    for fault, probability in LOSSES + FAILURES:
        state.faults.add(fault, operation="create", times=None, probability=probability)
    state.outcomes.add("FAILED", share=0.03)
    state.outcomes.add("PART_FAILED", share=0.03)
    chance = random.Random(7)  # noqa: S311  # chooses moments, not keys
    killed = runs = left = 0
    with EmulatorServer(state).run_in_thread() as server:
        task = {
            **server.description(),
            "operation": "ensure",
            "until": "completed",
            "journal": str(journal),
            "name": "nightly-1",
        }
        while runs < kills:
            runs += 1
            with start(task) as process:
                killed += kill_after(process, chance.randint(1, clusters // kills - 2))
            left += read_status(journal).counts[State.ACCEPTED]
        unended = {State.INTENT, State.ACCEPTED, State.BUSY, State.INDETERMINATE}
        while read_status(journal).total < clusters or any(
            read_status(journal).counts[state] > 0 for state in unended
        ):
            runs += 1
            with start(task) as process:
                output, _ = process.communicate()
            assert output.endswith("over\n")
            assert runs < kills + 10

    entries = {entry.cluster_id: entry for entry in read_status(journal).entries()}
    held = {cluster: state.snapshots(cluster) for cluster in state.cluster_ids}
    print(  # noqa: T201  # shown by `pytest -s`, for the record
        f"\n{killed} kills, {runs - 1} resumes, {left} accepted left behind,"
        f" {dict(Counter(entry.state for entry in entries.values()))}"
    )
    assert killed == kills
    assert left > 0
    assert {len(snapshots) for snapshots in held.values()} == {1}
    for cluster, (snapshot,) in held.items():
        entry = entries[cluster]
        assert entry.backup_id == snapshot.id
        usable = snapshot.outcome == "COMPLETED"
        assert entry.state is (State.COMPLETED if usable else State.SPOILED)
    assert {entry.state for entry in entries.values()} == {
        State.COMPLETED,
        State.SPOILED,
    }


@pytest.mark.parametrize(
    ("operation", "clusters", "kills", "faults"),
    [
        pytest.param("ensure", 300, 10, LOSSES + FAILURES, marks=AT_LENGTH),
        ("create", 60, 3, LOSSES),
    ],
)
def test_however_often_a_run_is_killed_each_cluster_has_one_snapshot_in_the_end(
    operation: str,
    clusters: int,
    kills: int,
    faults: tuple[tuple[Fault, float], ...],
    tmp_path: Path,
) -> None:
    journal = tmp_path / "nightly.db"
    state = cloud(clusters, faults)
    chance = random.Random(7)  # noqa: S311  # chooses moments, not keys
    killed = runs = intents = 0
    with EmulatorServer(state).run_in_thread() as server:
        task = {
            **server.description(),
            "operation": operation,
            "journal": str(journal),
            "name": "nightly-1",
        }
        while runs < kills:
            runs += 1
            with start(task) as process:
                killed += kill_after(process, chance.randint(1, clusters // kills - 2))
            intents += read_status(journal).counts[State.INTENT]
        while read_status(journal).counts[State.ACCEPTED] < clusters:
            runs += 1
            with start(task) as process:
                output, _ = process.communicate()
            assert output.endswith("over\n")
            assert runs < kills + 10

    status = read_status(journal)
    held = {cluster: state.snapshots(cluster) for cluster in state.cluster_ids}
    print(  # noqa: T201  # shown by `pytest -s`, for the record
        f"\n{operation}: {killed} kills, {runs - 1} resumes, {intents} intents left"
        f" behind, {sum(map(len, held.values()))} snapshots of {clusters} clusters,"
        f" {dict(Counter(entry.how for entry in status.entries()))}"
    )
    assert killed == kills
    assert intents > 0
    assert not status.held
    assert {len(snapshots) for snapshots in held.values()} == {1}
    assert {entry.cluster_id: entry.backup_id for entry in status.entries()} == {
        cluster: snapshots[0].id for cluster, snapshots in held.items()
    }
