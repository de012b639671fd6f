"""Every error class of this package.

CSSError
├─ ConfigurationError (ValueError)          endpoint, credentials, proxies, event loops
│  └─ CredentialsNotFoundError              a place for credentials that has none
├─ RequestValidationError (ValueError)      an argument broke a rule; nothing was sent
├─ TransportError                           no answer arrived
│  ├─ ConnectFailedError                    no connection; nothing was sent
│  ├─ ConnectionLostError                   may have been carried out
│  └─ RequestTimeoutError                   may have been carried out
├─ APIError                                 the service or its gateway refused
│  ├─ BadRequestError 400
│  ├─ AuthenticationError 401 (and 400 with CSS.0045)
│  ├─ ForbiddenError 403
│  ├─ NotFoundError 404
│  ├─ NotAcceptableError 406
│  ├─ ConflictError 409
│  │  ├─ SnapshotExistsError
│  │  └─ ClusterBusyError                   also when it hides in a 202
│  ├─ QuotaExceededError 413
│  ├─ ThrottledError 429
│  ├─ UnexpectedStatusError                 any other status
│  └─ ServerError 5xx
│     ├─ InternalServerError 500
│     ├─ NotImplementedByServerError 501
│     └─ GatewayError 502, 503, 504
├─ InvalidResponseError                     a success status without an answer in it
├─ SnapshotError                            about one snapshot
│  ├─ SnapshotNotFoundError                 the list does not show it
│  ├─ SnapshotFailedError                   the service gave up on it
│  │  └─ PartialSnapshotError               some shards are missing from it
│  ├─ WaitTimeoutError                      it had not finished in time
│  └─ PruneError                            it could not be deleted, others were
├─ IndeterminateError                       looked, and still unknown
│  ├─ IndeterminateCreateError
│  ├─ IndeterminateDeleteError
│  ├─ IndeterminateRestoreError
│  └─ IndeterminateSettingsError            a policy, or where snapshots are stored
├─ DuplicateSnapshotError                   one call, several snapshots
├─ JournalError                             a journal can't be read or written
│  ├─ JournalBusyError                      another run holds it
│  └─ JournalEntryError                     one of its entries is damaged
└─ FanOutStoppedError (ExceptionGroup)      why a run could not go on
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    # It stands above this module, which `typing.get_type_hints` is not told of.
    from css_snapshot.models import Snapshot

ConnectFailure = Literal["dns", "refused", "tls", "timeout", "pool", "proxy", "other"]


def _restore(
    kind: type["CSSError"], args: tuple[object, ...], state: dict[str, object]
) -> "CSSError":
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class CSSError(Exception):
    """What all errors of this package have in common; never raised itself.

    Errors hold text, numbers and ids, never a request, a header or a
    credential, so that they may be logged, pickled and sent anywhere.

    Attributes:
        retryable: Whether the same call may succeed later, unchanged.
        sent: `False` if it is proven that no request of the failed call left this
            machine; `None` if one may have arrived.
        earlier: What earlier attempts of the same call ended with, oldest first.
    """

    retryable: bool = False
    sent: Literal[False] | None = None
    earlier: tuple["CSSError", ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.args, dict(self.__dict__))


class _Unchained:
    """A context that cuts the links from an error raised in it to others."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            error.__cause__ = error.__context__ = None


unchained: Final = _Unchained()
"""Raise in `with unchained:` what stands for an exception that holds secrets.

A transport's exception holds the signed request, and a parser's quotes its input.
`raise … from None` only hides them: they stay reachable as `__context__`, where error
trackers and `traceback` with `capture_locals` find them.
"""


class ConfigurationError(CSSError, ValueError):
    """The client was set up in a way that can't work; nothing was sent."""

    sent = False


class CredentialsNotFoundError(ConfigurationError):
    """A place where credentials could be has none; a chain asks the next one."""


class RequestValidationError(CSSError, ValueError):
    """An argument breaks a rule of the service; nothing was sent.

    Attributes:
        field: The argument, as the caller spells it.
        rule: The rule it breaks.
        position: Index of the offending character, where one can be named.
    """

    sent = False

    def __init__(self, field: str, rule: str, *, position: int | None = None) -> None:
        where = "" if position is None else f" (character {position})"
        super().__init__(f"{field}: {rule}{where}")
        self.field = field
        self.rule = rule
        self.position = position


class TransportError(CSSError):
    """No answer arrived; `.sent` tells whether the request may have.

    Attributes:
        read: Whether the request was a read, which changes nothing and is safe to
            repeat.
    """

    read: bool = False

    def __init__(self, message: str, *, sent: Literal[False] | None = None) -> None:
        super().__init__(message)
        self.sent = sent


