"""The commands that snapshot a whole fleet: fan-out and resume."""

from typing import Annotated, Final

import typer

from css_snapshot.cli.command import Session, command
from css_snapshot.cli.connection import Limits, Location
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.options import (
    BusyOption,
    JournalArgument,
    JournalOption,
    LimitOption,
    MaxFailuresOption,
    RateOption,
    RetryFailedOption,
)
from css_snapshot.cli.fleet.run import FleetRun
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.fleet.target_choice import choose_targets
from css_snapshot.cli.fleet.target_lines import Defaults, name_at
from css_snapshot.cli.fleet.target_list import RunOptions, TargetList, read_kept
from css_snapshot.cli.options import (
    DescriptionOption,
    DryRunOption,
    IndicesOption,
    OnExistsOption,
    SettleOption,
)
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord
from css_snapshot.cli.output.table import Column
from css_snapshot.serialize import to_dict

_COLUMNS: Final = (
    Column("CLUSTER", "cluster_id", narrow="keep"),
    Column("NAME", "name", narrow="fold"),
    Column("READINESS", "readiness", narrow="fold"),
    Column("INDICES", "indices"),
)


@command
async def fan_out(
    session: Session,
    selection: Selection,
    *,
    snapshot: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the snapshots, where a target has none; {date} and {time}"
            " (UTC) are filled in.",
            show_default=False,
        ),
    ] = None,
    indices: IndicesOption = None,
    description: DescriptionOption = None,
    journal: JournalOption = None,
    limit: LimitOption = 16,
    rate: RateOption = None,
    busy: BusyOption = "skip",
    max_failures: MaxFailuresOption = None,
    retry_failed: RetryFailedOption = False,
    on_exists: OnExistsOption = "adopt",
    settle: SettleOption = 15.0,
    dry_run: DryRunOption = False,
) -> ExitCode:
    """Snapshot many clusters, each exactly once.

    The lines of a file are targets: a cluster, and if you like the snapshot's
    name and its indices joined by commas; or JSON objects with cluster_id, name,
    indices and description. All of them are checked before the first snapshot.

    Ctrl-C finishes what is in flight, a second one stops at once. With
    --journal, 'resume' goes on where it stopped, after a crash as well.

    Examples:
      css-snapshot fan-out prod-search prod-logs --snapshot 'nightly-{date}'
      css-snapshot fan-out --from targets.txt --snapshot 'nightly-{date}'
      css-snapshot fan-out --all-clusters --snapshot nightly --journal n.db
      css-snapshot clusters --json | jq -r .id | css-snapshot fan-out - ...

    JSON (also wherever the output is no terminal): a line of kind outcome for
    each target, with outcome (created, adopted, skipped, busy, not_ready,
    failed, indeterminate), cluster_id, name, id, attempts, elapsed, error
    (type, message, code, request_id) and others; at the end one of kind summary.
    Exit codes: 1 some failed, were busy or not ready, 3 some are unknown, 75
    the journal is in use, 130 interrupted with targets left.
    """
    selection.check()
    options = RunOptions(
        endpoint=session.location.address,
        project_id=session.location.project,
        on_exists=on_exists,
        settle=settle,
    )
    defaults = Defaults(
        name=None if snapshot is None else name_at(snapshot),
        indices=indices,
        description=description,
    )
    async with session.service() as service:
        with await choose_targets(service, selection, defaults) as targets:
            if dry_run:
                return _show(session.output, targets)
            fleet = FleetRun(
                output=session.output,
                targets=targets,
                journal=journal,
                options=options,
            )
            return await fleet.carry_out(
                service.fan_out(
                    targets,
                    limit=limit,
                    rate=rate,
                    journal=journal,
                    retry_failed=retry_failed,
                    busy=busy,
                    max_failures=max_failures,
                    on_exists=on_exists,
                    settle=settle,
                )
            )


@command
async def resume(
    journal: JournalArgument,
    *,
    limits: Limits,
    output: Output,
    limit: LimitOption = 16,
    rate: RateOption = None,
    busy: BusyOption = "skip",
    max_failures: MaxFailuresOption = None,
    retry_failed: RetryFailedOption = False,
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
    options, targets = read_kept(journal)
    location = Location(endpoint=options.endpoint, project_id=options.project_id)
    session = Session(location=location, limits=limits, output=output)
    with targets:
        fleet = FleetRun(
            output=session.output, targets=targets, journal=journal, options=options
        )
        async with session.service() as service:
            return await fleet.carry_out(
                service.fan_out(
                    targets,
                    limit=limit,
                    rate=rate,
                    journal=journal,
                    retry_failed=retry_failed,
                    busy=busy,
                    max_failures=max_failures,
                    on_exists=options.on_exists,
                    settle=options.settle,
                )
            )


def _show(output: Output, targets: TargetList) -> ExitCode:
    records: list[JsonRecord] = []
    code = ExitCode.DONE
    for target in targets:
        readiness = "unknown" if target.readiness is None else str(target.readiness)
        records.append({"kind": "target", **to_dict(target), "readiness": readiness})
        if target.readiness is not None and not target.readiness:
            code = ExitCode.FAILED
    output.rows(records, _COLUMNS, empty="no targets")
    return code
