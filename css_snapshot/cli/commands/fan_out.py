"""The commands that snapshot a whole fleet: fan-out and resume."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.options import Certainty, Choice, Pace, Wanted
from css_snapshot.cli.fleet.run import FleetRun
from css_snapshot.cli.fleet.target_lines import Defaults, read_targets
from css_snapshot.cli.fleet.target_list import RunOptions, TargetList, kept
from css_snapshot.cli.output.journal_status import show_status
from css_snapshot.cli.output.outcome_records import not_ready_record
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.session import Session, command
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout import OnBusy

TargetsArgument = Annotated[
    Path | None,
    typer.Argument(
        help="File of targets; - for the standard input.", show_default=False
    ),
]
JournalOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        dir_okay=False,
        help="Lets the run be resumed, after a crash as well.",
        show_default=False,
    ),
]


@command
async def fan_out(
    session: Session,
    targets: TargetsArgument = None,
    *,
    choice: Choice,
    wanted: Wanted,
    journal: JournalOption = None,
    pace: Pace,
    certainty: Certainty,
) -> ExitCode:
    """Snapshot many clusters, each exactly once.

    Targets are lines: a cluster's id, and if you like the snapshot's name and
    its indices joined by commas; or JSON objects with cluster_id, name, indices
    and description. All of them are checked before the first snapshot.

    Ctrl-C finishes what is in flight, a second one stops at once. With
    --journal, 'resume' goes on where it stopped, after a crash as well.

    Examples:
      css-snapshot fan-out targets.txt --snapshot 'nightly-{date}'
      css-snapshot fan-out --all-clusters --snapshot nightly --journal n.db
      css-snapshot clusters --json | jq -r .id | css-snapshot fan-out - ...
      css-snapshot fan-out --status n.db

    JSON (also wherever the output is no terminal): a line of kind outcome for
    each target, with outcome (created, adopted, skipped, busy, failed,
    indeterminate, not_ready), cluster_id, name, id, attempts, elapsed, reason,
    error, message; at the end one of kind summary. Exit codes: 1 some failed or
    were busy, 3 some are unknown, 130 interrupted with targets left.
    """
    choice.check(targets)
    if choice.status is not None:
        return show_status(session.output, choice.status)
    options = certainty.with_place(session.settings)
    defaults = wanted.defaults()
    if targets is not None:
        with _listed(targets, defaults) as listed:
            return await _run(session, listed, options, pace, journal)
    # What is wrong with the name is wrong for every cluster.
    defaults.target("every")
    ready, left_out = await _ready(session, choice, pace.busy)
    with TargetList.of(map(defaults.target, ready)) as listed:
        return await _run(session, listed, options, pace, journal, not_ready=left_out)


@command
async def resume(
    session: Session,
    journal: Annotated[
        Path,
        typer.Argument(help="The journal of a fan-out.", exists=True, dir_okay=False),
    ],
    *,
    pace: Pace,
) -> ExitCode:
    """Go on with a fan-out that was interrupted, or crashed.

    What is done is skipped without a request; what may have been sent is looked
    for before anything is sent again. Endpoint, project and targets are those
    of the fan-out; credentials come from the environment.

    Examples:
      css-snapshot resume nightly.db
      css-snapshot resume nightly.db --retry-failed --limit 4

    JSON and exit codes: as of 'fan-out'.
    """
    options, listed = kept(journal)
    with listed:
        return await _run(session, listed, options, pace, journal)


async def _run(
    session: Session,
    targets: TargetList,
    options: RunOptions,
    pace: Pace,
    journal: Path | None,
    *,
    not_ready: int = 0,
) -> ExitCode:
    fleet = FleetRun(
        output=session.output,
        targets=targets,
        journal=journal,
        options=options,
        not_ready=not_ready,
    )
    settings = session.settings.at(options.endpoint, options.project_id)
    async with settings.service() as service:
        return await fleet.carry_out(
            service.fan_out(
                targets,
                limit=pace.limit,
                rate=pace.rate,
                journal=journal,
                retry_failed=pace.retry_failed,
                busy=pace.busy,
                max_failures=pace.max_failures,
                on_exists=options.on_exists,
                settle=options.settle,
            )
        )


def _listed(path: Path, defaults: Defaults) -> TargetList:
    if str(path) == "-":
        return TargetList.of(read_targets(sys.stdin, "standard input", defaults))
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except OSError as exc:
        raise ConfigurationError(f"targets: {path}: {exc.strerror}") from None
    with file:
        return TargetList.of(read_targets(file, path.name, defaults))


async def _ready(
    session: Session, choice: Choice, busy: OnBusy
) -> tuple[list[str], int]:
    """Answer the ids of the clusters to snapshot, and how many are left out."""
    ready: list[str] = []
    left_out = 0
    async with session.service() as service:
        async for cluster in choice.selection.of(service):
            readiness = cluster.snapshot_readiness
            if readiness or (busy == "wait" and readiness.passes):
                ready.append(cluster.id)
            else:
                _tell_left_out(session.output, cluster)
                left_out += 1
    return ready, left_out


def _tell_left_out(output: Output, cluster: Cluster) -> None:
    if output.writes_lines:
        output.record(not_ready_record(cluster))
    else:
        output.note(f"not ready {cluster.id}: {cluster.snapshot_readiness}")