class ConnectFailedError(TransportError):
    """No connection could be made, so nothing was sent.

    Attributes:
        kind: What failed: `"dns"`, `"refused"`, `"tls"`, `"timeout"`, `"pool"`
            (no free connection in time), `"proxy"` or `"other"`.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        kind: ConnectFailure = "other",
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, sent=False)
        self.kind: ConnectFailure = kind
        if retryable is None:
            retryable = kind not in {"tls", "proxy"}
        self.retryable = retryable


class ConnectionLostError(TransportError):
    """The connection broke before a whole answer arrived."""


class RequestTimeoutError(TransportError):
    """The attempt, or the whole call, ran out of time before an answer arrived."""


class APIError(CSSError):
    """The service or its gateway answered with an error.

    Attributes:
        status: HTTP status of the answer.
        code: The vendor's code such as `CSS.0011` or `APIGW.0301`; empty when the
            answer carries none.
        message: The vendor's text, cut to 500 characters, secrets taken out.
        request_id: The vendor's id of the request, to quote in a ticket.
        method: HTTP method of the request.
        path: Path of the request.
        server_time: The answer's `Date`, aware, when it had one.
    """

    def __init__(
        self,
        summary: str,
        *,
        status: int,
        code: str = "",
        message: str = "",
        request_id: str | None = None,
        method: str = "",
        path: str = "",
        server_time: datetime | None = None,
    ) -> None:
        super().__init__(summary)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.method = method
        self.path = path
        self.server_time = server_time


class BadRequestError(APIError):
    """400: the request itself is wrong; sending it again can't help."""


class AuthenticationError(APIError):
    """401, or 400 with `CSS.0045`: the credentials were not accepted."""


class ForbiddenError(APIError):
    """403: not allowed, or (`CSS.0015`) no such cluster: the service says no more."""


class NotFoundError(APIError):
    """404, or a code that says that the thing asked for does not exist."""


class NotAcceptableError(APIError):
    """406: the service can't fulfil the request as it was put."""


class ConflictError(APIError):
    """409: the request clashes with the state of the cluster."""


class SnapshotExistsError(ConflictError):
    """The cluster has a snapshot of this name already."""


class ClusterBusyError(ConflictError):
    """The cluster is occupied by another operation; the status may be 202 or 409."""

    retryable = True


class QuotaExceededError(APIError):
    """413: the cluster may not have more snapshots."""


class ThrottledError(APIError):
    """429: too many requests.

    Attributes:
        retry_after: Seconds to wait, if the answer says so.
        limit: Requests and seconds the gateway's text states, if it does.
    """

    retryable = True
    retry_after: float | None = None
    limit: tuple[int, float] | None = None


class UnexpectedStatusError(APIError):
    """A status that the vendor's document does not list for this call."""


class ServerError(APIError):
    """5xx: the service failed; a creation may have been carried out all the same."""

    retryable = True


class InternalServerError(ServerError):
    """500: the service failed, or could not understand the request."""


class NotImplementedByServerError(ServerError):
    """501: the service does not have this function."""

    retryable = False


class GatewayError(ServerError):
    """502, 503 or 504: the gateway could not reach the service, or waited in vain."""


class InvalidResponseError(CSSError):
    """A success status whose body is not the answer that was asked for.

    The request was received; a creation may have been carried out.

    Attributes:
        status: HTTP status of the answer.
        request_id: The vendor's id of the request, if the answer has one.
        method: HTTP method of the request.
        path: Path of the request.
        oversized: Whether the body was cut off for its size.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        request_id: str | None = None,
        method: str = "",
        path: str = "",
        oversized: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.method = method
        self.path = path
        self.oversized = oversized


class SnapshotError(CSSError):
    """What the errors about one snapshot have in common; never raised itself.

    Attributes:
        cluster_id: The cluster.
        snapshot_id: The snapshot.
        snapshot: Its last known state, if it was ever seen.
    """

    def __init__(
        self,
        message: str,
        *,
        cluster_id: str,
        snapshot_id: str,
        snapshot: "Snapshot | None" = None,
    ) -> None:
        super().__init__(message)
        self.cluster_id = cluster_id
        self.snapshot_id = snapshot_id
        self.snapshot = snapshot


class SnapshotNotFoundError(SnapshotError):
    """The cluster's list does not show the snapshot (or no longer does)."""


class SnapshotFailedError(SnapshotError):
    """The snapshot, or its restoration, ended in failure."""


class PartialSnapshotError(SnapshotFailedError):
    """The snapshot finished, but some of its shards are missing."""


