"""How much disk an installation takes, dependencies included."""

from importlib import metadata
from pathlib import Path
from typing import Final

import css_snapshot
from benchmarks.installation import requirements_of
from benchmarks.markdown import table
from benchmarks.section import Section

_MEBIBYTE: Final = 1024 * 1024
_OURS: Final = "css-snapshot"
_INSTALLATIONS: Final = (
    *(_OURS, f"{_OURS}[fast]", f"{_OURS}[cli]"),
    "huaweicloudsdkcss",
)


def install_size() -> Section:
    """Measure, and return the section.

    Raises:
        CannotMeasureError: If one of the packages is not installed here.
    """
    rows = [["css-snapshot alone", 1, _mebibytes({_OURS})]]
    for installation in _INSTALLATIONS:
        packages = requirements_of(installation)
        rows.append([installation, len(packages), _mebibytes(packages)])
    return Section(
        "Install size",
        "Files of the installed packages with all they depend on, byte code left out.",
        [
            table(["", "packages", "MiB"], rows),
        ],
    )


def _mebibytes(packages: set[str]) -> str:
    return f"{sum(map(_size, packages)) / _MEBIBYTE:.1f}"


def _size(name: str) -> int:
    if name == _OURS:
        # It may be installed in place, as for development.
        files = Path(css_snapshot.__file__).parent.rglob("*.py")
        return sum(path.stat().st_size for path in files)
    listed = metadata.files(name) or []
    return sum(file.size or 0 for file in listed if file.suffix != ".pyc")
