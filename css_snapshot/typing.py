"""The aliases that public signatures name."""

from collections.abc import Sequence
from typing import Literal

from css_snapshot.errors import ConnectFailure

__all__ = [
    "ConnectFailure",
    "Indices",
    "Json",
    "Obstacle",
    "PolicyApi",
    "WireNames",
]

Indices = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""A value that JSON has."""

Obstacle = Literal["engine", "status", "switched off", "nodes", "busy"]
"""Why a cluster can't be snapshotted now; see `NotReady`."""

PolicyApi = Literal["v1", "v2"]
"""Which of the vendor's ways to set a policy is used; it is always read by `v1`."""

WireNames = Literal["snake", "camel", "both"]
"""How the names that changed over the years are spelled.

The older sites read `targetCluster`, the newer `target_cluster`, and a name that a site
does not read is dropped silently: a restoration without its `rename_pattern` would go
over the indices it was to be kept apart from. Both at once are understood everywhere,
but for a site that refuses unknown names, which says so and does nothing.
"""
