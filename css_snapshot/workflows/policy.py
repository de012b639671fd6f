"""The two ways that the vendor offers to set a policy.

Version 1 of the vendor's API sets all of a policy by one call. Version 2 has a call that
switches it on and one that switches it off, and none that reads it.
"""

import attrs

from css_snapshot.api.encode import encode_opening, encode_policy
from css_snapshot.api.operations import (
    CLOSE_POLICY,
    GET_POLICY,
    OPEN_POLICY,
    SET_POLICY,
)
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import RequestValidationError
from css_snapshot.typing import PolicyApi, WireNames


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

    async def set(self, cluster_id: str, policy: SnapshotPolicy) -> None:
        """Set a policy; see `SnapshotService.set_policy`."""
        policy.check()
        if self.api == "v1":
            await self._post(cluster_id, policy)
        elif policy.enabled:
            await self.client.send(
                OPEN_POLICY(cluster_id=cluster_id, body=encode_opening(policy))
            )
        else:
            await self.client.send(CLOSE_POLICY(cluster_id=cluster_id))

    async def disable(self, cluster_id: str, *, delete_automatic: bool) -> None:
        """Switch a policy off; see `SnapshotService.disable_policy`."""
        if self.api == "v2":
            if delete_automatic:
                raise RequestValidationError(
                    "delete_automatic", "needs policy_api='v1'; v2 deletes nothing"
                )
            await self.client.send(CLOSE_POLICY(cluster_id=cluster_id))
            return
        # The older sites want the whole policy, even to switch it off. It goes back
        # as it came, so it is not checked.
        until = self.client.end_of_call()
        operation = GET_POLICY(cluster_id=cluster_id)
        current = await self.client.send(operation, until=until)
        await self._post(
            cluster_id,
            attrs.evolve(current, enabled=False),
            delete_automatic=delete_automatic,
            until=until,
        )

    async def _post(
        self,
        cluster_id: str,
        policy: SnapshotPolicy,
        *,
        delete_automatic: bool = False,
        until: float = float("inf"),
    ) -> None:
        body = encode_policy(policy, self.names, delete_automatic=delete_automatic)
        operation = SET_POLICY(cluster_id=cluster_id, body=body)
        await self.client.send(operation, until=until)
