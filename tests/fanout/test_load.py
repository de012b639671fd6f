"""Runs of many targets: memory stays flat, and a real server is kept busy."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.fanout import Target
from tests.support.child_processes import environment, script
from tests.support.thoroughness import AT_LENGTH

CHILD: Final = script("load_child.py")
MANY: Final = int(os.environ.get("CSS_SNAPSHOT_LOAD_TARGETS", "20000"))
"""Targets of the load test; the figure of the design is 100,000."""
MOST: Final = 15 * 1024
"""KiB that they may take."""
CLUSTERS: Final = 5000

pytestmark = [pytest.mark.soak, AT_LENGTH]


def measure(count: int, journal: Path) -> dict[str, int]:
    """Run so many targets in a process of their own, and answer what it cost."""
    finished = subprocess.run(  # noqa: S603  # our own interpreter and script
        [sys.executable, str(CHILD), str(count), str(journal)],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, int] = json.loads(finished.stdout)
    return figures


def test_memory_does_not_grow_with_the_number_of_targets(tmp_path: Path) -> None:
    few = measure(1000, tmp_path / "few.db")
    many = measure(MANY, tmp_path / "many.db")

    print(f"\n1,000: {few}, {MANY:,}: {many}")  # noqa: T201  # shown by `pytest -s`
    assert many["created"] == MANY
    assert many["peak"] - few["peak"] <= MOST


async def test_many_clusters_over_a_socket(tmp_path: Path) -> None:
    state = EmulatorState(clusters=CLUSTERS, build_seconds=0.0)
    with EmulatorServer(state).run_in_thread() as server:
        async with (
            SnapshotService(
                endpoint=server.endpoint,
                project_id=state.project_id,
                auth=TokenAuth(state.token),
                retry=RetryPolicy.none(),
            ) as service,
            service.fan_out(
                (Target(cluster, "nightly-1") for cluster in state.cluster_ids),
                operation="create",
                limit=50,
                journal=tmp_path / "nightly.db",
            ) as run,
        ):
            summary = await run.finish()

    assert summary.created == summary.total == state.creations == CLUSTERS
