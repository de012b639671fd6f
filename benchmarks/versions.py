"""What a table was measured with, so that nobody compares across machines."""

import os
import platform
from importlib import metadata
from typing import Final

_PACKAGES: Final = (
    *("httpx", "httpcore", "httptools", "aiohttp", "httpx-aiohttp"),
    *("huaweicloudsdkcss", "attrs", "cattrs", "tenacity", "typer", "rich"),
)


def versions() -> str:
    """Return one paragraph: interpreter, machine, packages."""
    packages = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    cores = len(os.sched_getaffinity(0))
    return (
        f"{platform.python_implementation()} {platform.python_version()},"
        f" {platform.system()} {platform.machine()}, {cores} cores. {packages}."
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "(missing)"
