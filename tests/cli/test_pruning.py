"""The command that deletes snapshots no longer wanted, against an emulated cloud."""

import io
import sys
from collections.abc import Callable

import pytest

from css_snapshot.cli.app import app
from css_snapshot.emulator import EmulatorState, Fault
from tests.support.command_line import run

DAY = 86400.0


@pytest.fixture
def history(cloud: EmulatorState, cluster: str) -> list[str]:
    """Make four nightly snapshots, oldest first, and one that is automatic."""
    for days in (40, 30, 20, 10):
        cloud.add_snapshot(cluster, f"nightly-{days}", age=days * DAY)
    cloud.add_snapshot(cluster, "auto-1", automatic=True, age=50 * DAY)
    return names(cloud, cluster)


def names(cloud: EmulatorState, cluster: str) -> list[str]:
    return sorted(snapshot.name for snapshot in cloud.snapshots(cluster))


def test_a_dry_run_shows_what_would_go(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    ended = run("prune", cluster, "--keep", "2", "--dry-run")

    assert ended.exit_code == 0
    assert [line.split()[0] for line in ended.stdout.splitlines()] == [
        *("NAME", "nightly-40", "nightly-30")
    ]
    assert ended.stderr == "2 would be deleted\n"
    assert names(cloud, cluster) == history


def test_what_is_no_longer_wanted_goes(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    ended = run(
        *("prune", cluster, "--keep", "1", "--prefix", "nightly-"),
        *("--older-than", "25d", "--yes", "--json"),
    )

    assert [(record["name"], record["deleted"]) for record in ended.records] == [
        ("nightly-40", True),
        ("nightly-30", True),
    ]
    assert names(cloud, cluster) == ["auto-1", "nightly-10", "nightly-20"]


def test_nothing_to_delete_is_said(cluster: str, history: list[str]) -> None:
    ended = run("prune", cluster, "--keep", "9", "--yes")

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr == "nothing to delete\n"


def test_without_anybody_to_ask_it_demands_yes(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    ended = run("prune", cluster, "--keep", "1")

    assert ended.exit_code == 2
    assert "--yes" in ended.stderr
    assert not cloud.counts


@pytest.mark.parametrize("answer", ["y", "n"])
def test_at_a_terminal_it_asks_first(
    answer: str,
    cloud: EmulatorState,
    cluster: str,
    history: list[str],
    at_terminal: Callable[[str], None],
) -> None:
    at_terminal(f"{answer}\n")

    with pytest.raises(SystemExit) as ended:
        app(["prune", cluster, "--keep", "1"])

    gone = set(history) - set(names(cloud, cluster))
    assert (ended.value.code == 0) == (answer == "y")
    assert len(gone) == (3 if answer == "y" else 0)


class SecondThoughts(io.StringIO):
    """Somebody who takes so long to answer that something happens meanwhile."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__("y\n")
        self._meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # as StringIO has it
        self._meanwhile()
        return super().readline(size)


def test_what_is_deleted_is_what_was_shown(
    cloud: EmulatorState,
    cluster: str,
    history: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def another_night() -> None:
        cloud.add_snapshot(cluster, "nightly-0")

    monkeypatch.setattr(sys, "stdin", SecondThoughts(another_night))

    with pytest.raises(SystemExit):
        app(["prune", cluster, "--keep", "3", "--prefix", "nightly-"])

    # By now, two are one too many; but only one of them was shown.
    assert set(history) - set(names(cloud, cluster)) == {"nightly-40"}
    assert capsys.readouterr().out.count("nightly-40") == 2


def test_what_is_wanted_again_is_left(
    cloud: EmulatorState,
    cluster: str,
    history: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def the_newer_ones_go() -> None:
        for snapshot in cloud.snapshots(cluster)[1:4]:
            cloud.delete_snapshot(cluster, snapshot.id)

    monkeypatch.setattr(sys, "stdin", SecondThoughts(the_newer_ones_go))

    with pytest.raises(SystemExit) as ended:
        app(["prune", cluster, "--keep", "3"])

    assert ended.value.code == 0
    assert names(cloud, cluster) == ["auto-1", "nightly-40"]


def test_one_that_somebody_else_deletes_meanwhile_is_passed_over(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    cloud.faults.add(Fault.status(404), operation="delete", nth=1)

    ended = run("prune", cluster, "--keep", "1", "--yes", "--json")

    assert ended.exit_code == 0
    assert [record["name"] for record in ended.records] == ["nightly-30", "nightly-20"]


def test_a_fleet_is_pruned_cluster_by_cluster(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    other = cloud.cluster_ids[1]
    for days in (9, 5, 1):
        cloud.add_snapshot(other, f"weekly-{days}", age=days * DAY)
    cloud.faults.add(Fault.status(403), operation="delete", cluster_id=cluster)

    ended = run("prune", "--all-clusters", "--keep", "1", "--yes")

    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"error: {cluster}: PruneError: ")
    assert names(cloud, cluster) == history
    assert names(cloud, other) == ["weekly-1"]


def test_what_was_deleted_before_a_failure_is_shown(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    cloud.faults.add(Fault.status(403), operation="delete", nth=2)

    ended = run("prune", cluster, "--keep", "1", "--yes", "--json")

    assert ended.exit_code == 1
    assert [record["name"] for record in ended.records] == ["nightly-40"]
    assert ended.error["error"] == "PruneError"
