"""What the README shows, run as a newcomer would paste it."""

import configparser
import os
import re
import runpy
import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml  # type: ignore[import-untyped]  # it ships without types

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.emulator.cloud.account import ID_TOKEN, IDP_ID
from css_snapshot.fanout.journal.store import lock_path
from tests.support import command_line, readme
from tests.support.clock import HurriedClock

EXAMPLES: Final = readme.examples(readme.README)
HURRIED: Final = Path(__file__).parent / "support" / "hurried"
CLUSTER: Final = "e3e70682-c209-4cac-629f-6fbed82c07cd"
HIDDEN: Final = ("COVERAGE_", "PYTEST_", "PYTHON")
CHECK: Final = 'test "$CSS_DRILL_EXPECTED_INDICES" = drill_logs,drill_myindex1'
GIVEN: Final = {
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_PROJECT_ID",
}


@pytest.fixture
def environment() -> Iterator[Mapping[str, str]]:
    """The environment of a newcomer whose credentials are those of an emulator."""
    # The clusters of `css-snapshot emulator`, which the examples name.
    state = EmulatorState(clusters=3, build_seconds=0.0, restore_seconds=0.0)
    production, test, _ = state.clusters
    production.name, production.indices = "prod-search", ["logs", "myindex1"]
    test.name, test.indices = "test", []
    mine = {k: v for k, v in os.environ.items() if not k.startswith(HIDDEN)}
    with EmulatorServer(state).run_in_thread() as server:
        yield {
            **mine,
            "PYTHONPATH": os.pathsep.join(map(str, (HURRIED, readme.ROOT))),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), mine["PATH"]]),
            "CSS_ENDPOINT": server.endpoint,
            "HUAWEICLOUD_SDK_AK": state.access_key,
            "HUAWEICLOUD_SDK_SK": state.secret_key,
            "HUAWEICLOUD_SDK_PROJECT_ID": state.project_id,
        }


