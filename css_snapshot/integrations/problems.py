"""What a web service should answer when a call of this package fails (RFC 9457).

Two questions decide. Whose fault is it: the caller's (4xx), or is this server only the
one that stands in between (5xx)? And what is known: was nothing sent, did the service
refuse, or may it have been carried out?

| error                                                    | answer            |
|----------------------------------------------------------|-------------------|
| `RequestValidationError`                                 | 422               |
| `BadRequestError`, `NotAcceptableError`                  | 422               |
| `NotFoundError`, `SnapshotNotFoundError`                 | 404               |
| `SnapshotExistsError`, `ClusterBusyError`, `ConflictError` | 409             |
| `QuotaExceededError`, `DuplicateSnapshotError`           | 409               |
| `AuthenticationError`, `ForbiddenError`                  | 502, never 401 or 403: it is this server's credentials that were refused |
| `ThrottledError`                                         | 503 with `Retry-After`, if the service states how long |
| `ConnectFailedError`                                     | 502; 503 for a full pool, 504 for a timeout |
| `RequestTimeoutError`, `WaitTimeoutError`                | 504               |
| `GatewayError`                                           | 502; 504 for a 504 |
| `ConnectionLostError`, `IndeterminateCreateError`        | 502, outcome unknown |
| `SnapshotFailedError`, `PartialSnapshotError`            | 502, outcome failed |
| other `APIError`, `InvalidResponseError`                 | 502               |
| `PruneError`                                             | as its cause      |
| `ConfigurationError`, any other                          | 500, no details   |

The body's `outcome` says what became of a call that was to change something:
`"not_sent"`, `"refused"`, `"failed"`, `"unfinished"` or `"unknown"`; only the last
can have had an effect that nobody has seen.
"""

import math
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ConnectFailedError,
    CSSError,
    DuplicateSnapshotError,
    ForbiddenError,
    GatewayError,
    IndeterminateCreateError,
    InvalidResponseError,
    NotAcceptableError,
    NotFoundError,
    PruneError,
    QuotaExceededError,
    RequestTimeoutError,
    RequestValidationError,
    SnapshotError,
    SnapshotFailedError,
    SnapshotNotFoundError,
    ThrottledError,
    TransportError,
    WaitTimeoutError,
)
from css_snapshot.retry import stated_wait
from css_snapshot.workflows.verdict import may_have_created

Outcome = Literal["not_sent", "refused", "failed", "unfinished", "unknown"]

_KINDS: Final[tuple[tuple[type[CSSError], int, str], ...]] = (
    (RequestValidationError, 422, "An argument breaks a rule of the service"),
    (AuthenticationError, 502, "The service refused this server's credentials"),
    (ForbiddenError, 502, "The service does not let this server do that"),
    (BadRequestError, 422, "The service refused the request as it is"),
    (NotAcceptableError, 422, "The service can't fulfil the request as it is"),
    (NotFoundError, 404, "The service knows no such thing"),
    (SnapshotNotFoundError, 404, "The cluster has no such snapshot"),
    (ConflictError, 409, "The request clashes with the state of the cluster"),
    (QuotaExceededError, 409, "The cluster may not have more snapshots"),
    (DuplicateSnapshotError, 409, "One request led to several snapshots"),
    (ThrottledError, 503, "The service takes no more requests for a while"),
    (GatewayError, 502, "The service could not be reached behind its gateway"),
    (APIError, 502, "The service failed"),
    (InvalidResponseError, 502, "The service's answer can't be understood"),
    (ConnectFailedError, 502, "No connection to the service"),
    (RequestTimeoutError, 504, "The service did not answer in time"),
    (TransportError, 502, "The connection to the service broke"),
    (IndeterminateCreateError, 502, "Whether the snapshot was created is unknown"),
    (WaitTimeoutError, 504, "The snapshot had not finished in time"),
    (SnapshotFailedError, 502, "The snapshot failed"),
)
_OUTCOMES: Final[tuple[tuple[type[CSSError], Outcome], ...]] = (
    (WaitTimeoutError, "unfinished"),
    (SnapshotFailedError, "failed"),
    (IndeterminateCreateError, "unknown"),
)
_PARTICULARS: Final[tuple[tuple[type[CSSError], tuple[str, ...]], ...]] = (
    (RequestValidationError, ("field", "rule", "position")),
    (SnapshotError, ("cluster_id", "snapshot_id")),
    (IndeterminateCreateError, ("cluster_id", "name")),
    (DuplicateSnapshotError, ("cluster_id", "name", "snapshot_ids")),
)
_CONNECT_STATUSES: Final = {"pool": 503, "timeout": 504}
_GATEWAY_TIMEOUT: Final = 504
_OURS: Final = (500, "This server can't do that at the moment")
_UNQUOTED: Final = (AuthenticationError, ForbiddenError)


