"""The events that observers receive, one frozen class each.

An observer is any callable that takes one event: `SnapshotService(on_event=...)`.
It is called in the event loop, so it must be quick and must not block; an exception
that it raises is logged and goes no further. It is called in the task, and in the
context, of the call that the event is about; many calls may be under way at once, and
`call` identifies the one an event belongs to.

Events are logged as well, by the logger `css_snapshot`: what needs attention as warnings,
each answer at level INFO, and all else at level DEBUG. What concerns credentials is
logged by `css_snapshot.auth`.
"""

import functools
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Literal

import attrs

from css_snapshot.errors import ConfigurationError

_LOG: Final = "CSS_SNAPSHOT_LOG"
_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

logger = logging.getLogger("css_snapshot")
# Whoever uses this package decides what becomes of its log, and the default is nothing.
logger.addHandler(logging.NullHandler())


@attrs.frozen(kw_only=True, eq=False)
class Call:
    """One operation under way: all its events carry this very object.

    Attributes:
        method: HTTP method.
        path: Path template of the vendor call, without ids.
        ids: The ids in the path, but for the project's, by their template names.
        endpoint: Endpoint of the service: scheme, host and, if unusual, port.
    """

    method: str
    path: str
    ids: Mapping[str, str]
    endpoint: str


@attrs.frozen(kw_only=True, eq=False)
class Workflow:
    """Several calls with one purpose, under way: its two events carry this object.

    The operations in between belong to it if they happen in the context, of a task or
    of its children, in which its start was told.

    Attributes:
        name: What it is, such as `"ensure"`, `"wait"` or `"fan_out"`.
        cluster_id: The cluster; `None` if it is about several.
    """

    name: str
    cluster_id: str | None = None


@attrs.frozen(kw_only=True)
class WorkflowStarted:
    """A workflow begins; its operations follow.

    Attributes:
        workflow: The workflow under way.
    """

    workflow: Workflow


@attrs.frozen(kw_only=True)
class WorkflowFinished:
    """A workflow is over, with all its operations.

    Attributes:
        workflow: The workflow that was under way.
        elapsed: Seconds from start to end, pauses included.
        error: The error it ended with, a cancellation for example; `None` for success.
    """

    workflow: Workflow
    elapsed: float
    error: BaseException | None


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
    """An attempt ended, with a response or without one.

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
        lifetime: Seconds until the new ones expire; `None` if that is unknown.
    """

    reason: Literal["first", "expiring", "rejected"]
    lifetime: float | None


@attrs.frozen(kw_only=True)
class Reconciled:
    """A creation with an unclear outcome was looked up in the cluster's list.

    Attributes:
        cluster_id: The cluster.
        name: Name of the snapshot.
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
    WorkflowStarted
    | WorkflowFinished
    | OperationStarted
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


def log_to_stderr(environ: Mapping[str, str]) -> None:
    """Write the log to the error output, if the variable `CSS_SNAPSHOT_LOG` is a level.

    Where the program sends its log somewhere already, ours goes there; a level that it
    has set for this package stays.

    Args:
        environ: The variables.

    Raises:
        ConfigurationError: If the variable is something else.
    """
    name = environ.get(_LOG)
    if not name:
        return
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise ConfigurationError(f"{_LOG}: must be debug, info, warning or error")
    if logger.level == logging.NOTSET:
        logger.setLevel(level)
    handlers = [*logging.getLogger().handlers, *logger.handlers]
    if any(not isinstance(one, logging.NullHandler) for one in handlers):
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger.addHandler(handler)


def notify(observer: Observer | None, event: Event) -> None:
    """Log an event, and pass it to the observer if there is one."""
    _log(event)
    if observer is None:
        return
    try:
        observer(event)
    except Exception:
        logger.exception("an on_event observer failed on %s", type(event).__name__)


def telling(
    observer: Observer | None, call: Call, monotonic: Callable[[], float]
) -> AbstractContextManager[None]:
    """Tell of the start and the end of an operation that runs in this block.

    Args:
        observer: The observer to tell.
        call: The operation under way.
        monotonic: Returns seconds that never go back.
    """
    return _telling(
        observer,
        OperationStarted(call=call),
        functools.partial(OperationFinished, call=call),
        monotonic,
    )


def telling_workflow(
    observer: Observer | None, workflow: Workflow, monotonic: Callable[[], float]
) -> AbstractContextManager[None]:
    """Tell of the start and the end of a workflow that runs in this block.

    Args:
        observer: The observer to tell.
        workflow: The workflow under way.
        monotonic: Returns seconds that never go back.
    """
    return _telling(
        observer,
        WorkflowStarted(workflow=workflow),
        functools.partial(WorkflowFinished, workflow=workflow),
        monotonic,
    )


@contextmanager
def _telling(
    observer: Observer | None,
    start: Event,
    finish: Callable[..., Event],
    monotonic: Callable[[], float],
) -> Iterator[None]:
    notify(observer, start)
    started = monotonic()
    error: BaseException | None = None
    try:
        yield
    except BaseException as exc:
        error = exc
        raise
    finally:
        notify(observer, finish(elapsed=monotonic() - started, error=error))


def _log(event: Event) -> None:
    match event:
        case AttemptAnswered() if logger.isEnabledFor(logging.INFO):
            logger.info(
                "%s %s: %s in %.3f s%s",
                event.method,
                event.path,
                event.status or type(event.error).__name__,
                event.elapsed,
                "".join(f", {mark}" for mark in _marks(event)),
            )
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


def _marks(event: AttemptAnswered) -> Iterator[str]:
    """Iterate over what tells an answer from others to the same call."""
    if event.call is not None:
        for name, value in event.call.ids.items():
            yield f"{name} {value}"
    if event.request_id is not None:
        yield f"request {event.request_id}"
