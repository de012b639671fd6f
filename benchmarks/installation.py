"""Environments that hold one installation alone, as users have it.

What the present environment has is copied, so that no network is needed: an installed
package is its files, and byte code.
"""

import compileall
import contextlib
import re
import shutil
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import css_snapshot
from benchmarks.section import CannotMeasureError

_OURS: Final = "css-snapshot"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA: Final = re.compile(r"""extra == ['"]([^'"]+)['"]""")
_REQUESTED: Final = re.compile(r"[A-Za-z0-9._-]+\[([^\]]+)\]")


@contextlib.contextmanager
def installation(requirement: str) -> Iterator[Path]:
    """Make an environment, yield its interpreter, and remove it in the end.

    Args:
        requirement: What is in it with all that it needs, such as `css-snapshot[fast]`.

    Raises:
        CannotMeasureError: If something of it is not installed here.
    """
    with tempfile.TemporaryDirectory() as directory:
        venv.EnvBuilder(symlinks=True).create(directory)
        paths = sysconfig.get_paths("venv", {"base": directory, "platbase": directory})
        site = Path(paths["purelib"])
        for name in sorted(requirements_of(requirement)):
            _copy(name, site)
        compileall.compile_dir(site, quiet=2)
        yield Path(paths["scripts"], "python")


def requirements_of(requirement: str) -> set[str]:
    """Return the names of the packages that an installation has, itself included.

    Raises:
        CannotMeasureError: If something of it is not installed here.
    """
    pending, found = [requirement], set[str]()
    seen = set[str]()
    while pending:
        wanted = pending.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        name = _NAME.match(wanted)[0].lower().replace("_", "-")  # type: ignore[index]  # a requirement begins with a name
        found.add(name)
        pending.extend(_needs(name, _extras(wanted)))
    return found


def _extras(requirement: str) -> set[str]:
    requested = _REQUESTED.match(requirement.partition(";")[0])
    return set(requested[1].split(",")) if requested else set()


def _needs(name: str, extras: set[str]) -> Iterator[str]:
    for line in _distribution(name).requires or []:
        requirement, _, condition = line.partition(";")
        extra = _EXTRA.search(condition)
        if _holds(condition) and (extra is None or extra[1] in extras):
            yield requirement.strip()


def _holds(condition: str) -> bool:
    """Return whether a requirement is for this machine, as far as it names another."""
    elsewhere = ("Windows", "win32", "emscripten", "python_version <", "< '3", '< "3')
    return not any(word in condition for word in elsewhere)


def _distribution(name: str) -> metadata.Distribution:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise CannotMeasureError(f"{name} is not installed") from None


def _copy(name: str, site: Path) -> None:
    distribution = _distribution(name)
    for file in distribution.files or []:
        if ".." in file.parts or file.suffix in {".pyc", ".pth"}:
            continue
        copy = site / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(file.locate()), copy)
    if name == _OURS:
        # It may be installed in place, as for development.
        package = Path(css_snapshot.__file__).parent
        shutil.copytree(package, site / package.name, dirs_exist_ok=True)
