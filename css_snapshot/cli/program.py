"""A program of the user's that a drill runs, to check what was restored or remove it."""

import asyncio
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import attrs
import typer

from css_snapshot.models import DrillReport
from css_snapshot.serialize import to_dict

_ERROR_OUTPUT: Final = 2
_PATIENCE: Final = 5.0
# Linux takes no variable above 128 KiB: MAX_ARG_STRLEN of execve(2).
_LONGEST: Final = 100_000


class ProgramFailedError(Exception):
    """A program ended with another exit code than 0, or by a signal."""


@attrs.frozen
class Program:
    """A program and its arguments, run without a shell.

    It is given the report as JSON on its standard input, and the gist of it in
    environment variables. What it writes goes to the error output.

    Attributes:
        words: The program, then its arguments.
    """

    words: tuple[str, ...]

    async def run(self, report: DrillReport) -> None:
        """Run it to its end.

        Args:
            report: What it is told.

        Raises:
            ProgramFailedError: If it failed.
            OSError: If it can't be run.
        """
        # Its start is not cancelled: asyncio would end it without what it started.
        starting = asyncio.ensure_future(self._start(report))
        try:
            process = await asyncio.shield(starting)
            await process.communicate(json.dumps(to_dict(report)).encode())
        finally:
            process = await starting
            if process.returncode is None:
                await _stop(process)
        code = process.returncode
        if code:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise ProgramFailedError(f"{self.words[0]} ended with {how}")

    async def _start(self, report: DrillReport) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self.words,
            stdin=asyncio.subprocess.PIPE,
            stdout=_ERROR_OUTPUT,
            env={**os.environ, **dict(_variables(report))},
            # Ctrl-C goes to all that a terminal started, and a clean-up is to go on.
            start_new_session=True,
        )


def program(text: str) -> Program:
    """Return the program that a text names, as a shell would split it.

    Raises:
        typer.BadParameter: If the text names none that can be found.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from None
    name = words[0] if words else ""
    if shutil.which(name) is None:
        raise typer.BadParameter(
            f"no program is called {name!r}; for what only a shell understands:"
            " sh -c '…'"
        )
    return Program(words)


def _variables(report: DrillReport) -> Iterator[tuple[str, str]]:
    values = {
        "CLUSTER_ID": report.cluster_id,
        "TARGET_CLUSTER_ID": report.target_cluster_id,
        "SNAPSHOT_ID": report.snapshot.id,
        "SNAPSHOT_NAME": report.snapshot.name,
        "EXPECTED_INDICES": ",".join(report.expected_indices),
        "AGE": report.age,
        "RESTORE_SECONDS": report.restore_seconds,
        "VERDICT": report.verdict,
    }
    for name, value in values.items():
        text = "" if value is None else str(value)
        if len(text) <= _LONGEST:
            yield f"CSS_DRILL_{name}", text


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a program, gently at first, and whatever it leaves behind."""
    _signal(process, signal.SIGTERM)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _PATIENCE)
    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.terminate()
        else:
            os.killpg(process.pid, number)
