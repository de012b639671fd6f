"""Public names of a package that load their module when they are first used."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_names(
    package: str,
    homes: Mapping[str, Sequence[str]],
    modules: Sequence[str] = (),
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Make what a package needs to load its public names on first use (PEP 562).

    Args:
        package: Name of the package.
        homes: Public names by the module that defines them.
        modules: Public modules that are attributes of the package as well.

    Returns:
        The package's `__getattr__`, `__dir__` and `__all__`.
    """
    home_of = {name: module for module, names in homes.items() for name in names}
    public = sorted(name for name in home_of if not name.startswith("_"))

    def load(name: str) -> object:
        if name in modules:
            return import_module(f"{package}.{name}")
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(home_of[name]), name)
        # Found without this function from now on.
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of, *modules})

    return load, names, public
