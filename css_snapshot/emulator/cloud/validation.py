"""What the vendor's documents demand of the fields of a request."""

import re
from collections.abc import Mapping
from typing import Final

from css_snapshot.emulator.cloud.options import Naming
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter, css_error

Document = Mapping[str, object]

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{3,63}")
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_AGENCY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PERIOD: Final = re.compile(r"([01][0-9]|2[0-3]):00 GMT[+-][0-9]{2}:[0-9]{2}")
_RATE: Final = re.compile(
    r"-1|[0-9]{1,4}(b|k|kb|m|mb|g|gb|t|tb|p|pb)?", re.IGNORECASE | re.ASCII
)
_FREQUENCIES: Final = frozenset(
    ("HOUR", "DAY", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
)
_DESCRIPTION: Final = frozenset("<>")
_NARROW_DESCRIPTION: Final = frozenset("!<>=&\"'\\")
_INDICES: Final = frozenset(' "\\<|>/?')
_PATTERN: Final = _INDICES | {","}
_BASE_PATH: Final = frozenset("\\:*?\"<>|'{}")
_DESCRIPTION_LENGTH: Final = 256
_INDICES_LENGTH: Final = 1024
_BASE_PATH_LENGTH: Final = 512
_BUCKET_LENGTHS: Final = range(3, 64)
_KEEP_DAYS: Final = range(1, 91)


def check_document(body: object) -> Document:
    """Demand a JSON object, and something in it.

    Raises:
        VendorError: 400 CSS.0006 for nothing, 400 CSS.0001 for something else.
    """
    if body is None or body == {}:
        raise css_error(400, "CSS.0006")
    if not isinstance(body, Mapping):
        raise bad_parameter("the body is not a JSON object")
    return body


def pick(document: Document, snake: str, camel: str, naming: Naming) -> object:
    """Read a field that was renamed over the years; `None` if it is absent.

    Args:
        document: The request's body.
        snake: The newer name.
        camel: The older name.
        naming: Which of them are understood.
    """
    names = {"both": (snake, camel), "snake": (snake,), "camel": (camel,)}[naming]
    for name in names:
        if document.get(name) is not None:
            return document[name]
    return None


def check_name(value: object) -> str:
    """Demand the name of a snapshot."""
    return _matching("name", value, _NAME)


def check_prefix(value: object) -> str:
    """Demand the prefix of automatic snapshots' names."""
    return _matching("prefix", value, _PREFIX)


def check_agency(value: object) -> str:
    """Demand the name of an agency."""
    return _matching("agency", value, _AGENCY)


def check_bucket(value: object) -> str:
    """Demand the name of a bucket, 3 to 63 characters."""
    bucket = _text("bucket", value)
    if len(bucket) not in _BUCKET_LENGTHS:
        raise bad_parameter("bucket length")
    return bucket


def check_base_path(value: object, default: str) -> str:
    """Check a folder in a bucket; absent, it is the default."""
    if value is None:
        return default
    path = _plain("base_path", value, _BASE_PATH, _BASE_PATH_LENGTH)
    if path.startswith(("/", ".")) or path.endswith("."):
        raise bad_parameter("base_path begins or ends with a wrong character")
    return path


def check_rate(field: str, value: object, default: str) -> str:
    """Check a number of bytes per second with its unit; absent, it is the default."""
    return default if value is None else _matching(field, value, _RATE)


def check_period(value: object, default: str) -> str:
    """Check a whole hour of the day with its zone; absent, it is the default."""
    return default if value is None else _matching("period", value, _PERIOD)


def check_frequency(value: object) -> str:
    """Check how often automatic snapshots are taken; absent, daily."""
    frequency = "DAY" if value is None else _text("frequency", value)
    if frequency not in _FREQUENCIES:
        raise bad_parameter("frequency is unknown")
    return frequency


def check_keep_day(value: object) -> int:
    """Demand how many automatic snapshots to keep, 1 to 90."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_parameter("keepday is not an integer")
    if value not in _KEEP_DAYS:
        raise bad_parameter("keepday is not between 1 and 90")
    return value


def check_flag(field: str, value: object, default: bool | None = None) -> bool:
    """Check a flag that travels as the text `"true"` or `"false"`.

    Args:
        field: Its name, for the error.
        value: What was sent.
        default: What it is when absent; `None` demands it.
    """
    if value is None and default is not None:
        return default
    if value not in ("true", "false"):
        raise bad_parameter(f'{field} is neither "true" nor "false"')
    return value == "true"


def check_boolean(field: str, value: object) -> bool:
    """Check a JSON boolean; absent, it is false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise bad_parameter(f"{field} is not a boolean")
    return value


def check_description(value: object, *, narrow: bool) -> str:
    """Check a description; absent, it is empty.

    Args:
        value: What was sent.
        narrow: Whether the newer sites' rule holds, which forbids more characters.
    """
    if value is None:
        return ""
    forbidden = _NARROW_DESCRIPTION if narrow else _DESCRIPTION
    return _plain("description", value, forbidden, _DESCRIPTION_LENGTH)


def check_indices(value: object) -> str:
    """Check names or patterns of indices joined by commas; absent, they are all."""
    if value is None or value == "":
        return "*"
    return _lower("indices", value, _INDICES)


def check_rename(field: str, value: object) -> str | None:
    """Check a pattern or a replacement for restored indices."""
    return None if value is None else _lower(field, value, _PATTERN)


def check_identifier(field: str, value: object) -> str:
    """Demand a text that is not empty."""
    text = _text(field, value)
    if not text:
        raise bad_parameter(f"{field} is empty")
    return text


def _text(field: str, value: object) -> str:
    if value is None:
        raise bad_parameter(f"{field} is missing")
    if not isinstance(value, str):
        raise bad_parameter(f"{field} is not a string")
    return value


def _matching(field: str, value: object, pattern: re.Pattern[str]) -> str:
    text = _text(field, value)
    if pattern.fullmatch(text) is None:
        raise bad_parameter(f"{field} is invalid")
    return text


def _plain(field: str, value: object, forbidden: frozenset[str], limit: int) -> str:
    text = _text(field, value)
    if len(text) > limit:
        raise bad_parameter(f"{field} is longer than {limit} characters")
    if not forbidden.isdisjoint(text):
        raise bad_parameter(f"{field} has a forbidden character")
    return text


def _lower(field: str, value: object, forbidden: frozenset[str]) -> str:
    text = _plain(field, value, forbidden, _INDICES_LENGTH)
    if text != text.lower():
        raise bad_parameter(f"{field} has an upper-case letter")
    return text
