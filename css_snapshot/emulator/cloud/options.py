"""How the emulated cloud behaves, where the vendor's documents leave it open."""

import time
from collections.abc import Callable
from typing import Literal

import attrs

Naming = Literal["both", "camel", "snake"]
Paging = Literal["both", "start", "offset"]
Authenticator = Literal["gateway", "css"]
MetadataMode = Literal["both", "token", "tokenless", "no_agency"]
Limit = tuple[int, float]


@attrs.define(kw_only=True, eq=False)
class Options:
    """The options of one emulated cloud; changing one takes effect at once.

    Attributes:
        clock: Answers seconds since the epoch.
        build_seconds: How long a new snapshot is BUILDING, in seconds.
        restore_seconds: How long a restore takes, in seconds.
        list_lag: How long a new snapshot is missing from the list, in seconds.
        unique_names: Whether a second snapshot of one name is refused.
        conflict_first: Whether a taken name is noticed before a busy cluster.
        busy_lock: Whether a cluster that is being backed up refuses another.
        busy_status: HTTP status of that refusal: 409 as seen, 202 as documented.
        quota: Snapshots that one cluster may hold, `None` for no limit.
        naming: Which spelling of fields the policy, restore and settings accept.
        paging: Which paging parameter the list of clusters honours.
        strict_descriptions: Whether descriptions follow the newer, narrower rule.
        throttle: Requests and seconds of the gateway's limit, `None` for none.
        iam_throttle: The same for IAM's token call.
        token_seconds: How long IAM's tokens are valid, in seconds.
        authenticator: Who refuses a bad token: `"gateway"` with 401, or `"css"` with
            400 CSS.0045.
        metadata_mode: Of the metadata service: `"token"` demands a token,
            `"tokenless"` knows none, `"both"` takes either, `"no_agency"` has no keys.
        metadata_seconds: How long the keys it gives are valid, in seconds.
    """

    clock: Callable[[], float] = time.time
    build_seconds: float = 2.0
    restore_seconds: float = 2.0
    list_lag: float = 0.0
    unique_names: bool = True
    conflict_first: bool = True
    busy_lock: bool = True
    busy_status: int = 409
    quota: int | None = None
    naming: Naming = "both"
    paging: Paging = "both"
    strict_descriptions: bool = False
    throttle: Limit | None = None
    iam_throttle: Limit | None = None
    token_seconds: float = 86400.0
    authenticator: Authenticator = "gateway"
    metadata_mode: MetadataMode = "both"
    metadata_seconds: float = 86400.0
