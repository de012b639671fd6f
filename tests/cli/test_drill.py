"""The command drill: the programs that it runs, what it shows, and how it ends."""

import asyncio
import json
import os
import select
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import typer

from css_snapshot.cli import program as program_module
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.waiting import progress
from css_snapshot.cli.program import Program, ProgramFailedError, program
from css_snapshot.emulator import EmulatedCluster, EmulatorState
from css_snapshot.errors import IndeterminateRestoreError
from css_snapshot.models import DrillReport, RestoreStatus, Snapshot, SnapshotStatus
from css_snapshot.service import SnapshotService
from tests.support.command_line import SECRET_KEY, TOKEN, run
from tests.support.terminal import CTRL_C, on_terminal

Script = Callable[..., str]

PROD: Final = "prod-cluster"
TEST: Final = "test-cluster"
DRILL: Final = ("drill", "prod", "--into", "test", "--poll", "0.05")
UNKNOWN: Final = IndeterminateRestoreError(
    "who knows", cluster_id=PROD, snapshot_id="s1", target_cluster_id=TEST
)
REPORT: Final = DrillReport(
    cluster_id=PROD,
    target_cluster_id=TEST,
    snapshot=Snapshot(id="s1", name="nightly", status=SnapshotStatus.COMPLETED),
    expected_indices=("drill_orders", "drill_logs"),
    age=3600.0,
    restore_seconds=61.4,
    verdict="verified",
)


