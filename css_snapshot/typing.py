"""The aliases that public signatures name."""

from collections.abc import Callable, Sequence
from typing import Literal

from css_snapshot.models import Snapshot

Applied = Literal["unchanged", "changed"]
"""What `apply_policy` did."""

CoverageState = Literal["fresh", "stale", "never", "stuck", "off", "unreadable"]
"""Whether a cluster has a fresh usable snapshot, and why not; see `Coverage`."""

Indices = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""

KeepReason = Literal[
    "last", "hourly", "daily", "weekly", "monthly", "yearly", "within", "at least"
]
"""The rule of a retention that keeps a snapshot."""

OnDeleted = Callable[[Snapshot], object]
"""Called with each snapshot right after it was deleted."""

PolicyApi = Literal["v1", "v2"]
"""Which of the vendor's ways to set a policy is used; it is always read by `v1`."""

WireNames = Literal["snake", "camel", "both"]
"""How the names that changed over the years are spelled.

The older sites read `targetCluster`, the newer `target_cluster`, and a name that a site
does not read is dropped silently: a restoration without its `rename_pattern` would go
over the indices it was to be kept apart from. Both at once are understood everywhere,
but for a site that refuses unknown names, which says so and does nothing.
"""