@attrs.frozen(kw_only=True)
class Problem:
    """An answer to give instead of an error.

    Attributes:
        status: HTTP status.
        headers: Headers besides the content type.
        body: The body, to be sent as JSON of the type `application/problem+json`.
    """

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, object]


def problem_for(error: CSSError) -> Problem:
    """Answer what to tell a client of one's own about an error.

    It quotes the service's texts, codes and request ids, but nothing about this
    server's own address, project or credentials.

    Args:
        error: What a call of this package raised.
    """
    told = _cause(error)
    status, title = _status_and_title(told)
    body: dict[str, object] = {
        "title": title,
        "status": status,
        "detail": _detail(told),
        "error": type(error).__name__,
        "outcome": _outcome(told),
        "retryable": error.retryable,
        "vendor": _vendor(told),
        **_particulars(error),
    }
    wait = stated_wait(told)
    return Problem(
        status=status,
        headers={} if wait is None else {"Retry-After": str(max(1, math.ceil(wait)))},
        body={key: value for key, value in body.items() if value is not None},
    )


def _cause(error: CSSError) -> CSSError:
    if isinstance(error, PruneError) and isinstance(error.__cause__, CSSError):
        return error.__cause__
    return error


def _status_and_title(error: CSSError) -> tuple[int, str]:
    status, title = next(
        (row[1:] for row in _KINDS if isinstance(error, row[0])), _OURS
    )
    if isinstance(error, ConnectFailedError):
        status = _CONNECT_STATUSES.get(error.kind, status)
    if isinstance(error, GatewayError) and error.status == _GATEWAY_TIMEOUT:
        status = _GATEWAY_TIMEOUT
    return status, title


def _detail(error: CSSError) -> str | None:
    if isinstance(error, APIError):
        return None if isinstance(error, _UNQUOTED) else error.message or None
    if isinstance(error, IndeterminateCreateError):
        # Its own text goes on with what went wrong on the way to the service.
        return f"{error.name} may or may not exist in cluster {error.cluster_id}"
    quoted = (RequestValidationError, SnapshotError, DuplicateSnapshotError)
    return str(error) if isinstance(error, quoted) else None


def _outcome(error: CSSError) -> Outcome | None:
    for kind, outcome in _OUTCOMES:
        if isinstance(error, kind):
            return outcome
    if getattr(error, "method", "") == "GET":
        return None
    if any(map(may_have_created, (error, *error.earlier))):
        return "unknown"
    if error.sent is False:
        return "not_sent"
    return "refused" if isinstance(error, APIError) else None


def _vendor(error: CSSError) -> Mapping[str, object] | None:
    if not isinstance(error, APIError | InvalidResponseError):
        return None
    told = {
        "status": error.status,
        "code": error.code if isinstance(error, APIError) else None,
        "request_id": error.request_id,
    }
    return {key: value for key, value in told.items() if value not in {None, ""}}


def _particulars(error: CSSError) -> Mapping[str, object]:
    told: dict[str, object] = {
        name: getattr(error, name)
        for kind, names in _PARTICULARS
        if isinstance(error, kind)
        for name in names
    }
    if isinstance(error, PruneError):
        told["deleted"] = [snapshot.id for snapshot in error.deleted]
    return told