@pytest.fixture
def cloud() -> EmulatorState:
    state = EmulatorState(
        clusters=[
            EmulatedCluster(id=PROD, name="prod", indices=("orders", "logs")),
            EmulatedCluster(id=TEST, name="test", indices=()),
        ],
        secret_key=SECRET_KEY,
        token=TOKEN,
        restore_seconds=0.5,
        build_seconds=0.0,
    )
    state.add_snapshot(PROD, "nightly", age=3600.0)
    return state


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Write a program that notes what it is told, and ends as given."""

    def write(name: str, *lines: str) -> str:
        path = tmp_path / f"{name}.py"
        told = tmp_path / f"{name}.json"
        body = (
            "import json, os, signal, sys, time",
            "env = {k: v for k, v in os.environ.items() if k.startswith('CSS_DRILL_')}",
            "told = {'env': env, 'report': json.load(sys.stdin)}",
            f"open({os.fspath(told)!r}, 'w').write(json.dumps(told))",
            *lines,
        )
        path.write_text("\n".join(body))
        return shlex.join([sys.executable, os.fspath(path), "an argument"])

    return write


def told(folder: Path, name: str) -> dict[str, dict[str, object]]:
    noted: dict[str, dict[str, object]] = json.loads(
        (folder / f"{name}.json").read_text()
    )
    return noted


@pytest.mark.usefixtures("server")
def test_a_snapshot_is_restored_checked_and_removed(
    cloud: EmulatorState, script: Script, tmp_path: Path
) -> None:
    verify = script("verify", "assert sys.argv[1:] == ['an argument']")
    cleanup = script("cleanup")

    ended = run(*DRILL, "--verify", verify, "--cleanup", cleanup, "--json")

    assert ended.exit_code == 0
    (record,) = ended.records
    assert (record["kind"], record["verdict"]) == ("drill", "verified")
    assert record["expected_indices"] == ["drill_orders", "drill_logs"]
    (snapshot,) = cloud.snapshots(PROD)
    checked, cleaned = told(tmp_path, "verify"), told(tmp_path, "cleanup")
    assert checked["env"] == {
        "CSS_DRILL_CLUSTER_ID": PROD,
        "CSS_DRILL_TARGET_CLUSTER_ID": TEST,
        "CSS_DRILL_SNAPSHOT_ID": snapshot.id,
        "CSS_DRILL_SNAPSHOT_NAME": "nightly",
        "CSS_DRILL_EXPECTED_INDICES": "drill_orders,drill_logs",
        "CSS_DRILL_AGE": str(record["age"]),
        "CSS_DRILL_RESTORE_SECONDS": str(record["restore_seconds"]),
        "CSS_DRILL_VERDICT": "",
    }
    assert checked["report"] == {
        key: None if key == "verdict" else value
        for key, value in record.items()
        if key != "kind"
    }
    assert cleaned["env"]["CSS_DRILL_VERDICT"] == "verified"
    assert tuple(cloud.cluster(TEST).restored) == ("drill_orders", "drill_logs")


@pytest.mark.usefixtures("server")
def test_a_check_that_fails_is_cleaned_up_after(script: Script, tmp_path: Path) -> None:
    verify, cleanup = script("verify", "sys.exit(7)"), script("cleanup")

    ended = run(*DRILL, "--verify", verify, "--cleanup", cleanup, "--indices", "orders")

    assert ended.exit_code == 1
    assert ended.stdout.startswith("failed: nightly (")
    assert ", 1 index restored in " in ended.stdout
    assert ended.stdout.endswith(
        f": ProgramFailedError: {sys.executable} ended with exit code 7\n"
    )
    assert told(tmp_path, "cleanup")["report"]["verdict"] == "failed"


@pytest.mark.usefixtures("server")
def test_a_clean_up_that_fails_is_no_success(script: Script) -> None:
    cleanup = script("cleanup", "os.kill(os.getpid(), signal.SIGKILL)")

    ended = run(*DRILL, "--verify", script("verify"), "--cleanup", cleanup)

    assert ended.exit_code == 1
    assert ended.stdout.startswith("verified: ")
    assert "the clean-up failed: " in ended.stderr
    assert "ended with signal 9" in ended.stderr


@pytest.mark.usefixtures("server")
def test_a_cluster_without_a_good_snapshot_is_one_line() -> None:
    ended = run(*DRILL, "--verify", "true", "--prefix", "weekly")

    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "SnapshotNotFoundError: cluster prod-cluster has no usable" in ended.stderr


@pytest.mark.parametrize(
    ("changes", "code", "shown"),
    [
        ({}, 0, "verified: nightly (s1), 2 indices restored in 61 s\n"),
        (
            {"verdict": "failed"},
            1,
            "failed: nightly (s1), 2 indices restored in 61 s\n",
        ),
        (
            {"verdict": "unknown", "error": UNKNOWN, "restore_seconds": None},
            3,
            "unknown: nightly (s1): IndeterminateRestoreError: who knows\n",
        ),
        (
            {"verdict": "unknown", "cleanup_error": OSError("no"), "age": None},
            3,
            "unknown: nightly (s1), 2 indices restored in 61 s\n",
        ),
    ],
)
@pytest.mark.usefixtures("server")
def test_each_verdict_has_its_exit_code(
    changes: dict[str, object], code: int, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drills(*_arguments: object, **_options: object) -> DrillReport:
        return attrs.evolve(REPORT, **changes)  # type: ignore[arg-type]  # its attributes

    monkeypatch.setattr(SnapshotService, "drill", drills)

    ended = run(*DRILL, "--verify", "true")

    assert (ended.exit_code, ended.stdout) == (code, shown)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--verify", "no-such-program --now"),
            "no program is called 'no-such-program'",
        ),
        (("--verify", ""), "no program is called ''"),
        (("--verify", "sh -c 'broken"), "No closing quotation"),
        (("--verify", "true", "--cleanup", "nor-this"), "nor-this"),
        ((), "--verify"),
        (("--verify", "true", "--rename-prefix", "A"), "rename_prefix"),
        (("--verify", "true", "--into", "a/b"), "target_cluster_id"),
    ],
)
@pytest.mark.usefixtures("server")
def test_what_can_not_be_run_is_refused_before_anything_is_sent(
    options: tuple[str, ...], problem: str, cloud: EmulatorState
) -> None:
    ended = run(*DRILL, *options)

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert problem in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert cloud.counts["restore"] == 0


@pytest.mark.usefixtures("server")
def test_a_cluster_that_can_be_none_is_refused_before_anything_is_sent(
    cloud: EmulatorState,
) -> None:
    ended = run("drill", "a/b", "--into", "test", "--verify", "true")

    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("error: cluster_id: ")
    assert not cloud.requests


@pytest.mark.usefixtures("server")
def test_ctrl_c_cleans_up(script: Script, tmp_path: Path) -> None:
    verify = script("verify", "print('checking', flush=True)", "time.sleep(60)")
    # The key must not reach the clean-up, however often it is pressed.
    cleanup = script(
        "cleanup",
        "print('removing', flush=True)",
        f"while not os.path.exists({os.fspath(tmp_path / 'go')!r}): time.sleep(0.01)",
        f"open({os.fspath(tmp_path / 'removed')!r}, 'w').close()",
    )

    with on_terminal(*DRILL, "--verify", verify, "--cleanup", cleanup) as terminal:
        terminal.wait_for("checking")
        terminal.press(CTRL_C)
        terminal.wait_for("removing")
        terminal.press(CTRL_C)
        terminal.wait_for("still cleaning up")
        (tmp_path / "go").touch()

        assert terminal.end() == 130

    assert (tmp_path / "removed").exists()
    assert "interrupted; cleaning up" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_how_the_restoration_comes_on_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress(Output(), "looking") as tell:
        for status in (None, "none", "restoring", "restoring", "success", "failed"):
            known = None if status is None else RestoreStatus(status)
            tell(attrs.evolve(REPORT.snapshot, restore_status=known))

    assert capsys.readouterr().err.splitlines() == [
        "nightly: COMPLETED",
        "nightly: COMPLETED, restoring",
        "nightly: COMPLETED, restore success",
        "nightly: COMPLETED, restore failed",
    ]


@pytest.mark.usefixtures("server")
def test_a_program_has_the_terminal_to_itself(script: Script, tmp_path: Path) -> None:
    verify = script(
        "verify",
        "print('checking orders', flush=True)",
        f"while not os.path.exists({os.fspath(tmp_path / 'go')!r}): time.sleep(0.01)",
    )
    cleanup = script("cleanup", "print('dropping orders', flush=True)")

    with on_terminal(*DRILL, "--verify", verify, "--cleanup", cleanup) as terminal:
        terminal.wait_for("checking orders\r\n")
        # The moving line would be drawn again within a tenth of a second.
        assert not select.select([terminal.line], [], [], 0.5)[0]
        (tmp_path / "go").touch()

        assert terminal.end() == 0

    moving, *lines = terminal.shown.split(f"checking: {sys.executable}\r\n")
    (rest,) = lines
    assert "nightly: COMPLETED, resto" in moving
    assert rest.splitlines()[:3] == [
        "checking orders",
        f"cleaning up: {sys.executable}",
        "dropping orders",
    ]


@pytest.mark.usefixtures("server")
def test_being_told_to_terminate_cleans_up(script: Script, tmp_path: Path) -> None:
    verify = script("verify", "print('checking', flush=True)", "time.sleep(60)")

    with on_terminal(
        *DRILL, "--verify", verify, "--cleanup", script("cleanup")
    ) as terminal:
        terminal.wait_for("checking")
        terminal.process.send_signal(signal.SIGTERM)

        assert terminal.end() == 130

    assert told(tmp_path, "cleanup")["report"]["verdict"] is None


async def test_a_program_need_not_read_what_it_is_told() -> None:
    many = attrs.evolve(
        REPORT, expected_indices=tuple(f"drill_{one:060}" for one in range(4000))
    )

    await program("true").run(many)


async def test_names_that_fit_no_variable_are_in_the_report_alone(
    script: Script, tmp_path: Path
) -> None:
    many = attrs.evolve(
        REPORT, expected_indices=tuple(f"drill_{one:060}" for one in range(4000))
    )

    await program(script("verify")).run(many)

    noted = told(tmp_path, "verify")
    assert "CSS_DRILL_EXPECTED_INDICES" not in noted["env"]
    assert noted["report"]["expected_indices"] == [*many.expected_indices]


@pytest.mark.parametrize(("length", "is_told"), [(100_000, True), (100_001, False)])
async def test_a_variable_holds_a_hundred_thousand_characters(
    script: Script, tmp_path: Path, length: int, *, is_told: bool
) -> None:
    await program(script("verify")).run(
        attrs.evolve(REPORT, expected_indices=("d" * length,))
    )

    told_of = "CSS_DRILL_EXPECTED_INDICES" in told(tmp_path, "verify")["env"]
    assert told_of is is_told


@pytest.mark.parametrize("code", [1, 7, 255])
async def test_an_exit_code_is_told(code: int) -> None:
    with pytest.raises(ProgramFailedError, match=f"^sh ended with exit code {code}$"):
        await program(f"sh -c 'exit {code}'").run(REPORT)


@pytest.mark.parametrize("stubborn", [False, True])
async def test_a_program_that_is_given_up_ends_with_what_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, stubborn: bool
) -> None:
    monkeypatch.setattr(program_module, "_PATIENCE", 0.2)
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    trap = "trap '' TERM; " if stubborn else ""
    child = f"{trap}exec 3>{fifo}; echo up >&3; sleep 60"
    running = asyncio.create_task(
        Program(("sh", "-c", f"sh -c {shlex.quote(child)}; true")).run(REPORT)
    )
    with await asyncio.to_thread(fifo.open) as alive:
        assert await asyncio.to_thread(alive.readline) == "up\n"

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        # Its end comes when nobody holds the other end any more.
        assert await asyncio.to_thread(alive.read) == ""


async def test_a_program_that_is_given_up_while_it_starts_is_ended_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    start = asyncio.create_subprocess_exec
    started = asyncio.Event()

    async def slowly(*words: str, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*words, **options)
        started.set()
        await asyncio.sleep(0.01)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    running = asyncio.create_task(
        Program(("sh", "-c", f"exec 3>{fifo}; sleep 60; true")).run(REPORT)
    )
    with await asyncio.to_thread(fifo.open) as alive:
        await started.wait()

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert await asyncio.to_thread(alive.read) == ""


async def test_a_program_that_is_given_up_may_say_good_bye(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    trap = "trap 'echo bye >&3; exit' TERM"
    running = asyncio.create_task(
        Program(
            ("sh", "-c", f"exec 3>{fifo}; {trap}; echo up >&3; sleep 60 & wait")
        ).run(REPORT)
    )
    with await asyncio.to_thread(fifo.open) as alive:
        assert await asyncio.to_thread(alive.readline) == "up\n"

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert await asyncio.to_thread(alive.read) == "bye\n"


async def test_a_signal_is_a_failure() -> None:
    with pytest.raises(ProgramFailedError, match="sh ended with signal 15"):
        await program("sh -c 'kill -TERM $$'").run(REPORT)


async def test_what_can_not_be_started_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await Program(("no-such-program",)).run(REPORT)


def test_a_program_is_split_as_a_shell_would() -> None:
    assert program("sh -c 'echo \"$1\"' x").words == ("sh", "-c", 'echo "$1"', "x")
    with pytest.raises(typer.BadParameter, match="sh -c"):
        program("count=1 sh")
