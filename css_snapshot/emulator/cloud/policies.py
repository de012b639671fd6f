"""What is set for a cluster's snapshots: where they go and when they are taken."""

import re
from typing import Final

import attrs

PERIOD: Final = re.compile(r"([01][0-9]|2[0-3]):00 GMT([+-])([0-9]{2}):([0-9]{2})")
# Of WEEK the documents show no more than the word; here it is a week from Sunday on.
FREQUENCIES: Final = (
    *("HOUR", "DAY", "WEEK"),
    *("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"),
)
DEFAULT_RATE: Final = "40MB"


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
    snapshot_rate: str = DEFAULT_RATE
    restore_rate: str = DEFAULT_RATE


@attrs.frozen(kw_only=True)
class AutomaticPolicy:
    """When a cluster's snapshots are taken without a caller.

    Attributes:
        enabled: Whether they are.
        prefix: How their names begin.
        period: Time of day with zone, such as `16:00 GMT+08:00`.
        frequency: `HOUR`, `DAY`, `WEEK` or a weekday's three letters.
        keep_day: How many are kept; see the option `keepday_unit`.
        indices: Names or patterns joined by commas, `*` for all.
    """

    enabled: bool = False
    prefix: str = "snapshot"
    period: str = attrs.field(
        default="00:00 GMT+08:00",
        validator=attrs.validators.matches_re(PERIOD, func=re.fullmatch),
    )
    frequency: str = attrs.field(
        default="DAY", validator=attrs.validators.in_(FREQUENCIES)
    )
    keep_day: int = attrs.field(
        default=7, validator=[attrs.validators.ge(1), attrs.validators.le(90)]
    )
    indices: str = "*"


def policy_document(
    policy: AutomaticPolicy, repository: Repository
) -> dict[str, object]:
    """Return both as the vendor's call that shows the policy does."""
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