def run(
    command: list[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder that holds nothing but what was pasted."""
    return subprocess.run(  # noqa: S603  # this Python, and the README's own words
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def here(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be that newcomer's, and hurry as its children do."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for user in ("css_snapshot.service", "css_snapshot.cli.connection"):
        monkeypatch.setattr(f"{user}.Clock", HurriedClock)


def kind_of(example: str) -> str:
    if "\nasync def test_" in example:
        return "tests"
    if "FastAPI(" in example:
        return "application"
    try:
        compile(example, "main.py", "exec")
    except SyntaxError:
        return "fragment"
    return "program"


def of_kind(kind: str) -> list[str]:
    return [example for example in EXAMPLES if kind_of(example) == kind]


def unhurried(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {k: v for k, v in environment.items() if k != "PYTHONPATH"}


def programs() -> list[str]:
    return of_kind("program") + [readme.pasted(each) for each in of_kind("fragment")]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("number", range(len(programs())))
def test_every_program_runs_as_pasted(
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = programs()[number]
    monkeypatch.chdir(tmp_path)

    # The examples go on from the first one.
    for each in dict.fromkeys((programs()[0], program)):
        (tmp_path / "main.py").write_text(each, encoding="utf-8")
        runpy.run_path("main.py", run_name="__main__")

    written = capsys.readouterr()
    assert written.err == ""
    assert len(written.out.splitlines()) > ("print(" in program and number > 0)


@pytest.mark.parametrize("number", range(len(of_kind("tests"))))
def test_every_test_passes_as_pasted(
    number: int, environment: Mapping[str, str], tmp_path: Path
) -> None:
    tests = of_kind("tests")[number]
    (tmp_path / "test_pasted.py").write_text(tests, encoding="utf-8")

    ran = run([sys.executable, "-m", "pytest"], tmp_path, unhurried(environment))

    assert ran.returncode == 0, ran.stdout
    assert f"{tests.count('def test_')} passed" in ran.stdout
    assert "warnings summary" not in ran.stdout


@pytest.mark.parametrize("number", range(len(of_kind("application"))))
def test_every_application_serves_as_pasted(
    number: int, environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "main.py").write_text(of_kind("application")[number], encoding="utf-8")

    with serving(tmp_path, environment) as address:
        answers = [
            httpx.put(f"{address}/clusters/{cluster}/snapshots/from-the-web")
            for cluster in (CLUSTER, CLUSTER, "elsewhere")
        ]
        events = httpx.get(f"{address}/events").text

    assert [answer.status_code for answer in answers] == [200, 200, 502]
    assert [answer.json().get("how") for answer in answers] == [
        "created",
        "adopted",
        None,
    ]
    assert events.count("event: outcome\n") == 3
    assert events.count("event: end\n") == 1


@pytest.mark.usefixtures("here")
def test_every_command_works_as_pasted() -> None:
    fan_out, check, nagios = map(run_here, map(shlex.split, readme.commands()))

    assert (fan_out.exit_code, check.exit_code, nagios.exit_code) == (0, 0, 0)
    assert fan_out.stdout.count('"outcome": "completed"') == 3
    assert "3 of 3 clusters fresh" in check.stdout
    assert nagios.stdout.startswith("CSS SNAPSHOTS OK")


def run_here(command: list[str]) -> command_line.Ended:
    """Run a command of ours in this process, which takes no time to start."""
    assert command[0] == "css-snapshot"
    return command_line.run(*command[1:])


def test_there_are_examples_of_every_kind() -> None:
    kinds = [kind_of(example) for example in EXAMPLES]

    assert kinds.count("program") >= 3
    assert kinds.count("fragment") >= 5
    assert kinds.count("tests") == kinds.count("application") == 1


def test_cron_says_something_only_when_something_is_wrong(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    nightly, monthly, _ = crontab(tmp_path)
    write_job(environment, tmp_path)
    write_program("drop-indices", "true", tmp_path)
    write_program("check-indices", CHECK, tmp_path)

    night = run(["sh", "-c", nightly], tmp_path, bare(environment))
    with held(tmp_path / "var/lib/css-snapshot/nightly.db"):
        overlapping = run(["sh", "-c", nightly], tmp_path, bare(environment))
    verified = run(["sh", "-c", monthly], tmp_path, bare(environment))
    write_job({**environment, "CSS_ENDPOINT": "http://127.0.0.1:9"}, tmp_path)
    failed = run(["sh", "-c", monthly], tmp_path, bare(environment))

    log = (tmp_path / "var/log/css.log").read_text(encoding="utf-8")
    assert (night.stdout, night.stderr) == ("", "")
    assert log.count('"outcome": "completed"') == 3
    assert overlapping.stdout == f"nightly: exit code {ExitCode.HELD}\n"
    assert "another run is using it" in overlapping.stderr
    assert (verified.stdout, verified.stderr) == ("", "")
    assert log.count("verified: nightly-") == 1
    assert failed.stdout == f"drill: exit code {ExitCode.FAILED}\n"


@pytest.mark.usefixtures("here")
def test_freshness_is_written_for_prometheus_and_nagios(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    *_, check = crontab(tmp_path)
    *_, nagios = readme.commands()
    write_job(environment, tmp_path)
    (alert,) = yaml.safe_load(readme.recipe("alert"))

    checked = run(["sh", "-c", check], tmp_path, bare(environment))
    asked = run_here(shlex.split(nagios))

    metrics = (tmp_path / "var/lib/css.prom").read_text("utf-8")
    assert (checked.stdout, checked.stderr) == ("", "")
    for name in re.findall(r"css_snapshot_\w+", alert["expr"]):
        assert f"\n{name}" in metrics
    assert metrics.count('state="never"} 1.0') == 3
    assert asked.exit_code == 2
    assert asked.stdout.startswith("CSS SNAPSHOTS CRITICAL")


def test_to_systemd_a_run_that_is_still_going_on_is_no_failure(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(readme.recipe("systemd"))
    service = unit["Service"]
    write_job(environment, tmp_path)
    start = in_folder(service["ExecStart"], tmp_path)

    with held(tmp_path / "var/lib" / service["StateDirectory"] / "nightly.db"):
        overlapping = run(shlex.split(start), tmp_path, bare(environment))

    assert "another run is using it" in overlapping.stderr
    assert overlapping.returncode == int(service["SuccessExitStatus"]) == ExitCode.HELD


@pytest.mark.usefixtures("here")
def test_the_pod_gets_by_without_keys(
    environment: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = yaml.safe_load(readme.recipe("kubernetes"))["spec"]
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    token = variables["HUAWEICLOUD_SDK_ID_TOKEN_FILE"]
    (tmp_path / "token").write_text(ID_TOKEN, encoding="utf-8")
    ours = {
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": environment["CSS_ENDPOINT"],
        "HUAWEICLOUD_SDK_IDP_ID": IDP_ID,
        "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(tmp_path / "token"),
    }
    for name in GIVEN:
        monkeypatch.delenv(name)
    for name, value in {**variables, **ours}.items():
        monkeypatch.setenv(name, value)

    ran = run_here(container["command"])

    assert (ran.exit_code, ran.stdout.count('"outcome": "completed"')) == (0, 3)
    assert job["concurrencyPolicy"] == "Forbid"
    assert token == mounted(pod, container)


def mounted(pod: Any, container: Any) -> str:
    """Return where the token of the service account is in the container."""
    (volume,), (mount,) = pod["volumes"], container["volumeMounts"]
    assert volume["name"] == mount["name"]
    (source,) = volume["projected"]["sources"]
    return f"{mount['mountPath']}/{source['serviceAccountToken']['path']}"


def crontab(folder: Path) -> list[str]:
    """Return the commands of the crontab, with their absolute paths in a folder."""
    lines = readme.recipe("cron").splitlines()
    assert not [line for line in lines if "%" in line]  # a line break to crontab
    return [in_folder(line.split(maxsplit=5)[5], folder) for line in lines]


def bare(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment that cron gives: none of the service's variables."""
    return {"PATH": environment["PATH"], "HOME": environment["HOME"]}


def in_folder(command: str, folder: Path) -> str:
    """Put the absolute paths of a command into a folder."""
    for path in ("/etc/", "/usr/", "/var/"):
        command = command.replace(path, f"{folder}{path}")
    return command


def write_job(environment: Mapping[str, str], folder: Path) -> None:
    """Write the script of the jobs into a folder, and its variables."""
    lines = [
        f"{name}={value}\n"
        for name, value in environment.items()
        if name.startswith(("CSS_", "HUAWEICLOUD_", "PYTHONPATH"))
    ]
    for place in ("etc", "var/lib/css-snapshot", "var/log"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / "etc/css-snapshot.env").write_text("".join(lines), encoding="utf-8")
    write_program("css-job", in_folder(readme.recipe("job"), folder), folder)


def write_program(name: str, script: str, folder: Path) -> None:
    program = folder / "usr/local/bin" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o700)


@contextmanager
def held(journal: Path) -> Iterator[None]:
    """Let another process hold a journal, as a run that is still going on does."""
    with closing(sqlite3.connect(lock_path(journal))) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def serving(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve `main:app` as the README says, and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = subprocess.Popen(  # noqa: S603  # this Python, and the README's own words
        [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port)],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        for line in server.stderr:
            if "running on" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.communicate()
