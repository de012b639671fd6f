"""The commands wait and restore, against an emulated cloud."""

import re

import pytest

from css_snapshot.emulator import EmulatorState
from css_snapshot.emulator.cloud.snapshots import Outcome
from tests.support.command_line import run, run_watched

PATIENT = ("--timeout", "20s", "--poll", "0.05")


def test_waiting_ends_with_the_snapshot(cloud: EmulatorState, cluster: str) -> None:
    cloud.build_seconds = 0.3
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run("wait", cluster, snapshot.id, *PATIENT)

    assert ended.exit_code == 0
    assert re.fullmatch(
        rf"COMPLETED nightly \({snapshot.id}\) in \d+ s\n", ended.stdout
    )
    assert ended.stderr == "nightly: BUILDING\nnightly: COMPLETED\n"


def test_waiting_tells_each_change_once_to_programs(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.build_seconds = 0.3
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run("wait", cluster, snapshot.id, *PATIENT, "--json")

    assert ended.records[0]["status"] == "COMPLETED"
    assert ended.stderr.splitlines() == [
        f'{{"kind": "progress", "snapshot_id": "{snapshot.id}", "status":'
        f' "{status}", "restore_status": "none"}}'
        for status in ("BUILDING", "COMPLETED")
    ]


def test_waiting_shows_a_moving_line_on_a_terminal(
    cloud: EmulatorState, cluster: str
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run_watched("wait", cluster, snapshot.id, *PATIENT)

    assert ended.exit_code == 0
    assert "\x1b[?25l" in ended.stderr


@pytest.mark.parametrize(
    ("outcome", "code", "error"),
    [
        ("FAILED", 1, "SnapshotFailedError"),
        ("PART_FAILED", 1, "PartialSnapshotError"),
        ("STUCK", 3, "WaitTimeoutError"),
    ],
)
def test_what_does_not_complete_has_its_exit_code(
    outcome: str, code: int, error: str, cloud: EmulatorState, cluster: str
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")
    snapshot.outcome = outcome  # type: ignore[assignment]  # one of the literals

    ended = run("wait", cluster, snapshot.id, "--timeout", "0.3s", "--poll", "0.05")

    assert (ended.exit_code, ended.stdout) == (code, "")
    assert f"error: {error}: " in ended.stderr


def test_a_restoration_is_begun(cloud: EmulatorState, cluster: str) -> None:
    cloud.restore_seconds = 0.0
    target = cloud.cluster_ids[1]
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run(
        *("restore", cluster, snapshot.id, "--to", target),
        *("--rename-pattern", "(.+)", "--rename-replacement", "old_$1"),
    )

    assert ended.exit_code == 0
    assert ended.stdout == f"restoring {snapshot.id} into {target}\n"
    assert cloud.counts["restore"] == 1


def test_a_restoration_is_waited_for_if_told_to(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.restore_seconds = 0.5
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run(
        *("restore", cluster, snapshot.id, "--to", cluster, "--wait", "--json"),
        *PATIENT,
    )

    begun, restored = ended.records
    assert begun == {
        "kind": "restoring",
        "cluster_id": cluster,
        "snapshot_id": snapshot.id,
        "target_cluster_id": cluster,
    }
    assert restored["restore_status"] == "success"
    assert '"restore_status": "restoring"' in ended.stderr


def test_a_restoration_of_a_wrong_shape_is_not_sent(
    cloud: EmulatorState, cluster: str
) -> None:
    ended = run("restore", cluster, "s1", "--to", cluster, "--rename-pattern", "(.+)")

    assert ended.exit_code == 2
    assert "rename" in ended.stderr
    assert not cloud.counts


@pytest.mark.parametrize("verb", ["create", "ensure"])
def test_a_creation_is_waited_for_if_told_to(
    verb: str, cloud: EmulatorState, cluster: str
) -> None:
    cloud.build_seconds = 0.3

    ended = run(verb, cluster, "nightly", "--wait", *PATIENT, "--json")

    (made,) = cloud.snapshots(cluster)
    backup, snapshot = ended.records
    assert ended.exit_code == 0
    assert (backup["kind"], backup["id"]) == ("backup", made.id)
    assert (snapshot["kind"], snapshot["status"]) == ("snapshot", "COMPLETED")
    assert '"status": "BUILDING"' in ended.stderr


def test_what_is_waited_for_is_told_line_by_line(
    cloud: EmulatorState, cluster: str
) -> None:
    ended = run("create", cluster, "nightly", "--wait", *PATIENT)

    (made,) = cloud.snapshots(cluster)
    accepted, completed = ended.stdout.splitlines()
    assert accepted == f"created nightly ({made.id}), being built"
    assert completed.startswith(f"COMPLETED nightly ({made.id}) in ")


@pytest.mark.parametrize(
    "ending",
    [
        ("FAILED", 1, "SnapshotFailedError"),
        ("PART_FAILED", 1, "PartialSnapshotError"),
        ("STUCK", 3, "WaitTimeoutError"),
    ],
)
@pytest.mark.parametrize("verb", ["create", "ensure"])
def test_a_creation_that_is_waited_for_ends_with_its_snapshot(
    verb: str, ending: tuple[Outcome, int, str], cloud: EmulatorState, cluster: str
) -> None:
    outcome, code, error = ending
    cloud.outcomes.add(outcome)

    ended = run(
        *(verb, cluster, "nightly", "--wait", "--timeout", "0.3s", "--poll", "0.05")
    )

    assert ended.exit_code == code
    assert ended.stdout.startswith("created nightly (")
    assert f"error: {error}: " in ended.stderr


@pytest.mark.parametrize(
    ("how", "held"),
    [("number", ["nightly", "nightly-2"]), ("replace", ["nightly"])],
)
def test_a_spoiled_one_is_numbered_or_replaced(
    how: str, held: list[str], cloud: EmulatorState, cluster: str
) -> None:
    cloud.add_snapshot(cluster, "nightly", age=60.0).outcome = "FAILED"
    command = ("ensure", cluster, "nightly", "--wait", *PATIENT)

    refused = run(*command)
    ended = run(*command, "--on-spoiled", how)

    assert (refused.exit_code, ended.exit_code) == (1, 0)
    assert [snapshot.name for snapshot in cloud.snapshots(cluster)] == held
