"""JSON values of models, outcomes and errors, in one form everywhere."""

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import NoneType
from typing import Any, Final

import attrs

from css_snapshot.typing import Json

_SPREAD: Final = "target"


def to_dict(value: object) -> dict[str, Json]:
    """Return a model, an outcome, an event or an error as JSON values.

    - A model has its attributes and its properties by their names, such as `id` and
      `is_usable` of a `Snapshot`; what its `repr` leaves out is left out here.
    - A time is ISO 8601 in UTC, such as `2026-11-24T02:00:00Z`, with a fraction if it
      has one; a span of time is in seconds.
    - An enumeration is its value, a tuple or a set a list, a mapping an object with
      text as keys. A number that JSON does not have, such as infinity, is null.
    - What became of a target has its `outcome` in one word, such as `created`, and the
      target's attributes beside its own, not in an object of their own.
    - An error has `type`, the name of its class, `message`, all of its text, and its
      attributes; none of them ever holds a credential.

    Args:
        value: Anything that this package returns, tells or raises, or an attrs class of
            your own.

    Raises:
        TypeError: If `value` is none of these.
    """
    if isinstance(value, BaseException):
        return _error(value)
    if isinstance(value, type) or not attrs.has(type(value)):
        raise TypeError(f"to_dict: can't show {type(value).__name__}")
    shown: dict[str, Json] = {}
    for name, item in _attributes(value):
        if name == _SPREAD and attrs.has(type(item)):
            shown = {**to_dict(item), **shown}
        else:
            shown[name] = _json(item)
    return shown


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    for field in attrs.fields(type(value)):  # type: ignore[arg-type]  # an attrs class, as its caller saw
        if field.repr and not field.name.startswith("_"):
            yield field.name, getattr(value, field.name)
    for name in _properties(type(value)):
        try:
            yield name, getattr(value, name)
        except AttributeError:
            # An operation of the user's own, for example, answers no `backup`.
            continue


def _properties(kind: type) -> Iterable[str]:
    """Return the names of a class's public properties, those of its bases first."""
    return dict.fromkeys(
        name
        for base in reversed(kind.__mro__)
        for name, item in vars(base).items()
        if isinstance(item, property) and not name.startswith("_")
    )


def _error(error: BaseException) -> dict[str, Json]:
    declared = (
        name for base in type(error).__mro__ for name in inspect.get_annotations(base)
    )
    names = dict.fromkeys((*declared, *vars(error)))
    shown: dict[str, Json] = {"type": type(error).__name__}
    for name in names:
        if not name.startswith("_") and hasattr(error, name):
            shown[name] = _json(getattr(error, name))
    if isinstance(error, BaseExceptionGroup):
        shown["exceptions"] = _list(error.exceptions)
    return {**shown, "message": str(error)}


def _json(value: object) -> Json:
    for kind, convert in _FORMS:
        if isinstance(value, kind):
            return convert(value)
    return to_dict(value) if attrs.has(type(value)) else str(value)


def _list(values: Iterable[object]) -> list[Json]:
    return [_json(value) for value in values]


def _object(values: Mapping[object, object]) -> dict[str, Json]:
    return {str(name): _json(value) for name, value in values.items()}


def _time(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat()
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


_FORMS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], Json]], ...]] = (
    # First, as many are text as well.
    (Enum, lambda value: _json(value.value)),
    ((NoneType, bool, int, str), lambda value: value),
    (float, lambda value: value if math.isfinite(value) else None),
    (datetime, _time),
    (timedelta, timedelta.total_seconds),
    (Mapping, _object),
    ((list, tuple), _list),
    (AbstractSet, lambda values: sorted(_list(values), key=str)),
    (BaseException, _error),
)
