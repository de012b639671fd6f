"""Text from anywhere as one harmless line of a terminal."""

from collections.abc import Mapping
from typing import Final

from rich.text import Text

_KEPT_IN_BLOCKS: Final = frozenset("\n\t")
_STYLES: Final[Mapping[str, str]] = {
    "COMPLETED": "green",
    "adopted": "green",
    "created": "green",
    "fresh": "green",
    "ok": "green",
    "ready": "green",
    "BUILDING": "yellow",
    "busy": "yellow",
    "not ready": "yellow",
    "skipped": "yellow",
    "off": "yellow",
    "unreadable": "yellow",
    "warning": "yellow",
    "indeterminate": "yellow",
    "FAILED": "red",
    "PART_FAILED": "red",
    "failed": "red",
    "never": "red",
    "stale": "red",
    "stuck": "red",
}


def plain(value: object) -> str:
    """Return a value as text for one cell or line of a terminal.

    What a service sends must not be able to move the cursor or to forge lines.
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ",".join(f"{plain(key)}={plain(value[key])}" for key in value) or "-"
    if isinstance(value, list | tuple):
        return ",".join(map(plain, value)) or "-"
    return _printable(" ".join(str(value).split()))


def plain_block(text: str) -> str:
    """Return text of several lines, such as a traceback, without control characters."""
    return "".join(c if c in _KEPT_IN_BLOCKS else _printable(c) for c in text)


def line(value: object, style: str = "") -> Text:
    """Return a value as one line, never read as markup."""
    return Text(plain(value), style=style)


def cell(value: object) -> Text:
    """Return a value as one line, coloured if it is a well-known state."""
    text = plain(value)
    return Text(text, style=_STYLES.get(text, ""))


def _printable(text: str) -> str:
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )
