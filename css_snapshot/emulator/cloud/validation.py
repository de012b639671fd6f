"""The rules of the vendor's documents for the fields of a request."""

import re
from collections.abc import Mapping
from typing import Final

import attrs

from css_snapshot.emulator.cloud.options import Naming
from css_snapshot.emulator.cloud.policies import DEFAULT_RATE, FREQUENCIES, PERIOD
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter, css_error

Document = Mapping[str, object]

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{3,63}")
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_AGENCY: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
# OBS Developer Guide, "Bucket naming": 3 to 63 lower-case letters, digits, hyphens and
# periods, which neither begin nor end the name nor stand beside each other.
_BUCKET: Final = re.compile(
    r"(?=.{3,63}\Z)(?![0-9.]+\Z)[a-z0-9]+((-+|\.)[a-z0-9]+)*", re.ASCII
)
_RATE: Final = re.compile(
    r"-1|[0-9]{1,4}(b|k|kb|m|mb|g|gb|t|tb|p|pb)?", re.IGNORECASE | re.ASCII
)
_DESCRIPTION: Final = frozenset("<>")
_NARROW_DESCRIPTION: Final = frozenset("!<>=&\"'\\")
_INDICES: Final = frozenset(' "\\<|>/?')
_PATTERN: Final = _INDICES | {","}
_BASE_PATH: Final = frozenset("\\:*?\"<>|'{}")
_DESCRIPTION_LENGTH: Final = 256
_INDICES_LENGTH: Final = 1024
_BASE_PATH_LENGTH: Final = 512
_KEEP_DAYS: Final = range(1, 91)


def check_document(body: object) -> Document:
    """Return a body that is a JSON object with something in it.

    Raises:
        VendorError: 400 CSS.0006 if there is nothing in it, 400 CSS.0001 if it is
            something else.
    """
    if body is None or body == {}:
        raise css_error(400, "CSS.0006")
    if not isinstance(body, Mapping):
        raise bad_parameter("the body is not a JSON object")
    return body


def pick(document: Document, snake: str, camel: str, naming: Naming) -> object:
    """Return a field that was renamed over the years, `None` if it is absent.

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
    """Return the name of a snapshot, checked."""
    return _matching("name", value, _NAME)


def check_prefix(value: object) -> str:
    """Return the prefix of automatic snapshots' names, checked."""
    return _matching("prefix", value, _PREFIX)


def check_agency(value: object) -> str:
    """Return the name of an agency, checked."""
    return _matching("agency", value, _AGENCY)


def check_bucket(value: object) -> str:
    """Return the name of an OBS bucket, checked."""
    return _matching("bucket", value, _BUCKET)


def check_base_path(value: object, default: str) -> str:
    """Return a folder in a bucket, checked; absent or empty, it is the default."""
    if value is None or value == "":
        return default
    path = _plain("base_path", value, _BASE_PATH, _BASE_PATH_LENGTH)
    if path.startswith(("/", ".")) or path.endswith("."):
        raise bad_parameter("base_path begins or ends with a wrong character")
    if "///" in path or "..." in path:
        raise bad_parameter("base_path has more than two / or . in a row")
    return path


def check_rate(field: str, value: object) -> str:
    """Return bytes per second with their unit, checked; blank, it is the default."""
    return DEFAULT_RATE if value in (None, "") else _matching(field, value, _RATE)


def check_period(value: object, default: str | None = None) -> str:
    """Return a whole hour of the day with its zone, checked.

    Args:
        value: What was sent.
        default: What it is when absent; `None` makes it required.
    """
    if value is None and default is not None:
        return default
    return _matching("period", value, PERIOD)


def check_frequency(value: object) -> str:
    """Return how often automatic snapshots are taken, checked; absent, daily."""
    frequency = "DAY" if value is None else _text("frequency", value)
    if frequency not in FREQUENCIES:
        raise bad_parameter("frequency is unknown")
    return frequency


def check_keep_day(value: object) -> int:
    """Return how many automatic snapshots to keep, 1 to 90, checked."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad_parameter("keepday is not an integer")
    if value not in _KEEP_DAYS:
        raise bad_parameter("keepday is not between 1 and 90")
    return value


def check_flag(field: str, value: object, default: bool | None = None) -> bool:
    """Return a flag that travels as the text `"true"` or `"false"`, checked.

    Args:
        field: Its name, for the error.
        value: What was sent.
        default: What it is when absent; `None` makes it required.
    """
    if value is None and default is not None:
        return default
    if value not in ("true", "false"):
        raise bad_parameter(f'{field} is neither "true" nor "false"')
    return value == "true"


def check_boolean(field: str, value: object) -> bool:
    """Return a JSON boolean, checked; absent, it is false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise bad_parameter(f"{field} is not a boolean")
    return value


def check_description(value: object, *, narrow: bool) -> str:
    """Return a description, checked; absent, it is empty.

    Args:
        value: What was sent.
        narrow: Whether the newer sites' rule holds, which forbids more characters.
    """
    if value is None:
        return ""
    forbidden = _NARROW_DESCRIPTION if narrow else _DESCRIPTION
    return _plain("description", value, forbidden, _DESCRIPTION_LENGTH)


def check_indices(value: object) -> str:
    """Return names or patterns joined by commas, checked; absent, they are all."""
    if value is None or value == "":
        return "*"
    return _lower("indices", value, _INDICES)


def check_rename(field: str, value: object) -> str | None:
    """Return a pattern or a replacement for restored indices, checked."""
    return None if value is None else _lower(field, value, _PATTERN)


def check_identifier(field: str, value: object) -> str:
    """Return a text that is not empty, checked."""
    text = _text(field, value)
    if not text:
        raise bad_parameter(f"{field} is empty")
    return text


@attrs.frozen
class RestoreOrder:
    """What a restoration is asked to do.

    Attributes:
        target: Id of the cluster to restore into.
        indices: Names or patterns joined by commas.
        pattern: Regular expression for the names to change, if any.
        replacement: What its matches become, if anything.
        replace: Whether indices that exist are replaced.
    """

    target: str
    indices: str
    pattern: str | None
    replacement: str | None
    replace: bool


def check_restore(body: object, naming: Naming) -> RestoreOrder:
    """Return what a restoration is asked to do, checked.

    Args:
        body: The request's body.
        naming: Which spelling of its fields is understood.
    """
    document = check_document(body)
    pattern = pick(document, "rename_pattern", "renamePattern", naming)
    replacement = pick(document, "rename_replacement", "renameReplacement", naming)
    target = pick(document, "target_cluster", "targetCluster", naming)
    replace = document.get("replace_exist_indices")
    return RestoreOrder(
        target=check_identifier("target_cluster", target),
        indices=check_indices(document.get("indices")),
        pattern=check_rename("rename_pattern", pattern),
        replacement=check_rename("rename_replacement", replacement),
        replace=check_boolean("replace_exist_indices", replace),
    )


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
