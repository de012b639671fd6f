"""The things that may go wrong with one request."""

import math
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from css_snapshot.emulator.cloud.response import Response
from css_snapshot.emulator.cloud.vendor_errors import (
    DIALECTS,
    Dialect,
    VendorError,
    throttled,
)

Ending = Literal["whole", "dropped", "reset", "truncated", "dripped", "garbage"]
_MOMENT: Final = 0.05
_STATUSES: Final = range(200, 600)
_SUCCESSES: Final = range(200, 300)
_CODES: Final[Mapping[str, Mapping[int, str]]] = {
    "css": {
        202: "CSS.0011",
        400: "CSS.0001",
        403: "CSS.0015",
        404: "CSS.0022",
        409: "CSS.0011",
        413: "CSS.0030",
        415: "CSS.0004",
        422: "CSS.0040",
    },
    "gateway": {
        401: "APIGW.0301",
        403: "APIGW.0302",
        404: "APIGW.0101",
        429: "APIGW.0308",
    },
    "iam": {429: "IAM.0012"},
}
_OTHERWISE: Final = {
    "css": "CSS.0005",
    "gateway": "APIGW.0201",
    "iam": "",
    "html": "",
    "plain": "",
}


def _check_seconds(
    _fault: "Fault", attribute: "attrs.Attribute[float]", value: float
) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{attribute.name} must be a number of seconds, 0 or more")


@attrs.frozen(kw_only=True)
class Fault:
    """One thing that goes wrong with a request; made by the constructors below.

    Attributes:
        wait: How long the request lies before it is looked at, in seconds.
        commits: Whether the request is carried out.
        instead: What is sent in place of the real response, `None` for that one.
        ending: How the response leaves: whole, damaged, or not at all.
        wait_after: How long the response lies before it leaves, in seconds.
        interval: Seconds between two bytes of a response that drips.
    """

    wait: float = attrs.field(default=0.0, validator=_check_seconds)
    commits: bool = True
    instead: VendorError | Response | None = None
    ending: Ending = "whole"
    wait_after: float = attrs.field(default=0.0, validator=_check_seconds)
    interval: float = attrs.field(default=0.0, validator=_check_seconds)

    @classmethod
    def status(
        cls,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        dialect: Dialect = "css",
    ) -> "Fault":
        """Respond with an error, and do nothing.

        Args:
            status: HTTP status.
            code: The vendor's code, a fitting one if left out.
            message: The text for people.
            dialect: `"css"`, `"gateway"`, `"iam"`, `"html"` or `"plain"`.
        """
        error = _error(status, code, message, dialect)
        return cls(commits=False, instead=error)

    @classmethod
    def status_after_commit(
        cls,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        dialect: Dialect = "css",
    ) -> "Fault":
        """Do what was asked, and respond with an error; arguments as for `status`."""
        return cls(instead=_error(status, code, message, dialect))

    @classmethod
    def delay(cls, seconds: float) -> "Fault":
        """Let the request lie, then carry it out, whether or not anyone waits."""
        return cls(wait=seconds)

    @classmethod
    def delay_after_commit(cls, seconds: float) -> "Fault":
        """Carry the request out at once, and let the response lie."""
        return cls(wait_after=seconds)

    @classmethod
    def drop(cls) -> "Fault":
        """Close the connection without a response, and do nothing."""
        return cls(commits=False, ending="dropped")

    @classmethod
    def drop_after_commit(cls) -> "Fault":
        """Do what was asked, and close the connection without a response."""
        return cls(ending="dropped")

    @classmethod
    def reset(cls) -> "Fault":
        """Reset the connection (TCP RST), and do nothing."""
        return cls(commits=False, ending="reset")

    @classmethod
    def reset_after_commit(cls) -> "Fault":
        """Do what was asked, and reset the connection (TCP RST)."""
        return cls(ending="reset")

    @classmethod
    def truncate(cls) -> "Fault":
        """Do what was asked, and break off in the middle of the response's body."""
        return cls(ending="truncated")

    @classmethod
    def drip(cls, interval: float = _MOMENT) -> "Fault":
        """Do what was asked, and send the response's body byte by byte.

        Args:
            interval: Seconds between two bytes.
        """
        return cls(ending="dripped", interval=interval)

    @classmethod
    def garbage(cls) -> "Fault":
        """Do what was asked, and respond with something that is not HTTP."""
        return cls(ending="garbage")

    @classmethod
    def redirect(cls, location: str, status: int = 307) -> "Fault":
        """Respond with a redirection, and do nothing.

        Args:
            location: Where to.
            status: HTTP status.
        """
        return cls(
            commits=False, instead=_response(status, b"", {"Location": location})
        )

    @classmethod
    def throttle(cls, limit: int = 200, seconds: float = 1.0) -> "Fault":
        """Respond with 429 in the gateway's words, and do nothing.

        Args:
            limit: The number of requests the text states.
            seconds: The window the text states.
        """
        return cls(commits=False, instead=throttled(limit, seconds))

    @classmethod
    def body(
        cls, status: int, body: str | bytes, content_type: str = "application/json"
    ) -> "Fault":
        """Respond with this body, having done what was asked if the status says so.

        Args:
            status: HTTP status; 2xx carries the request out, others don't.
            body: The body; text is sent as UTF-8.
            content_type: Its type.
        """
        content = body.encode() if isinstance(body, str) else body
        response = _response(status, content, {"Content-Type": content_type})
        return cls(commits=status in _SUCCESSES, instead=response)


def _error(
    status: int, code: str | None, message: str | None, dialect: Dialect
) -> VendorError:
    _check_status(status)
    if dialect not in DIALECTS:
        raise ValueError(f"dialect must be one of {DIALECTS}")
    if code is None:
        code = _CODES.get(dialect, {}).get(status, _OTHERWISE[dialect])
    text = message or "Injected fault."
    if dialect == "css" and message is None:
        text = f"{code} : {text}"
    return VendorError(status, code, text, dialect)


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> Response:
    _check_status(status)
    if not isinstance(body, bytes):
        raise TypeError("body must be text or bytes")
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"{name} must be printable ASCII")
    return Response(status, body, headers)


def _check_status(status: int) -> None:
    if not isinstance(status, int) or status not in _STATUSES:
        raise ValueError("status must be an integer from 200 to 599")
