"""The emulated fleet of the demonstration: its faults, and a crash."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.fanout import Target

_SLOW_SECONDS: Final = 0.2
_BUILD_SECONDS: Final = 1.0
_FAILING: Final = range(2, 20, 5)
_LOSING: Final = range(3, 20, 6)

TIMEOUT: Final = 2.0
"""Limit of an attempt: so long a resumed run looks for what the crashed one sent."""

SETTLE: Final = 0.5
LIMIT: Final = 4


def fleet(size: int) -> EmulatorState:
    """Make an emulated fleet whose answers are slow, and some of them wrong.

    It accepts a second snapshot of one name, and one while another is built: nothing
    but the client keeps duplicates away.

    Args:
        size: How many clusters.
    """
    state = EmulatorState(
        clusters=size,
        build_seconds=_BUILD_SECONDS,
        unique_names=False,
        busy_lock=False,
    )
    faults = {
        **dict.fromkeys(_FAILING, Fault.status(500)),
        **dict.fromkeys(_LOSING, Fault.drop_after_commit()),
    }
    for number, fault in faults.items():
        if number < size:
            state.faults.add(
                fault, operation="create", cluster_id=state.cluster_ids[number]
            )
    state.faults.add(
        Fault.delay_after_commit(_SLOW_SECONDS), operation="create", times=None
    )
    return state


def faults_in_words(size: int) -> str:
    """Describe the faults of a fleet."""
    failing = sum(number < size for number in {*_FAILING} - {*_LOSING})
    losing = sum(number < size for number in _LOSING)
    return f"{failing} answers of 500, {losing} answers lost after the work was done"


@attrs.frozen(kw_only=True)
class DemoWorld:
    """A running emulator, and the files of a run against it.

    Attributes:
        server: The emulator.
        folder: Where the files are.
        name: The name of the snapshots.
    """

    server: EmulatorServer
    folder: Path
    name: str

    @property
    def journal(self) -> Path:
        """The run's journal."""
        return self.folder / "demo.db"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables by which a command finds the emulator."""
        description = self.server.description()
        return {
            "CSS_ENDPOINT": description["endpoint"],
            "HUAWEICLOUD_SDK_AK": description["access_key"],
            "HUAWEICLOUD_SDK_SK": description["secret_key"],
            "HUAWEICLOUD_SDK_PROJECT_ID": description["project_id"],
            "HUAWEICLOUD_SDK_SECURITY_TOKEN": "",
        }

    def targets(self) -> list[Target]:
        """Return what is wanted: one snapshot of each cluster."""
        return [
            Target(cluster_id, self.name)
            for cluster_id in self.server.state.cluster_ids
        ]

    async def crash(self, after: int) -> "Crash":
        """Run a fan-out in a process of its own, and kill it on the way.

        Args:
            after: How many outcomes it may report before.
        """
        listed = self.folder / "targets.txt"
        listed.write_text("\n".join(self.server.state.cluster_ids))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "css_snapshot", "fan-out", "--from", str(listed), "--json"),
            *("--snapshot", self.name, "--journal", str(self.journal)),
            *("--limit", str(LIMIT), "--attempt-timeout", str(TIMEOUT)),
            *("--settle", str(SETTLE)),
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            outcomes = await _read(process, after)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            code = await process.wait()
        killed = len(outcomes) == after and code != ExitCode.DONE
        return Crash(outcomes=outcomes, killed=killed)


@attrs.frozen(kw_only=True)
class Crash:
    """How a process went that was to be killed.

    Attributes:
        outcomes: What it reported of its targets before.
        killed: Whether it was killed, and did not come to its end by itself.
    """

    outcomes: tuple[Mapping[str, object], ...]
    killed: bool


async def _read(
    process: asyncio.subprocess.Process, count: int
) -> tuple[Mapping[str, object], ...]:
    """Read the first outcomes that a process reports, fewer if there are no more."""
    found: list[Mapping[str, object]] = []
    if process.stdout is None:
        raise ValueError("the process has no output to read")
    async for line in process.stdout:
        found.append(json.loads(line))
        if len(found) == count:
            break
    return tuple(found)
