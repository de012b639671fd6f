"""What a public signature names can be imported from a public module."""

import ast
import builtins
import collections.abc
import importlib
import inspect
import sys
import textwrap
import typing
from collections.abc import Iterator
from typing import Final

import attrs
import pytest

PUBLIC: Final = [
    importlib.import_module(name)
    for name in (
        *("css_snapshot", "css_snapshot.auth", "css_snapshot.errors"),
        *("css_snapshot.events", "css_snapshot.fanout", "css_snapshot.typing"),
    )
]
FOREIGN: Final = {
    *dir(builtins),
    *typing.__all__,
    *collections.abc.__all__,
    *("httpx", "os", "ssl", "datetime", "timedelta", "Path", "TracebackType"),
    "EllipsisType",
}
OURS: Final = "css_snapshot."
# Their constructors name `Snapshot`, which stands above errors.
UNREADABLE: Final = {"css_snapshot.PruneError", "css_snapshot.SnapshotError"}
# Made by `fan_out` and `each` alone, out of what is nobody else's.
NOT_CONSTRUCTED: Final = {"Each", "FanOut"}


def public_objects() -> dict[str, object]:
    return {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in PUBLIC
        if "__all__" in vars(module)
        for name in vars(module)["__all__"]
    }


def identifiers(annotation: ast.AST) -> Iterator[str]:
    """Yield the names that an annotation is made of, also out of quoted parts."""
    match annotation:
        case ast.Subscript(value=ast.Name("Literal")):
            # Its words look like quoted names.
            return
        case ast.Attribute(attr=name) if ast.unparse(annotation).startswith(OURS):
            yield name
        case ast.Name(name):
            yield name
        case ast.Constant(str(quoted)):
            yield from identifiers(ast.parse(quoted, mode="eval"))
        case _:
            for part in ast.iter_child_nodes(annotation):
                yield from identifiers(part)


def annotations(node: ast.AST) -> Iterator[ast.expr | None]:
    """Yield the annotations of a function, or of the public members of a class."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            arguments = node.args
            for argument in (
                *arguments.posonlyargs,
                *arguments.args,
                *arguments.kwonlyargs,
                *filter(None, (arguments.vararg, arguments.kwarg)),
            ):
                yield argument.annotation
            yield node.returns
        case ast.AnnAssign(target=ast.Name(name)) if not name.startswith("_"):
            yield node.annotation
        case ast.ClassDef():
            for member in node.body:
                name = getattr(member, "name", "")
                constructs = name == "__init__" and node.name not in NOT_CONSTRUCTED
                if not name.startswith("_") or constructs:
                    yield from annotations(member)


def names_in(thing: object) -> set[str]:
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return set()
    home = vars(sys.modules[thing.__module__])
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    return {
        name
        for annotation in annotations(definition)
        if annotation is not None
        for name in identifiers(annotation)
        if not isinstance(home.get(name), typing.TypeVar)
    }


@pytest.mark.parametrize("path", sorted({*public_objects()}))
def test_what_a_public_signature_names_is_public(path: str) -> None:
    named = names_in(public_objects()[path]) - FOREIGN

    assert {
        name for name in named if not any(hasattr(module, name) for module in PUBLIC)
    } == set()


def test_the_walk_finds_what_signatures_name() -> None:
    found = public_objects()

    assert names_in(found["css_snapshot.SnapshotService"]) >= {
        *("Observer", "WireNames", "PolicyApi", "Indices", "OnExists", "Clock"),
        *("OnBusy", "OnError", "StrPath", "SnapshotOperation", "Target", "httpx"),
    }
    assert "TransportKind" in names_in(found["css_snapshot.default_transport"])
    assert "CredentialsProvider" in names_in(found["css_snapshot.auth.AkSkAuth"])


@pytest.mark.parametrize("path", sorted({*public_objects()} - UNREADABLE))
def test_the_hints_of_public_signatures_can_be_read(path: str) -> None:
    thing = public_objects()[path]
    members = dict(vars(thing)) if inspect.isclass(thing) else {}
    if inspect.isclass(thing) and attrs.has(thing):
        # Made by attrs, out of the hints of the class.
        members.pop("__init__", None)

    for member in (thing, *members.values()):
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if inspect.isfunction(function) or inspect.isclass(function):
            typing.get_type_hints(function)
