"""How much the tests do that could go on for ever.

The suite makes enough of each to notice what is wrong on most days;
`CSS_SNAPSHOT_SOAK=1` asks for as much as CI makes of them in a stage of its own.
"""

import os
from typing import Final

SOAK: Final = bool(os.environ.get("CSS_SNAPSHOT_SOAK"))


def examples(most: int) -> int:
    """Return how many examples hypothesis tries, of so many in a soak."""
    return most if SOAK else max(10, most // 8)
