"""The commands create, ensure, list and delete, against an emulated cloud."""

import re
from collections.abc import Callable

import pytest

from css_snapshot import Snapshot, SnapshotStatus, to_dict
from css_snapshot.cli.app import app
from css_snapshot.emulator import EmulatorState, Fault
from tests.support.command_line import SECRET_KEY, run


def test_a_created_snapshot_is_told_with_what_to_do_next(
    cloud: EmulatorState, cluster: str
) -> None:
    ended = run("create", cluster, "nightly", "--indices", "logs-*,orders")

    (snapshot,) = cloud.snapshots(cluster)
    assert ended.exit_code == 0
    assert ended.stdout == (
        f"created nightly ({snapshot.id}), being built; to wait for it:"
        f" css-snapshot wait {cluster} {snapshot.id}\n"
    )
    assert ended.stderr == ""
    assert snapshot.indices == "logs-*,orders"


def test_a_created_snapshot_is_one_object_for_programs(
    cloud: EmulatorState, cluster: str
) -> None:
    ended = run("create", cluster, "nightly", "--description", "weekly", "--json")

    (snapshot,) = cloud.snapshots(cluster)
    (record,) = ended.records
    assert re.fullmatch("[0-9a-f]{32}", str(record.pop("request_id")))
    assert record == {
        "kind": "backup",
        "id": snapshot.id,
        "name": "nightly",
        "cluster_id": cluster,
    }
    assert snapshot.description == "weekly"


