"""The command that deletes snapshots no longer wanted, against an emulated cloud."""

import io
import sys
from collections.abc import Callable

import pytest
from rich.text import Text

from css_snapshot.cli.app import app
from css_snapshot.emulator import EmulatorState, Fault
from tests.support.command_line import run, run_watched

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
    rows = [line.split() for line in ended.stdout.splitlines()]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("NAME", "FATE", "STATUS"),
        ("nightly-10", "keep:", "last"),
        ("nightly-20", "keep:", "last"),
        ("auto-1", "leave:", "automatic"),
        ("nightly-40", "delete", "COMPLETED"),
        ("nightly-30", "delete", "COMPLETED"),
    ]
    assert ended.stderr == "2 of 5 would be deleted\n"
    assert names(cloud, cluster) == history


def test_a_dry_run_tells_programs_the_reasons(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    failed = cloud.add_snapshot(cluster, "nightly-1", age=DAY)
    failed.outcome = "FAILED"

    ended = run(
        *("prune", cluster, "--daily", "1", "--monthly", "2", "--within", "11d"),
        *("--at-least", "2", "--prefix", "nightly-", "--dry-run", "--json"),
    )

    told = {one["name"]: (one["fate"], one["why"]) for one in ended.records}
    assert told == {
        "nightly-1": ("leave", ["failed, with no newer usable one"]),
        "nightly-10": ("keep", ["daily", "monthly", "within"]),
        "nightly-20": ("keep", ["within"]),
        "nightly-30": told["nightly-30"],
        "nightly-40": told["nightly-40"],
        "auto-1": ("leave", ["automatic"]),
    }
    fates = [fate for fate, _ in told.values()]
    assert fates.count("keep") == 3
    assert {one["deleted"] for one in ended.records} == {False}


def test_a_dry_run_of_a_fleet_names_the_clusters_at_80_columns(
    cloud: EmulatorState, cluster: str, history: list[str]
) -> None:
    ended = run_watched(
        *("prune", "--all-clusters", "--last", "1", "--dry-run"), COLUMNS="80"
    )

    lines = Text.from_ansi(ended.stdout).plain.splitlines()
    rows = [line.split() for line in lines]
    name = cloud.cluster(cluster).name
    assert [name, f"({cluster}):"] in rows
    for snapshot in cloud.snapshots(cluster):
        assert [snapshot.name, snapshot.id] in [row[:2] for row in rows]
    assert {f"{one}:" for one in cloud.cluster_ids[1:]} <= set(lines)
    assert ended.stderr.count("would be deleted") == 1
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        (("--last", "2"), 2),
        (("--keep", "2"), 2),
        (("--within", "15d"), 2),
        (("--yearly", "1"), 1),
        (("--older-than", "25d"), 2),
        (("--older-than", "25d", "--at-least", "3"), 3),
        (("--daily", "3", "--older-than", "35d"), 3),
        (("--at-least", "0"), 0),
    ],
)
def test_the_rules_say_what_stays(
    rules: tuple[str, ...],
    left: int,
    cloud: EmulatorState,
    cluster: str,
    history: list[str],
) -> None:
    ended = run("prune", cluster, "--prefix", "nightly-", *rules, "--yes")

    assert ended.exit_code == 0
    assert len(names(cloud, cluster)) - 1 == left


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ((), "--keep: give a rule, such as --keep 7 or --daily 7"),
        (("--keep", "0"), "--keep: give a rule"),
        (("--prefix", "nightly-"), "--keep: give a rule"),
        (("--daily", "-1"), "--daily"),
        (("--keep", "1", "--timezone", "Mars/Olympus"), "timezone: 'Mars/Olympus' is"),
        (("--keep", "1", "--prefix", ""), "prefix: must not be empty"),
        (("--within", "3"), "--within"),
        (("--keep", "1", "--older-than", "30"), "--older-than"),
    ],
)
def test_rules_that_are_unclear_delete_nothing(
    options: tuple[str, ...], named: str, cloud: EmulatorState, cluster: str
) -> None:
    ended = run("prune", cluster, *options, "--yes")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not cloud.counts


def test_hours_begin_where_the_time_zone_says(
    cloud: EmulatorState, cluster: str
) -> None:
    # 20 hours apart: one day apart at least anywhere.
    for number in range(3):
        cloud.add_snapshot(cluster, f"nightly-{number}", age=number * 5 * DAY)

    ended = run(
        *("prune", cluster, "--daily", "2", "--timezone", "Asia/Shanghai"),
        *("--dry-run", "--json"),
    )

    assert [one["fate"] for one in ended.records] == ["keep", "keep", "delete"]


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
    *,
    capsys: pytest.CaptureFixture[str],
) -> None:
    at_terminal(f"{answer}\n")

    with pytest.raises(SystemExit) as ended:
        app(["prune", cluster, "--keep", "1"])

    assert "Delete 3 snapshots? [y/N]" in "".join(capsys.readouterr())

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
