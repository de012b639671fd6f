"""The dialects of error bodies: CSS, its gateway, IAM, HTML, or none."""

import json
import re
from collections.abc import Mapping
from typing import Final

import attrs

_KEY_PAIRS: Final = (
    ("errCode", "externalMessage"),
    ("error_code", "error_msg"),
    ("errorCode", "errorMsg"),
    ("code", "message"),
)
_TITLE: Final = re.compile(r"<(?:title|h1)[^>]{0,200}>([^<]{1,300})<", re.IGNORECASE)
_LIMIT: Final = re.compile(
    r"limit:\s*(\d{1,9}),\s*time:\s*(\d{1,9})\s*(second|minute|hour|day)",
    re.IGNORECASE,
)
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


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


def read_error_body(body: bytes) -> ErrorBody:
    """Read an error body of any dialect: CSS, gateway, IAM, HTML, or none at all.

    The content type is not consulted: the gateway and the servers behind it label
    their answers too loosely.
    """
    text = body[:65536].decode("utf-8", "replace")
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return ErrorBody(message=_from_markup(text))
    if isinstance(document, Mapping):
        plain = _from_fields(document)
        nested = document.get("error")
        if not plain.code and isinstance(nested, Mapping):
            return _from_fields(nested)
        return plain
    return ErrorBody()


def stated_limit(message: str) -> tuple[int, float] | None:
    """Read the gateway's throttling policy: requests, and per how many seconds."""
    found = _LIMIT.search(message)
    if found is None:
        return None
    count, number, unit = found.groups()
    seconds = float(int(number) * _SECONDS[unit.lower()])
    return (int(count), seconds) if seconds else None


def _from_fields(fields: Mapping[object, object]) -> ErrorBody:
    request_id = fields.get("request_id")
    for code_key, message_key in _KEY_PAIRS:
        if code_key in fields or message_key in fields:
            code = _text(fields.get(code_key))
            message = _text(fields.get(message_key))
            tail = message.removeprefix(code).lstrip()
            if code and message.startswith(code) and tail.startswith(":"):
                message = tail[1:].lstrip()
            return ErrorBody(
                code, message, request_id if isinstance(request_id, str) else None
            )
    return ErrorBody()


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else ""


def _from_markup(text: str) -> str:
    found = _TITLE.search(text)
    return found.group(1) if found else ""
