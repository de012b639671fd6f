"""Creating exactly once: classify what came back, look, adopt.

The service takes no idempotency key, and an answer can get lost after the work was
done. What makes a creation safe to repeat is its name: look for it in the cluster's
list before believing, or repeating, anything.
"""

import fnmatch
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, Literal

import attrs

from css_snapshot.api.encode import encode_create
from css_snapshot.api.operations import CREATE_SNAPSHOT, LIST_SNAPSHOTS
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.client.api_client import ApiClient
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    DuplicateSnapshotError,
    IndeterminateCreateError,
    SnapshotExistsError,
    TransportError,
)
from css_snapshot.events import Reconciled, RetryScheduled, notify
from css_snapshot.models import Backup, Ensured, Snapshot, SnapshotStatus
from css_snapshot.retry import RetryPolicy
from css_snapshot.workflows.verdict import may_have_created, verdict_on

OnExists = Literal["adopt", "fail"]

_FIRST_PAUSES: Final = (0.5, 1.0, 2.0, 4.0)
_LATER_PAUSE: Final = 5.0
_ADOPTABLE: Final = frozenset({SnapshotStatus.BUILDING, SnapshotStatus.COMPLETED})
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_FOREVER: Final = float("inf")


@attrs.frozen
class Intent:
    """What a run that died left behind: it was about to create, or had just done so.

    Attributes:
        since: When the intent was written, aware.
    """

    since: datetime


async def ensure(
    client: ApiClient,
    cluster_id: str,
    request: CreateSnapshotRequest,
    *,
    on_exists: OnExists = "adopt",
    settle: float = 15.0,
    on_intent: Callable[[], Awaitable[None]] | None = None,
    previous: Intent | None = None,
) -> Ensured:
    """Create a snapshot exactly once, or say honestly that it is unknown.

    Args:
        client: Carries the calls.
        cluster_id: The cluster.
        request: What to snapshot.
        on_exists: What a snapshot of this name that was there before means.
        settle: Seconds a new snapshot may take to show in the list.
        on_intent: Awaited before each creation is sent; what it writes down must be
            durable when it returns.
        previous: The intent of an earlier run; it is looked for before anything is
            sent again.

    Raises:
        SnapshotExistsError: It was there before and may not, or can't, be adopted.
        IndeterminateCreateError: Unknown, even after looking.
        DuplicateSnapshotError: Several new snapshots of that name.
        CSSError: The creation was refused, or not sent.
    """
    if on_exists not in {"adopt", "fail"}:
        raise ConfigurationError("on_exists: must be 'adopt' or 'fail'")
    if not settle >= 0:
        raise ConfigurationError("settle: must be a number of seconds, 0 or more")
    ensuring = _Ensuring(
        client=client,
        cluster_id=cluster_id,
        request=request,
        on_exists=on_exists,
        settle=settle,
        on_intent=on_intent,
        since=client.clock.now(),
        until=_FOREVER
        if client.deadline is None
        else client.clock.monotonic() + client.deadline,
    )
    found = await (
        ensuring.existing() if previous is None else ensuring.left_by(previous)
    )
    return found or await ensuring.post()


