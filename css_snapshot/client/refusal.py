"""The error class that an answer stands for, and what it says."""

import email.utils
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from css_snapshot.api.error_body import read_error_body, stated_limit
from css_snapshot.api.values import one_line
from css_snapshot.clock import utc_now
from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClusterBusyError,
    ConflictError,
    ForbiddenError,
    GatewayError,
    InternalServerError,
    InvalidResponseError,
    NotAcceptableError,
    NotFoundError,
    NotImplementedByServerError,
    QuotaExceededError,
    ServerError,
    SnapshotExistsError,
    ThrottledError,
    UnexpectedStatusError,
)

_BY_CODE: Final[Mapping[str, type[APIError]]] = {
    "CSS.0011": ClusterBusyError,
    "CSS.0012": ClusterBusyError,
    "CSS.0029": ClusterBusyError,
    "CSS.3004": ClusterBusyError,
    "CSS.0031": SnapshotExistsError,
    "CSS.0043": SnapshotExistsError,
    "CSS.0030": QuotaExceededError,
    "CSS.0047": NotFoundError,
    "CSS.3026": NotFoundError,
    "CSS.5111": NotFoundError,
    "CSS.0045": AuthenticationError,
    "APIGW.0301": AuthenticationError,
    "APIGW.0307": AuthenticationError,
    "APIGW.0308": ThrottledError,
}
_BY_STATUS: Final[Mapping[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    406: NotAcceptableError,
    409: ConflictError,
    413: QuotaExceededError,
    429: ThrottledError,
    500: InternalServerError,
    501: NotImplementedByServerError,
    502: GatewayError,
    503: GatewayError,
    504: GatewayError,
}
_CODE_STATUSES: Final[Mapping[type[APIError], frozenset[int]]] = {
    ClusterBusyError: frozenset({200, 201, 202, 400, 409}),
    SnapshotExistsError: frozenset({400, 409}),
    QuotaExceededError: frozenset({400, 413}),
    NotFoundError: frozenset({400, 404}),
    AuthenticationError: frozenset({400, 401}),
    ThrottledError: frozenset({429}),
}
_DELAY: Final = re.compile(r"[0-9]{1,9}")
_ECHOED_SECRET: Final = re.compile(
    r"(x-(?:security|auth|subject)-token|authorization)[\"']?\s*[:=][^|]*",
    re.IGNORECASE,
)
_SECRET_HEADERS: Final = frozenset(
    {b"x-auth-token", b"x-security-token", b"authorization"}
)
_REQUEST_ID_HEADERS: Final = (b"x-request-id", b"x-iam-trace-id")
_CODE_LENGTH: Final = 64
_REQUEST_ID_LENGTH: Final = 128
_MESSAGE_LENGTH: Final = 500
_TOLERATED_SKEW: Final = 300.0


def error_for(
    response: httpx.Response,
    method: str,
    path: str,
    *,
    now: Callable[[], datetime] = utc_now,
) -> APIError:
    """Return the error that an answer stands for.

    The vendor's code decides first, the status second, as the codes say more (see
    the appendix "Error Codes" of the CSS API reference).

    Args:
        response: A fully read answer that is not a success.
        method: HTTP method of the request, for the message.
        path: Path of the request, for the message.
        now: Returns the wall-clock time, aware, to tell a wrong clock from a wrong
            key.
    """
    status = response.status_code
    body = read_error_body(response.content, status)
    kind = _kind(status, body.code)
    code = _clean(body.code, response, _CODE_LENGTH)
    message = _clean(body.message, response, _MESSAGE_LENGTH)
    request_id = request_id_of(response, body.request_id)
    server_time = _http_date(response.headers.get("date"))
    hints = _hints(kind, code, response)
    if kind is AuthenticationError and server_time is not None:
        hints.append(_clock_hint((now() - server_time).total_seconds()))
    if request_id:
        hints.append(f"[request {request_id}]")
    parts = (f"{method} {path}: {status}", code, message, *hints)
    error = kind(
        " ".join(part for part in parts if part),
        status=status,
        code=code,
        message=message,
        request_id=request_id,
        method=method,
        path=path,
        server_time=server_time,
    )
    if isinstance(error, ThrottledError):
        error.limit = stated_limit(message)
        error.retry_after = _retry_after(
            response.headers.get("retry-after"), server_time or now()
        )
    return error


def refusal(
    response: httpx.Response,
    method: str,
    path: str,
    reason: str,
    *,
    now: Callable[[], datetime] = utc_now,
) -> APIError | InvalidResponseError:
    """Return the error that an answer which is not the call's success stands for.

    Args:
        response: The answer.
        method: HTTP method of the request.
        path: Path of the request.
        reason: Why it is not a success, should it have the status of one.
        now: As for `error_for`.
    """
    response.read()
    status = response.status_code
    code = read_error_body(response.content, status).code
    if code or not httpx.codes.is_success(status):
        return error_for(response, method, path, now=now)
    return InvalidResponseError(
        f"{method} {path}: {status} without an answer: {reason}",
        status=status,
        request_id=request_id_of(response),
        method=method,
        path=path,
    )


def request_id_of(response: httpx.Response, stated: str | None = None) -> str | None:
    """Return the vendor's id of a request, fit to be shown.

    Args:
        response: The answer, which knows its request.
        stated: The id that its body states, in case its headers state none.
    """
    text = _first(response.headers, _REQUEST_ID_HEADERS) or stated or ""
    return _clean(text, response, _REQUEST_ID_LENGTH) or None


def _kind(status: int, code: str) -> type[APIError]:
    family, _, number = code.partition(".")
    by_code = _BY_CODE.get(f"APIGW.{number}" if family == "APIG" else code)
    if by_code is not None and status in _CODE_STATUSES[by_code]:
        return by_code
    if httpx.codes.is_server_error(status):
        return _BY_STATUS.get(status, ServerError)
    return _BY_STATUS.get(status, UnexpectedStatusError)


def _clean(text: str, response: httpx.Response, length: int) -> str:
    """Return text on one line, without the credentials that the gateway quotes."""
    for secret in _secrets(response.request):
        text = text.replace(secret, "[secret]")
    # Nearly all are the ids of requests, in which there is nothing else to look for.
    if not text.isalnum():
        text = _ECHOED_SECRET.sub(r"\1:[secret]", text)
        text = " ".join(one_line(text).split())
    return text[:length]


# For each answer: `httpx.Headers` would find out first how all of them are encoded.
def _first(headers: httpx.Headers, names: Sequence[bytes]) -> str | None:
    """Return the first value of the first of some headers that has one."""
    fields = headers.raw
    for wanted in names:
        for name, value in fields:
            if value and name.lower() == wanted:
                return value.decode("utf-8", "replace")
    return None


def _secrets(request: httpx.Request) -> list[str]:
    """Return the credentials of a request, the longest first."""
    values = [
        value.decode("utf-8", "replace")
        for name, value in request.headers.raw
        if name.lower() in _SECRET_HEADERS and value
    ]
    return sorted(values, key=len, reverse=True)


def _hints(kind: type[APIError], code: str, response: httpx.Response) -> list[str]:
    hints = []
    location = response.headers.get("location")
    if location is not None and httpx.codes.is_redirect(response.status_code):
        target = _clean(_host(location), response, _MESSAGE_LENGTH)
        hints.append(f"redirect to {target}, not followed")
    if code == "CSS.0015" and kind is ForbiddenError:
        hints.append("(no such cluster, or no permission for it)")
    return hints


def _clock_hint(ahead: float) -> str:
    if abs(ahead) <= _TOLERATED_SKEW:
        return ""
    direction = "ahead of" if ahead > 0 else "behind"
    return f"(this machine's clock is {abs(ahead):.0f} s {direction} the server's)"


def _host(location: str) -> str:
    try:
        return urlsplit(location).hostname or "the same host"
    except ValueError:
        return "an unreadable address"


def _http_date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        parsed = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo is not None else None


def _retry_after(value: str | None, server_time: datetime) -> float | None:
    if value is None:
        return None
    if _DELAY.fullmatch(value):
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    return max(0.0, (until - server_time).total_seconds())
