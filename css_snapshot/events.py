"""Events that observers are notified of: one frozen class per thing that happens.

An observer is any callable that takes one event: `SnapshotService(on_event=...)`.
It is called in the event loop, so it must be quick and must not block; what it
raises is logged and goes no further. It is called in the task, and in the context,
of the call it is told about; many calls may be under way at once, and `call` tells
whose event it is.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import attrs

logger = logging.getLogger("css_snapshot")


@attrs.frozen(kw_only=True, eq=False)
class Call:
    """One operation under way: all its events carry this very object.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        ids: The ids in the path by their names in the template, but the project's.
        endpoint: Address of the service: scheme, host and, if it is unusual, port.
    """

    method: str
    path: str
    ids: Mapping[str, str]
    endpoint: str


@attrs.frozen(kw_only=True)
class OperationStarted:
    """An operation begins; its attempts follow.

    Attributes:
        call: The operation under way.
    """

    call: Call


@attrs.frozen(kw_only=True)
class OperationFinished:
    """An operation is over, with all its attempts.

    Attributes:
        call: The operation under way.
        elapsed: Seconds from start to end, pauses included.
        error: What it ended with, a cancellation for example; `None` for success.
    """

    call: Call
    elapsed: float
    error: BaseException | None


@attrs.frozen(kw_only=True)
class AttemptStarted:
    """A request is about to be signed and sent.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        attempt: 1 for the first attempt of a call.
        call: The operation under way.
    """

    method: str
    path: str
    attempt: int
    call: Call | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class AttemptAnswered:
    """An attempt ended: with an answer, or without one.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        attempt: 1 for the first attempt of a call.
        elapsed: Seconds from start to end of the attempt.
        status: HTTP status, `None` when no answer arrived.
        request_id: The vendor's id of the request, to quote in a ticket, if the
            answer carried one.
        error: The error the attempt ended with, a cancellation for example; `None`
            when it succeeded.
        call: The operation under way.
    """

    method: str
    path: str
    attempt: int
    elapsed: float
    status: int | None
    request_id: str | None = None
    error: BaseException | None
    call: Call | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class RetryScheduled:
    """A failed attempt will be repeated after a pause.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        attempt: Number of the attempt that failed.
        attempts: How many attempts the policy allows.
        pause: Seconds until the next attempt.
        error: Why the attempt failed.
        call: The operation under way; `None` when it is over, and a creation will be
            made anew.
    """

    method: str
    path: str
    attempt: int
    attempts: int
    pause: float
    error: Exception
    call: Call | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class BudgetEmpty:
    """A failed attempt would have been repeated, but the shared budget is spent.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        attempt: Number of the attempt that failed.
        call: The operation under way.
    """

    method: str
    path: str
    attempt: int
    call: Call | None = attrs.field(default=None, eq=False, repr=False)


@attrs.frozen(kw_only=True)
class TokenRenewed:
    """Credentials or a token were fetched anew.

    Attributes:
        reason: `"first"`, `"expiring"` or `"rejected"`.
        lifetime: Seconds until the new ones expire, `None` when they don't say.
    """

    reason: Literal["first", "expiring", "rejected"]
    lifetime: float | None


@attrs.frozen(kw_only=True)
class Reconciled:
    """A creation with an unclear answer was looked up in the cluster's list.

    Attributes:
        cluster_id: The cluster.
        name: The name looked for.
        found: How many new snapshots of that name the list shows.
        looks: How many times the list was read.
    """

    cluster_id: str
    name: str
    found: int
    looks: int


@attrs.frozen(kw_only=True)
class FieldUnreadable:
    """A field of an answer is not of any form known, and was left out.

    Told once per field and service, and never with the value.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        field: Where the field stands in the body, such as `backups[].totalShards`; for
            a row that was left out as a whole, where the rows stand.
        problem: What is wrong with it.
    """

    method: str
    path: str
    field: str
    problem: str


@attrs.frozen(kw_only=True)
class ListIncomplete:
    """A list ended before as much was shown as the service counts, or kept changing.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        stated: How many the service counts, `None` where it does not say.
        shown: How many it showed, in all its pages.
    """

    method: str
    path: str
    stated: int | None
    shown: int


Event = (
    OperationStarted
    | OperationFinished
    | AttemptStarted
    | AttemptAnswered
    | RetryScheduled
    | BudgetEmpty
    | TokenRenewed
    | Reconciled
    | FieldUnreadable
    | ListIncomplete
)
Observer = Callable[[Event], object]


def notify(observer: Observer | None, event: Event) -> None:
    """Log an event, and hand it to the observer if there is one."""
    _log(event)
    if observer is None:
        return
    try:
        observer(event)
    except Exception:
        logger.exception("an on_event observer failed on %s", type(event).__name__)


@contextmanager
def telling(
    observer: Observer | None, call: Call, monotonic: Callable[[], float]
) -> Iterator[Call]:
    """Notify an observer of the start and the end of an operation in this block.

    Args:
        observer: Whom to tell.
        call: The operation under way.
        monotonic: Returns seconds that never go back.
    """
    notify(observer, OperationStarted(call=call))
    started = monotonic()
    error: BaseException | None = None
    try:
        yield call
    except BaseException as exc:
        error = exc
        raise
    finally:
        elapsed = monotonic() - started
        notify(observer, OperationFinished(call=call, elapsed=elapsed, error=error))


def _log(event: Event) -> None:
    match event:
        case RetryScheduled():
            logger.warning(
                "%s %s: attempt %d of %d failed (%s), next in %.1f s",
                event.method,
                event.path,
                event.attempt,
                event.attempts,
                event.error,
                event.pause,
            )
        case BudgetEmpty():
            logger.warning(
                "%s %s: attempt %d failed, no retry: the retry budget is spent",
                event.method,
                event.path,
                event.attempt,
            )
        case FieldUnreadable():
            logger.warning(
                "%s %s: %s can't be read: %s",
                event.method,
                event.path,
                event.field,
                event.problem,
            )
        case ListIncomplete():
            logger.warning(
                "%s %s: the service counts %s, and shows %d",
                event.method,
                event.path,
                event.stated,
                event.shown,
            )
        case _:
            logger.debug("%s", event)
