"""The version of this package, the same as in `pyproject.toml`.

It is written down here, as looking it up among the installed packages takes longer than
all else that `css-snapshot --version` does.
"""

__version__ = "2.0.0"
