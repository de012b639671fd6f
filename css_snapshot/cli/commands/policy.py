"""The commands about automatic snapshots: policy get, set, disable, check, apply."""

from typing import Annotated, Final

import typer

from css_snapshot.cli.changes import changing
from css_snapshot.cli.command import Session, command
from css_snapshot.cli.commands.policy_drift import apply, check
from css_snapshot.cli.commands.policy_options import UNKNOWN, PolicyOptions
from css_snapshot.cli.confirmation import check_can_ask, confirm
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.fleet.selection import Selection
from css_snapshot.cli.options import YesOption
from css_snapshot.cli.output.records import policy_record
from css_snapshot.cli.output.table import Column

_COLUMNS: Final = (
    Column("CLUSTER", "cluster_id", narrow="keep"),
    Column("ENABLED", "enabled", narrow="keep"),
    Column("FREQUENCY", "frequency"),
    Column("PERIOD", "period"),
    Column("KEEP", "keep"),
    Column("PREFIX", "prefix"),
    Column("INDICES", "indices"),
    Column("BUCKET", "bucket"),
    Column("BASE PATH", "base_path"),
    Column("AGENCY", "agency"),
)


@command
async def get(session: Session, selection: Selection) -> ExitCode:
    """Show when clusters take snapshots by themselves, and where they are stored.

    Examples:
      css-snapshot policy get ea244205-d641-45d9-9dcb-ab2236bcd07e
      css-snapshot policy get --all-clusters

    JSON: kind (policy), cluster_id, and the attributes of a SnapshotPolicy:
    enabled, prefix, period, frequency, keep, indices, bucket, base_path,
    agency, and others.
    """
    selection.check()
    async with session.service() as service:
        cluster_ids = await selection.ids(service)
        walked = await for_each(
            session.output, service, cluster_ids, service.get_policy
        )
    records = [policy_record(key, policy) for key, policy in walked.results.items()]
    if len(cluster_ids) == 1 and records:
        session.output.one(records[0], _COLUMNS)
    elif records:
        session.output.rows(records, _COLUMNS, empty="no policies")
    return walked.code


@command
async def set_(
    session: Session,
    selection: Selection,
    *,
    wanted: PolicyOptions,
) -> ExitCode:
    """Let clusters take snapshots by themselves.

    Examples:
      css-snapshot policy set ea24... --prefix auto --keep 7
        --period '16:00 GMT+08:00'
      css-snapshot policy set prod-search --prefix hourly --keep 24 --frequency HOUR

    JSON: the policy that was sent, as 'policy get' shows it. Exit code 3: it
    may have been set.
    """
    policy = wanted.policy()
    selection.check()
    async with session.service() as service:

        async def send(cluster_id: str) -> None:
            with changing(session.output, f"{UNKNOWN} {cluster_id}"):
                await service.set_policy(cluster_id, policy)
            session.output.done(
                f"{cluster_id} takes snapshots by itself now",
                policy_record(cluster_id, policy),
            )

        cluster_ids = await selection.ids(service)
        walked = await for_each(session.output, service, cluster_ids, send)
    return walked.code


@command
async def disable(
    session: Session,
    selection: Selection,
    *,
    delete_automatic: Annotated[
        bool,
        typer.Option(
            "--delete-automatic", help="Delete the automatic snapshots, for good."
        ),
    ] = False,
    yes: YesOption = False,
) -> ExitCode:
    """Stop clusters from taking snapshots by themselves.

    The automatic snapshots are kept, unless --delete-automatic is given; then
    it asks first, and where nobody can be asked, --yes is needed.

    Examples:
      css-snapshot policy disable ea244205-d641-45d9-9dcb-ab2236bcd07e

    JSON: kind (policy), cluster_id, enabled, deleted_automatic. Exit code 3: it
    may have been disabled.
    """
    selection.check()
    output = session.output
    asks = delete_automatic and not yes
    if asks:
        check_can_ask(output)
    async with session.service() as service:
        cluster_ids = await selection.ids(service)
        if asks:
            listed = ", ".join(cluster_ids)
            confirm(output, f"Delete all automatic snapshots of {listed}?")

        async def send(cluster_id: str) -> None:
            with changing(output, f"{UNKNOWN} {cluster_id}"):
                await service.disable_policy(
                    cluster_id, delete_automatic=delete_automatic
                )
            output.done(
                f"{cluster_id} takes no snapshots by itself any more",
                {
                    "kind": "policy",
                    "cluster_id": cluster_id,
                    "enabled": False,
                    "deleted_automatic": delete_automatic,
                },
            )

        walked = await for_each(output, service, cluster_ids, send)
    return walked.code


policies = typer.Typer(
    no_args_is_help=True,
    help="Automatic snapshots of clusters: get, set, disable, check, apply.",
)
policies.command("get")(get)
policies.command("set")(set_)
policies.command("disable")(disable)
policies.command("check")(check)
policies.command("apply")(apply)
