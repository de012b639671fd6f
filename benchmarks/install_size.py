"""How much disk an installation takes, dependencies included."""

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import css_snapshot
from benchmarks.markdown import section, table

_MEBIBYTE: Final = 1024 * 1024
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9._-]+")
_CORE: Final = ("httpx", "attrs", "cattrs", "tenacity")


def install_size() -> str:
    """Measure, and answer the section."""
    package = Path(css_snapshot.__file__).parent
    own = sum(path.stat().st_size for path in package.rglob("*.py"))
    rows = [
        ["css-snapshot alone", *_row(own, ())],
        ["css-snapshot", *_row(own, _CORE)],
        ["css-snapshot[aiohttp]", *_row(own, (*_CORE, "httpx-aiohttp"))],
        ["huaweicloudsdkcss", *_row(0, ("huaweicloudsdkcss",))],
    ]
    return section(
        "Install size",
        "Files of the installed packages with all they depend on, byte code left out.",
        table(["", "packages", "MiB"], rows),
    )


def _row(own: int, requirements: tuple[str, ...]) -> tuple[str, str]:
    packages = set(_closure(requirements))
    size = own + sum(map(_size, packages))
    return str(len(packages) + (1 if own else 0)), f"{size / _MEBIBYTE:.1f}"


def _closure(names: tuple[str, ...]) -> Iterator[str]:
    pending, seen = list(names), set[str]()
    while pending:
        name = pending.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        yield name
        pending.extend(
            _REQUIREMENT.match(line)[0]  # type: ignore[index]  # every requirement begins with a name
            for line in requires
            if "extra ==" not in line
        )


def _size(name: str) -> int:
    files = metadata.files(name) or []
    return sum(file.size or 0 for file in files if file.suffix != ".pyc")
