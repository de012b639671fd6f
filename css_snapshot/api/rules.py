"""The service's rules for ids, names, indices, descriptions and numbers.

From the vendor's documents "Creating a Snapshot Manually" and "Restoring Data Using
a Snapshot"; where sites differ, the rule that all of them accept.
"""

import math
import re
from collections.abc import Sequence
from typing import Final

from css_snapshot.errors import RequestValidationError

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{3,63}", re.ASCII)
_NAME_TAIL: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_NAME_HEAD: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_NOT_IN_ONE_INDEX: Final = frozenset('"\\<|>/?,')
_PLAIN_INDEX: Final = re.compile(r"[a-z0-9._*-]+", re.ASCII)
_NOT_IN_DESCRIPTION: Final = frozenset("!<>=&\"'\\")
_NOT_IN_DESCRIPTION_SEED: Final = frozenset("<>")
_ENGINES: Final = frozenset({"elasticsearch", "opensearch", "logstash"})
_INDICES_LENGTH: Final = 1024
_DESCRIPTION_LENGTH: Final = 256


def check_id(field: str, value: str) -> None:
    """Check an id before it becomes a part of a path.

    Args:
        field: Name of the caller's argument.
        value: 1 to 64 ASCII letters, digits, hyphens or underscores.

    Raises:
        RequestValidationError: If `value` is anything else, in particular empty.
    """
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise RequestValidationError(
            field,
            "must be 1 to 64 letters, digits, hyphens or underscores",
            position=_first_outside_id(value),
        )


def check_name(value: str, field: str = "name") -> None:
    """Check a snapshot's name.

    Args:
        value: 4 to 64 characters: a lower-case letter, then lower-case letters,
            digits, hyphens or underscores.
        field: Name of the caller's argument.

    Raises:
        RequestValidationError: If `value` breaks the rule; `.position` is the first
            character that does, unless the length is at fault.
    """
    check_text(field, value)
    if _NAME.fullmatch(value) is not None:
        return
    if value and value[0] not in _NAME_HEAD:
        raise RequestValidationError(
            field, "must start with a lower-case letter", position=0
        )
    for position, character in enumerate(value[:64]):
        if character not in _NAME_TAIL:
            raise RequestValidationError(
                field,
                "may contain only lower-case letters, digits, hyphens and underscores",
                position=position,
            )
    raise RequestValidationError(field, f"must be 4 to 64 characters, is {len(value)}")


def check_description(value: str, *, strict: bool, field: str = "description") -> None:
    r"""Check a snapshot's description.

    Args:
        value: At most 256 characters.
        strict: Refuse what any site refuses, `!<>=&"'\`; otherwise only `<>`, as
            the oldest document does.
        field: Name of the caller's argument.

    Raises:
        RequestValidationError: If `value` is too long or contains a refused character.
    """
    check_text(field, value)
    if len(value) > _DESCRIPTION_LENGTH:
        raise RequestValidationError(
            field, f"must be at most 256 characters, is {len(value)}"
        )
    refused = _NOT_IN_DESCRIPTION if strict else _NOT_IN_DESCRIPTION_SEED
    if not refused.isdisjoint(value):
        raise RequestValidationError(
            field,
            f"must not contain any of {''.join(sorted(refused))}",
            position=next(i for i, char in enumerate(value) if char in refused),
        )
    if not value.isascii():
        _check_encodable(field, value)


def split_indices(
    value: Sequence[str] | str | None, field: str = "indices"
) -> tuple[str, ...] | None:
    r"""Check index names or patterns, and return them one by one.

    Args:
        value: Names or patterns such as `logs-2026-*`, as a sequence or joined by
            commas; `None` for all indices. Joined at most 1,024 characters, no
            whitespace, no upper case, none of `"\<|>/?`.
        field: Name of the caller's argument.

    Raises:
        RequestValidationError: If an item breaks the rule, or there are no items: an
            empty selection would mean all indices to the service.
    """
    if value is None:
        return None
    items = separate(value, field)
    if not items or items == ("",):
        raise RequestValidationError(
            field, "must name at least one index; leave it out for all"
        )
    # Before the items are looked at one by one, which takes long if there are millions.
    joined = sum(len(item) for item in items if isinstance(item, str)) + len(items) - 1
    if joined > _INDICES_LENGTH:
        raise RequestValidationError(
            field, f"must be at most 1024 characters joined, is {joined}"
        )
    for item in items:
        _check_index(field, item)
    return items


