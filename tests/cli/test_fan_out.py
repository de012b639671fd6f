"""The commands fan-out and resume, against an emulated cloud."""

import json
from pathlib import Path

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState, Fault
from tests.support.command_line import Ended, run, run_watched

QUICK = ("--settle", "0.5", "--attempt-timeout", "5")
PROTECTED = 0o077


@pytest.fixture
def fleet(cloud: EmulatorState, server: EmulatorServer) -> EmulatorState:
    """Put a few more clusters in the cloud that is being served, five in all."""
    cloud.add_cluster(EmulatedCluster(name="prod-1", tags={"env": "prod"}))
    cloud.add_cluster(EmulatedCluster(name="prod-2", engine="opensearch"))
    return cloud


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "nightly.db")


def held(cloud: EmulatorState) -> list[list[str]]:
    """Return the names of the snapshots of each cluster."""
    return [
        [snapshot.name for snapshot in cluster.snapshots] for cluster in cloud.clusters
    ]


def outcomes(ended: Ended) -> list[str]:
    return sorted(str(record["outcome"]) for record in ended.records[:-1])


def test_targets_come_from_a_file(fleet: EmulatorState, tmp_path: Path) -> None:
    listed = tmp_path / "targets.txt"
    first, second, *_ = fleet.cluster_ids
    listed.write_text(f"# two of them\n{first}\n{second} special a,b\n")

    ended = run("fan-out", "--from", str(listed), "--snapshot", "nightly")

    assert ended.exit_code == 0
    assert held(fleet) == [["nightly"], ["special"], [], [], []]
    assert fleet.snapshots(second)[0].indices == "a,b"


def test_targets_come_from_the_standard_input(fleet: EmulatorState) -> None:
    lines = "".join(f"{cluster} from-a-pipe\n" for cluster in fleet.cluster_ids)

    ended = run("fan-out", "-", stdin=lines)

    assert ended.exit_code == 0
    assert held(fleet) == [["from-a-pipe"]] * 5


def test_targets_are_all_clusters(fleet: EmulatorState) -> None:
    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly")

    assert ended.exit_code == 0
    assert held(fleet) == [["nightly"]] * 5


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (("--engine", "opensearch"), "prod-2"),
        (("--tag", "env=prod"), "prod-1"),
        (("--name", "*-2"), "prod-2"),
    ],
)
def test_targets_are_some_of_all_clusters(
    options: tuple[str, ...], chosen: str, fleet: EmulatorState
) -> None:
    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly", *options)

    assert ended.exit_code == 0
    assert [cluster.name for cluster in fleet.clusters if cluster.snapshots] == [chosen]


def test_a_cluster_that_is_not_ready_is_a_missed_snapshot(
    fleet: EmulatorState,
) -> None:
    pipeline = fleet.add_cluster(EmulatedCluster(engine="logstash"))

    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly")

    assert ended.exit_code == 1
    (told,) = (one for one in ended.records if one.get("outcome") == "not_ready")
    assert told["cluster_id"] == pipeline.id
    assert "logstash clusters have no snapshots" in json.dumps(told["readiness"])
    summary = ended.records[-1]
    assert (summary["created"], summary["not_ready"]) == (5, 1)
    assert not pipeline.snapshots


def test_an_occupied_cluster_is_tried_if_told_to_wait(fleet: EmulatorState) -> None:
    fleet.build_seconds = 1.0
    fleet.add_snapshot(fleet.cluster_ids[0], "earlier")
    fleet.busy_lock = False

    skipping = run("fan-out", "--all-clusters", "--snapshot", "nightly")
    waiting = run(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--busy", "wait")
    )

    assert (skipping.exit_code, skipping.records[-1]["busy"]) == (1, 1)
    assert (waiting.exit_code, waiting.records[-1]["busy"]) == (0, 0)


def test_a_cluster_that_is_busy_when_looked_at_is_a_missed_snapshot(
    fleet: EmulatorState,
) -> None:
    fleet.build_seconds = 60.0
    busy = fleet.cluster_ids[0]
    fleet.add_snapshot(busy, "earlier")

    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly")

    (told,) = (one for one in ended.records if one.get("outcome") == "busy")
    assert ended.exit_code == 1
    assert (told["cluster_id"], told["name"]) == (busy, "nightly")
    assert "SNAPSHOTTING" in json.dumps(told["readiness"])
    summary = ended.records[-1]
    assert (summary["total"], summary["created"], summary["busy"]) == (5, 4, 1)


