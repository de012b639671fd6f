"""How runs are made: of snapshots, or of any function."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypeVar, cast

from css_snapshot.client.api_client import ApiClient
from css_snapshot.clock import Clock
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout.journal.journal import Journal, StrPath
from css_snapshot.fanout.journal.store import Plan
from css_snapshot.fanout.options import OnBusy, OnError, Settings
from css_snapshot.fanout.run import FanOut
from css_snapshot.fanout.snapshotting import Calling, Snapshotting
from css_snapshot.fanout.targets import Target, Wanted
from css_snapshot.models import Ensured
from css_snapshot.typing import OnExists
from css_snapshot.workflows.ensure import EnsureOptions

T = TypeVar("T")

SnapshotOperation: TypeAlias = Literal["ensure", "create"]

_BUSY_WAIT: Final = 1800.0


def fan_out_snapshots(
    client: ApiClient,
    targets: Iterable[Target] | AsyncIterable[Target],
    *,
    where: str,
    operation: SnapshotOperation = "ensure",
    limit: int = 16,
    rate: float | None = None,
    journal: StrPath | None = None,
    retry_failed: bool = False,
    busy: OnBusy = "skip",
    busy_wait: float = _BUSY_WAIT,
    on_error: OnError = "collect",
    max_failures: int | None = None,
    on_exists: OnExists = "adopt",
    settle: float = 15.0,
) -> FanOut[Ensured]:
    """Prepare a run that makes a snapshot of each target's cluster.

    At most four targets are called until the service has accepted the credentials,
    so that a wrong key is noticed before it is locked.

    Args:
        client: Carries the calls; its retry budget is shared by the whole run.
        targets: An iterable or async iterable, pulled as targets are needed.
        where: The endpoint and project, to tell one journal from another's.
        operation: `"ensure"` looks before it creates; `"create"` creates at once.
        limit: Targets in flight at most.
        rate: Targets started per second at most; `None` for no limit.
        journal: A file that lets an interrupted run be resumed.
        retry_failed: Whether targets that failed in an earlier run are tried again.
        busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try again.
        busy_wait: Seconds to go on trying an occupied cluster.
        on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no more.
        max_failures: As many failed or indeterminate targets end the run.
        on_exists: What a snapshot of this name that was there before means.
        settle: Seconds a new snapshot may take to show in the list.

    Raises:
        ConfigurationError: An argument is out of its range.
    """
    settings = Settings(
        limit=limit,
        rate=rate,
        retry_failed=retry_failed,
        busy=busy,
        busy_wait=busy_wait,
        on_error=on_error,
        max_failures=max_failures,
        scouting=True,
    )
    options = EnsureOptions(on_exists=on_exists, settle=settle)
    snapshotting = Snapshotting(client=client, options=options)
    operations = {"ensure": snapshotting.ensure, "create": snapshotting.create}
    if operation not in operations:
        raise ConfigurationError("operation: must be 'ensure' or 'create'")
    plan = f"{operation} on_exists={on_exists} {where}".rstrip()
    return FanOut(
        operations[operation],
        targets,
        settings=settings,
        journal=_journal(journal, plan, client.clock),
        clock=client.clock,
    )


def fan_out(
    operation: Callable[[Wanted], Awaitable[T]],
    targets: Iterable[Wanted] | AsyncIterable[Wanted],
    *,
    plan: str | None = None,
    reconcile: Callable[[Wanted], Awaitable[T]] | None = None,
    limit: int = 16,
    rate: float | None = None,
    journal: StrPath | None = None,
    retry_failed: bool = False,
    busy: OnBusy = "skip",
    busy_wait: float = _BUSY_WAIT,
    on_error: OnError = "collect",
    max_failures: int | None = None,
    clock: Clock | None = None,
) -> FanOut[T]:
    """Prepare a run that calls a function for each target.

    Several services, of different regions or projects, can share one run: let the
    function choose the service. What it raises is the target's outcome: an error of
    this package that leaves open whether anything was created makes it
    `Indeterminate`, `ClusterBusyError` makes it `Busy`, anything else `Failed`.

    Args:
        operation: Is awaited for each target; what it answers is the outcome's
            `.result`.
        targets: An iterable or async iterable, pulled as targets are needed.
        plan: Names what is done and where, to tell one journal from another's; the
            function's own name by default.
        reconcile: Is awaited in place of `operation` for a target of which the
            journal can't say what became of it. An operation that looks before it
            creates, such as `SnapshotService.ensure`, may be given here again.
            Without it, such a target comes out `Indeterminate`.
        limit: Targets in flight at most.
        rate: Targets started per second at most; `None` for no limit.
        journal: A file that lets an interrupted run be resumed.
        retry_failed: Whether targets that failed in an earlier run are tried again.
        busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try again.
        busy_wait: Seconds to go on trying an occupied cluster.
        on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no more.
        max_failures: As many failed or indeterminate targets end the run.
        clock: Where time comes from.

    Raises:
        ConfigurationError: An argument is out of its range.
    """
    settings = Settings(
        limit=limit,
        rate=rate,
        retry_failed=retry_failed,
        busy=busy,
        busy_wait=busy_wait,
        on_error=on_error,
        max_failures=max_failures,
    )
    time = clock or Clock()
    text = _name_of(operation) if plan is None else plan
    # What comes from these targets is what these functions are for.
    calling = Calling(
        cast("Callable[[Target], Awaitable[T]]", operation),
        cast("Callable[[Target], Awaitable[T]] | None", reconcile),
    )
    return FanOut(
        calling,
        targets,
        settings=settings,
        journal=_journal(journal, text, time),
        clock=time,
    )


def _journal(path: StrPath | None, plan: str, clock: Clock) -> Journal | None:
    return None if path is None else Journal(Path(path), Plan(plan), clock)


def _name_of(operation: Callable[..., object]) -> str:
    """Answer a name that is the same in the next process."""
    named = operation if hasattr(operation, "__qualname__") else type(operation)
    return f"{named.__module__}.{named.__qualname__}"
