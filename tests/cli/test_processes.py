"""Commands in processes of their own: the emulator, the demonstration, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import pytest

from css_snapshot.cli.commands.demo import _Demonstration
from css_snapshot.cli.commands.demo_world import DemoWorld, fleet
from css_snapshot.cli.output.output import Output
from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.emulator.cloud.snapshots import Outcome
from css_snapshot.fanout import State, read_status
from tests.support.command_line import SECRET_KEY, check_clean, run

PATIENCE: Final = 30


@contextmanager
def process(*args: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a command in a process of its own, and don't leave it behind."""
    started = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "css_snapshot", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def read_record(stream: IO[str] | None) -> Mapping[str, object]:
    assert stream is not None
    record: Mapping[str, object] = json.loads(stream.readline())
    return record


def finished(started: "subprocess.Popen[str]") -> tuple[list[dict[str, object]], str]:
    out, err = started.communicate(timeout=PATIENCE)
    check_clean(out + err)
    return [json.loads(line) for line in out.splitlines()], err


def test_the_emulator_tells_how_to_use_it_and_ends_when_interrupted() -> None:
    with process("emulator", "--port", "0", "--clusters", "2", "--json") as started:
        told = read_record(started.stdout)
        used = run(
            *("create", str(told["clusters"][0]), "nightly", "--json"),  # type: ignore[index]  # a list of ids
            CSS_ENDPOINT=str(told["endpoint"]),
            HUAWEICLOUD_SDK_AK=str(told["access_key"]),
            HUAWEICLOUD_SDK_SK=str(told["secret_key"]),
            HUAWEICLOUD_SDK_PROJECT_ID=str(told["project_id"]),
        )
        started.send_signal(signal.SIGINT)
        rest, err = finished(started)

    assert set(told) == {
        *("endpoint", "project_id", "access_key", "secret_key", "token", "clusters"),
        *("user", "password", "domain", "project", "admin_token"),
    }
    assert used.exit_code == 0
    assert (started.returncode, rest, err) == (0, [], "")


def test_the_emulator_tells_people_what_to_export() -> None:
    with process(
        "emulator", "--port", "0", "--clusters", "1", "--faults", "1"
    ) as started:
        assert started.stdout is not None
        lines = [started.stdout.readline() for _ in range(7)]
        started.terminate()
        started.communicate(timeout=PATIENCE)

    names = [line.partition("=")[0] for line in lines[2:]]
    assert lines[0].startswith("# cluster ")
    assert lines[1].startswith("# admin token ")
    assert names == [
        "export CSS_ENDPOINT",
        "export HUAWEICLOUD_SDK_AK",
        "export HUAWEICLOUD_SDK_SK",
        "export HUAWEICLOUD_SDK_PROJECT_ID",
        "export HUAWEICLOUD_SDK_IAM_ENDPOINT",
    ]
    assert started.returncode == 0


def test_the_emulator_is_set_up_by_a_file_and_usable_on_all_addresses(
    tmp_path: Path,
) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text('[[clusters]]\nname = "css-orders"\ncount = 2\n')
    with process(
        *("emulator", "--port", "0", "--host", "0.0.0.0", "--json"),  # noqa: S104 - what is tried
        *("--setup", str(file)),
    ) as started:
        told = read_record(started.stdout)
        listed = run(
            "clusters",
            "--json",
            CSS_ENDPOINT=str(told["endpoint"]),
            HUAWEICLOUD_SDK_AK=str(told["access_key"]),
            HUAWEICLOUD_SDK_SK=str(told["secret_key"]),
            HUAWEICLOUD_SDK_PROJECT_ID=str(told["project_id"]),
        )
        started.send_signal(signal.SIGINT)
        finished(started)

    assert str(told["endpoint"]).startswith("http://127.0.0.1:")
    assert listed.exit_code == 0
    assert [row["name"] for row in listed.records] == ["css-orders", "css-orders"]


def test_a_wrong_set_up_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    file.write_text('{"clusters": [{"engine": "solr"}]}')

    ended = run("emulator", "--setup", str(file))

    assert ended.exit_code == 2
    assert f"{file}: clusters[0]" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_port_in_use_is_one_line(server: EmulatorServer) -> None:
    port = server.endpoint.rpartition(":")[2]

    ended = run("emulator", "--port", port)

    assert ended.exit_code == 2
    assert f"--port: {port} is in use; 0 takes a free one" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.fixture
