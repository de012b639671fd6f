"""The command status: what a journal says, by name and id."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from css_snapshot.cli.commands import status
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from css_snapshot.fanout import Entry, State, watch
from tests.support.command_line import run

FLEET = ("fan-out", "--all-clusters")


@pytest.fixture
def fleet(
    cloud: EmulatorState, server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> EmulatorState:
    """Serve four clusters, one of which has a name, to runs that look at once."""
    monkeypatch.setattr(watch, "_FIRST_PAUSE", 0.05)
    cloud.add_cluster(EmulatedCluster(name="prod-orders"))
    return cloud


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "nightly.db")


def test_each_night_of_a_journal_has_its_counts_and_its_troubles(
    fleet: EmulatorState, journal: str
) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.outcomes.add("PART_FAILED", cluster_id=orders, name="monday")
    fleet.outcomes.add("STUCK", cluster_id=orders, name="wednesday")
    for night, code in (("monday", 1), ("tuesday", 0), ("wednesday", 3)):
        ended = run(
            *(*FLEET, "--snapshot", night, "--timeout", "1s", "--journal", journal)
        )
        assert ended.exit_code == code

    ended = run("status", journal)

    monday, _, wednesday = fleet.snapshots(orders)
    lines = ended.stdout.splitlines()
    assert ended.exit_code == 1
    assert lines[0] == f"{journal} (not in use): 12 targets"
    assert [lines[1], lines[4], lines[5]] == [
        *("monday: 3 completed, 1 spoiled", "tuesday: 4 completed"),
        "wednesday: 3 completed, 1 late",
    ]
    assert lines[2] == f"  spoiled prod-orders ({orders})"
    assert lines[3].startswith(f"    monday ({monday.id}), 1 attempt, 20")
    assert "is partial: " in lines[3]
    assert lines[6] == f"  late prod-orders ({orders})"
    assert lines[7].startswith(f"    wednesday ({wednesday.id}), 1 attempt, 20")
    assert lines[8:] == []


def test_a_numbered_snapshot_is_told_by_its_own_name(
    fleet: EmulatorState, journal: str
) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.add_snapshot(orders, "nightly", age=60.0).outcome = "FAILED"
    fleet.outcomes.add("STUCK", cluster_id=orders, name="nightly-2")
    run(
        *(*FLEET, "--snapshot", "nightly", "--timeout", "1s", "--journal", journal),
        *("--on-spoiled", "number"),
    )

    ended = run("status", journal)

    assert ended.exit_code == 3
    assert f"\n    nightly-2 ({fleet.snapshots(orders)[-1].id}), " in ended.stdout


@pytest.mark.parametrize(("waiting", "code"), [(("--wait",), 3), ((), 0)])
def test_what_is_only_accepted_is_open_in_a_run_that_waits(
    waiting: tuple[str, ...], code: int, fleet: EmulatorState, journal: str
) -> None:
    run(*FLEET, "--snapshot", "nightly", *waiting, "--journal", journal)
    if waiting:
        # As after a crash while the snapshots were being built.
        _set_all(journal, State.ACCEPTED)

    ended = run("status", journal)

    assert ended.exit_code == code
    assert ended.stdout.count("  accepted ") == (4 if waiting else 0)


def test_a_journal_without_its_targets_tells_ids(
    fleet: EmulatorState, journal: str
) -> None:
    orders = fleet.cluster_ids[-1]
    fleet.outcomes.add("FAILED", cluster_id=orders)
    run(*FLEET, "--snapshot", "nightly", "--wait", "--journal", journal)
    Path(f"{journal}.targets").unlink()

    people, programs = run("status", journal), run("status", journal, "--json")

    assert f"\n  spoiled {orders}\n" in people.stdout
    entries = programs.records[:-1]
    assert {entry["cluster_name"] for entry in entries} == {None}
    assert people.exit_code == programs.exit_code == 1


def test_an_entry_tells_attempts_time_and_error() -> None:
    entry = Entry(
        cluster_id="c1",
        name="nightly",
        digest=b"",
        state=State.FAILED,
        error="no",
        updated=datetime(2026, 11, 24, 2, tzinfo=UTC),
        attempts=2,
    )

    told = status._details(entry)

    assert told == "no snapshot known, 2 attempts, 2026-11-24T02:00:00Z: no"


def _set_all(journal: str, state: State) -> None:
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("UPDATE targets SET state = ?", (state.value,))


def test_what_was_not_begun_is_open(fleet: EmulatorState, journal: str) -> None:
    pipeline = fleet.add_cluster(EmulatedCluster(name="pipes"))
    run(*FLEET, "--snapshot", "nightly", "--journal", journal)
    with closing(sqlite3.connect(journal)) as database, database:
        database.execute("DELETE FROM targets WHERE cluster_id = ?", (pipeline.id,))

    people, programs = run("status", journal), run("status", journal, "--json")

    assert people.exit_code == programs.exit_code == 3
    assert people.stdout.splitlines()[2:] == [
        *("not in the journal: 1", f"  not begun pipes ({pipeline.id}): nightly")
    ]
    *_, entry, header = programs.records
    assert entry == {
        "kind": "entry",
        "cluster_id": pipeline.id,
        "cluster_name": "pipes",
        "name": "nightly",
        "state": "not_begun",
    }
    assert header["not_begun"] == 1


def test_why_a_cluster_was_not_ready_is_told_by_status_and_by_resume(
    fleet: EmulatorState, journal: str
) -> None:
    fleet.add_cluster(EmulatedCluster(name="pipes", engine="logstash"))
    run(*FLEET, "--snapshot", "nightly", "--journal", journal)
    posts = fleet.counts["create"]

    told = run("status", journal)
    *entries, before = run("status", journal, "--json").records
    resumed = run("resume", journal, "--json")

    assert (told.exit_code, before["not_ready"], before["not_begun"]) == (1, 1, 0)
    assert {one["message"] for one in entries} == {
        None,
        "logstash clusters have no snapshots",
    }
    assert told.stderr == ""
    header, reason = told.stdout.splitlines()[-2:]
    assert header.startswith("  not ready pipes (")
    when, _, why = reason.strip().partition(": ")
    assert (when[-1], why) == ("Z", "logstash clusters have no snapshots")
    outcome = next(one for one in resumed.records if one["outcome"] == "not_ready")
    assert "logstash clusters have no snapshots" in str(outcome["readiness"])
    assert (resumed.exit_code, fleet.counts["create"]) == (1, posts)
    assert fleet.counts["clusters"] == 2


def test_a_cluster_that_is_ready_by_now_is_snapshotted_by_resume(
    fleet: EmulatorState, journal: str
) -> None:
    off = fleet.add_cluster(EmulatedCluster(backup_available=False))
    run(*FLEET, "--snapshot", "nightly", "--journal", journal)
    fleet.cluster(off.id).backup_available = True

    resumed = run("resume", journal, "--json")

    assert (resumed.exit_code, resumed.records[-1]["created"]) == (0, 1)


def test_a_resume_of_clusters_that_were_ready_needs_no_list_of_them(
    fleet: EmulatorState, journal: str
) -> None:
    run(*FLEET, "--snapshot", "nightly", "--journal", journal)

    assert run("resume", journal).exit_code == 0
    assert fleet.counts["clusters"] == 1
    told = run("status", journal)
    assert (told.exit_code, told.stderr) == (0, "nothing is open, nothing failed\n")


def test_a_cluster_that_was_busy_is_tried_again_by_resume(
    fleet: EmulatorState, journal: str
) -> None:
    busy = fleet.cluster_ids[0]
    earlier = fleet.add_snapshot(busy, "earlier")
    earlier.outcome = "STUCK"
    run(*FLEET, "--snapshot", "nightly", "--journal", journal)
    told = run("status", journal)
    earlier.outcome = "COMPLETED"

    resumed = run("resume", journal, "--json")

    assert (told.exit_code, "  busy " in told.stdout) == (1, True)
    assert resumed.records[-1]["created"] == 1