def separate(value: Sequence[str] | str, field: str) -> tuple[str, ...]:
    """Return joined names one by one, unchecked.

    Args:
        value: Names, as a sequence or joined by commas.
        field: Name of the caller's argument.

    Raises:
        RequestValidationError: If `value` is neither.
    """
    try:
        return tuple(value.split(",") if isinstance(value, str) else value)
    except TypeError:
        raise RequestValidationError(
            field, "must be a sequence of names, or one text"
        ) from None


def check_renaming(field: str, value: str) -> None:
    r"""Check one half of a renaming rule of a restoration.

    Args:
        field: Name of the caller's argument.
        value: 1 to 1,024 characters, no whitespace, no upper case, none of
            `"\<|>/?,`.

    Raises:
        RequestValidationError: If `value` breaks the rule.
    """
    check_text(field, value)
    if not 1 <= len(value) <= _INDICES_LENGTH:
        raise RequestValidationError(
            field, f"must be 1 to 1024 characters, is {len(value)}"
        )
    _check_characters(field, value)


def check_match(field: str, value: str, pattern: re.Pattern[str], rule: str) -> None:
    """Check text that has to match a pattern as a whole.

    Args:
        field: Name of the caller's argument.
        value: The text.
        pattern: What it has to match.
        rule: The same in words.

    Raises:
        RequestValidationError: If `value` is not text, or does not match.
    """
    check_text(field, value)
    if pattern.fullmatch(value) is None:
        raise RequestValidationError(field, rule)


def check_text(field: str, value: object) -> None:
    """Check that a value is text at all.

    Raises:
        RequestValidationError: If `value` is something else.
    """
    if not isinstance(value, str):
        raise RequestValidationError(field, f"must be text, is {type(value).__name__}")


def check_number(
    field: str, value: int, *, least: int, most: int | None = None
) -> None:
    """Check a count.

    Args:
        field: Name of the caller's argument.
        value: A whole number.
        least: The smallest allowed.
        most: The greatest allowed, `None` for any.

    Raises:
        RequestValidationError: If `value` is not a whole number, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestValidationError(field, "must be a whole number")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"{least} to {most}"
        raise RequestValidationError(field, f"must be {bounds}, is {value}")


def check_seconds(field: str, value: float) -> None:
    """Check a span of time.

    Args:
        field: Name of the caller's argument.
        value: Seconds, finite, 0 or more.

    Raises:
        RequestValidationError: If `value` is negative, not finite or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestValidationError(field, "must be a number of seconds")
    if not (math.isfinite(value) and value >= 0):
        raise RequestValidationError(field, "must be 0 or more seconds")


def check_engine(value: str, field: str = "engine") -> None:
    """Check the engine of the clusters asked for.

    Args:
        value: `elasticsearch`, `opensearch` or `logstash`.
        field: Name of the caller's argument.

    Raises:
        RequestValidationError: If `value` is none of them.
    """
    check_text(field, value)
    if value not in _ENGINES:
        raise RequestValidationError(
            field, "must be elasticsearch, opensearch or logstash"
        )


def _check_encodable(field: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise RequestValidationError(
            field, "must not contain half a surrogate pair", position=exc.start
        ) from None


def _check_index(field: str, item: str) -> None:
    check_text(field, item)
    if _PLAIN_INDEX.fullmatch(item) is not None:
        return
    if not item:
        raise RequestValidationError(field, "must not have an empty item")
    _check_characters(field, item[: _INDICES_LENGTH + 1])


def _check_characters(field: str, value: str) -> None:
    for position, character in enumerate(value):
        if character in _NOT_IN_ONE_INDEX:
            raise RequestValidationError(
                field, 'must not contain any of "\\<|>/?,', position=position
            )
        if character.isspace() or not character.isprintable():
            raise RequestValidationError(
                field, "must not contain whitespace", position=position
            )
        if character != character.lower():
            raise RequestValidationError(
                field, "must not contain upper case", position=position
            )


def _first_outside_id(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    for position, character in enumerate(value[:64]):
        if _ID.fullmatch(character) is None:
            return position
    return None