def slow_fleet(server: EmulatorServer, cloud: EmulatorState) -> EmulatorState:
    """Serve twelve clusters that would let a second snapshot of one name happen."""
    for _ in range(9):
        cloud.add_cluster()
    cloud.unique_names = False
    return cloud


def command(journal: Path) -> tuple[str, ...]:
    return (
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--limit", "2"),
        *("--journal", str(journal), "--attempt-timeout", "5", "--settle", "0.5"),
    )


def held(cloud: EmulatorState) -> list[int]:
    return [len(cluster.snapshots) for cluster in cloud.clusters]


def test_ctrl_c_once_finishes_what_is_in_flight(
    slow_fleet: EmulatorState, tmp_path: Path
) -> None:
    journal = tmp_path / "nightly.db"
    slow_fleet.faults.add(Fault.delay(0.2), operation="create", times=None)

    with process(*command(journal)) as started:
        first = read_record(started.stdout)
        started.send_signal(signal.SIGINT)
        (*outcomes, summary), err = finished(started)

    done = read_status(journal).counts[State.ACCEPTED]
    assert started.returncode == 130
    assert (first["outcome"], summary["interrupted"]) == ("created", True)
    assert {outcome["outcome"] for outcome in outcomes} <= {"created"}
    assert summary["created"] == done == sum(held(slow_fleet)) < 12
    assert read_status(journal).total == done
    assert f"css-snapshot resume {journal}" in err

    resumed = run("resume", str(journal))

    assert resumed.exit_code == 0
    assert held(slow_fleet) == [1] * 12


def test_ctrl_c_twice_stops_and_leaves_the_journal_true(
    slow_fleet: EmulatorState, tmp_path: Path
) -> None:
    journal = tmp_path / "nightly.db"
    slow_fleet.faults.add(Fault.delay(0.01), operation="create", times=1)
    stuck = slow_fleet.faults.add(
        Fault.delay_after_commit(60.0), operation="create", times=None
    )

    with process(*command(journal)) as started:
        read_record(started.stdout)
        started.send_signal(signal.SIGINT)
        assert started.stderr is not None
        assert started.stderr.readline().startswith("finishing what is in flight")
        started.send_signal(signal.SIGINT)
        finished(started)

    known = {entry.cluster_id for entry in read_status(journal).entries()}
    counts = read_status(journal).counts
    assert started.returncode == 130
    assert counts[State.ACCEPTED] == 1
    assert counts[State.INTENT] >= 1
    assert known >= {one.id for one in slow_fleet.clusters if one.snapshots}

    slow_fleet.faults.remove(stuck)
    resumed = run("resume", str(journal), "--attempt-timeout", "1")

    assert resumed.exit_code == 0
    assert resumed.records[-1]["skipped"] == 1
    assert held(slow_fleet) == [1] * 12


def test_ctrl_c_without_a_journal_leaves_nothing_to_resume(
    slow_fleet: EmulatorState,
) -> None:
    slow_fleet.faults.add(Fault.delay(0.1), operation="create", times=None)

    with process(
        *("fan-out", "--all-clusters", "--snapshot", "nightly", "--limit", "1")
    ) as started:
        read_record(started.stdout)
        started.send_signal(signal.SIGTERM)
        _, err = finished(started)

    assert started.returncode == 130
    assert err.splitlines()[-1].endswith("targets left")


class Announced(deque[Outcome]):
    """How the next snapshot ends; tells when it begins."""

    def __init__(self, begun: threading.Event) -> None:
        super().__init__(["COMPLETED"])
        self._begun = begun

    def popleft(self) -> Outcome:
        self._begun.set()
        return super().popleft()


def test_ctrl_c_during_a_creation_says_that_it_may_exist(
    slow_fleet: EmulatorState,
) -> None:
    slow_fleet.faults.add(Fault.delay_after_commit(60.0), operation="create")
    begun = threading.Event()
    slow_fleet.clusters[0].outcomes = Announced(begun)

    with process("create", slow_fleet.cluster_ids[0], "nightly") as started:
        assert begun.wait(PATIENCE)
        started.send_signal(signal.SIGINT)
        out, err = finished(started)

    assert (started.returncode, out) == (130, [])
    assert err.splitlines()[0].startswith("nightly may exist: css-snapshot ensure")
    assert err.splitlines()[1:] == ["interrupted"]


