"""How much the tests do that could go on for ever.

Of some, the suite makes enough to notice what is wrong on most days, and of what takes
processes of their own nothing; `CSS_SNAPSHOT_SOAK=1` asks for as much as CI makes of them
in a stage of its own.
"""

import os
from typing import Final

import pytest

SOAK: Final = bool(os.environ.get("CSS_SNAPSHOT_SOAK"))

AT_LENGTH: Final = pytest.mark.skipif(
    not SOAK, reason="takes long: CSS_SNAPSHOT_SOAK=1 runs it"
)


def examples(most: int) -> int:
    """Return how many examples hypothesis tries, of so many in a soak."""
    return most if SOAK else max(10, most // 8)