def test_a_fleet_that_is_left_out_as_a_whole_is_a_failure(
    fleet: EmulatorState,
) -> None:
    options = ("--engine", "logstash")
    fleet.add_cluster(EmulatedCluster(name="pipeline", engine="logstash"))

    lines = run("fan-out", "--all-clusters", "--snapshot", "nightly", *options)
    text = run_watched(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", *options), NO_COLOR="1"
    )

    assert lines.exit_code == text.exit_code == 1
    told, summary = lines.records
    assert (told["outcome"], told["name"]) == ("not_ready", "nightly")
    assert (summary["total"], summary["not_ready"]) == (1, 1)
    assert "not ready" in text.stderr
    assert "logstash clusters have no snapshots" in text.stderr
    assert ": 1 not ready, 0 failed\n" in text.stdout


def test_clusters_are_named_as_arguments(fleet: EmulatorState) -> None:
    ended = run(
        "fan-out", "prod-1", fleet.cluster_ids[0], "prod-1", "--snapshot", "nightly"
    )

    assert ended.exit_code == 0
    assert held(fleet) == [["nightly"], [], [], ["nightly"], []]


def test_a_file_may_name_clusters(fleet: EmulatorState, tmp_path: Path) -> None:
    listed = tmp_path / "targets.txt"
    listed.write_text(f"prod-1 special a,b\n{fleet.cluster_ids[0]}\n")

    ended = run("fan-out", "--from", str(listed), "--snapshot", "nightly")

    assert ended.exit_code == 0
    assert held(fleet) == [["nightly"], [], [], ["special"], []]
    assert fleet.snapshots(fleet.cluster_ids[3])[0].indices == "a,b"


def test_a_cluster_of_a_file_that_is_gone_holds_no_other_up(
    fleet: EmulatorState,
) -> None:
    ended = run(
        *("fan-out", "-", "--snapshot", "nightly"),
        stdin=f"long-gone\n{fleet.cluster_ids[0]}\n",
    )

    assert ended.exit_code == 1
    assert outcomes(ended) == ["created", "failed"]


def test_an_ambiguous_name_in_a_file_begins_nothing(fleet: EmulatorState) -> None:
    fleet.add_cluster(EmulatedCluster(name="prod-1"))

    ended = run("fan-out", "-", "--snapshot", "nightly", stdin="prod-2\nprod-1\n")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "prod-1 is the name of several" in ended.stderr
    assert not fleet.counts["create"]


def test_a_dry_run_shows_the_targets(fleet: EmulatorState) -> None:
    fleet.add_cluster(EmulatedCluster(engine="logstash"))
    command = ("fan-out", "--all-clusters", "--snapshot", "nightly", "--dry-run")

    ended = run(*command, "--json")
    table = run(*command, "-o", "table", "--engine", "opensearch", "--indices", "a,b")

    ready = {record["cluster_id"]: record["readiness"] for record in ended.records}
    assert ended.exit_code == 1
    assert set(ready) == set(fleet.cluster_ids)
    assert min(map(str, ready.values())).startswith("logstash")
    assert {record["kind"] for record in ended.records} == {"target"}
    assert table.exit_code == 0
    assert table.stdout.split() == [
        *("CLUSTER", "NAME", "READINESS", "INDICES"),
        *(fleet.cluster_ids[4], "nightly", "ready", "a,b"),
    ]
    assert not fleet.counts["create"]


def test_outcomes_are_objects_where_no_terminal_is(fleet: EmulatorState) -> None:
    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly")

    *targets, summary = ended.records
    assert {record["kind"] for record in targets} == {"outcome"}
    assert set(targets[0]) == {
        *("kind", "outcome", "cluster_id", "cluster_name", "name", "indices"),
        *("description", "id", "attempts", "elapsed", "result", "backup"),
    }
    ids = {snapshot.id for cluster in fleet.clusters for snapshot in cluster.snapshots}
    assert {record["id"] for record in targets} == ids
    counts = (
        *("created", "adopted", "completed", "done", "skipped", "spoiled", "late"),
        *("busy", "not_ready", "failed", "not_retried", "indeterminate"),
        "journal_open",
    )
    assert summary | {"elapsed": 0} == dict.fromkeys(counts, 0) | {
        "kind": "summary",
        "total": 5,
        "created": 5,
        "good": 5,
        "bad": 0,
        "is_success": True,
        "elapsed": 0,
        "stopped": "",
        "interrupted": False,
    }


def test_faults_are_survived_without_duplicates(fleet: EmulatorState) -> None:
    fleet.unique_names = False
    first, second, *_ = fleet.cluster_ids
    fleet.faults.add(Fault.status(500), operation="create", cluster_id=first)
    fleet.faults.add(Fault.drop_after_commit(), operation="create", cluster_id=second)

    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly", *QUICK)

    assert ended.exit_code == 0
    assert outcomes(ended) == ["adopted", *["created"] * 4]
    assert held(fleet) == [["nightly"]] * 5


