"""Policies as wanted state: set over either of the vendor's two ways, compared, applied.

Version 1 of the vendor's API sets all of a policy by one call. Version 2 has a call that
switches it on and one that switches it off, and none that reads it.
"""

import attrs

from css_snapshot.api.encode import encode_opening, encode_policy
from css_snapshot.api.operations import (
    CLOSE_POLICY,
    GET_POLICY,
    LIST_SNAPSHOTS,
    OPEN_POLICY,
    SET_POLICY,
    Operation,
)
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import IndeterminateSettingsError, RequestValidationError
from css_snapshot.typing import Applied, PolicyApi, WireNames
from css_snapshot.workflows.defaults import SETTLE_SECONDS
from css_snapshot.workflows.drift import PolicyDrift, policy_drift
from css_snapshot.workflows.look import IsDone, Looking, change


@attrs.frozen
class PolicySwitch:
    """Sets the policies of clusters.

    Attributes:
        client: Carries the calls.
        api: Which of the vendor's ways to use.
        names: How the names that changed over the years are spelled.
    """

    client: ApiClient
    api: PolicyApi
    names: WireNames

    async def plan(self, cluster_id: str, policy: SnapshotPolicy) -> PolicyDrift:
        """Compare a policy with the wanted one; see `SnapshotService.plan_policy`."""
        policy.check()
        return await self._drift(cluster_id, policy, self.client.end_of_call())

    async def apply(self, cluster_id: str, policy: SnapshotPolicy) -> Applied:
        """Set a policy unless it is as wanted; see `SnapshotService.apply_policy`."""
        policy.check()
        until = self.client.end_of_call()
        drift = await self._drift(cluster_id, policy, until)
        if not drift:
            return "unchanged"
        await self._set(cluster_id, policy, until)

        async def is_as_wanted() -> bool:
            nonlocal drift
            drift = await self._drift(cluster_id, policy, until)
            return not drift

        looking = Looking(self.client, is_as_wanted, until)
        if not await looking.shows_within(SETTLE_SECONDS):
            raise IndeterminateSettingsError(
                f"cluster {cluster_id}: the policy was accepted, but is not read back:"
                f" {looking.last_look}; drift: {drift}",
                cluster_id=cluster_id,
            )
        return "changed"

    async def set(self, cluster_id: str, policy: SnapshotPolicy) -> None:
        """Set a policy; see `SnapshotService.set_policy`."""
        policy.check()
        await self._set(cluster_id, policy, self.client.end_of_call())

    async def disable(self, cluster_id: str, *, delete_automatic: bool) -> None:
        """Switch a policy off; see `SnapshotService.disable_policy`."""
        until = self.client.end_of_call()
        if self.api == "v1":
            # The older sites want the whole policy, even to switch it off. It goes
            # back as it came, so it is not checked.
            current = await self._read(cluster_id, until)
            off = attrs.evolve(current, enabled=False)
            operation = self._setting(
                cluster_id, off, delete_automatic=delete_automatic
            )
        elif delete_automatic:
            raise RequestValidationError(
                "delete_automatic", "needs policy_api='v1'; v2 deletes nothing"
            )
        else:
            operation = CLOSE_POLICY(cluster_id=cluster_id)

        async def is_off() -> bool:
            if (await self._read(cluster_id, until)).enabled:
                return False
            if not delete_automatic:
                return True
            listing = LIST_SNAPSHOTS(cluster_id=cluster_id)
            snapshots = await self.client.look(listing, until=until)
            return not any(snapshot.is_automatic for snapshot in snapshots)

        await self._change(cluster_id, operation, is_off, until)

    async def _set(self, cluster_id: str, policy: SnapshotPolicy, until: float) -> None:
        if self.api == "v1":
            operation = self._setting(cluster_id, policy, delete_automatic=False)
        elif policy.enabled:
            operation = OPEN_POLICY(cluster_id=cluster_id, body=encode_opening(policy))
        else:
            operation = CLOSE_POLICY(cluster_id=cluster_id)

        async def is_set() -> bool:
            return not await self._drift(cluster_id, policy, until)

        await self._change(cluster_id, operation, is_set, until)

    def _setting(
        self, cluster_id: str, policy: SnapshotPolicy, *, delete_automatic: bool
    ) -> Operation[None]:
        body = encode_policy(policy, self.names, delete_automatic=delete_automatic)
        return SET_POLICY(cluster_id=cluster_id, body=body)

    async def _change(
        self,
        cluster_id: str,
        operation: Operation[None],
        is_done: IsDone,
        until: float,
    ) -> None:
        def unknown(why: str) -> IndeterminateSettingsError:
            return IndeterminateSettingsError(
                f"cluster {cluster_id}: whether the policy was set is unknown: {why}",
                cluster_id=cluster_id,
            )

        await change(self.client, operation, is_done, until=until, unknown=unknown)

    async def _read(self, cluster_id: str, until: float) -> SnapshotPolicy:
        operation = GET_POLICY(cluster_id=cluster_id)
        return await self.client.look(operation, until=until)

    async def _drift(
        self, cluster_id: str, want: SnapshotPolicy, until: float
    ) -> PolicyDrift:
        return policy_drift(cluster_id, await self._read(cluster_id, until), want)
