"""The pytest plugin as users meet it: in a pytest of its own, in another process."""

import asyncio
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import pytest

from css_snapshot.emulator.emulated_time import EmulatedTime

EXAMPLE: Final = Path(__file__).parent / "examples" / "nightly_tests.py"
PLUGIN: Final = "css_snapshot.emulator.pytest_plugin"
ASYNCIO: Final = (
    *("-p", "pytest_asyncio.plugin"),
    *("-o", "asyncio_default_fixture_loop_scope=function"),
)


def run_pytest(
    folder: Path, tests: str, *arguments: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    (folder / "test_own.py").write_text(tests, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    program = f"{before}\nimport sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    quiet = ("-p", "no:cacheprovider", "-q", "-W", "error", "--strict-markers")
    return subprocess.run(  # noqa: S603  # this Python and our own arguments
        [sys.executable, "-c", program, "-p", PLUGIN, *quiet, *arguments, "."],
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_the_example_of_the_readme_passes_in_both_modes_of_pytest_asyncio(
    tmp_path: Path, mode: str
) -> None:
    example = EXAMPLE.read_text(encoding="utf-8")

    result = run_pytest(tmp_path, example, *ASYNCIO, "-o", f"asyncio_mode={mode}")

    assert "5 passed" in result.stdout, result.stdout + result.stderr


def test_the_fixtures_suit_anyio_and_tests_that_are_not_async(tmp_path: Path) -> None:
    tests = """
import asyncio
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_with_anyio(css_service, css_emulator):
    assert len([c async for c in css_service.clusters()]) == 3

@pytest.mark.css_emulator(socket=True)
def test_without_any(css_service, css_emulator, css_endpoint):
    assert css_endpoint.startswith("http://127.0.0.1:")
    backup = asyncio.run(css_service.create(css_emulator.cluster_ids[0], "nightly"))
    assert css_emulator.counts["create"] == 1
"""

    result = run_pytest(tmp_path, tests, "-p", "anyio.pytest_plugin")

    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_the_markers_options_reach_the_emulator_and_the_redefined_ones_the_service(
    tmp_path: Path,
) -> None:
    tests = """
import time
import pytest
from css_snapshot import RequestTimeoutError
from css_snapshot.emulator import EmulatedCluster, Fault

events = []

@pytest.fixture
def css_service_options():
    return {"timeout": 0.05, "on_event": events.append}

@pytest.mark.asyncio
@pytest.mark.css_emulator(clusters=[EmulatedCluster(id="one")], real_time=True)
async def test_options(css_service, css_emulator, css_faults):
    css_faults.add(Fault.delay(30.0), operation="list")
    with pytest.raises(RequestTimeoutError):
        await css_service.list("one")
    assert events
    assert css_emulator.clock is time.time

@pytest.mark.asyncio
async def test_time_stands_still(css_emulator):
    assert css_emulator.clock() == css_emulator.clock()
    assert len(css_emulator.clusters) == 3
"""

    result = run_pytest(tmp_path, tests, *ASYNCIO)

    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_a_run_over_a_fleet_that_is_looked_after_for_minutes_takes_no_time(
    tmp_path: Path,
) -> None:
    tests = """
import asyncio
import pytest
from css_snapshot.emulator import Fault
from css_snapshot.fanout import Target

@pytest.mark.asyncio
@pytest.mark.css_emulator(clusters=40, build_seconds=600.0, list_lag=12.0)
async def test_fleet(css_service, css_emulator, css_faults, tmp_path):
    css_faults.add(
        Fault.drop_after_commit(), operation="create", times=None, probability=0.3
    )
    targets = [Target(cluster_id, "nightly") for cluster_id in css_emulator.cluster_ids]
    began = css_emulator.clock()
    async with css_service.fan_out(targets, journal=tmp_path / "fleet.db") as run:
        made = [(o.target.cluster_id, o.backup.id) async for o in run]
    async with asyncio.TaskGroup() as group:
        for cluster_id, snapshot_id in made:
            group.create_task(css_service.wait(cluster_id, snapshot_id))
    assert run.summary.created + run.summary.adopted == 40
    assert run.summary.adopted > 5
    assert css_emulator.creations == 40
    assert css_emulator.clock() - began >= 600.0
"""

    result = run_pytest(tmp_path, tests, *ASYNCIO)

    assert "1 passed" in result.stdout, result.stdout + result.stderr


def test_a_marker_with_a_mistake_says_what_is_wrong(tmp_path: Path) -> None:
    tests = """
import pytest

@pytest.mark.css_emulator(cluster=5)
def test_misspelt(css_emulator):
    pass

@pytest.mark.css_emulator(5)
def test_without_a_name(css_emulator):
    pass
"""

    result = run_pytest(tmp_path, tests)

    misspelt, _, nameless = result.stdout.partition("test_without_a_name _")
    assert "2 errors" in result.stdout
    assert "css_emulator: " in misspelt
    assert "css_emulator: takes keywords only" in nameless


def test_pytest_starts_without_the_extra_and_the_fixture_names_it(
    tmp_path: Path,
) -> None:
    tests = """
import sys

def test_of_someone_who_does_not_use_the_plugin():
    assert not sys.modules["starlette"]
    assert not sys.modules["uvicorn"]
    assert "css_snapshot.emulator.http.app" not in sys.modules

def test_of_someone_who_does(css_service):
    pass
"""
    missing = "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None"

    result = run_pytest(tmp_path, tests, before=missing)

    assert "1 passed, 1 error" in result.stdout, result.stdout + result.stderr
    assert "pip install 'css-snapshot[emulator]'" in result.stdout


def test_the_marker_is_explained(tmp_path: Path) -> None:
    result = run_pytest(tmp_path, "", "--markers")

    assert "@pytest.mark.css_emulator(socket=False" in result.stdout


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    ours = [point for point in entry_points(group="pytest11") if point.value == PLUGIN]

    assert [point.name for point in ours] == ["css_snapshot"]


async def test_emulated_time_wakes_sleepers_in_the_order_of_their_due_times() -> None:
    emulated = EmulatedTime(began=1000.0)
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, *naps: float) -> None:
        for seconds in naps:
            await emulated.sleep(seconds)
            woken.append((name, emulated.timestamp()))

    async with asyncio.TaskGroup() as group:
        group.create_task(sleep("long", 10.0))
        group.create_task(sleep("short", 3.0, 3.0, 9.0))
        group.create_task(sleep("not", 0.0, -1.0))

    assert woken == [
        ("not", 1000.0),
        ("not", 1000.0),
        ("short", 1003.0),
        ("short", 1006.0),
        ("long", 1010.0),
        ("short", 1015.0),
    ]


async def test_a_cancelled_sleeper_does_not_hold_time_up() -> None:
    emulated = EmulatedTime(began=0.0)
    cancelled = asyncio.create_task(emulated.sleep(1.0))
    sleeper = asyncio.create_task(emulated.sleep(5.0))
    await asyncio.sleep(0)

    cancelled.cancel()
    await sleeper

    assert emulated.timestamp() == 5.0
