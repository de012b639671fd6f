"""Between models and the vendor's JSON: names, types, and their drift over the years."""

from css_snapshot.wire.answers import (
    DecodeError,
    decode_backup,
    decode_cluster,
    decode_clusters,
    decode_nothing,
    decode_policy,
    decode_snapshots,
)
from css_snapshot.wire.requests import (
    WireNames,
    encode_create,
    encode_opening,
    encode_policy,
    encode_restore,
    encode_settings,
)

__all__ = [
    "DecodeError",
    "WireNames",
    "decode_backup",
    "decode_cluster",
    "decode_clusters",
    "decode_nothing",
    "decode_policy",
    "decode_snapshots",
    "encode_create",
    "encode_opening",
    "encode_policy",
    "encode_restore",
    "encode_settings",
]
