"""The README's tables of methods and errors, made from the code.

    python -m tests.support.api_table         # print them
    python -m tests.support.api_table --write   # put them into the README

`test_readme.py` fails when the README's differ from these.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import css_snapshot
from css_snapshot import CSSError, SnapshotService

README: Final = Path(__file__).parents[2] / "README.md"
_SOURCE: Final = re.compile(r"Source: (\S+/(\w+)\.html)")
_MODULE: Final = re.compile(r"\b[a-z_][a-z_.]*\.(?=[A-Za-z])")


def methods() -> str:
    """Return the table of the service's methods."""
    rows = [
        f"| `{name}{_parameters(method)}` | {_answer(method)} | {_summary(method)} |"
        f" {_sources(method)} |"
        for name, method in _public(SnapshotService)
    ]
    head = "| method | answers | what it does | the vendor's document |"
    return "\n".join([head, "|---|---|---|---|", *rows])


def errors() -> str:
    """Return the tree of the errors, as a list."""
    return "\n".join(_tree(CSSError, 0))


def written(readme: str) -> str:
    """Return the README with the tables as they are to be."""
    for name, table in {"methods": methods(), "errors": errors()}.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, _, rest = readme.partition(begin)
        _, found, after = rest.partition(end)
        if not found:
            raise ValueError(f"the README has no place for the {name}")
        readme = f"{before}{begin}{table}\n{end}{after}"
    return readme


def _public(kind: type) -> Iterator[tuple[str, object]]:
    for name, member in vars(kind).items():
        if not name.startswith("_"):
            bound = isinstance(member, classmethod)
            yield name, getattr(kind, name) if bound else member


def _signature(method: object) -> inspect.Signature:
    if not callable(method):
        raise TypeError(f"{method!r} is no method: give it a form in this table")
    return inspect.signature(method)


def _parameters(method: object) -> str:
    bare = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in _signature(method).parameters.values()
        if parameter.name != "self"
    ]
    return str(inspect.Signature(bare))


def _answer(method: object) -> str:
    shown = inspect.formatannotation(_signature(method).return_annotation)
    shown = _MODULE.sub("", shown.strip("'")).replace("|", "\\|")
    return f"`{shown}`"


def _summary(documented: object) -> str:
    return (inspect.getdoc(documented) or "").partition("\n")[0].rstrip(".")


def _sources(method: object) -> str:
    found = _SOURCE.findall(inspect.getdoc(method) or "")
    return ", ".join(f"[{name}]({address})" for address, name in found)


def _tree(error: type[Exception], depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}- `{error.__name__}`: {_summary(error)}"
    for child in error.__subclasses__():
        if child.__name__ in vars(css_snapshot)["__all__"]:
            yield from _tree(child, depth + 1)


if __name__ == "__main__":
    if "--write" in sys.argv:
        README.write_text(written(README.read_text("utf-8")), "utf-8")
    else:
        print(methods(), errors(), sep="\n\n")  # noqa: T201  # for whoever started it
