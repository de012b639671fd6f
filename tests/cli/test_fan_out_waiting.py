"""Runs that wait until each snapshot is completed, spoiled or late."""

import json
from pathlib import Path

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState, Fault
from css_snapshot.fanout import watch
from tests.support.command_line import Ended, run, run_watched

NIGHTLY = ("fan-out", "--all-clusters", "--snapshot", "nightly")


@pytest.fixture(autouse=True)
def looks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first look at a snapshot come at once, not after seconds."""
    monkeypatch.setattr(watch, "_FIRST_PAUSE", 0.05)


@pytest.fixture
def fleet(cloud: EmulatorState, server: EmulatorServer) -> EmulatorState:
    """Serve four clusters, one of which has a name."""
    cloud.add_cluster(EmulatedCluster(name="prod-orders"))
    return cloud


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "nightly.db")


def outcomes(ended: Ended) -> list[str]:
    return sorted(str(record["outcome"]) for record in ended.records[:-1])


def names(fleet: EmulatorState, cluster_id: str) -> list[str]:
    return [snapshot.name for snapshot in fleet.snapshots(cluster_id)]


@pytest.mark.parametrize(
    "waiting", [("--wait",), ("--timeout", "1h"), ("--by", "23:59")]
)
def test_a_run_ends_when_its_snapshots_are_completed(
    waiting: tuple[str, ...], fleet: EmulatorState
) -> None:
    ended = run(*NIGHTLY, *waiting)

    assert ended.exit_code == 0
    assert outcomes(ended) == ["completed"] * 4
    assert ended.records[-1]["completed"] == 4


def test_what_is_spoiled_is_named_and_no_success(fleet: EmulatorState) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.outcomes.add("PART_FAILED", cluster_id=orders)

    ended = run(*NIGHTLY, "--wait")

    assert ended.exit_code == 1
    assert outcomes(ended) == [*["completed"] * 3, "spoiled"]
    assert ended.stderr == "missing: prod-orders (spoiled)\n"
    (told,) = (one for one in ended.records if one.get("outcome") == "spoiled")
    assert told["id"] == fleet.snapshots(orders)[0].id
    assert told["cluster_name"] == "prod-orders"


def test_what_still_builds_when_time_is_up_is_late(
    fleet: EmulatorState, journal: str
) -> None:
    fleet.outcomes.add("STUCK", cluster_id=fleet.cluster_ids[-1])

    ended = run(*NIGHTLY, "--timeout", "1s", "--journal", journal)

    assert ended.exit_code == 3
    assert outcomes(ended) == [*["completed"] * 3, "late"]
    due, missing = ended.stderr.splitlines()
    assert due.startswith("due by 20")
    assert missing.startswith("missing: prod-orders (late); to look: css-snapshot ")
    assert missing.endswith(f"to go on: css-snapshot resume {journal}")


def test_a_failure_outweighs_what_is_late(fleet: EmulatorState) -> None:
    first, *_, orders = fleet.cluster_ids
    fleet.outcomes.add("STUCK", cluster_id=orders)
    fleet.faults.add(Fault.status(403), operation="create", cluster_id=first)

    ended = run(*NIGHTLY, "--timeout", "1s")

    assert ended.exit_code == 1
    assert outcomes(ended) == [*["completed"] * 2, "failed", "late"]


def test_what_time_did_not_suffice_to_begin_is_named(fleet: EmulatorState) -> None:
    ended = run(*NIGHTLY, "--timeout", "1s", "--rate", "0.1")

    begun = len(ended.records) - 1
    assert 0 < begun < 4
    assert ended.exit_code == 1
    assert ended.records[-1]["stopped"] == "finish_by has passed"
    assert ended.stderr.count("(not begun)") == 4 - begun


def test_what_completes_just_in_time_is_no_failure(
    fleet: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_FIRST_PAUSE", 60.0)
    fleet.build_seconds = 0.2

    ended = run(*NIGHTLY, "--timeout", "1s")

    assert ended.exit_code == 0
    assert outcomes(ended) == ["completed"] * 4
    assert (ended.records[-1]["is_success"], ended.records[-1]["stopped"]) == (True, "")


def test_a_resumed_run_looks_at_what_was_late_and_creates_nothing(
    fleet: EmulatorState, journal: str
) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.outcomes.add("STUCK", cluster_id=orders)
    run(*NIGHTLY, "--timeout", "1s", "--journal", journal)
    created = fleet.counts["create"]
    fleet.snapshots(orders)[0].outcome = "COMPLETED"

    ended = run("resume", journal, "--timeout", "20s")

    assert ended.exit_code == 0
    assert outcomes(ended) == ["completed", *["skipped"] * 3]
    assert fleet.counts["create"] == created == 4


def test_a_resumed_run_is_no_success_while_something_is_spoiled(
    fleet: EmulatorState, journal: str
) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.outcomes.add("FAILED", cluster_id=orders, times=1)
    run(*NIGHTLY, "--wait", "--journal", journal)

    left = run("resume", journal)
    done = run("resume", journal, "--retry-failed", "--on-spoiled", "number")

    assert left.exit_code == 1
    assert left.stderr.startswith("missing: prod-orders (spoiled in an earlier run)")
    assert done.exit_code == 0
    assert names(fleet, orders) == ["nightly", "nightly-2"]


def test_a_run_of_some_targets_tells_of_the_others_in_the_journal(
    fleet: EmulatorState, journal: str
) -> None:
    first, *_, orders = fleet.cluster_ids
    fleet.outcomes.add("FAILED", cluster_id=orders, times=1)
    run(*NIGHTLY, "--wait", "--journal", journal)

    ended = run(
        *("fan-out", first, "--snapshot", "nightly", "--wait", "--journal", journal)
    )

    assert ended.exit_code == 1
    assert ended.records[-1]["journal_open"] == 1
    assert ended.stderr.startswith("missing: 1 targets of earlier runs; ")


@pytest.mark.parametrize(
    ("how", "held"),
    [("number", ["nightly", "nightly-2"]), ("replace", ["nightly"])],
)
def test_a_spoiled_one_of_before_is_numbered_or_replaced(
    how: str, held: list[str], fleet: EmulatorState
) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.add_snapshot(orders, "nightly", age=600.0).outcome = "FAILED"

    refused = run(*NIGHTLY, "--wait")
    ended = run(*NIGHTLY, "--wait", "--on-spoiled", how)

    assert (refused.exit_code, ended.exit_code) == (1, 0)
    assert names(fleet, orders) == held


def test_a_journal_of_accepted_ones_is_not_waited_for(
    fleet: EmulatorState, journal: str
) -> None:
    run(*NIGHTLY, "--journal", journal)

    ended = run("resume", journal, "--wait")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: --wait: the run of ")
    assert ended.stderr.count("\n") == 1


def test_a_list_of_targets_of_an_earlier_release_is_read(
    fleet: EmulatorState, journal: str
) -> None:
    run(*NIGHTLY, "--journal", journal)
    kept = Path(f"{journal}.targets")
    header, *lines = kept.read_text().splitlines(keepends=True)
    options = json.loads(header)
    del options["until"], options["on_spoiled"]
    kept.write_text(json.dumps(options) + "\n" + "".join(lines))

    assert run("resume", journal).exit_code == 0


def test_a_terminal_shows_when_it_is_due_and_what_is_missing(
    fleet: EmulatorState,
) -> None:
    fleet.outcomes.add("STUCK", cluster_id=fleet.cluster_ids[-1])

    ended = run_watched(*NIGHTLY, "--timeout", "1s", NO_COLOR="1")

    assert ended.exit_code == 3
    assert ended.stderr.startswith("due by 20")
    assert "4 accepted" in ended.stderr
    assert "3 completed  1 late" in ended.stderr
    assert ", due " in ended.stderr
    assert "missing: prod-orders (late)" in ended.stderr
    assert ": 3 completed, 1 late, 0 failed; " in ended.stdout


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--by", "6"), "'--by': must be a time of day such as 06:00, not '6'"),
        (("--by", "06:00", "--timeout", "4h"), "'--by': can't go with --timeout"),
        (("--timeout", "4"), "'--timeout': must be a number with its unit"),
        (("--on-spoiled", "delete"), "--on-spoiled"),
    ],
)
def test_unclear_waiting_is_not_begun(
    options: tuple[str, ...], named: str, fleet: EmulatorState
) -> None:
    ended = run(*NIGHTLY, *options)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not fleet.counts
