"""Restoring a snapshot: with plain retries, or exactly once.

The service takes no idempotency key, and an answer can get lost after the work was
begun. What shows that it was is the snapshot's row, with how its last restoration goes,
and the target cluster, which is busy restoring meanwhile. Neither says who asked for
it, nor when it began, so `ensure_restored` looks before it sends anything, and judges by
what has changed since. The row shows a restoration into whichever cluster; that one goes
on into this one, only both together tell.
"""

from typing import Final

import attrs

from css_snapshot.api.encode import encode_restore
from css_snapshot.api.operations import (
    LIST_SNAPSHOTS,
    RESTORE_SNAPSHOT,
    SHOW_CLUSTER,
    Operation,
)
from css_snapshot.api.requests import RestoreSnapshotRequest
from css_snapshot.api.rules import check_seconds
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import CSSError, IndeterminateRestoreError
from css_snapshot.models import Restored, RestoreStatus
from css_snapshot.retry import Before, Found
from css_snapshot.typing import WireNames
from css_snapshot.workflows.look import Looking, change
from css_snapshot.workflows.verdict import verdict_on

_IN_TARGET: Final = "RESTORING"
_SHORTEST: Final = 1.0
"""Seconds that any restoration takes at least."""

_SHORTEST_LATE: Final = 7.0
"""The same for one that shows late, as looks are up to five seconds apart."""


async def restore(restoration: "Restoration") -> None:
    """Start a restoration; see `SnapshotService.restore`."""

    async def is_under_way() -> bool:
        # Without an earlier look, one that has ended may be another.
        signs = await restoration.look()
        going_on = signs.status in {None, RestoreStatus.RESTORING}
        return going_on and signs.in_target

    await change(
        restoration.client,
        restoration.operation,
        is_under_way,
        until=restoration.until,
        unknown=restoration.unknown,
    )


async def ensure_restored(
    restoration: "Restoration", *, settle: float, before: Before | None = None
) -> Restored:
    """Start a restoration exactly once; see `SnapshotService.ensure_restored`.

    Args:
        restoration: What to restore, and where to.
        settle: Seconds a restoration may take to show.
        before: Awaited before each request for it is sent.

    Raises:
        IndeterminateRestoreError: If it is unknown, even after looking.
        CSSError: If it was refused, or not sent.
    """
    check_seconds("settle", settle)
    client, cluster_id = restoration.client, restoration.cluster_id
    with client.telling_workflow("ensure_restored", cluster_id):
        return await _Starting(restoration, settle, before).run()


@attrs.frozen
class _Signs:
    """What shows of restorations at one moment.

    Attributes:
        status: How the snapshot's last one goes; `None` where its row is missing, or
            does not say.
        in_target: Whether one goes on in the target cluster, of whichever snapshot.
    """

    status: RestoreStatus | None
    in_target: bool

    def show_start_since(self, earlier: "_Signs") -> bool:
        """Check whether the snapshot's restoration began since an earlier look."""
        # One that goes on may be somebody else's, into another cluster.
        if earlier.tell_by_target or self.status == RestoreStatus.RESTORING:
            return self.show_target_start_since(earlier)
        return self.status not in {None, earlier.status}

    def rule_out_start_since(self, earlier: "_Signs", *, is_watched: bool) -> bool:
        """Check whether no restoration can have begun since an earlier look.

        Args:
            earlier: What showed before the request was sent.
            is_watched: Whether none can have begun and ended unseen since then.
        """
        if self.show_change_since(earlier):
            return False
        if self.status == RestoreStatus.NONE:
            return True
        if earlier.tell_by_target and earlier.in_target:
            return False
        # One that ended as an earlier one did leaves no trace.
        return is_watched

    def show_change_since(self, earlier: "_Signs") -> bool:
        """Check whether anything differs from an earlier look that a start changes."""
        return self.status != earlier.status or self.show_target_start_since(earlier)

    def show_target_start_since(self, earlier: "_Signs") -> bool:
        """Check whether some restoration began in the target since an earlier look."""
        return self.in_target and not earlier.in_target

    @property
    def show_one_elsewhere(self) -> bool:
        """Whether one goes on that is not into the target."""
        return self.status == RestoreStatus.RESTORING and not self.in_target

    @property
    def tell_by_target(self) -> bool:
        """Whether only the target can show that another restoration begins."""
        return self.status in {None, RestoreStatus.RESTORING}


