"""The command that rehearses a restoration."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Annotated, Final

import typer

from css_snapshot.api.rules import check_id
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.lookup import ClusterLookup
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.options import (
    ClusterArgument,
    IndicesOption,
    PollOption,
    WaitForOption,
)
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import drill_record
from css_snapshot.cli.output.waiting import progress
from css_snapshot.cli.program import Program, program
from css_snapshot.models import DrillReport
from css_snapshot.workflows.defaults import (
    CLEANUP_SECONDS,
    POLL_SECONDS,
    RENAME_PREFIX,
    RESTORE_SECONDS,
)

_CODES: Final = {"verified": ExitCode.DONE, "unknown": ExitCode.INDETERMINATE}


@command
async def drill(
    session: Session,
    cluster: ClusterArgument,
    *,
    target: Annotated[
        str,
        typer.Option("--into", metavar="CLUSTER", help="Test cluster to restore into."),
    ],
    verify: Annotated[
        Program,
        typer.Option(
            metavar="COMMAND",
            parser=program,
            help="Checks the restored indices; exit code 0 means that they are good.",
        ),
    ],
    cleanup: Annotated[
        Program | None,
        typer.Option(
            metavar="COMMAND",
            parser=program,
            help="Removes them; runs whatever happened once the restoration may have"
            " begun.",
            show_default=False,
        ),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Only snapshots whose names start with this.", show_default=False
        ),
    ] = None,
    indices: IndicesOption = None,
    rename_prefix: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What the names of restored indices begin with."
        ),
    ] = RENAME_PREFIX,
    seconds: WaitForOption = RESTORE_SECONDS,
    poll: PollOption = POLL_SECONDS,
    cleanup_seconds: Annotated[
        float,
        typer.Option(
            "--cleanup-for",
            metavar="SECONDS",
            help="How long the clean-up may take at most.",
        ),
    ] = CLEANUP_SECONDS,
) -> ExitCode:
    """Restore the last good snapshot into a test cluster, and have it checked.

    The commands are run without a shell. They find the report as JSON on their
    standard input, and in CSS_DRILL_EXPECTED_INDICES (joined by commas; left out
    above 100,000 characters), CSS_DRILL_SNAPSHOT_NAME, CSS_DRILL_SNAPSHOT_ID,
    CSS_DRILL_CLUSTER_ID, CSS_DRILL_TARGET_CLUSTER_ID, CSS_DRILL_AGE and
    CSS_DRILL_RESTORE_SECONDS; the clean-up in CSS_DRILL_VERDICT as well. What
    they write goes to the error output. Ctrl-C cleans up.

    Examples:
      css-snapshot drill prod-search --into test --verify ./check.sh
        --cleanup './drop.sh drill_'
      css-snapshot drill prod-search --into test --indices 'orders*' --json
        --verify "python count.py"

    JSON: the report: kind (drill), verdict (verified, failed, unknown), snapshot,
    expected_indices, age, restore_seconds, error, cleanup_error. Exit codes: 0
    verified; 1 not, or not cleaned up; 3 unknown, or not restored in time.
    """
    check_id("cluster_id", cluster)
    check_id("target_cluster_id", target)
    output = session.output
    async with session.service() as service:
        lookup = ClusterLookup(service)
        cluster_id = await lookup.id_of(cluster)
        target_id = await lookup.id_of(target)
        with ExitStack() as shown:
            told = shown.enter_context(
                progress(output, f"{cluster}: restoring its last good snapshot")
            )
            alone = partial(_alone, output, shown)
            report = await _finished(
                output,
                service.drill(
                    cluster_id,
                    into=target_id,
                    verify=alone("checking", verify),
                    cleanup=None if cleanup is None else alone("cleaning up", cleanup),
                    prefix=prefix,
                    indices=indices,
                    rename_prefix=rename_prefix,
                    timeout=seconds,
                    poll=poll,
                    cleanup_timeout=cleanup_seconds,
                    on_progress=told,
                ),
            )
    if report is None:
        return ExitCode.INTERRUPTED
    return _tell(output, report)


def _alone(
    output: Output, shown: ExitStack, what: str, run: Program
) -> Callable[[DrillReport], Coroutine[object, object, None]]:
    """Return a step of the drill: a program that has the terminal to itself.

    Args:
        output: Where it is told that it runs.
        shown: What moves on the terminal until the first one does.
        what: What it does.
        run: The program.
    """

    async def step(report: DrillReport) -> None:
        shown.close()
        output.note(f"{what}: {run.words[0]}")
        await run.run(report)

    return step


async def _finished(
    output: Output, work: Coroutine[object, object, DrillReport]
) -> DrillReport | None:
    """Return how a drill ended, `None` if it was interrupted, and has cleaned up."""
    drilling = asyncio.ensure_future(work)

    def interrupt() -> None:
        output.warning("interrupted; cleaning up")
        drilling.cancel()

    with on_interrupt(interrupt, lambda: output.warning("still cleaning up")):
        await asyncio.wait({drilling})
    return None if drilling.cancelled() else drilling.result()


def _tell(output: Output, report: DrillReport) -> ExitCode:
    """Write what a drill came to, and return its exit code."""
    output.done(_in_words(report), drill_record(report))
    code = _CODES.get(report.verdict or "", ExitCode.FAILED)
    if report.cleanup_error is None:
        return code
    output.warning(
        f"cluster {report.target_cluster_id}: the clean-up failed:"
        f" {report.cleanup_error}"
    )
    return ExitCode.FAILED if code == ExitCode.DONE else code


def _in_words(report: DrillReport) -> str:
    snapshot = report.snapshot
    text = f"{report.verdict}: {snapshot.name} ({snapshot.id})"
    if report.restore_seconds is not None:
        count = len(report.expected_indices)
        restored = "1 index" if count == 1 else f"{count} indices"
        text += f", {restored} restored in {report.restore_seconds:.0f} s"
    if report.error is not None:
        text += f": {type(report.error).__name__}: {report.error}"
    return text