@attrs.define(kw_only=True)
class _Ensuring:
    """One call of `ensure`: where it is, and what it has seen."""

    client: ApiClient
    cluster_id: str
    request: CreateSnapshotRequest
    on_exists: OnExists
    settle: float
    on_intent: Callable[[], Awaitable[None]] | None
    since: datetime
    until: float
    posts: int = 0
    failures: list[CSSError] = attrs.field(factory=list)

    async def existing(self) -> Ensured | None:
        """Look for a snapshot of that name from before this call."""
        named = await self._named()
        if not named:
            return None
        return self._adopt_of_others(named)

    async def left_by(self, previous: Intent) -> Ensured | None:
        """Look for what an earlier run created, as long as it might still appear."""
        # That run's last request may have been answered after the run died.
        answered = previous.since + timedelta(seconds=self.client.timeout)
        outstanding = (answered - self.client.clock.now()).total_seconds()
        self.since = min(self.since, previous.since)
        window = max(0.0, outstanding) + self.settle
        in_time = self._in_time(window)
        named = await self._look(window, None)
        if named:
            return self._adopt_own(named)
        if not in_time:
            raise self._indeterminate("the deadline left no time to look", None)
        return None

    async def post(self) -> Ensured:
        """Create, look where the answer is unclear, and create again where safe."""
        while True:
            if self.on_intent is not None:
                await self.on_intent()
            self.posts += 1
            try:
                backup = await self.client.send(
                    CREATE_SNAPSHOT(
                        cluster_id=self.cluster_id, body=encode_create(self.request)
                    ),
                    retry=RetryPolicy.none(),
                    until=self.until,
                )
            except CSSError as exc:
                failure = exc
            else:
                return Ensured(backup, "created", attempts=self.posts)
            failure.earlier = tuple(self.failures)
            found = await self._reconcile(failure)
            if found is not None:
                return found
            self.failures.append(failure)
            await self._pause(failure)

    async def _reconcile(self, failure: CSSError) -> Ensured | None:
        """Find out what an unclear answer means; `None` means: not created."""
        verdict = verdict_on(failure)
        if verdict == "rejected":
            raise failure
        if verdict == "not sent":
            return None
        window = self._patience() if verdict == "unknown" else self.settle
        in_time = self._in_time(window)
        named = await self._look(window, failure)
        if named:
            return self._adopt_found(named, failure)
        if verdict in {"exists", "busy"}:
            raise failure
        if verdict == "unknown" or not in_time:
            raise self._indeterminate("it is not in the list so far", failure)
        return None

    def _in_time(self, window: float) -> bool:
        """Tell whether the deadline leaves the time to look for so many seconds."""
        return self.client.clock.monotonic() + window <= self.until

    def _patience(self) -> float:
        """Answer the seconds to go on looking for what may still be under way."""
        if self.until == _FOREVER:
            return self.settle + self.client.timeout
        return self.until - self.client.clock.monotonic()

    async def _look(self, window: float, failure: CSSError | None) -> list[Snapshot]:
        """Read the list until the name shows, for the last time at the window's end."""
        clock = self.client.clock
        end = min(clock.monotonic() + window, self.until)
        pauses = _pauses()
        looks = 0
        while True:
            last = clock.monotonic() >= end
            if clock.monotonic() >= self.until:
                self._tell(0, looks)
                return []
            looks += 1
            try:
                named = await self._named()
            except CSSError as exc:
                if last or not _may_recover(exc):
                    raise self._unread(exc, failure) from None
                named = []
            if named or last:
                self._tell(len(named), looks)
                return named
            await clock.sleep(min(next(pauses), max(0.0, end - clock.monotonic())))

    def _unread(self, unread: CSSError, failure: CSSError | None) -> CSSError:
        if failure is not None and not self._own_work(failure):
            return failure
        error = self._indeterminate(f"the list: {unread}", failure)
        error.earlier = (*error.earlier, unread)
        return error

    def _own_work(self, failure: CSSError) -> bool:
        """Tell whether what is found may have been created by this call."""
        return any(map(may_have_created, (*self.failures, failure)))

    def _adopt_found(self, named: Sequence[Snapshot], failure: CSSError) -> Ensured:
        if self._own_work(failure):
            return self._adopt_own(named)
        return self._adopt_of_others(named)

    def _adopt_of_others(self, named: Sequence[Snapshot]) -> Ensured:
        fitting = [snapshot for snapshot in named if _fits(snapshot, self.request)]
        if self.on_exists == "fail" or not fitting:
            raise self._exists(named[0])
        return self._adopt(
            max(fitting, key=lambda snapshot: snapshot.created or _LONG_AGO)
        )

    def _adopt_own(self, named: Sequence[Snapshot]) -> Ensured:
        if len(named) == 1:
            return self._adopt(named[0])
        ids = [snapshot.id for snapshot in named]
        raise DuplicateSnapshotError(
            f"cluster {self.cluster_id} has {len(ids)} snapshots named"
            f" {self.request.name} from one call: {', '.join(ids)}; none was deleted",
            cluster_id=self.cluster_id,
            name=self.request.name,
            snapshot_ids=ids,
        )

    async def _pause(self, failure: CSSError) -> None:
        """Wait before the next creation, or give up with the last failure."""
        policy = self.client.retry
        clock = self.client.clock
        again = failure.retryable if failure.sent is False else policy.repeats(failure)
        pause = policy.pause(self.posts, failure)
        if (
            not again
            or self.posts >= policy.attempts
            or clock.monotonic() + pause >= self.until
            or not policy.budget.spend()
        ):
            raise failure
        notify(
            self.client.on_event,
            RetryScheduled(
                method=CREATE_SNAPSHOT.method,
                path=CREATE_SNAPSHOT.template,
                attempt=self.posts,
                attempts=policy.attempts,
                pause=pause,
                error=failure,
            ),
        )
        await clock.sleep(pause)

    async def _named(self) -> list[Snapshot]:
        snapshots = await self.client.send(
            LIST_SNAPSHOTS(cluster_id=self.cluster_id), until=self.until
        )
        return [snap for snap in snapshots if snap.name == self.request.name]

    def _adopt(self, snapshot: Snapshot) -> Ensured:
        backup = Backup(snapshot.id, snapshot.name)
        return Ensured(backup, "adopted", attempts=self.posts)

    def _tell(self, found: int, looks: int) -> None:
        notify(
            self.client.on_event,
            Reconciled(
                cluster_id=self.cluster_id,
                name=self.request.name,
                found=found,
                looks=looks,
            ),
        )

    def _exists(self, snapshot: Snapshot) -> SnapshotExistsError:
        return SnapshotExistsError(
            f"cluster {self.cluster_id} already has a snapshot named"
            f" {snapshot.name} ({snapshot.id}, {snapshot.status}, indices"
            f" {','.join(snapshot.indices) or 'unknown'})",
            status=HTTPStatus.CONFLICT,
            message="found in the cluster's list",
        )

    def _indeterminate(
        self, why: str, failure: CSSError | None
    ) -> IndeterminateCreateError:
        error = IndeterminateCreateError(
            f"cluster {self.cluster_id}: whether {self.request.name} was created is"
            f" unknown: {failure or 'an earlier run was interrupted'}; {why}",
            cluster_id=self.cluster_id,
            name=self.request.name,
            since=self.since,
            attempts=self.posts,
        )
        error.earlier = (*self.failures, *([] if failure is None else [failure]))
        return error


def _pauses() -> Iterator[float]:
    yield from _FIRST_PAUSES
    while True:
        yield _LATER_PAUSE


def _may_recover(failure: CSSError) -> bool:
    return failure.retryable or isinstance(failure, TransportError)


def _fits(snapshot: Snapshot, request: CreateSnapshotRequest) -> bool:
    """Tell whether a snapshot can stand for the one requested.

    The list shows the indices that patterns were resolved to, so a request by
    pattern fits if each index in the snapshot matches one of its patterns.
    """
    if snapshot.status not in _ADOPTABLE:
        return False
    wanted = request.indices
    if wanted is None or not snapshot.indices:
        return True
    if not any("*" in pattern for pattern in wanted):
        return set(wanted) == set(snapshot.indices)
    return all(
        any(fnmatch.fnmatchcase(index, pattern) for pattern in wanted)
        for index in snapshot.indices
    )
