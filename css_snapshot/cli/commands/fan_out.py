"""The commands that snapshot a whole fleet: fan-out and resume."""

from datetime import UTC, datetime
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.cli.command import Session, command
from css_snapshot.cli.connection import Location, Sending
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.options import (
    JournalArgument,
    JournalOption,
    PaceOptions,
    WaitOptions,
)
from css_snapshot.cli.fleet.run import FleetRun
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.fleet.target_choice import choose_targets
from css_snapshot.cli.fleet.target_lines import Defaults, name_at
from css_snapshot.cli.fleet.target_list import (
    RunOptions,
    TargetList,
    looked_at_again,
    read_kept,
)
from css_snapshot.cli.options import (
    DescriptionOption,
    DryRunOption,
    IndicesOption,
    OnExistsOption,
    OnSpoiledOption,
    SettleOption,
)
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord
from css_snapshot.cli.output.table import Column
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout import FanOut
from css_snapshot.models import Ensured
from css_snapshot.serialize import to_dict
from css_snapshot.service import SnapshotService
from css_snapshot.typing import OnSpoiled
from css_snapshot.workflows.defaults import SETTLE_SECONDS

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
    waiting: WaitOptions,
    pace: PaceOptions,
    on_exists: OnExistsOption = "adopt",
    on_spoiled: OnSpoiledOption = "fail",
    settle: SettleOption = SETTLE_SECONDS,
    dry_run: DryRunOption = False,
) -> ExitCode:
    """Snapshot many clusters, each exactly once.

    It ends when the service has accepted each snapshot; with --wait, --by or
    --timeout when each is completed, spoiled, or late.

    The lines of a file are targets: a cluster, and if you like the snapshot's
    name and its indices joined by commas; or JSON objects with cluster_id, name,
    indices and description. All of them are checked before the first snapshot.

    Ctrl-C finishes what is in flight, a second one stops at once. With
    --journal, 'resume' goes on where it stopped, after a crash as well.

    Examples:
      css-snapshot fan-out prod-search prod-logs --snapshot 'nightly-{date}'
      css-snapshot fan-out --from targets.txt --snapshot 'nightly-{date}' --wait
      css-snapshot fan-out --all-clusters --snapshot 'nightly-{date}' --by 06:00
        --on-spoiled number --journal nightly.db
      css-snapshot clusters --json | jq -r .id | css-snapshot fan-out - ...

    JSON (also wherever the output is no terminal): a line of kind outcome for
    each target, with outcome (created, adopted, completed, spoiled, late,
    skipped, busy, not_ready, failed, indeterminate), cluster_id, name, id,
    attempts, elapsed, error (type, message, code, request_id) and others; at the
    end one of kind summary. Exit codes: 0 each has what it wanted, also in the
    journal; 1 some failed, were spoiled, busy or not ready, or never begun; 3
    some are unknown or late; 75 the journal is in use; 130 interrupted.
    """
    selection.check()
    options = RunOptions(
        endpoint=session.location.address,
        project_id=session.location.project,
        on_exists=on_exists,
        on_spoiled=on_spoiled,
        settle=settle,
        until="completed" if waiting.waits else "accepted",
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
                due=waiting.finish_by(_now()),
            )
            return await fleet.carry_out(_prepared(service, fleet, pace))


@command
async def resume(
    journal: JournalArgument,
    *,
    waiting: WaitOptions,
    pace: PaceOptions,
    on_spoiled: Annotated[
        OnSpoiled | None, typer.Option(help="As for 'fan-out'; by default as then.")
    ] = None,
    sending: Sending,
    output: Output,
) -> ExitCode:
    """Go on with a fan-out that was interrupted, crashed, or left something undone.

    What is done is skipped without a request; what may have been sent is looked
    for before anything is sent again; what failed before anything was sent is
    tried again. Clusters that were busy or not ready are looked at again. A fan-out
    that waited waits again. Endpoint, project and targets are those of the fan-out;
    credentials come from the environment.

    Examples:
      css-snapshot resume nightly.db
      css-snapshot resume nightly.db --by 08:00 --retry-failed --limit 4

    JSON and exit codes: as of 'fan-out'.
    """
    options, targets = read_kept(journal)
    with targets:
        options = attrs.evolve(options, on_spoiled=on_spoiled or options.on_spoiled)
        if waiting.waits and options.until != "completed":
            raise ConfigurationError(
                f"--wait: the run of {journal} ends when its snapshots are accepted;"
                " css-snapshot wait waits for them"
            )
        due = waiting.finish_by(_now())
        location = Location(endpoint=options.endpoint, project_id=options.project_id)
        session = Session(location=location, sending=sending, output=output)
        async with session.service() as service:
            with await looked_at_again(targets, service) as current:
                fleet = FleetRun(
                    output=output,
                    targets=current,
                    journal=journal,
                    options=options,
                    due=due,
                )
                return await fleet.carry_out(_prepared(service, fleet, pace))


def _prepared(
    service: SnapshotService, fleet: FleetRun, pace: PaceOptions
) -> FanOut[Ensured]:
    return service.fan_out(
        fleet.targets,
        journal=fleet.journal,
        until=fleet.options.until,
        finish_by=fleet.due,
        on_exists=fleet.options.on_exists,
        on_spoiled=fleet.options.on_spoiled,
        settle=fleet.options.settle,
        **attrs.asdict(pace),
    )


def _now() -> datetime:
    """Return the time, in this machine's zone."""
    return datetime.now(UTC).astimezone()


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
