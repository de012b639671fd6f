"""The aliases that public signatures name."""

import os
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from css_snapshot.models import Snapshot

Indices: TypeAlias = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""

OnExists: TypeAlias = Literal["adopt", "fail"]
"""What a snapshot of the name means that was there before."""

OnSpoiled: TypeAlias = Literal["fail", "number", "replace"]
"""What a snapshot of the name means that ended without all its shards."""

OnBusy: TypeAlias = Literal["skip", "wait"]
"""What an occupied cluster means to a run."""

OnError: TypeAlias = Literal["collect", "fail_fast"]
"""What a failed target means to a run."""

Until: TypeAlias = Literal["accepted", "completed"]
"""When a target of a run has ended well."""

SnapshotOperation: TypeAlias = Literal["ensure", "create"]
"""How a run creates: looking before, or at once."""

StrPath: TypeAlias = str | os.PathLike[str]
"""The path of a file."""

Progress: TypeAlias = Callable[[Snapshot], object]
"""What is called with a snapshot at each look at it."""
