"""The version of the installed package."""

from importlib import metadata
from typing import Final


def _installed() -> str:
    try:
        return metadata.version("css-snapshot")
    except metadata.PackageNotFoundError:
        return "unknown"


__version__: Final = _installed()