def test_a_failure_is_told_with_the_vendors_code(fleet: EmulatorState) -> None:
    first = fleet.cluster_ids[0]
    fleet.faults.add(Fault.status(403), operation="create", cluster_id=first)

    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly")

    (failed,) = (one for one in ended.records if one.get("outcome") == "failed")
    assert ended.exit_code == 1
    assert failed["cluster_id"] == first
    error = failed["error"]
    assert isinstance(error, dict)
    assert (error["type"], error["code"]) == ("ForbiddenError", "CSS.0015")
    assert error["request_id"]


def test_an_occupied_cluster_makes_the_run_incomplete(fleet: EmulatorState) -> None:
    fleet.faults.add(Fault.status(409), operation="create")

    ended = run("fan-out", "--all-clusters", "--snapshot", "nightly", *QUICK)

    assert ended.exit_code == 1
    assert ended.records[-1]["busy"] == 1


def test_what_is_unknown_has_its_own_exit_code(fleet: EmulatorState) -> None:
    fleet.faults.add(Fault.drop(), operation="create")

    ended = run(
        *("fan-out", "--all-clusters", "--snapshot", "nightly"),
        *("--settle", "0", "--attempt-timeout", "2"),
    )

    assert ended.exit_code == 3
    assert ended.records[-1]["indeterminate"] == 1


def test_a_wrong_key_stops_the_run(fleet: EmulatorState) -> None:
    lines = "".join(f"{cluster}\n" for cluster in fleet.cluster_ids)

    ended = run(
        *("fan-out", "-", "--snapshot", "nightly", "--limit", "1"),
        stdin=lines,
        HUAWEICLOUD_SDK_SK="wrong",
    )

    assert ended.exit_code == 1
    assert ended.records[-1]["failed"] == 1
    assert "credentials" in str(ended.records[-1]["stopped"])
    assert ended.stderr.startswith("error: AuthenticationError: ")
    assert sum(fleet.counts.values()) == 1


def test_too_many_failures_stop_the_run(fleet: EmulatorState) -> None:
    fleet.faults.add(Fault.status(403), operation="create", times=None)

    ended = run(
        *("fan-out", "--all-clusters", "--snapshot", "nightly"),
        *("--limit", "1", "--max-failures", "2"),
    )

    assert ended.exit_code == 1
    assert ended.records[-1]["failed"] == 2
    assert fleet.counts["create"] == 2


def test_a_mistake_in_the_last_line_is_told_before_anything_is_sent(
    fleet: EmulatorState,
) -> None:
    ended = run("fan-out", "-", stdin=f"{fleet.cluster_ids[0]} nightly\nc2 Nightly\n")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: standard input, line 2, name: must start")
    assert not fleet.counts


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((), "--all-clusters"),
        (("-", "--all-clusters"), "--all-clusters"),
        (("-", "--engine", "opensearch"), "--engine"),
        (("--all-clusters",), "--snapshot"),
        (("--all-clusters", "--snapshot", "Nightly"), "name"),
        (("-",), "there are none"),
        (("--from", "no-such-file.txt"), "no-such-file.txt: No such file"),
        (("--all-clusters", "--snapshot", "nightly", "--rate", "0"), "rate"),
    ],
)
def test_a_fan_out_that_is_unclear_is_not_begun(
    args: tuple[str, ...], named: str, fleet: EmulatorState
) -> None:
    ended = run("fan-out", *args)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert named in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not fleet.counts.keys() - ({"clusters"} if "--rate" in args else set())


def test_no_matching_cluster_is_no_success(fleet: EmulatorState) -> None:
    ended = run(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--name", "nobody")
    )

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "no cluster of the project matches --name nobody" in ended.stderr


def test_a_terminal_shows_a_bar_the_failures_and_the_counts(
    fleet: EmulatorState,
) -> None:
    first = fleet.cluster_ids[0]
    fleet.add_cluster(EmulatedCluster(engine="logstash"))
    fleet.faults.add(Fault.status(403), operation="create", cluster_id=first)

    ended = run_watched(
        *("fan-out", "--all-clusters", "--snapshot", "nightly"),
        NO_COLOR="1",
    )

    assert ended.exit_code == 1
    assert "6/6" in ended.stderr
    assert "4 created" in ended.stderr
    assert "1 failed" in ended.stderr
    assert "in flight" in ended.stderr
    assert f"failed {first}/nightly" in ended.stderr
    assert "not ready" in ended.stderr
    assert ended.stdout.startswith("6 targets in ")
    assert ended.stdout.endswith(": 4 created, 1 not ready, 1 failed\n")


