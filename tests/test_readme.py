"""The README: its code runs as pasted, its commands are whole."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from tests.support.api_table import written

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
FLAGS: Final = re.DOTALL | re.MULTILINE
BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", FLAGS)
# The Chinese part repeats some.
EXAMPLES: Final = tuple(dict.fromkeys(BLOCK.findall(README)))
COMMANDS: Final = tuple(re.findall(r"^```sh\n(css-snapshot .*?)^```$", README, FLAGS))
CLUSTER: Final = "ea244205-d641-45d9-9dcb-ab2236bcd07e"
HIDDEN: Final = ("COVERAGE_", "PYTEST_", "PYTHON")
# Stands in for the name service: an example that names a region reaches the emulator.
REGION: Final = """
import os, runpy
from css_snapshot import configuration
configuration.css_endpoint = lambda region: os.environ["CSS_ENDPOINT"]
runpy.run_path("main.py", run_name="__main__")
"""


@pytest.fixture
def environment() -> Iterator[Mapping[str, str]]:
    """The environment of a newcomer whose credentials are those of an emulator."""
    state = EmulatorState(clusters=[EmulatedCluster(id=CLUSTER)], build_seconds=0.0)
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
    start = ["-c", REGION] if "region=" in program else ["main.py"]

    ran = run([sys.executable, *start], tmp_path, environment)

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
        statuses = [
            httpx.put(
                f"{address}/clusters/{cluster}/snapshots/from-the-web"
            ).status_code
            for cluster in (CLUSTER, CLUSTER, "elsewhere")
        ]

    assert statuses == [201, 200, 502]


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


def test_the_tables_are_those_that_the_code_makes() -> None:
    assert written(README) == README


def test_the_chinese_part_has_the_same_examples() -> None:
    english, _, chinese = README.partition("\n## 中文\n")

    examples = BLOCK.findall(chinese)

    assert len(examples) >= 3
    assert set(examples) <= set(BLOCK.findall(english))


def test_the_airflow_recipe_is_the_one_that_is_run_on_airflow() -> None:
    recipe = re.search(r"<!-- airflow -->\n```py\n(.*?)^```$", README, FLAGS)
    dag = (ROOT / "tests/airflow/dags/nightly_snapshots.py").read_text(encoding="utf-8")

    assert recipe is not None
    assert dag.endswith(recipe[1])
