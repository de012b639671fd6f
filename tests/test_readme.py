"""What the README shows, run as a newcomer would paste it."""

import configparser
import os
import re
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
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from css_snapshot.emulator.cloud.account import ID_TOKEN, IDP_ID
from css_snapshot.fanout.journal.store import lock_path
from tests.support import readme

EXAMPLES: Final = readme.examples(readme.README)
COMMANDS: Final = readme.commands()
CLUSTER: Final = "ea244205-d641-45d9-9dcb-ab2236bcd07e"
TARGET: Final = "37cb1075-c38e-4cd8-81df-442d52df3786"
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
    clusters = [
        EmulatedCluster(id=CLUSTER, name="prod-search", indices=["logs", "myindex1"]),
        EmulatedCluster(id=TARGET, name="test", indices=[]),
    ]
    state = EmulatorState(clusters=clusters, build_seconds=0.0)
    mine = {k: v for k, v in os.environ.items() if not k.startswith(HIDDEN)}
    with EmulatorServer(state).run_in_thread() as server:
        yield {
            **mine,
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


def kind_of(example: str) -> str:
    if "\nasync def test_" in example:
        return "tests"
    return "application" if "FastAPI(" in example else "program"


def of_kind(kind: str) -> list[str]:
    return [example for example in EXAMPLES if kind_of(example) == kind]


@pytest.mark.parametrize("number", range(len(of_kind("program"))))
def test_every_program_runs_as_pasted(
    number: int, environment: Mapping[str, str], tmp_path: Path
) -> None:
    program = of_kind("program")[number]
    (tmp_path / "main.py").write_text(program, encoding="utf-8")

    ran = run([sys.executable, "main.py"], tmp_path, environment)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ("print(" in program) <= bool(ran.stdout.strip())


@pytest.mark.parametrize("number", range(len(of_kind("tests"))))
def test_every_test_passes_as_pasted(
    number: int, environment: Mapping[str, str], tmp_path: Path
) -> None:
    tests = of_kind("tests")[number]
    (tmp_path / "test_pasted.py").write_text(tests, encoding="utf-8")

    ran = run([sys.executable, "-m", "pytest"], tmp_path, environment)

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
        page = httpx.get(address)
        events = httpx.get(f"{address}/events").text

    assert [answer.status_code for answer in answers] == [200, 200, 502]
    assert [answer.json().get("how") for answer in answers] == [
        "created",
        "adopted",
        None,
    ]
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'new EventSource("/events")' in page.text
    assert events.count("event: outcome\n") == 2
    assert events.count("event: end\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_works_as_pasted(
    command: str, environment: Mapping[str, str], tmp_path: Path
) -> None:
    ran = run(["sh", "-ec", command], tmp_path, environment)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert '"created"' in ran.stdout


def test_there_are_examples_of_every_kind() -> None:
    kinds = {kind: len(of_kind(kind)) for kind in ("program", "tests", "application")}

    assert kinds["program"] > 5
    assert kinds["tests"] == kinds["application"] == len(COMMANDS) == 1


def test_cron_says_something_only_when_something_is_wrong(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    nightly, monthly = (
        in_folder(line.split(maxsplit=5)[5], tmp_path)
        for line in readme.recipe("cron").splitlines()
    )
    write_variables(environment, tmp_path)
    (tmp_path / "var/lib/css-snapshot").mkdir(parents=True)
    (tmp_path / "var/log").mkdir(parents=True)
    write_program("drop-indices", "true", tmp_path)
    write_program("check-indices", CHECK, tmp_path)

    night = run(["sh", "-c", nightly], tmp_path, bare(environment))
    with held(tmp_path / "var/lib/css-snapshot/nightly.db"):
        overlapping = run(["sh", "-c", nightly], tmp_path, bare(environment))
    verified = run(["sh", "-c", monthly], tmp_path, bare(environment))
    write_variables({**environment, "CSS_ENDPOINT": "http://127.0.0.1:9"}, tmp_path)
    failed = run(["sh", "-c", monthly], tmp_path, bare(environment))

    log = (tmp_path / "var/log/css-snapshot.log").read_text(encoding="utf-8")
    assert "%" not in nightly + monthly  # which crontab takes for a line break
    assert (night.stdout, night.stderr) == ("", "")
    assert log.count('"outcome": "completed"') == 2
    assert overlapping.stdout == f"css-snapshot: exit code {ExitCode.HELD}\n"
    assert "another run is using it" in overlapping.stderr
    assert (verified.stdout, verified.stderr) == ("", "")
    assert log.count("verified: nightly-") == 1
    assert failed.stdout == f"drill: exit code {ExitCode.FAILED}\n"


def test_freshness_is_written_for_prometheus_and_nagios(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    command = in_folder(readme.recipe("freshness").split(maxsplit=5)[5], tmp_path)
    write_variables(environment, tmp_path)
    (tmp_path / "var/lib/node-exporter").mkdir(parents=True)
    (alert,) = yaml.safe_load(readme.recipe("alert"))
    nagios = re.findall(r"`(css-snapshot check [^`]*nagios)`", readme.README)

    checked = run(["sh", "-c", command], tmp_path, bare(environment))
    asked = run(shlex.split(*nagios), tmp_path, environment)

    metrics = (tmp_path / "var/lib/node-exporter/css.prom").read_text("utf-8")
    assert "%" not in command  # which crontab takes for a line break
    assert (checked.stdout, checked.stderr) == ("", "")
    for name in re.findall(r"css_snapshot_\w+", alert["expr"]):
        assert f"\n{name}" in metrics
    assert metrics.count('state="never"} 1.0') == 2
    assert asked.returncode == 2
    assert asked.stdout.startswith("CSS SNAPSHOTS CRITICAL")


def test_the_systemd_unit_leaves_a_run_that_is_going_on_in_peace(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(readme.recipe("systemd"))
    service = unit["Service"]
    (tmp_path / service["StateDirectory"]).mkdir()
    start = service["ExecStart"].replace("\\\n", " ").replace("%S", str(tmp_path))

    with held(tmp_path / "css-snapshot/nightly.db"):
        overlapping = run(shlex.split(start), tmp_path, environment)

    assert "another run is using it" in overlapping.stderr
    assert overlapping.returncode == ExitCode.HELD
    given_up = {int(code) for code in service["RestartPreventExitStatus"].split()}
    assert given_up == {ExitCode.USAGE, ExitCode.HELD}


def test_the_pod_gets_by_without_keys(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    job = yaml.safe_load(readme.recipe("kubernetes"))["spec"]
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    token = variables["HUAWEICLOUD_SDK_ID_TOKEN_FILE"]
    fleet = next(e for e in of_kind("program") if "journal=" in e)
    (tmp_path / container["command"][1]).write_text(fleet, encoding="utf-8")
    (tmp_path / "token").write_text(ID_TOKEN, encoding="utf-8")

    ran = run(
        container["command"],
        tmp_path,
        {
            **variables,
            **{k: v for k, v in environment.items() if k not in GIVEN},
            "HUAWEICLOUD_SDK_IAM_ENDPOINT": environment["CSS_ENDPOINT"],
            "HUAWEICLOUD_SDK_IDP_ID": IDP_ID,
            "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(tmp_path / "token"),
        },
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "2 completed" in ran.stdout
    assert job["concurrencyPolicy"] == "Forbid"
    assert token == mounted(pod, container)


def mounted(pod: Any, container: Any) -> str:
    """Return where the token of the service account is in the container."""
    (volume,), (mount,) = pod["volumes"], container["volumeMounts"]
    assert volume["name"] == mount["name"]
    (source,) = volume["projected"]["sources"]
    return f"{mount['mountPath']}/{source['serviceAccountToken']['path']}"


def bare(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment that cron gives: none of the service's variables."""
    return {"PATH": environment["PATH"], "HOME": environment["HOME"]}


def in_folder(command: str, folder: Path) -> str:
    """Put the absolute paths of a command into a folder."""
    for path in ("/etc/", "/usr/", "/var/"):
        command = command.replace(path, f"{folder}{path}")
    return command


def write_variables(environment: Mapping[str, str], folder: Path) -> None:
    (folder / "etc").mkdir(exist_ok=True)
    lines = [
        f"{name}={value}\n"
        for name, value in environment.items()
        if name.startswith(("CSS_", "HUAWEICLOUD_"))
    ]
    (folder / "etc/css-snapshot.env").write_text("".join(lines), encoding="utf-8")


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
