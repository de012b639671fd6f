"""A throw-away Airflow, and an emulator that its default connection leads to.

These tests run in an environment of their own, which has Airflow; anywhere else they
are not collected.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from css_snapshot.emulator import EmulatorServer, EmulatorState

DAGS: Final = Path(__file__).parent / "dags"


def _is_installed() -> bool:
    # This folder is itself a namespace package of that name for those who look here.
    return getattr(importlib.util.find_spec("airflow"), "origin", None) is not None


collect_ignore_glob = [] if _is_installed() else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    """Point Airflow, which reads this when it is imported, at a home of its own."""
    if not _is_installed():
        return
    home = tempfile.mkdtemp(prefix="airflow-home-")
    config.add_cleanup(lambda: shutil.rmtree(home))
    os.environ.update(
        AIRFLOW_HOME=home,
        AIRFLOW__CORE__DAGS_FOLDER=str(DAGS),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__UNIT_TEST_MODE="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="INFO",
    )


@pytest.fixture(scope="session")
def database() -> None:
    """Give Airflow its tables."""
    subprocess.run(  # this Python and our own arguments
        [sys.executable, "-m", "airflow", "db", "migrate"],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def state() -> EmulatorState:
    """An emulated cloud of three clusters."""
    return EmulatorState(clusters=3, build_seconds=0.1)


@pytest.fixture
def connection(
    state: EmulatorState, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, object]]:
    """The default connection, which leads to the emulated cloud."""
    with EmulatorServer(state).run_in_thread() as server:
        fields: dict[str, object] = {
            "conn_type": "css_snapshot",
            "login": state.access_key,
            "password": state.secret_key,
            "extra": {"endpoint": server.endpoint, "project_id": state.project_id},
        }
        monkeypatch.setenv("AIRFLOW_CONN_CSS_DEFAULT", json.dumps(fields))
        yield fields
