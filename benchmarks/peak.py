"""The memory of this process."""

import re
import resource
from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")


def peak_memory() -> int:
    """Return the peak of resident memory of this process alone, in KiB.

    On Linux `getrusage` starts with the peak of the process that started this one, so
    that growth below that does not show.
    """
    return _of("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def resident_memory() -> int:
    """Return the resident memory of this process, in KiB; the peak if that is all."""
    return _of("VmRSS") or peak_memory()


def _of(field: str) -> int | None:
    if not _STATUS.exists():
        return None
    found = re.search(rf"{field}:\s+(\d+) kB", _STATUS.read_text())
    return int(found[1]) if found else None
