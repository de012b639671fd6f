"""Creation with plain retries, which recognises what an earlier attempt created."""

from datetime import datetime, timedelta
from typing import Final

import attrs

from css_snapshot.api.encode import encode_create
from css_snapshot.api.operations import CREATE_SNAPSHOT, LIST_SNAPSHOTS
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    APIError,
    ClusterBusyError,
    CSSError,
    IndeterminateCreateError,
    SnapshotExistsError,
)
from css_snapshot.events import Reconciled, notify
from css_snapshot.models import Backup, Snapshot
from css_snapshot.retry import Before, Found
from css_snapshot.workflows.fit import compare
from css_snapshot.workflows.spoiled import spoiled_error
from css_snapshot.workflows.verdict import may_have_created

_ROUNDING: Final = timedelta(seconds=2)


async def create(
    client: ApiClient,
    cluster_id: str,
    request: CreateSnapshotRequest,
    *,
    before: Before | None = None,
) -> Backup:
    """Create a snapshot, and recognise it if a repeated attempt meets its own work.

    Args:
        client: Carries the calls.
        cluster_id: The cluster.
        request: What to snapshot.
        before: Awaited before each creation is sent.

    Raises:
        IndeterminateCreateError: If a snapshot of that name is there, and without the
            server's time nothing tells whether this call created it.
        SnapshotFailedError: If this call's own snapshot has failed by then.
        CSSError: As `ApiClient.send` raises it.
    """
    creation = _Creation(client, cluster_id, request, client.end_of_call())
    return await client.send(
        CREATE_SNAPSHOT(
            cluster_id=cluster_id, body=encode_create(request), name=request.name
        ),
        until=creation.until,
        before=before,
        between=creation.recognise,
    )


@attrs.define
class _Creation:
    """One call of `create`, begun when it is made."""

    client: ApiClient
    cluster_id: str
    request: CreateSnapshotRequest
    until: float
    began: float = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda self: self.client.clock.monotonic(), takes_self=True
        ),
    )

    async def recognise(self, failure: CSSError) -> Found[Backup] | None:
        """Look once for what an earlier attempt created, if one may have."""
        if not isinstance(failure, SnapshotExistsError | ClusterBusyError):
            return None
        if not any(map(may_have_created, failure.earlier)):
            return None
        elapsed = timedelta(seconds=self.client.clock.monotonic() - self.began)
        named = await self._named()
        since = _server_start(failure, elapsed)
        if since is None and named:
            raise self._indeterminate(failure)
        own = [snapshot for snapshot in named if _is_since(snapshot, since)]
        self._tell(len(own))
        return self._adopt(own[0]) if len(own) == 1 else None

    async def _named(self) -> list[Snapshot]:
        operation = LIST_SNAPSHOTS(cluster_id=self.cluster_id)
        try:
            rows = await self.client.look(operation, until=self.until)
        except CSSError:
            return []
        return [row for row in rows if row.name == self.request.name]

    def _adopt(self, snapshot: Snapshot) -> Found[Backup] | None:
        fit = compare(snapshot, self.cluster_id, self.request)
        if fit.misfit == "spoiled":
            raise spoiled_error(snapshot, self.cluster_id)
        if fit.misfit is not None:
            return None
        return Found(Backup(snapshot.id, snapshot.name))

    def _indeterminate(self, failure: CSSError) -> IndeterminateCreateError:
        error = IndeterminateCreateError(
            f"cluster {self.cluster_id}: whether {self.request.name} was created is"
            f" unknown: {failure}; a snapshot of that name is there, and the server"
            " does not tell its time",
            cluster_id=self.cluster_id,
            name=self.request.name,
            since=self.client.clock.now(),
            attempts=1 + len(failure.earlier),
        )
        error.earlier = (*failure.earlier, failure)
        return error

    def _tell(self, found: int) -> None:
        notify(
            self.client.on_event,
            Reconciled(
                cluster_id=self.cluster_id,
                name=self.request.name,
                found=found,
                looks=1,
            ),
        )


def _is_since(snapshot: Snapshot, since: datetime | None) -> bool:
    return (
        since is not None and snapshot.created is not None and snapshot.created >= since
    )


def _server_start(failure: CSSError, elapsed: timedelta) -> datetime | None:
    """Return when the call began on the server's clock, on which the list counts."""
    if not isinstance(failure, APIError) or failure.server_time is None:
        return None
    return failure.server_time - elapsed - _ROUNDING
