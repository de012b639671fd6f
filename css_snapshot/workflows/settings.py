"""Where a cluster's snapshots are stored, and whether it takes any at all."""

import re
from typing import Final

from css_snapshot.api.encode import encode_agency, encode_settings
from css_snapshot.api.operations import (
    CONFIGURE,
    CONFIGURE_AUTOMATICALLY,
    CREATE_AGENCY,
    DISABLE_SNAPSHOTS,
    GET_POLICY,
    SHOW_CLUSTER,
    Operation,
)
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.requests import SnapshotSettings
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import IndeterminateSettingsError
from css_snapshot.typing import WireNames
from css_snapshot.workflows.drift import policy_drift
from css_snapshot.workflows.look import IsDone, change

# The service makes it under this name; its answer does not tell.
_OBS_AGENCY: Final = "css_obs_agency"
_RATE: Final = re.compile(r"(-?\d+)([kmgtp]?)b?", re.IGNORECASE)


async def configure(
    client: ApiClient, cluster_id: str, settings: SnapshotSettings, names: WireNames
) -> None:
    """Switch snapshots on, or move them; see `SnapshotService.configure`."""
    until = client.end_of_call()
    body = encode_settings(settings, names)

    async def is_configured() -> bool:
        stored = await client.look(GET_POLICY(cluster_id=cluster_id), until=until)
        if not _is_stored(stored, settings):
            return False
        if settings.policy and policy_drift(cluster_id, stored, settings.policy):
            return False
        return await _is_on(client, cluster_id, until) is not False

    operation = CONFIGURE(body=body, cluster_id=cluster_id)
    await _change(client, cluster_id, operation, is_configured, until)


async def configure_automatically(client: ApiClient, cluster_id: str) -> None:
    """Switch snapshots on; see `SnapshotService.configure_automatically`."""
    until = client.end_of_call()

    async def is_on() -> bool:
        return await _is_on(client, cluster_id, until) is True

    operation = CONFIGURE_AUTOMATICALLY(cluster_id=cluster_id)
    await _change(client, cluster_id, operation, is_on, until)


async def disable_snapshots(client: ApiClient, cluster_id: str) -> None:
    """Switch snapshots off; see `SnapshotService.disable_snapshots`."""
    until = client.end_of_call()

    async def is_off() -> bool:
        return await _is_on(client, cluster_id, until) is False

    operation = DISABLE_SNAPSHOTS(cluster_id=cluster_id)
    await _change(client, cluster_id, operation, is_off, until)


async def create_agency(client: ApiClient, domain_id: str, domain_name: str) -> str:
    """Create the agency that `configure` needs; see `SnapshotService.create_agency`."""
    await client.send(CREATE_AGENCY(body=encode_agency(domain_id, domain_name)))
    return _OBS_AGENCY


async def _is_on(client: ApiClient, cluster_id: str, until: float) -> bool | None:
    """Return whether the snapshot function is on, `None` where a site does not say."""
    cluster = await client.look(SHOW_CLUSTER(cluster_id=cluster_id), until=until)
    return cluster.backup_available


async def _change(
    client: ApiClient,
    cluster_id: str,
    operation: Operation[None],
    is_done: IsDone,
    until: float,
) -> None:
    def unknown(why: str) -> IndeterminateSettingsError:
        return IndeterminateSettingsError(
            f"cluster {cluster_id}: whether its snapshot settings were changed is"
            f" unknown: {why}",
            cluster_id=cluster_id,
        )

    await change(client, operation, is_done, until=until, unknown=unknown)


def _is_stored(stored: SnapshotPolicy, settings: SnapshotSettings) -> bool:
    """Check whether what the service shows is what was sent, as far as it was."""
    if (stored.bucket, stored.agency) != (settings.bucket, settings.agency):
        return False
    if settings.cmk_id not in {None, stored.cmk_id}:
        return False
    if settings.base_path is not None and _path(stored.base_path) != _path(
        settings.base_path
    ):
        return False
    return all(
        sent is None or _rate(shown) == _rate(sent)
        for shown, sent in (
            (stored.max_snapshot_rate, settings.max_snapshot_rate),
            (stored.max_restore_rate, settings.max_restore_rate),
        )
    )


def _path(path: str | None) -> str:
    return (path or "").rstrip("/")


def _rate(text: str | None) -> tuple[int, str] | str | None:
    """Return a rate, however it is spelled: no limit is `0`, `0MB` and `-1`."""
    found = None if text is None else _RATE.fullmatch(text.strip())
    if found is None:
        return text
    number = int(found[1])
    return (number, found[2].lower()) if number > 0 else "no limit"
