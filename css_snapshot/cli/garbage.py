"""How often Python looks for garbage: rarely while a command is imported."""

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_GC_THRESHOLD: Final = 50_000
"""New objects between two looks for garbage; Python's own figure is 700 or 2,000."""


def look_rarely() -> None:
    """Look for garbage rarely: what modules are made of stays."""
    gc.set_threshold(_GC_THRESHOLD)


def look_as_usual() -> None:
    """Look for garbage as often as Python does by itself."""
    gc.set_threshold(*_USUAL)
