"""The aliases that public signatures name."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.api.clusters import Obstacle as Obstacle
    from css_snapshot.api.encode import WireNames as WireNames
    from css_snapshot.auth.credentials import (
        CredentialsProvider as CredentialsProvider,
        TokenProvider as TokenProvider,
    )
    from css_snapshot.configuration import ServiceOptions as ServiceOptions
    from css_snapshot.errors import ConnectFailure as ConnectFailure
    from css_snapshot.events import Event as Event, Observer as Observer
    from css_snapshot.fanout.fan_out import SnapshotOperation as SnapshotOperation
    from css_snapshot.fanout.journal.journal import StrPath as StrPath
    from css_snapshot.fanout.options import OnBusy as OnBusy, OnError as OnError
    from css_snapshot.transport.default import TransportKind as TransportKind
    from css_snapshot.workflows.ensure import OnExists as OnExists
    from css_snapshot.workflows.policy import PolicyApi as PolicyApi
    from css_snapshot.workflows.wait import Progress as Progress
else:
    from css_snapshot.lazy import lazy_names

    # Lazily, as most of their homes import this module.
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.api.clusters": ("Obstacle",),
            "css_snapshot.api.encode": ("WireNames",),
            "css_snapshot.auth.credentials": ("CredentialsProvider", "TokenProvider"),
            "css_snapshot.configuration": ("ServiceOptions",),
            "css_snapshot.errors": ("ConnectFailure",),
            "css_snapshot.events": ("Event", "Observer"),
            "css_snapshot.fanout.fan_out": ("SnapshotOperation",),
            "css_snapshot.fanout.journal.journal": ("StrPath",),
            "css_snapshot.fanout.options": ("OnBusy", "OnError"),
            "css_snapshot.transport.default": ("TransportKind",),
            "css_snapshot.workflows.ensure": ("OnExists",),
            "css_snapshot.workflows.policy": ("PolicyApi",),
            "css_snapshot.workflows.wait": ("Progress",),
        },
    )
    __all__ += ["Indices"]
    __all__.sort()

Indices: TypeAlias = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""
