"""Processes that tests start to load them or to kill them."""

import os
from pathlib import Path
from typing import Final

_SUPPORT: Final = Path(__file__).parent
_CHECKOUT: Final = _SUPPORT.parent.parent


def script(name: str) -> Path:
    """Return the path of a script that runs as a child process."""
    return _SUPPORT / name


def environment() -> dict[str, str]:
    """Return this environment for a child that finds the tests' modules.

    Coverage does not count it: what such a child runs is covered elsewhere, and
    counting it would take most of its time.
    """
    mine = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    return mine | {"PYTHONPATH": str(_CHECKOUT)}
