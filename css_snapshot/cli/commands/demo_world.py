"""The emulated fleet of the demonstration: its faults, and a crash."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs

from css_snapshot.clock import Clock
from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.errors import JournalError
from css_snapshot.fanout import State, Target, read_status

_SLOW_SECONDS: Final = 0.2
_BUILD_SECONDS: Final = 1.0
_FAILING: Final = range(2, 20, 5)
_LOSING: Final = range(3, 20, 6)
_SPOILED: Final = 1
_SPEED: Final = 5.0
_YESTERDAY: Final = 86400.0
_LOOK_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 30.0

TIMEOUT: Final = 2.0
"""Limit of an attempt: so long a resumed run looks for what the crashed one sent."""

HURRIED: Final = Clock(
    monotonic=lambda: time.monotonic() * _SPEED,
    sleep=lambda seconds: asyncio.sleep(seconds / _SPEED),
)
"""A clock that runs faster: a first look after 5 seconds is long for a demonstration."""

SETTLE: Final = 0.5
LIMIT: Final = 4


def fleet(size: int, name: str) -> EmulatorState:
    """Make an emulated fleet whose answers are slow, and some of them wrong.

    It accepts a second snapshot of one name, and one while another is built: nothing
    but the client keeps duplicates away. One cluster has a failed snapshot that bears
    the name already.

    Args:
        size: How many clusters.
        name: What the snapshots will be called.
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
    if size > _SPOILED:
        spoiled = state.cluster_ids[_SPOILED]
        state.add_snapshot(spoiled, name, age=_YESTERDAY).outcome = "FAILED"
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
            after: How many snapshots its journal has as accepted before.
        """
        listed = self.folder / "targets.txt"
        listed.write_text("\n".join(self.server.state.cluster_ids))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "css_snapshot", "fan-out", "--from", str(listed), "--wait"),
            *("--snapshot", self.name, "--journal", str(self.journal)),
            *("--on-spoiled", "number", "--limit", str(LIMIT), "--json"),
            *("--attempt-timeout", str(TIMEOUT), "--settle", str(SETTLE)),
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            await self._wait_for(process, after)
        finally:
            # Alive until now, it can't have come to its end by itself.
            killed = process.returncode is None
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        return Crash(states=self._journaled(), killed=killed)

    async def _wait_for(self, process: asyncio.subprocess.Process, count: int) -> None:
        """Wait until the journal has so many accepted ones, or the process has ended."""
        ended = asyncio.ensure_future(process.wait())
        for _ in range(round(_PATIENCE_SECONDS / _LOOK_SECONDS)):
            done, _ = await asyncio.wait([ended], timeout=_LOOK_SECONDS)
            if done or _accepted(self._journaled()) >= count:
                break
        ended.cancel()

    def _journaled(self) -> Mapping[str, State]:
        try:
            entries = read_status(self.journal).entries()
            return {entry.cluster_id: entry.state for entry in entries}
        except JournalError:
            return {}


@attrs.frozen(kw_only=True)
class Crash:
    """How a process went that was to be killed.

    Attributes:
        states: What its journal says of the clusters it came to.
        killed: Whether it was killed, and did not come to its end by itself.
    """

    states: Mapping[str, State]
    killed: bool

    @property
    def accepted(self) -> int:
        """How many snapshots its journal has as accepted."""
        return _accepted(self.states)


def _accepted(states: Mapping[str, State]) -> int:
    return sum(state is State.ACCEPTED for state in states.values())
