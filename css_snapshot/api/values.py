"""Single values of the vendor's JSON, in all the types they were seen in.

Each `read_*` takes a decoded value, and an argument that it ignores so as to fit where
cattrs passes the wanted type. It raises `UnreadableError` for a value it can't make sense of.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_WORDS: Final = {"true": True, "1": True, "false": False, "0": False}
_DATE: Final = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"\s*(?:Z|(?:UTC|GMT)?([+-]\d{2}:?\d{2})|UTC|GMT)?",
    re.ASCII | re.IGNORECASE,
)
_COMPACT_DATE: Final = 8
_SECONDS_FROM: Final = 10**9
_MILLISECONDS_FROM: Final = 10**11
_DIGITS: Final = 20


class UnreadableError(ValueError):
    """A value is not of any form known; the text says what it is, never quotes it."""


def read_text(value: object, _: object = None) -> str:
    """Return text on one line, and nothing that merely can be turned into it."""
    if not isinstance(value, str):
        raise _expected("text", value)
    return one_line(value)


def read_loose_text(value: object, _: object = None) -> str | None:
    """Return text, also of a number, or of several values joined by commas."""
    if value is None:
        return None
    if isinstance(value, list):
        return ",".join(map(_text_of, value))
    return _text_of(value)


def read_word(value: object, _: object = None) -> str:
    """Return a code: text, or a number that other sites put in quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return _text_of(value)
    return read_text(value)


def read_integer(value: object, _: object = None) -> int | None:
    """Return a whole number, also of text; `None` for a blank."""
    if value is None or _is_blank(value):
        return None
    if isinstance(value, str) and _is_number(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _expected("a whole number", value)
    return value


def read_truth(value: object, _: object = None) -> bool:
    """Return a boolean, also of text: Python takes the text `false` for true."""
    if isinstance(value, bool):
        return value
    word = read_text(value).strip().lower()
    if word not in {"true", "false"}:
        raise UnreadableError("expected true or false, got other text")
    return word == "true"


def read_loose_truth(value: object, _: object = None) -> bool | None:
    """Return a boolean, also of text or of the numbers 0 and 1; `None` for a blank."""
    if value is None or _is_blank(value):
        return None
    if isinstance(value, bool):
        return value
    truth = _WORDS.get(read_word(value).strip().lower())
    if truth is None:
        raise UnreadableError("expected true or false, got something else")
    return truth


def read_moment(value: object, _: object = None) -> datetime | None:
    """Return a time in aware UTC, of a date or of a number since 1970.

    A date has its year first, in any of the usual spellings, and is in UTC if it names
    no zone. A number is in milliseconds, or in seconds where milliseconds would be
    before there was a cloud. What has not happened yet comes as 0 where it does not
    come as null.
    """
    if value is None or _is_blank(value):
        return None
    if isinstance(value, str) and _is_date(value):
        return _date(value.strip())
    number = read_integer(value)
    if number is None or number <= 0:
        return None
    if number < _SECONDS_FROM:
        raise UnreadableError("expected a time, got a small number")
    milliseconds = number if number >= _MILLISECONDS_FROM else number * 1000
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise UnreadableError(
            "expected a time, got a number too large for one"
        ) from None


def read_names(value: object, _: object = None) -> tuple[str, ...]:
    """Return names that are joined by commas, or in a list."""
    if value is None:
        return ()
    if isinstance(value, list):
        items = [_text_of(item) for item in value]
    else:
        text = read_text(value)
        items = text.split(",")
        # There may be thousands, nearly always without a blank to look for.
        if " " not in text:
            return tuple(filter(None, items))
    return tuple(filter(None, map(str.strip, items)))


def read_pairs(value: object, _: object = None) -> dict[str, str]:
    """Return an object of short values, or the same as a list of `{"key", "value"}`."""
    if value is None or _is_blank(value):
        return {}
    if isinstance(value, list):
        return dict(map(_pair, value))
    return {
        one_line(name): _any_text_of(item) for name, item in read_object(value).items()
    }


def read_fields(value: object) -> dict[str, object]:
    """Return an object without its nulls, its names all in camelCase."""
    return {
        camel(name) if "_" in name else name: item
        for name, item in read_object(value).items()
        if item is not None
    }


def read_object(value: object) -> Mapping[str, object]:
    """Return an object as it came."""
    if not isinstance(value, Mapping):
        raise _expected("an object", value)
    return value


def camel(name: str) -> str:
    """Return a snake_case name in camelCase."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def one_line(text: str) -> str:
    """Return text without what could move a cursor, turn a line round or break it.

    Control characters, lone surrogates and the marks that change the direction of
    writing become blanks. No valid id or name contains one, so none is changed into
    another valid one.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def _text_of(value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and math.isfinite(value):  # type: ignore[arg-type]  # a number, as just seen
        return str(value)
    return read_text(value)


def _any_text_of(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return one_line(value)
    return one_line(json.dumps(value, ensure_ascii=False))


def _pair(value: object) -> tuple[str, str]:
    pair = read_object(value)
    return read_text(pair.get("key")), _any_text_of(pair.get("value"))


def _is_date(text: str) -> bool:
    return not _is_number(text) or len(text.strip()) == _COMPACT_DATE


def _date(text: str) -> datetime:
    try:
        moment = _parsed(text)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UnreadableError("expected a time, got other text") from None


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        found = _DATE.fullmatch(text)
        if found is None:
            raise
        return _spelled(found)


def _spelled(date: re.Match[str]) -> datetime:
    year, _, month, day, hour, minute, second, fraction, offset = date.groups()
    microseconds = (fraction or "").ljust(6, "0")[:6]
    parts = (year, month, day, hour or 0, minute or 0, second or 0, microseconds)
    return datetime(*map(int, parts), tzinfo=_zone(offset))  # type: ignore[misc, arg-type]  # seven whole numbers, none of them the zone


def _zone(offset: str | None) -> timezone:
    if offset is None:
        return UTC
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[-2:]))
    return timezone(-ahead if offset[0] == "-" else ahead)


def _is_number(value: str) -> bool:
    digits = value.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and (not value or value.isspace())


def _expected(what: str, value: object) -> UnreadableError:
    kinds = (
        (str, "text"),
        (bool, "true or false"),
        (int | float, "a number"),
        (list, "a list"),
        (Mapping, "an object"),
    )
    got = next((name for kind, name in kinds if isinstance(value, kind)), "nothing")
    return UnreadableError(f"expected {what}, got {'other ' * (got == what)}{got}")