def test_a_refusal_is_one_line_with_its_type(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.add_snapshot(cluster, "nightly")

    ended = run("create", cluster, "nightly")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: SnapshotExistsError: ")
    assert ended.stderr.count("\n") == 1


def test_a_refusal_is_an_object_with_the_vendors_code_for_programs(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.add_snapshot(cluster, "nightly")

    ended = run("create", cluster, "nightly", "--json")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.error["error"] == "SnapshotExistsError"
    assert ended.error["status"] == 409
    assert ended.error["code"] == "CSS.0043"
    assert ended.error["exit_code"] == 1
    assert ended.error["request_id"]


def test_a_wrong_key_is_refused_without_being_shown(cluster: str) -> None:
    ended = run("list", cluster, HUAWEICLOUD_SDK_SK="another-key-that-is-secret-too")

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: AuthenticationError: ")
    assert "another-key" not in ended.stderr


def test_debug_shows_where_an_error_was_raised(
    cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        app(["list", cluster, "--debug", "--endpoint", "http://127.0.0.1:1"])

    written = capsys.readouterr().err
    assert left.value.code == 1
    assert written.startswith("Traceback")
    assert written.splitlines()[-1].startswith("error: ConnectFailedError: ")
    assert SECRET_KEY not in written


def test_how_often_is_retried_is_chosen_by_name(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.faults.add(Fault.status(500), operation="create", times=None)

    ended = run("create", cluster, "nightly", "--retry", "none")

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: InternalServerError: ")
    assert cloud.counts["create"] == 1


def test_a_creation_whose_answer_is_lost_is_indeterminate(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.faults.add(Fault.drop_after_commit(), operation="create")

    ended = run("create", cluster, "nightly")

    assert (ended.exit_code, ended.stdout) == (3, "")
    assert ended.stderr.startswith("error: ConnectionLostError: ")
    assert "it may exist" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_ensure_adopts_what_it_created_when_the_answer_is_lost(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.faults.add(Fault.drop_after_commit(), operation="create")

    ended = run("ensure", cluster, "nightly", "--json")

    (snapshot,) = cloud.snapshots(cluster)
    assert ended.exit_code == 0
    assert ended.records == [
        {
            "kind": "backup",
            "id": snapshot.id,
            "name": "nightly",
            "request_id": None,
            "cluster_id": cluster,
            "how": "adopted",
            "attempts": 1,
            "doubt": None,
        }
    ]


def test_ensure_creates_once_however_often_it_is_run(
    cloud: EmulatorState, cluster: str
) -> None:
    first = run("ensure", cluster, "nightly")
    second = run("ensure", cluster, "nightly")

    (snapshot,) = cloud.snapshots(cluster)
    assert first.stdout == f"created nightly ({snapshot.id})\n"
    assert second.stdout == f"adopted nightly ({snapshot.id})\n"


def test_ensure_fails_on_what_was_there_if_told_to(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.add_snapshot(cluster, "nightly")

    ended = run("ensure", cluster, "nightly", "--on-exists", "fail")

    assert ended.exit_code == 1
    assert ended.stderr.startswith("error: SnapshotExistsError: ")


def test_ensure_says_that_it_is_unknown_when_it_is(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.faults.add(Fault.drop(), operation="create", times=None)

    ended = run(
        *("ensure", cluster, "nightly", "--settle", "0", "--deadline", "0.5", "--json")
    )

    assert (ended.exit_code, ended.stdout) == (3, "")
    assert ended.error["error"] == "IndeterminateCreateError"
    assert ended.error["exit_code"] == 3


def test_a_list_is_a_table_for_people(cloud: EmulatorState, cluster: str) -> None:
    cloud.add_snapshot(cluster, "nightly", indices="logs")
    cloud.add_snapshot(cluster, "auto-1", automatic=True, age=60)

    ended = run("list", cluster)

    header, manual, automatic = (line.split() for line in ended.stdout.splitlines())
    assert header == [
        *("NAME", "ID", "STATUS", "CREATED", "SHARDS", "MISSING", "AUTOMATIC")
    ]
    assert manual[0] == "nightly"
    assert manual[2] == "COMPLETED"
    assert manual[4:] == ["3", "0", "no"]
    assert automatic[0] == "auto-1"
    assert automatic[6] == "yes"


def test_a_list_is_an_object_for_each_snapshot_for_programs(
    cloud: EmulatorState, cluster: str
) -> None:
    cloud.add_snapshot(cluster, "nightly", indices="logs,orders")

    ended = run("list", cluster, "--json")

    (snapshot,) = cloud.snapshots(cluster)
    (record,) = ended.records
    assert record.keys() >= {
        *("kind", "id", "name", "cluster_id", "cluster_name", "status", "is_usable"),
        *("is_automatic", "created", "start_time", "end_time", "duration", "indices"),
        *("total_shards", "failed_shards", "restore_status", "description", "bucket"),
    }
    shown = to_dict(Snapshot(id="", name="", status=SnapshotStatus.COMPLETED))
    assert record.keys() == shown.keys() | {"kind"}
    assert record["id"] == snapshot.id
    assert record["status"] == "COMPLETED"
    assert record["indices"] == ["logs", "orders"]
    assert str(record["created"]).endswith("Z")


def test_what_is_not_known_yet_is_null(cloud: EmulatorState, cluster: str) -> None:
    cloud.build_seconds = 60.0
    cloud.add_snapshot(cluster, "nightly")

    (record,) = run("list", cluster, "--json").records

    assert (record["status"], record["is_usable"]) == ("BUILDING", False)
    assert (record["end_time"], record["duration"]) == (None, None)


def test_an_empty_list_is_said_to_be_empty(cluster: str) -> None:
    ended = run("list", cluster)

    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr == "no snapshots\n"


def test_an_empty_list_is_no_output_for_programs(cluster: str) -> None:
    ended = run("list", cluster, "--json")

    assert (ended.exit_code, ended.stdout, ended.stderr) == (0, "", "")


def test_a_delete_without_anybody_to_ask_demands_yes(
    cloud: EmulatorState, cluster: str
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run("delete", cluster, snapshot.id)

    assert ended.exit_code == 2
    assert "--yes" in ended.stderr
    assert not cloud.counts
    assert cloud.snapshots(cluster)


def test_a_delete_with_yes_deletes(cloud: EmulatorState, cluster: str) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")

    ended = run("delete", cluster, snapshot.id, "--yes", "--json")

    assert ended.records == [
        {"kind": "deleted", "cluster_id": cluster, "snapshot_id": snapshot.id}
    ]
    assert not cloud.snapshots(cluster)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        *(("y\n", 0), ("Yes\n", 0), ("n\n", 1), ("NO\n", 1), ("\n", 1), ("", 130)),
        *(("what?\ny\n", 0), ("what?\n", 130)),
    ],
)
def test_a_delete_at_a_terminal_asks_first(
    answer: str,
    code: int,
    cloud: EmulatorState,
    cluster: str,
    at_terminal: Callable[[str], None],
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")
    at_terminal(answer)

    with pytest.raises(SystemExit) as ended:
        app(["delete", cluster, snapshot.id])

    assert ended.value.code == code
    assert bool(cloud.snapshots(cluster)) == (code != 0)


def test_a_question_is_no_result(
    cloud: EmulatorState,
    cluster: str,
    at_terminal: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    snapshot = cloud.add_snapshot(cluster, "nightly")
    at_terminal("n\n")

    with pytest.raises(SystemExit):
        app(["delete", cluster, "nightly"])

    written = capsys.readouterr()
    assert f"Delete snapshot nightly {snapshot.id}" in written.err
    assert "Delete" not in written.out
