"""The aliases that public signatures name."""

from collections.abc import Sequence

Indices = Sequence[str] | str | None
"""How a caller may name indices: one by one, joined by commas, or `None` for all."""
