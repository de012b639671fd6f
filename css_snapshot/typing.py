"""The aliases that public signatures name."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

Indices: TypeAlias = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""

OnExists: TypeAlias = Literal["adopt", "fail"]
"""What a snapshot of the name means that was there before."""

OnSpoiled: TypeAlias = Literal["fail", "number", "replace"]
"""What a snapshot of the name means that ended without all its shards."""