def test_a_run_with_a_journal_is_not_repeated(
    fleet: EmulatorState, journal: str
) -> None:
    command = ("fan-out", "--all-clusters", "--snapshot", "nightly")

    first = run(*command, "--journal", journal)
    again = run("resume", journal)

    assert (first.exit_code, again.exit_code) == (0, 0)
    assert outcomes(again) == ["skipped"] * 5
    assert {record["reason"] for record in again.records[:-1]} == {"accepted"}
    assert fleet.counts["create"] == 5


def test_what_failed_is_tried_again_only_if_told_to(
    fleet: EmulatorState, journal: str
) -> None:
    fleet.faults.add(Fault.status(403), operation="create")
    run("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal)

    left = run("resume", journal)
    done = run("resume", journal, "--retry-failed")

    assert outcomes(left) == ["skipped"] * 5
    assert (left.exit_code, left.records[-1]["not_retried"]) == (1, 1)
    assert outcomes(done) == ["created", *["skipped"] * 4]
    assert held(fleet) == [["nightly"]] * 5


def test_a_resumed_run_knows_where_it_was_going(
    fleet: EmulatorState, journal: str
) -> None:
    endpoint = run("doctor", "--json").records[0]["detail"]
    run("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal)

    ended = run("resume", journal, CSS_ENDPOINT="https://elsewhere.invalid")

    assert endpoint != "https://elsewhere.invalid"
    assert ended.exit_code == 0


def test_a_resume_without_its_targets_says_what_to_do(
    fleet: EmulatorState, journal: str
) -> None:
    run("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal)
    Path(f"{journal}.targets").unlink()

    ended = run("resume", journal)

    assert ended.exit_code == 2
    assert "repeat the fan-out" in ended.stderr


def test_a_resume_of_what_is_no_journal_does_not_lead_a_run_into_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "clusters.txt"
    file.write_text("c1\n")

    ended, status = run("resume", str(file)), run("status", str(file))

    assert ended.exit_code == status.exit_code == 1
    assert ended.stderr == status.stderr
    assert "repeat" not in ended.stderr


def test_no_journal_holds_a_secret(
    fleet: EmulatorState, journal: str, tmp_path: Path
) -> None:
    run("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal)

    for path in tmp_path.iterdir():
        assert fleet.secret_key.encode() not in path.read_bytes()
        assert path.stat().st_mode & PROTECTED == 0


def test_a_journal_of_another_plan_keeps_its_targets(
    fleet: EmulatorState, journal: str
) -> None:
    run("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal)

    refused = run(
        *("fan-out", "-", "--journal", journal, "--on-exists", "fail"),
        stdin="c1 nightly",
    )

    assert refused.exit_code == 2
    assert outcomes(run("resume", journal)) == ["skipped"] * 5


@pytest.mark.parametrize(
    ("fault", "code", "state"),
    [
        (None, 0, None),
        (Fault.status(403), 1, "failed"),
        (Fault.drop(), 3, "indeterminate"),
    ],
)
def test_a_status_shows_what_did_not_go_well(
    fault: Fault | None,
    code: int,
    state: str | None,
    fleet: EmulatorState,
    journal: str,
) -> None:
    first = fleet.cluster_ids[0]
    if fault is not None:
        fleet.faults.add(fault, operation="create", cluster_id=first)
    run(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal),
        *("--settle", "0", "--attempt-timeout", "2"),
    )

    ended = run("status", journal)

    assert ended.exit_code == code
    lines = ended.stdout.splitlines()
    assert "5 targets" in lines[0]
    if state is None:
        assert ended.stderr == "nothing is open, nothing failed\n"
    else:
        assert lines[1:3] == [
            f"nightly: 4 accepted, 1 {state}",
            f"  {state} {fleet.cluster(first).name} ({first})",
        ]
        assert lines[3].startswith("    no snapshot known, 1 attempt, 20")
        assert lines[4:] == []


def test_a_status_is_all_entries_for_programs(
    fleet: EmulatorState, journal: str
) -> None:
    run("fan-out", "--all-clusters", "--snapshot", "nightly", "--journal", journal)

    *entries, header = run("status", journal, "--json").records

    assert {entry["cluster_id"] for entry in entries} == set(fleet.cluster_ids)
    assert set(entries[0]) == {
        *("kind", "cluster_id", "cluster_name", "name", "state", "id", "how"),
        *("attempts", "since", "updated", "message"),
    }
    assert (header["kind"], header["total"], header["accepted"]) == ("journal", 5, 5)
    assert header["in_use"] is False


def test_a_status_of_nothing_is_an_error(tmp_path: Path) -> None:
    nothing = tmp_path / "none.db"
    nothing.touch()

    ended = run("status", str(nothing))

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: JournalError: ")
