"""JSON and TOML values into the types of attrs classes, with errors that say where."""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import (
    Any,
    Final,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs

A = TypeVar("A", bound=attrs.AttrsInstance)
_MOST: Final = 10_000_000_000
_NAMES: Final[Mapping[type, str]] = {
    float: "a number",
    int: "a whole number",
    str: "text",
    bool: "true or false",
}


class SetupError(ValueError):
    """A set-up of the emulator is wrong; the message says where and why."""


def structure(kind: type[A], document: object, where: str) -> A:
    """Return an object of an attrs class that a document describes.

    Args:
        kind: The class; its fields are the document's keys.
        document: What was read.
        where: What to call the document in errors.

    Raises:
        SetupError: If a key is unknown, or a value does not fit.
    """
    arguments = read_fields(kind, document, where)
    for field in attrs.fields(kind):
        if field.default is attrs.NOTHING and field.name not in arguments:
            raise SetupError(f"{where}: lacks {field.name}")
    try:
        return kind(**arguments)
    except ValueError as exc:
        # attrs puts the attribute and all else behind the message.
        raise SetupError(f"{where}: {exc.args[0]}") from None


def read_fields(
    kind: type[attrs.AttrsInstance],
    document: object,
    where: str,
    *,
    without: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the values of a document for the fields of an attrs class.

    Args:
        kind: The class; its public fields of plain types are the keys there are.
        document: What was read.
        where: What to call the document in errors.
        without: Fields that a document can't set.

    Raises:
        SetupError: If a key is unknown, or a value does not fit.
    """
    if not isinstance(document, Mapping):
        raise SetupError(f"{where}: is not an object")
    hints = get_type_hints(kind)
    known = {
        field.name: hints[field.name]
        for field in attrs.fields(kind)
        if field.init
        and field.name == field.alias
        and field.name not in without
        and get_origin(hints[field.name]) is not Callable
    }
    for key in document:
        if key not in known:
            raise SetupError(f"{where}: {key!r} is not one of {', '.join(known)}")
    return {
        key: convert(known[key], value, f"{where}.{key}")
        for key, value in document.items()
    }


def convert(hint: Any, value: object, where: str) -> Any:
    """Return a value as a type, converted where JSON has no such type.

    Args:
        hint: The type.
        value: What was read.
        where: What to call the value in errors.

    Raises:
        SetupError: If the value does not fit.
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(get_args(hint), value, where)
    if origin is Literal:
        if value in get_args(hint):
            return value
        raise SetupError(f"{where}: is not one of {', '.join(get_args(hint))}")
    if origin is not None and issubclass(origin, Mapping):
        return _convert_mapping(get_args(hint)[1], value, where)
    if origin is not None:
        return _convert_sequence(origin, get_args(hint), value, where)
    if attrs.has(hint):
        return structure(hint, value, where)
    return _convert_scalar(hint, value, where)


def _convert_union(options: Sequence[Any], value: object, where: str) -> Any:
    if value is None and type(None) in options:
        return None
    (wanted,) = (option for option in options if option is not type(None))
    return convert(wanted, value, where)


def _convert_mapping(hint: Any, value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise SetupError(f"{where}: is not an object")
    return {key: convert(hint, one, f"{where}.{key}") for key, one in value.items()}


def _convert_sequence(
    origin: type, hints: Sequence[Any], value: object, where: str
) -> Any:
    if not isinstance(value, list):
        raise SetupError(f"{where}: is not a list")
    if origin is tuple and hints[-1] is not Ellipsis:
        if len(value) != len(hints):
            raise SetupError(f"{where}: does not have {len(hints)} items")
        pairs = zip(hints, value, strict=True)
        return tuple(convert(hint, one, where) for hint, one in pairs)
    made = [convert(hints[0], one, f"{where}[{n}]") for n, one in enumerate(value)]
    return tuple(made) if origin in (tuple, Sequence) else origin(made)


def _convert_scalar(hint: Any, value: object, where: str) -> Any:
    if hint is Any:
        return value
    wanted = (int, float) if hint is float else (hint,)
    # Compared exactly, since True is an int as well.
    if type(value) not in wanted:
        raise SetupError(f"{where}: is not {_NAMES[hint]}")
    # All there are count things, seconds, or shares.
    if isinstance(value, int | float) and not 0 <= value <= _MOST:
        raise SetupError(f"{where}: is not from 0 to {_MOST}")
    return float(value) if isinstance(value, int) and hint is float else value