@attrs.define
class Restoration:
    """A restoration that is asked for, and how it stands.

    Attributes:
        client: Carries the calls.
        cluster_id: The cluster that the snapshot is of.
        snapshot_id: The snapshot's id.
        request: What to restore, where to, and under which names.
        names: How the names that changed over the years are spelled.
        until: When to give up, on the clock's monotonic scale; when a call that begins
            now is to end, unless told otherwise.
        operation: The call that starts it.
    """

    client: ApiClient
    cluster_id: str
    snapshot_id: str
    request: RestoreSnapshotRequest
    names: WireNames
    until: float = attrs.field(
        default=attrs.Factory(lambda self: self.client.end_of_call(), takes_self=True)
    )
    operation: Operation[None] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.operation = RESTORE_SNAPSHOT(
            body=encode_restore(self.request, self.names),
            cluster_id=self.cluster_id,
            snapshot_id=self.snapshot_id,
        )

    async def look(self) -> _Signs:
        """Read what shows of it.

        Raises:
            CSSError: If the list or the target can't be read.
        """
        client, target = self.client, self.request.target_cluster_id
        listing = LIST_SNAPSHOTS(cluster_id=self.cluster_id)
        rows = await client.look(listing, until=self.until)
        cluster = await client.look(SHOW_CLUSTER(cluster_id=target), until=self.until)
        shown = (row.restore_status for row in rows if row.id == self.snapshot_id)
        # One may be there without the other.
        running = {*cluster.actions, *cluster.action_progress}
        return _Signs(next(shown, None), _IN_TARGET in running)

    def unknown(self, why: str) -> IndeterminateRestoreError:
        """Return the error for one of which nothing is known.

        Args:
            why: Why not.
        """
        return IndeterminateRestoreError(
            f"cluster {self.cluster_id}: whether snapshot {self.snapshot_id} is being"
            f" restored into cluster {self.request.target_cluster_id} is unknown: {why}",
            cluster_id=self.cluster_id,
            snapshot_id=self.snapshot_id,
            target_cluster_id=self.request.target_cluster_id,
        )


@attrs.define
class _Starting:
    """One call of `ensure_restored`.

    Attributes:
        restoration: What to restore, and where to.
        settle: Seconds a restoration may take to show.
        before: Awaited before each request is sent.
        earlier: What showed before the first one.
        signs: What showed at the last look.
        requests: How many requests were sent.
        sent_at: When the last one was, on the clock's monotonic scale.
        looked_at: When the last look after it began, on the same scale.
        is_watched: Whether the looks since were never so far apart that one could have
            begun and ended between two of them.
        has_changed: Whether anything was seen to change since `earlier`.
        elsewhere: Whether the snapshot was seen being restored, and the target not.
        found: Whether it was found under way in place of an answer.
    """

    restoration: Restoration
    settle: float
    before: Before | None
    earlier: _Signs = attrs.field(init=False)
    signs: _Signs = attrs.field(init=False)
    requests: int = attrs.field(default=0, init=False)
    sent_at: float = attrs.field(default=0.0, init=False)
    looked_at: float | None = attrs.field(default=None, init=False)
    is_watched: bool = attrs.field(default=False, init=False)
    has_changed: bool = attrs.field(default=False, init=False)
    elsewhere: bool = attrs.field(default=False, init=False)
    found: bool = attrs.field(default=False, init=False)

    async def run(self) -> Restored:
        """Look, ask for it, and look again where the answer is unclear."""
        client = self.restoration.client
        self.earlier = self.signs = await self.restoration.look()
        await client.send(
            self.restoration.operation,
            # What was never sent is safe to send, whatever the policy says of it.
            retry=attrs.evolve(client.limits.retry, connect_failures=True),
            until=self.restoration.until,
            before=self._before,
            between=self._between,
        )
        return Restored("found" if self.found else "started", attempts=self.requests)

    async def _before(self) -> None:
        if self.before is not None:
            await self.before()
        self.requests += 1
        self.sent_at = self.restoration.client.clock.monotonic()
        self.looked_at, self.is_watched = None, False

    async def _between(self, failure: CSSError) -> Found[None] | None:
        """Find out what an unclear answer means; `None` means: not started."""
        verdict = verdict_on(failure)
        if verdict == "busy" and _may_be_own_work(failure):
            return await self._find(failure)
        if verdict not in {"failed", "unknown"}:
            return None
        found = await self._find(failure)
        if found is None and (verdict == "unknown" or not self._is_ruled_out()):
            raise self._unknown(failure, "it does not show so far") from failure
        return found

    async def _find(self, failure: CSSError) -> Found[None] | None:
        """Look for the restoration, for the last time when it must have shown.

        A deadline that leaves no time for that ends it with a look that is unread.
        """
        client, until = self.restoration.client, self.restoration.until
        looking = Looking(client, self._has_begun, until)
        self.found = await looking.shows_within(self.settle)
        if self.found:
            return Found(None)
        if looking.was_unread:
            raise self._unknown(failure, looking.last_look) from failure
        return None

    async def _has_begun(self) -> bool:
        monotonic = self.restoration.client.clock.monotonic
        began = monotonic()
        self.signs = await self.restoration.look()
        if self.looked_at is None:
            self.is_watched = monotonic() - self.sent_at < _SHORTEST
        else:
            self.is_watched &= monotonic() - self.looked_at < _SHORTEST_LATE
        self.looked_at = began
        self.has_changed |= self.signs.show_change_since(self.earlier)
        self.elsewhere |= self.signs.show_one_elsewhere
        if self.elsewhere and not self.signs.in_target:
            # What it has come to since may be what somebody else's came to.
            return False
        return self.signs.show_start_since(self.earlier)

    def _is_ruled_out(self) -> bool:
        is_watched = self.is_watched and not self.has_changed
        return self.signs.rule_out_start_since(self.earlier, is_watched=is_watched)

    def _unknown(self, failure: CSSError, why: str) -> IndeterminateRestoreError:
        error = self.restoration.unknown(f"{failure}; {why}")
        error.earlier = (*failure.earlier, failure)
        return error


def _may_be_own_work(failure: CSSError) -> bool:
    """Check whether the target may be busy with what an earlier request started."""
    return any(verdict_on(earlier) == "failed" for earlier in failure.earlier)
