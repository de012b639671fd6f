"""How runs are made: of snapshots, or of any function."""

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextlib import nullcontext
from typing import Final, TypeVar, cast, get_args

import attrs

from css_snapshot.client.api_client import ApiClient
from css_snapshot.clock import Clock
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout.calls import Calls
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.journal.store import Plan
from css_snapshot.fanout.operations import Calling, Operation, Snapshotting
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.processor import Processor
from css_snapshot.fanout.run import FanOut
from css_snapshot.fanout.scheduler import Scheduler
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.fanout.targets import Source, Target, Wanted
from css_snapshot.fanout.watch import Watch
from css_snapshot.models import Ensured
from css_snapshot.typing import OnBusy, OnError, SnapshotOperation, StrPath
from css_snapshot.workflows.ensure import EnsureOptions

T = TypeVar("T")

_CANARIES: Final = 4


def fan_out_snapshots(
    client: ApiClient,
    targets: Iterable[Target] | AsyncIterable[Target],
    *,
    operation: SnapshotOperation,
    ensuring: EnsureOptions,
    options: RunOptions,
) -> FanOut[Ensured]:
    """Prepare a run that makes a snapshot of each target's cluster.

    At most four targets are called until the service has accepted the credentials, or
    can't be connected to, so that a wrong key is noticed before it is locked.

    Args:
        client: Carries the calls; its retry budget is shared by the whole run.
        targets: An iterable or async iterable, pulled as targets are needed.
        operation: `"ensure"` looks before it creates; `"create"` creates at once.
        ensuring: What an existing snapshot means, and how long to look.
        options: The options of the run.

    Raises:
        ConfigurationError: If an argument is out of its range.
    """
    if operation not in get_args(SnapshotOperation):
        raise ConfigurationError("operation: must be 'ensure' or 'create'")
    snapshotting = Snapshotting(client, ensuring)

    async def plan() -> Plan:
        # Only now, as the project may have to be asked for: without it in the plan, a
        # journal could not tell two projects apart.
        endpoint, project_id = client.requests.endpoint, await client.project_id()
        what = f"{operation} on_exists={ensuring.on_exists}"
        former = {f"{what} {endpoint}", f"{what} {endpoint} {project_id}"}
        accepted = options.until == "accepted"
        return Plan(
            f"{what} until={options.until} {endpoint} {project_id}",
            accepted=accepted,
            former=frozenset(former if accepted else ()),
        )

    return prepare(
        snapshotting.create if operation == "create" else snapshotting.ensure,
        targets,
        options=attrs.evolve(options, canaries=_CANARIES),
        plan=plan,
        clock=client.clock,
        client=client,
    )


def fan_out(
    operation: Callable[[Wanted], Awaitable[T]],
    targets: Iterable[Wanted] | AsyncIterable[Wanted],
    *,
    plan: str | None = None,
    reconcile: Callable[[Wanted], Awaitable[T]] | None = None,
    limit: int = RunOptions().limit,
    rate: float | None = None,
    journal: StrPath | None = None,
    retry_failed: bool = False,
    busy: OnBusy = "skip",
    busy_wait: float = RunOptions().busy_wait,
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
        operation: Awaited for each target; what it returns is the outcome's
            `.result`.
        targets: An iterable or async iterable, pulled as targets are needed.
        plan: Names what is done and where, to tell one journal from another's; the
            function's own name by default.
        reconcile: Awaited in place of `operation` for a target of which the
            journal can't say what became of it. An operation that looks before it
            creates, such as `SnapshotService.ensure`, may be given here again.
            Without it, such a target comes out `Indeterminate`.
        limit: Targets in flight at most.
        rate: Targets started per second at most; `None` for no limit.
        journal: A file that lets an interrupted run be resumed.
        retry_failed: Whether targets that were refused in an earlier run are tried
            again.
        busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try again.
        busy_wait: Seconds to go on trying an occupied cluster.
        on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no more.
        max_failures: As many failed or indeterminate targets end the run.
        clock: Where time comes from.

    Raises:
        ConfigurationError: If an argument is out of its range.
    """
    options = RunOptions(
        limit=limit,
        rate=rate,
        journal=journal,
        retry_failed=retry_failed,
        busy=busy,
        busy_wait=busy_wait,
        on_error=on_error,
        max_failures=max_failures,
    )
    text = _name_of(operation) if plan is None else plan

    async def own_plan() -> Plan:
        return Plan(text, former=frozenset({text}))

    # What comes from these targets is what these functions are for.
    calling = Calling(
        cast("Callable[[Target], Awaitable[T]]", operation),
        cast("Callable[[Target], Awaitable[T]] | None", reconcile),
    )
    return prepare(
        calling, targets, options=options, plan=own_plan, clock=clock or Clock()
    )


def prepare(
    operation: Operation[T],
    targets: Iterable[Target] | AsyncIterable[Target],
    *,
    options: RunOptions,
    plan: Callable[[], Awaitable[Plan]],
    clock: Clock,
    client: ApiClient | None = None,
) -> FanOut[T]:
    """Put the parts of a run together.

    Args:
        operation: What is done with each target.
        targets: An iterable or async iterable, pulled as targets are needed.
        options: The options of the run.
        plan: Tells what the run does, to a journal.
        clock: Where time comes from.
        client: Watches the snapshots of a run until completed, and tells of the run.

    Raises:
        ConfigurationError: If an argument is out of its range.
    """
    options.check_finish_by(clock.now())
    stopping = Stopping(options)
    calls = Calls(options=options, stopping=stopping, clock=clock)
    journal = Journal(options.journal, clock, stopping)
    scheduler = Scheduler(
        source=Source(targets, (Target,), lambda target: target),
        processor=Processor(
            operation, calls, options=options, journal=journal, clock=clock
        ),
        stopping=stopping,
        limit=options.limit,
        clock=clock,
    )
    if client is not None and options.until == "completed":
        scheduler.watch = Watch(
            client,
            limit=options.limit,
            finish_by=options.finish_by,
            journal=journal,
            stopping=stopping,
            on_end=scheduler.watched_to_its_end,
        )
    return FanOut(
        scheduler,
        calls=calls,
        stopping=stopping,
        journal=journal,
        plan=None if options.journal is None else plan,
        finish_by=options.finish_by,
        telling=nullcontext()
        if client is None
        else calls.of_workflow(client, "fan_out"),
    )


def _name_of(operation: Callable[..., object]) -> str:
    """Return a name that is the same in the next process."""
    named = operation if hasattr(operation, "__qualname__") else type(operation)
    return f"{named.__module__}.{named.__qualname__}"
