"""How single values of the vendor's JSON are read, in all the types they were seen in.

Each `read_*` takes a decoded value, and an argument that it ignores so as to fit where
cattrs passes the wanted type. `TypeError` or `ValueError` means: it can't be read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime


def read_text(value: object, _: object = None) -> str:
    """Read text, and nothing that merely can be turned into it."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value


def read_integer(value: object, _: object = None) -> int:
    """Read an integer, or one in quotes."""
    if isinstance(value, str) and _is_number(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected an integer, got {type(value).__name__}")
    return value


def read_truth(value: object, _: object = None) -> bool:
    """Read a boolean, or one in quotes: Python takes the text `false` for true."""
    if isinstance(value, bool):
        return value
    word = read_text(value).strip().lower()
    if word not in {"true", "false"}:
        raise ValueError("expected true or false")
    return word == "true"


def read_word(value: object, _: object = None) -> str:
    """Read a code: text, or a number that other sites put in quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return read_text(value)


def read_moment(value: object, _: object = None) -> datetime | None:
    """Read `CCYY-MM-DDThh:mm:ss` (UTC) or milliseconds since 1970, both as seen."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and not _is_number(value):
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    milliseconds = read_integer(value)
    # What has not happened yet comes as 0 where it does not come as null.
    if milliseconds <= 0:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def read_names(value: object, _: object = None) -> tuple[str, ...]:
    """Read names joined by commas, or in a list."""
    if value is None or value == "":
        return ()
    if isinstance(value, list):
        return tuple(map(read_text, value))
    return tuple(read_text(value).split(","))


def read_pairs(value: object, _: object = None) -> dict[str, str]:
    """Read an object of short values, or the same as a list of `{"key", "value"}`."""
    if isinstance(value, list):
        return dict(map(_pair, value))
    return {name: str(item) for name, item in read_object(value).items()}


def read_fields(value: object) -> dict[str, object]:
    """Read an object without its nulls, its names all in camelCase."""
    return {
        camel(name) if "_" in name else name: item
        for name, item in read_object(value).items()
        if item is not None
    }


def read_object(value: object) -> Mapping[str, object]:
    """Read an object."""
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object, got {type(value).__name__}")
    return value


def camel(name: str) -> str:
    """Answer a snake_case name in camelCase."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def _pair(value: object) -> tuple[str, str]:
    pair = read_object(value)
    item = pair.get("value")
    return read_text(pair["key"]), "" if item is None else read_text(item)


def _is_number(value: str) -> bool:
    return value.strip().removeprefix("-").isdecimal()
