"""What is set for a cluster's snapshots: where they go and when they are taken."""

import attrs

_DEFAULT_RATE = "40MB"


@attrs.frozen(kw_only=True)
class Repository:
    """Where a cluster's snapshots go.

    Attributes:
        bucket: OBS bucket.
        agency: The agency that lets CSS write there.
        base_path: Folder in the bucket.
        key_id: Key that encrypts the snapshots, `None` for none.
        snapshot_rate: Limit of writing, as text with its unit, per second and node.
        restore_rate: Limit of reading, likewise.
    """

    bucket: str
    agency: str = "css_obs_agency"
    base_path: str = "css_repository"
    key_id: str | None = None
    snapshot_rate: str = _DEFAULT_RATE
    restore_rate: str = _DEFAULT_RATE


@attrs.frozen(kw_only=True)
class AutomaticPolicy:
    """When a cluster's snapshots are taken without a caller.

    Attributes:
        enabled: Whether they are.
        prefix: How their names begin.
        period: Time of day with zone, such as `16:00 GMT+08:00`.
        frequency: `HOUR`, `DAY` or a weekday's three letters.
        keep_day: How many are kept.
        indices: Names or patterns joined by commas, `*` for all.
    """

    enabled: bool = False
    prefix: str = "snapshot"
    period: str = "00:00 GMT+08:00"
    frequency: str = "DAY"
    keep_day: int = 7
    indices: str = "*"


def policy_document(
    policy: AutomaticPolicy, repository: Repository
) -> dict[str, object]:
    """Answer both as the vendor's call that shows the policy does."""
    return {
        "keepday": policy.keep_day,
        "period": policy.period,
        "frequency": policy.frequency,
        "prefix": policy.prefix,
        "bucket": repository.bucket,
        "basePath": repository.base_path,
        "agency": repository.agency,
        "enable": "true" if policy.enabled else "false",
        "indices": policy.indices,
        "snapshotCmkId": repository.key_id,
        "maxSnapshotBytesPerSeconds": repository.snapshot_rate,
        "maxRestoreBytesPerSeconds": repository.restore_rate,
    }
