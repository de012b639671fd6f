"""Creating with plain retries, and recognising what an earlier attempt created."""

from datetime import datetime, timedelta
from typing import Final

from css_snapshot.api.encode import encode_create
from css_snapshot.api.operations import CREATE_SNAPSHOT, LIST_SNAPSHOTS
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    APIError,
    ClusterBusyError,
    CSSError,
    SnapshotExistsError,
)
from css_snapshot.events import Reconciled, notify
from css_snapshot.models import Backup, Snapshot
from css_snapshot.workflows.verdict import may_have_created

_ROUNDING: Final = timedelta(seconds=2)
_UNKNOWN_SKEW: Final = timedelta(seconds=60)


async def create(
    client: ApiClient, cluster_id: str, request: CreateSnapshotRequest
) -> Backup:
    """Create a snapshot, and recognise it if a repeated attempt meets its own work.

    Args:
        client: Carries the calls.
        cluster_id: The cluster.
        request: What to snapshot.

    Raises:
        CSSError: As `ApiClient.send` raises it.
    """
    operation = CREATE_SNAPSHOT(cluster_id=cluster_id, body=encode_create(request))
    began = client.clock.monotonic()
    began_at = client.clock.now()
    until = float("inf") if client.deadline is None else began + client.deadline
    try:
        return await client.send(operation, until=until)
    except (SnapshotExistsError, ClusterBusyError) as exc:
        if not any(may_have_created(earlier) for earlier in exc.earlier):
            raise
        refusal = exc
    elapsed = timedelta(seconds=client.clock.monotonic() - began)
    since = _server_start(refusal, elapsed) or began_at - _UNKNOWN_SKEW
    own = await _own_work(client, cluster_id, request.name, since, until=until)
    if own is None:
        raise refusal
    return Backup(own.id, own.name)


def _server_start(refusal: APIError, elapsed: timedelta) -> datetime | None:
    """Answer when the call began on the server's clock, on which the list counts."""
    if refusal.server_time is None:
        return None
    return refusal.server_time - elapsed - _ROUNDING


async def _own_work(
    client: ApiClient, cluster_id: str, name: str, since: datetime, *, until: float
) -> Snapshot | None:
    operation = LIST_SNAPSHOTS(cluster_id=cluster_id)
    try:
        snapshots = await client.send(operation, until=until)
    except CSSError:
        return None
    own = [
        snapshot
        for snapshot in snapshots
        if snapshot.name == name
        and snapshot.created is not None
        and snapshot.created >= since
    ]
    notify(
        client.on_event,
        Reconciled(cluster_id=cluster_id, name=name, found=len(own), looks=1),
    )
    return own[0] if len(own) == 1 else None
