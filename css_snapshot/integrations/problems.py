"""HTTP problem details (RFC 9457) for the errors of this package.

Two questions decide. Whose fault is it: the client's (4xx), or is this server only the
one in between (5xx)? And what is known: was nothing sent, did the service refuse, or may
the request have been carried out?

| error                                                    | response          |
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
| `ConnectionLostError`, `IndeterminateError`              | 502, outcome unknown |
| `SnapshotFailedError`, `PartialSnapshotError`            | 502, outcome failed |
| other `APIError`, `InvalidResponseError`                 | 502               |
| `PruneError`                                             | as its cause      |
| `ConfigurationError`, any other                          | 500, no details   |

The member `outcome` of the body says what became of a call that was to change something:
`"not_sent"`, `"refused"`, `"failed"`, `"unfinished"` or `"unknown"`; only the last can
have had an effect that nobody has seen.
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
    IndeterminateDeleteError,
    IndeterminateError,
    IndeterminateRestoreError,
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
    (NotFoundError, 404, "The service knows no such resource"),
    (SnapshotNotFoundError, 404, "The cluster has no such snapshot"),
    (ConflictError, 409, "The request clashes with the state of the cluster"),
    (QuotaExceededError, 409, "The cluster has reached its quota of snapshots"),
    (DuplicateSnapshotError, 409, "One request led to several snapshots"),
    (ThrottledError, 503, "The service accepts no more requests for a while"),
    (GatewayError, 502, "The service could not be reached behind its gateway"),
    (APIError, 502, "The service failed"),
    (InvalidResponseError, 502, "The service's response can't be read"),
    (ConnectFailedError, 502, "No connection to the service"),
    (RequestTimeoutError, 504, "The service did not respond in time"),
    (TransportError, 502, "The connection to the service broke"),
    (IndeterminateCreateError, 502, "Whether the snapshot was created is unknown"),
    (IndeterminateDeleteError, 502, "Whether the snapshot was deleted is unknown"),
    (IndeterminateRestoreError, 502, "Whether the restoration started is unknown"),
    (IndeterminateError, 502, "Whether the change was carried out is unknown"),
    (WaitTimeoutError, 504, "The snapshot had not finished in time"),
    (SnapshotFailedError, 502, "The snapshot failed"),
)
_OUTCOMES: Final[tuple[tuple[type[CSSError], Outcome], ...]] = (
    (WaitTimeoutError, "unfinished"),
    (SnapshotFailedError, "failed"),
    (IndeterminateError, "unknown"),
)
_PARTICULARS: Final[tuple[tuple[type[CSSError], tuple[str, ...]], ...]] = (
    (RequestValidationError, ("field", "rule", "position")),
    (SnapshotError, ("cluster_id", "snapshot_id")),
    (IndeterminateError, ("cluster_id",)),
    (IndeterminateCreateError, ("name",)),
    (IndeterminateDeleteError, ("snapshot_id",)),
    (IndeterminateRestoreError, ("snapshot_id", "target_cluster_id")),
    (DuplicateSnapshotError, ("cluster_id", "name", "snapshot_ids")),
)
_CONNECT_STATUSES: Final = {"pool": 503, "timeout": 504}
_GATEWAY_TIMEOUT: Final = 504
_OURS: Final = (500, "This server can't do that at the moment")
_UNQUOTED: Final = (AuthenticationError, ForbiddenError)


@attrs.frozen(kw_only=True)
class Problem:
    """A response to send instead of an error.

    Attributes:
        status: HTTP status.
        headers: Headers besides the content type.
        body: The body, to be sent as JSON of the type `application/problem+json`.
    """

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, object]


def problem_for(error: CSSError) -> Problem:
    """Return the response that tells a client of this server about an error.

    It quotes the service's texts, codes and request ids, but nothing about this
    server's own endpoint, project or credentials.

    Args:
        error: The error that a call of this package raised.
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
