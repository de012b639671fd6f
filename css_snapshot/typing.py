"""The aliases that public signatures name."""

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from css_snapshot.errors import ConnectFailure as ConnectFailure
from css_snapshot.models import DrillReport, Snapshot

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.auth.credentials import (
        CredentialsProvider as CredentialsProvider,
        TokenProvider as TokenProvider,
    )
    from css_snapshot.auth.password import Passcode as Passcode
    from css_snapshot.configuration import ServiceOptions as ServiceOptions
    from css_snapshot.events import Event as Event, Observer as Observer
    from css_snapshot.transport.default import TransportKind as TransportKind
else:
    from css_snapshot.lazy import lazy_names

    # Lazily, as their homes stand above this module.
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.auth.credentials": ("CredentialsProvider", "TokenProvider"),
            "css_snapshot.auth.password": ("Passcode",),
            "css_snapshot.configuration": ("ServiceOptions",),
            "css_snapshot.events": ("Event", "Observer"),
            "css_snapshot.transport.default": ("TransportKind",),
        },
    )
    __all__ += [
        "Applied",
        "ConnectFailure",
        "CoverageState",
        "DrillCheck",
        "DrillCleanup",
        "DrillVerdict",
        "How",
        "Indices",
        "Json",
        "KeepReason",
        "Obstacle",
        "OnBusy",
        "OnDeleted",
        "OnError",
        "OnExists",
        "OnSpoiled",
        "PolicyApi",
        "Progress",
        "SnapshotOperation",
        "StrPath",
        "Until",
        "WireNames",
    ]
    __all__.sort()

Indices: TypeAlias = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""

Applied: TypeAlias = Literal["unchanged", "changed"]
"""What `apply_policy` did."""

CoverageState: TypeAlias = Literal[
    "fresh", "stale", "never", "stuck", "off", "unreadable"
]
"""Whether a cluster has a fresh usable snapshot, and why not; see `Coverage`."""

DrillVerdict: TypeAlias = Literal["verified", "failed", "unknown"]
"""What a drill came to; see `DrillReport`."""

DrillCheck: TypeAlias = Callable[[DrillReport], Awaitable[object]]
"""Checks what a drill restored: raises, or returns something false, if it is not good.

A check that returns nothing finds it good.
"""

DrillCleanup: TypeAlias = Callable[[DrillReport], Awaitable[object]]
"""Removes what a drill restored, or may have."""

KeepReason: TypeAlias = Literal[
    "last", "hourly", "daily", "weekly", "monthly", "yearly", "within", "at least"
]
"""The rule of a retention that keeps a snapshot."""

OnDeleted: TypeAlias = Callable[[Snapshot], object]
"""Called with each snapshot right after it was deleted."""

OnExists: TypeAlias = Literal["adopt", "fail"]
"""What a snapshot of the name means that was there before."""

OnSpoiled: TypeAlias = Literal["fail", "number", "replace"]
"""What a snapshot of the name means that ended without all its shards."""

OnBusy: TypeAlias = Literal["skip", "wait"]
"""What an occupied cluster means to a run."""

OnError: TypeAlias = Literal["collect", "fail_fast"]
"""What a failed target means to a run."""

How: TypeAlias = Literal["created", "adopted"]
"""How a snapshot came about for a call."""

Until: TypeAlias = Literal["accepted", "completed"]
"""When a target of a run has ended well."""

SnapshotOperation: TypeAlias = Literal["ensure", "create"]
"""How a run creates: looking before, or at once."""

StrPath: TypeAlias = str | os.PathLike[str]
"""The path of a file."""

Progress: TypeAlias = Callable[[Snapshot], object]
"""What is called with a snapshot at each look at it."""

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""A value that JSON has.

For type checkers: pydantic can't follow an alias into itself, so a FastAPI route says
that it returns `dict[str, object]`.
"""

Obstacle: TypeAlias = Literal["engine", "status", "switched off", "nodes", "busy"]
"""Why a cluster can't be snapshotted now; see `NotReadyReason`."""

PolicyApi: TypeAlias = Literal["v1", "v2"]
"""Which of the vendor's ways to set a policy is used; it is always read by `v1`."""

WireNames: TypeAlias = Literal["snake", "camel", "both"]
"""How the names that changed over the years are spelled.

The older sites read `targetCluster`, the newer `target_cluster`, and a name that a site
does not read is dropped silently: a restoration without its `rename_pattern` would go
over the indices it was to be kept apart from. Both at once are understood everywhere,
but for a site that refuses unknown names, which says so and does nothing.
"""
