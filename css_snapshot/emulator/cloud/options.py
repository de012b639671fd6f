"""How the emulated cloud behaves where the vendor's sites differ or say nothing."""

import time
from collections.abc import Callable
from typing import Literal

import attrs

Site = Literal["huawei", "otc"]
Naming = Literal["both", "camel", "snake"]
Paging = Literal["both", "start", "offset"]
TotalSize = Literal["right", "wrong", "text", "missing"]
KeepdayUnit = Literal["snapshots", "days"]
UnknownSnapshot = Literal["CSS.5111", "CSS.0015", "CSS.3016"]
Authenticator = Literal["gateway", "css"]
MetadataMode = Literal["both", "token", "tokenless", "no_agency"]
Limit = tuple[int, float]


@attrs.define(kw_only=True, eq=False)
class Options:
    """The options of one emulated cloud; changing one takes effect at once.

    Attributes:
        clock: Returns seconds since the epoch; all that takes time goes by it.
        site: Whose ways the cloud has. `"otc"` responds 404 for a missing cluster,
            requires a base path, and shows `backupFrequency` in the list.
        build_seconds: How long a new snapshot is BUILDING, in seconds.
        restore_seconds: How long a restoration takes, in seconds.
        list_lag: How long a new snapshot is missing from the list, in seconds.
        unique_names: Whether a second snapshot of one name is refused.
        conflict_first: Whether a taken name is noticed before a busy cluster.
        busy_lock: Whether a cluster that is being backed up refuses another.
        busy_status: HTTP status of that refusal: 409 as seen, 202 as documented.
        delete_busy_seconds: How long after an accepted deletion a cluster refuses
            another one as busy, in seconds.
        unknown_snapshot: The code for a snapshot that is not there, as on a second
            deletion; `CSS.0015` comes with 403, the others with 400.
        quota: Snapshots that one cluster may hold, `None` for the 10,000 that the
            emulator bears.
        keepday_unit: What a policy's `keepday` counts: snapshots, as newer documents
            have it, or days.
        naming: Which spelling of fields the policy, restoration and settings accept.
        paging: Which paging parameter the list of clusters honours.
        max_limit: The largest `limit` of that list; above it, 400 CSS.0001.
        total_size: How `totalSize` of that list is: right, two too many, text, or
            missing.
        repeat_rows: Whether both lists show their first row twice.
        indices_separator: What separates the indices of a snapshot in the list.
        show_snapshotting: Whether a cluster's `actions` and `actionProgress` tell that
            a snapshot is being built.
        odd_fields: Whether optional fields of both lists have values of odd types.
        agencies: Names of the agencies that CSS may use.
        check_agencies: Whether settings that name another agency are refused.
        strict_descriptions: Whether descriptions follow the newer, narrower rule.
        throttle: Requests and seconds of the gateway's limit, `None` for none.
        iam_throttle: The same for IAM's calls that give tokens.
        token_seconds: How long IAM's tokens are valid, in seconds.
        authenticator: What refuses a bad token: `"gateway"` with 401, or `"css"` with
            400 CSS.0045.
        metadata_mode: Of the metadata service: `"token"` requires a token,
            `"tokenless"` knows none, `"both"` takes either, `"no_agency"` has no keys.
        metadata_seconds: How long the keys it gives are valid, in seconds.
    """

    clock: Callable[[], float] = time.time
    site: Site = "huawei"
    build_seconds: float = 2.0
    restore_seconds: float = 2.0
    list_lag: float = 0.0
    unique_names: bool = True
    conflict_first: bool = True
    busy_lock: bool = True
    busy_status: int = 409
    delete_busy_seconds: float = 0.0
    unknown_snapshot: UnknownSnapshot = "CSS.5111"
    quota: int | None = None
    keepday_unit: KeepdayUnit = "snapshots"
    naming: Naming = "both"
    paging: Paging = "both"
    max_limit: int = 1000
    total_size: TotalSize = "right"
    repeat_rows: bool = False
    indices_separator: str = ","
    show_snapshotting: bool = True
    odd_fields: bool = False
    agencies: tuple[str, ...] = ("css_obs_agency",)
    check_agencies: bool = False
    strict_descriptions: bool = False
    throttle: Limit | None = None
    iam_throttle: Limit | None = None
    token_seconds: float = 86400.0
    authenticator: Authenticator = "gateway"
    metadata_mode: MetadataMode = "both"
    metadata_seconds: float = 86400.0