class WaitTimeoutError(SnapshotError):
    """The snapshot had not finished when the time was up; it may still finish."""

    retryable = True


class PruneError(SnapshotError):
    """One of several snapshots could not be deleted; the later ones were not tried.

    `__cause__` says why, and `retryable` is taken from it.

    Attributes:
        deleted: The snapshots that were deleted before it, oldest first.
    """

    def __init__(
        self,
        message: str,
        *,
        cluster_id: str,
        snapshot_id: str,
        snapshot: "Snapshot | None" = None,
        deleted: Sequence["Snapshot"] = (),
    ) -> None:
        super().__init__(
            message, cluster_id=cluster_id, snapshot_id=snapshot_id, snapshot=snapshot
        )
        self.deleted = tuple(deleted)


class IndeterminateError(CSSError):
    """Whether a change was carried out is unknown, even after looking.

    What all errors of this kind have in common; never raised itself.

    Attributes:
        cluster_id: The cluster that was to be changed.
    """

    retryable = True

    def __init__(self, message: str, *, cluster_id: str) -> None:
        super().__init__(message)
        self.cluster_id = cluster_id


class IndeterminateCreateError(IndeterminateError):
    """Whether the snapshot was created is unknown, even after looking.

    Calling `ensure` again with the same name is safe: it looks before it creates.

    Attributes:
        cluster_id: The cluster.
        name: The name that was asked for.
        since: When the call began, aware.
        attempts: How many times the creation was sent.
    """

    def __init__(
        self,
        message: str,
        *,
        cluster_id: str,
        name: str,
        since: datetime,
        attempts: int = 1,
    ) -> None:
        super().__init__(message, cluster_id=cluster_id)
        self.name = name
        self.since = since
        self.attempts = attempts


class IndeterminateDeleteError(IndeterminateError):
    """Whether the snapshot was deleted is unknown, even after looking.

    Attributes:
        cluster_id: The cluster.
        snapshot_id: The snapshot that was to be deleted.
    """

    def __init__(self, message: str, *, cluster_id: str, snapshot_id: str) -> None:
        super().__init__(message, cluster_id=cluster_id)
        self.snapshot_id = snapshot_id


class IndeterminateRestoreError(IndeterminateError):
    """Whether the restoration was started is unknown, even after looking.

    The service shows that a snapshot is being restored, and that a cluster is, but
    neither at whose request nor since when.

    Attributes:
        cluster_id: The cluster that the snapshot is of.
        snapshot_id: The snapshot that was to be restored.
        target_cluster_id: The cluster that it was to be restored into.
    """

    def __init__(
        self,
        message: str,
        *,
        cluster_id: str,
        snapshot_id: str,
        target_cluster_id: str,
    ) -> None:
        super().__init__(message, cluster_id=cluster_id)
        self.snapshot_id = snapshot_id
        self.target_cluster_id = target_cluster_id


class IndeterminateSettingsError(IndeterminateError):
    """Whether a policy or the storage settings were changed is unknown."""


class DuplicateSnapshotError(CSSError):
    """One call, several new snapshots of its name; none of them was deleted.

    Attributes:
        cluster_id: The cluster.
        name: The name that was asked for.
        snapshot_ids: The ids found, in the list's order.
    """

    def __init__(
        self, message: str, *, cluster_id: str, name: str, snapshot_ids: Sequence[str]
    ) -> None:
        super().__init__(message)
        self.cluster_id = cluster_id
        self.name = name
        self.snapshot_ids = tuple(snapshot_ids)


class JournalError(CSSError):
    """The journal can't be used; nothing was sent on its account.

    What it held before is still there, as far as the disk gives it back.

    Attributes:
        path: The journal's file.
    """

    sent = False

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"journal {path}: {problem}")
        self.path = path


class JournalBusyError(JournalError):
    """The journal is held by another run."""

    retryable = True


class JournalEntryError(JournalError):
    """One entry of the journal is damaged; the others are not."""


class FanOutStoppedError(CSSError, ExceptionGroup[Exception]):
    """A run could not go on: why, as the errors that it stopped for.

    `except CSSError` and `except*` both catch it. Raised when the iteration over a run
    ends, or when its block is left.

    Attributes:
        exceptions: The errors, the first hundred.
    """

    def __new__(cls, message: str, exceptions: Sequence[Exception]) -> Self:
        """Make a group; see `ExceptionGroup`."""
        return super().__new__(cls, message, exceptions)

    def derive(self, exceptions: Sequence[Exception]) -> "FanOutStoppedError":  # type: ignore[override]  # `except*` keeps to the group's own class
        """Return a group of some of these errors; see `ExceptionGroup`."""
        return FanOutStoppedError(self.message, exceptions)
