"""The commands about policies as wanted state: policy check and apply."""

from collections.abc import Mapping
from typing import Final

import attrs

from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.cli.changes import changing
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.commands.policy_options import UNKNOWN, PolicyOptions
from css_snapshot.cli.exit_codes import ExitCode, worst
from css_snapshot.cli.fleet.each import Walked, for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.options import DryRunOption
from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.records import JsonRecord
from css_snapshot.cli.output.table import Column
from css_snapshot.serialize import to_dict
from css_snapshot.workflows.drift import PolicyDrift

_COLUMNS: Final = (
    Column("CLUSTER", "cluster_id", narrow="keep"),
    Column("FIELD", "field", narrow="keep"),
    Column("HAVE", "have", narrow="fold"),
    Column("WANT", "want", narrow="fold"),
)


@command
async def check(
    session: Session, selection: Selection, *, wanted: PolicyOptions
) -> ExitCode:
    """Check whether clusters take snapshots by themselves as wanted.

    Examples:
      css-snapshot policy check --all-clusters --prefix auto --keep 7
        --period '16:00 GMT+08:00'

    JSON: a line of kind drift for each cluster, with cluster_id, in_sync and
    differences (have and want by field). Exit code 1: at least one differs, or
    can't be read.
    """
    walked = await _drifts(session, selection, wanted.policy())
    _show(session.output, walked.results)
    drifted = ExitCode.FAILED if any(walked.results.values()) else ExitCode.DONE
    return worst({walked.code, drifted})


@command
async def apply(
    session: Session,
    selection: Selection,
    *,
    wanted: PolicyOptions,
    dry_run: DryRunOption = False,
) -> ExitCode:
    """Let clusters take snapshots by themselves as wanted, where they do not yet.

    What is as wanted is left alone; what is changed is read back. --dry-run
    shows the differences.

    Examples:
      css-snapshot policy apply --all-clusters --prefix auto --keep 7
        --period '16:00 GMT+08:00' --dry-run

    JSON: a line of kind applied for each cluster, with cluster_id and applied
    (changed or unchanged); with --dry-run as of 'policy check'. Exit code 3: it
    may have been changed.
    """
    policy = wanted.policy()
    if dry_run:
        walked = await _drifts(session, selection, policy)
        _show(session.output, walked.results)
        return walked.code
    selection.check()
    async with session.service() as service:

        async def send(cluster_id: str) -> None:
            with changing(session.output, f"{UNKNOWN} {cluster_id}"):
                applied = await service.apply_policy(cluster_id, policy)
            session.output.done(
                f"{cluster_id} {applied}",
                {"kind": "applied", "cluster_id": cluster_id, "applied": applied},
            )

        cluster_ids = await selection.ids(service)
        ended = await for_each(session.output, service, cluster_ids, send)
    return ended.code


async def _drifts(
    session: Session, selection: Selection, policy: SnapshotPolicy
) -> Walked[PolicyDrift]:
    selection.check()
    async with session.service() as service:
        return await for_each(
            session.output,
            service,
            await selection.ids(service),
            lambda cluster_id: service.plan_policy(cluster_id, policy),
        )


def _show(output: Output, drifts: Mapping[str, PolicyDrift]) -> None:
    if output.form == "table":
        rows = [
            {"cluster_id": cluster_id, "field": field, **attrs.asdict(drift[field])}
            for cluster_id, drift in drifts.items()
            for field in drift
        ]
        output.rows(rows, _COLUMNS, empty="no drift")
        return
    for drift in drifts.values():
        output.record(_drift_record(drift))


def _drift_record(drift: PolicyDrift) -> JsonRecord:
    return {"kind": "drift", "in_sync": not drift, **to_dict(drift)}