@pytest.mark.parametrize("form", ["json", "table", "yaml"])
def test_a_reader_that_leaves_early_is_no_noise(
    form: str, slow_fleet: EmulatorState
) -> None:
    with process("clusters", "-o", form) as started:
        assert started.stdout is not None
        started.stdout.close()
        assert started.stderr is not None
        noise = started.stderr.read()

    assert noise == ""
    assert started.returncode == 141


def test_a_variable_shows_the_log_of_a_command(
    slow_fleet: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSS_SNAPSHOT_LOG", "info")

    with process("clusters", "--json") as started:
        _, err = finished(started)

    (line,) = err.splitlines()
    assert " INFO css_snapshot: GET " in line


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_was_created_is_told_although_nobody_reads_it(
    options: tuple[str, ...], slow_fleet: EmulatorState
) -> None:
    cluster = slow_fleet.cluster_ids[0]

    with process("create", cluster, "nightly", *options) as started:
        assert started.stdout is not None
        started.stdout.close()
        assert started.stderr is not None
        told = started.stderr.read()

    (snapshot,) = slow_fleet.snapshots(cluster)
    assert told.startswith(f"created nightly ({snapshot.id})")
    assert told.count("\n") == 1
    assert started.returncode == 141


def test_nobody_who_reads_anything_is_no_noise(slow_fleet: EmulatorState) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        [sys.executable, "-m", "css_snapshot", "list", "nosuch"],
        stdout=writing,
        stderr=writing,
    ) as started:
        os.close(writing)

        assert started.wait(PATIENCE) == 141


def test_a_journal_in_use_has_an_exit_code_of_its_own(
    slow_fleet: EmulatorState, tmp_path: Path
) -> None:
    journal = tmp_path / "nightly.db"
    slow_fleet.faults.add(Fault.delay(60.0), operation="create", times=None, nth=2)

    with process(*command(journal)) as started:
        read_record(started.stdout)

        again = run("resume", str(journal))

    assert again.exit_code == 75
    assert again.stderr.startswith("error: JournalBusyError: ")
    assert again.stderr.count("\n") == 1


def test_the_demonstration_crashes_resumes_and_counts() -> None:
    ended = run("demo", "--clusters", "8")

    lines = ended.stdout.splitlines()
    assert ended.exit_code == 0
    assert lines[-1] == "8 completed, 0 duplicated"
    assert ": killed after " in lines[1]
    assert lines[3].split()[0] == "CLUSTER"
    rows = [line.split() for line in lines[4:12]]
    replaced = rows.pop(1)
    assert replaced[2:] == [
        *("completed", "1", "demo-nightly,demo-nightly-2", "FAILED,COMPLETED")
    ]
    assert {row[2] for row in rows} == {"completed"}
    assert {tuple(row[-2:]) for row in rows} == {("demo-nightly", "COMPLETED")}
    assert [row[1] for row in rows].count("accepted") >= 2


async def test_the_demonstration_is_honest_about_a_crash_that_was_none(
    tmp_path: Path,
) -> None:
    async with EmulatorServer(fleet(1, "nightly")) as server:
        world = DemoWorld(server=server, folder=tmp_path, name="Not-A-Name")

        crash = await world.crash(after=1)

    assert (crash.states, crash.killed) == ({}, False)


@pytest.mark.parametrize(
    ("held", "line"),
    [
        ([0, 0, 1], "2 completed, 1 duplicated"),
        ([0], "1 completed, 0 duplicated"),
    ],
)
def test_the_demonstration_counts_what_is_there(
    held: list[int], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = fleet(2, "nightly")
    for number in held:
        state.add_snapshot(state.cluster_ids[number], "nightly-2", age=60.0)
    world = DemoWorld(server=EmulatorServer(state), folder=tmp_path, name="nightly")

    code = _Demonstration(output=Output(), world=world)._count()

    assert code == 1
    assert capsys.readouterr().out.splitlines()[-1] == line


def test_the_demonstration_is_objects_for_programs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", SECRET_KEY)

    ended = run("demo", "--clusters", "2", "--json")

    *clusters, last = ended.records
    assert last == {"kind": "demo", "completed": 2, "duplicated": 0}
    assert {record["kind"] for record in clusters} == {"cluster"}
    assert os.environ["HUAWEICLOUD_SDK_SK"] == SECRET_KEY
