"""Error bodies in all their dialects: CSS, its gateway, IAM, other servers, none."""

import html
import json
import re
from collections.abc import Mapping
from typing import Final

import attrs

_CODES: Final = ("errCode", "error_code", "errorCode", "code")
_MESSAGES: Final = (
    *("externalMessage", "error_msg", "errorMsg", "message", "msg"),
    *("detail", "error_description", "title", "error"),
)
_REQUEST_IDS: Final = ("request_id", "requestId")
_VENDOR_CODE: Final = re.compile(r"\b(?:CSS|APIGW?|IAM)\.\d{4}\b")
_SUCCESS: Final = re.compile(r"2\d\d", re.ASCII)
_ECHO: Final = re.compile(
    r"(?<=\w)\W*\b(?:canonical|string)[\s_]?(?:request|to[\s_]?sign)", re.IGNORECASE
)
_HEADING: Final = re.compile(r"<(?:title|h1)[^<>]{0,200}>([^<]{1,300})<", re.IGNORECASE)
_UNSEEN: Final = re.compile(r"<(script|style)\b[^<>]*>[^<]*</\1[^<>]*>?", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]*>?")
_LIMIT: Final = re.compile(
    r"limit:\s*(\d{1,9}),\s*time:\s*(\d{1,9})\s*(second|minute|hour|day)",
    re.IGNORECASE,
)
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_SIZE: Final = 65536
_EXCERPT: Final = 200
_ITEMS: Final = 10
_DEPTH: Final = 5
_UNDECODED: Final = "\ufffd"
_TOLERATED_UNDECODED: Final = 0.1


@attrs.frozen
class ErrorBody:
    """What could be read from the body of an error answer, as it stands there.

    Attributes:
        code: The vendor's code, empty if there is none.
        message: The vendor's text without the code, empty if there is none.
        request_id: The request id, if the body carries one.
    """

    code: str = ""
    message: str = ""
    request_id: str | None = None

    def __bool__(self) -> bool:
        return bool(self.code or self.message)


def read_error_body(body: bytes, status: int = 0) -> ErrorBody:
    """Read an error body of any dialect.

    The content type is not consulted: the gateway and the servers behind it label
    their answers too loosely. The fields are looked for wherever they stand, as
    OpenStack, for example, wraps them in `{"badRequest": {...}}`.

    Args:
        body: The decoded body.
        status: HTTP status of the answer, which some bodies repeat as their code.
    """
    text = body[:_SIZE].decode("utf-8-sig", "replace").strip()
    try:
        document: object = json.loads(text)
    except ValueError:
        return _finished(ErrorBody(message=_from_text(text)), status)
    except RecursionError:
        return ErrorBody()
    found = _from_value(document, status, _DEPTH)
    if not found and isinstance(document, Mapping) and any(document.values()):
        found = attrs.evolve(found, message=_excerpt(text))
    return _finished(found, status)


def stated_limit(message: str) -> tuple[int, float] | None:
    """Return the gateway's throttling policy: requests, and per how many seconds."""
    found = _LIMIT.search(message)
    if found is None:
        return None
    count, number, unit = found.groups()
    seconds = float(int(number) * _SECONDS[unit.lower()])
    return (int(count), seconds) if seconds else None


def _from_value(value: object, status: int, depth: int) -> ErrorBody:
    if isinstance(value, str):
        return ErrorBody(message=value)
    if depth == 0:
        return ErrorBody()
    if isinstance(value, list):
        parts = [_from_value(item, status, depth - 1) for item in value[:_ITEMS]]
        messages = "; ".join(part.message for part in parts if part.message)
        return attrs.evolve(_joined(parts), message=messages)
    if not isinstance(value, Mapping):
        return ErrorBody()
    inner = [item for item in value.values() if isinstance(item, Mapping | list)]
    return _joined(
        [
            _from_fields(value, status),
            *(_from_value(item, status, depth - 1) for item in inner[:_ITEMS]),
        ]
    )


def _joined(parts: list[ErrorBody]) -> ErrorBody:
    """Return the first code, message and request id that the parts have."""
    return ErrorBody(
        next((part.code for part in parts if part.code), ""),
        next((part.message for part in parts if part.message), ""),
        next((part.request_id for part in parts if part.request_id), None),
    )


def _from_fields(fields: Mapping[object, object], status: int) -> ErrorBody:
    codes = (_code(fields.get(key), status) for key in _CODES)
    messages = (_text(fields.get(key)) for key in _MESSAGES)
    message = next(filter(None, messages), "")
    place = fields.get("loc")
    if message and isinstance(place, list):
        # FastAPI tells apart what is wrong from where.
        message = f"{'.'.join(map(str, place))}: {message}"
    return ErrorBody(
        next(filter(None, codes), ""),
        message,
        next(filter(None, (_text(fields.get(key)) for key in _REQUEST_IDS)), None),
    )


def _code(value: object, status: int) -> str:
    """Return a code, but not one that only says what the status does."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    code = _text(value)
    return "" if code in {"0", str(status)} or _SUCCESS.fullmatch(code) else code


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _finished(body: ErrorBody, status: int) -> ErrorBody:
    """Return a body with its code, if only its text has one, and that text shortened."""
    code, message = body.code, body.message
    if not code and (found := _VENDOR_CODE.search(message)):
        code = found.group()
    for known in filter(None, (code, str(status or ""))):
        tail = message.removeprefix(known)
        if tail != message and not tail[:1].isalnum():
            message = tail.lstrip(" :-")
    # The gateway says what it signed, in hundreds of characters, after what is wrong.
    echo = _ECHO.search(message)
    if echo is not None:
        message = message[: echo.start()]
    return ErrorBody(code, message, body.request_id)


def _from_text(text: str) -> str:
    if not text.startswith("<"):
        return _excerpt(text)
    heading = _HEADING.search(text)
    if heading is not None:
        return _excerpt(html.unescape(heading.group(1)))
    return _excerpt(html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", text))))


def _excerpt(text: str) -> str:
    """Return the first words of a text, or nothing if it is no text."""
    words = " ".join(text.split())[:_EXCERPT]
    undecoded = words.count(_UNDECODED)
    if "\0" in words or undecoded > len(words) * _TOLERATED_UNDECODED:
        return ""
    if not any(map(str.isalpha, words)):
        return ""
    return words
