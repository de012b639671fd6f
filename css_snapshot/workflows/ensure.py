"""Exactly-once creation: classify what came back, look, adopt.

The service takes no idempotency key, and an answer can get lost after the work was
done. What makes a creation safe to repeat is its name: look for it in the cluster's
list before believing, or repeating, anything.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, get_args

import attrs

from css_snapshot.api.encode import encode_create
from css_snapshot.api.operations import CREATE_SNAPSHOT, LIST_SNAPSHOTS
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.client.api_client import FOREVER, ApiClient
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    DuplicateSnapshotError,
    IndeterminateCreateError,
    SnapshotExistsError,
    SnapshotFailedError,
    TransportError,
)
from css_snapshot.events import Reconciled, logger, notify
from css_snapshot.models import Backup, Ensured, Snapshot, SnapshotStatus
from css_snapshot.retry import Found
from css_snapshot.typing import OnExists, OnSpoiled
from css_snapshot.workflows.defaults import SETTLE_SECONDS
from css_snapshot.workflows.delete import delete
from css_snapshot.workflows.fit import Fit, compare
from css_snapshot.workflows.look import pauses
from css_snapshot.workflows.spoiled import spoiled_error
from css_snapshot.workflows.verdict import may_have_created, verdict_on

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Intent:
    """What a run that died left behind: it was about to create, or had just done so.

    Attributes:
        since: When the intent was written, aware.
    """

    since: datetime


@attrs.frozen(kw_only=True)
class EnsureOptions:
    """What an existing snapshot of the name means, and how long to look.

    Attributes:
        on_exists: What one means that stands for the one asked for: `"adopt"` it, or
            `"fail"`.
        on_spoiled: What one means that ended without all its shards: `"fail"`,
            `"number"` (take `name-2`, `name-3`, … instead; nothing is deleted), or
            `"replace"` (delete it if it is a FAILED manual one).
        settle: Seconds a new snapshot may take to show in the list.

    Raises:
        ConfigurationError: If a value is out of its range.
    """

    on_exists: OnExists = "adopt"
    on_spoiled: OnSpoiled = "fail"
    settle: float = SETTLE_SECONDS

    def __attrs_post_init__(self) -> None:
        if self.on_exists not in get_args(OnExists):
            raise ConfigurationError("on_exists: must be 'adopt' or 'fail'")
        if self.on_spoiled not in get_args(OnSpoiled):
            raise ConfigurationError(
                "on_spoiled: must be 'fail', 'number' or 'replace'"
            )
        if not self.settle >= 0:
            raise ConfigurationError("settle: must be a number of seconds, 0 or more")


async def ensure(
    client: ApiClient,
    cluster_id: str,
    request: CreateSnapshotRequest,
    options: EnsureOptions,
    *,
    on_intent: Callable[[], Awaitable[None]] | None = None,
    previous: Intent | None = None,
) -> Ensured:
    """Create a snapshot exactly once, or say honestly that it is unknown.

    Args:
        client: Carries the calls.
        cluster_id: The cluster.
        request: What to snapshot.
        options: What an existing snapshot means, and how long to look.
        on_intent: Awaited before each creation is sent; what it writes down must be
            durable when it returns.
        previous: The intent of an earlier run; it is looked for before anything is
            sent again.

    Raises:
        SnapshotExistsError: If one was there before that may not, or can't, be adopted.
        SnapshotFailedError: If this call's own snapshot has ended without its shards.
        IndeterminateCreateError: If it is unknown, even after looking.
        DuplicateSnapshotError: If there are several new snapshots of that name.
        CSSError: If the creation was refused, or not sent.
    """
    ensuring = _Ensuring(
        client=client,
        cluster_id=cluster_id,
        wanted=request,
        options=options,
        on_intent=on_intent,
        since=client.clock.now(),
        until=client.end_of_call(),
    )
    with client.telling_workflow("ensure", cluster_id):
        return await ensuring.run(previous)


@attrs.define(kw_only=True)
class _Ensuring:
    """One call of `ensure`.

    Attributes:
        request: What is being created: `wanted`, perhaps under a numbered name.
        old: Ids of that name from before the creation.
        posts: How many times a creation was sent.
        adopted: What was found in place of an answer.
    """

    client: ApiClient
    cluster_id: str
    wanted: CreateSnapshotRequest
    options: EnsureOptions
    on_intent: Callable[[], Awaitable[None]] | None
    since: datetime
    until: float
    request: CreateSnapshotRequest = attrs.field(
        init=False, default=attrs.Factory(lambda self: self.wanted, takes_self=True)
    )
    old: frozenset[str] = frozenset()
    posts: int = 0
    adopted: Ensured | None = None

    async def run(self, previous: Intent | None) -> Ensured:
        """Look, create, and look again where the answer is unclear."""
        if previous is None:
            found = await self._settle_on(await self._list(), own=False)
        else:
            found = await self._settle_on(await self._left_by(previous), own=True)
        if found is not None:
            return found
        try:
            return await self._post()
        except SnapshotFailedError:
            if self.options.on_spoiled == "fail":
                raise
        # Its own creation was carried out and has ended badly by now: once more.
        found = await self._settle_on(await self._list(), own=True)
        return found or await self._post()

    async def _left_by(self, previous: Intent) -> list[Snapshot]:
        """Look for what an earlier run created, as long as it might still appear."""
        # That run's last request may have been answered after the run died. Whatever
        # the clock did since, not more than one attempt's time is outstanding.
        timeout = self.client.limits.timeout
        answered = previous.since + timedelta(seconds=timeout)
        outstanding = (answered - self.client.clock.now()).total_seconds()
        self.since = min(self.since, previous.since)
        window = min(max(0.0, outstanding), timeout) + self.options.settle
        in_time = self._in_time(window)
        rows = await self._look(window, None)
        if not in_time and not self._candidate(rows)[1]:
            raise self._indeterminate("the deadline left no time to look", None)
        return rows

    def _candidate(
        self, rows: Sequence[Snapshot]
    ) -> tuple[CreateSnapshotRequest, list[Fit]]:
        """Return what to create, and what there is of that name.

        Where spoiled snapshots are passed over by number, that is the first name that
        is free, or taken by something that is not spoiled.
        """
        request, number = self.wanted, 1
        while True:
            fits = self._named(rows, request)
            if self.options.on_spoiled != "number" or not _are_spoiled(fits):
                return request, fits
            number += 1
            request = attrs.evolve(self.wanted, name=f"{self.wanted.name}-{number}")

    def _named(
        self, rows: Sequence[Snapshot], request: CreateSnapshotRequest
    ) -> list[Fit]:
        return [
            compare(row, self.cluster_id, request)
            for row in rows
            if row.name == request.name and row.id not in self.old
        ]

    async def _settle_on(
        self, rows: Sequence[Snapshot], *, own: bool
    ) -> Ensured | None:
        """Adopt what stands for the snapshot; `None` means that it can be created.

        Args:
            rows: The cluster's list.
            own: Whether what is found may have been created by this call, or by the
                run that it resumes.
        """
        self.request, fits = self._candidate(rows)
        if _are_spoiled(fits) and self.options.on_spoiled == "replace":
            await self._delete_spoiled(fits)
            return None
        return self._adopt(fits, own=own) if fits else None

    async def _delete_spoiled(self, fits: Sequence[Fit]) -> None:
        for fit in fits:
            snapshot = fit.snapshot
            if snapshot.status != SnapshotStatus.FAILED or not snapshot.is_manual:
                raise self._exists(fit)
        for fit in fits:
            await delete(
                self.client, self.cluster_id, fit.snapshot.id, until=self.until
            )
        self.old = frozenset(fit.snapshot.id for fit in fits)

    async def _post(self) -> Ensured:
        policy = self.client.limits.retry
        backup = await self.client.send(
            CREATE_SNAPSHOT(
                cluster_id=self.cluster_id,
                body=encode_create(self.request),
                name=self.request.name,
            ),
            # What was never sent is safe to send, whatever the policy says of it.
            retry=attrs.evolve(policy, connect_failures=True),
            until=self.until,
            before=self._before,
            between=self._between,
        )
        return self.adopted or Ensured(backup, "created", attempts=self.posts)

    async def _before(self) -> None:
        if self.on_intent is not None:
            await self.on_intent()
        self.posts += 1

    async def _between(self, failure: CSSError) -> Found[Backup] | None:
        """Find out what an unclear answer means; `None` means: not created."""
        verdict = verdict_on(failure)
        if verdict in {"rejected", "not sent"}:
            return None
        window = self._patience() if verdict == "unknown" else self.options.settle
        in_time = self._in_time(window)
        fits = self._named(await self._look(window, failure), self.request)
        if fits:
            self.adopted = self._adopt(fits, own=_own_work(failure))
            return Found(self.adopted.backup)
        if verdict in {"exists", "busy"}:
            return None
        if verdict == "unknown" or not in_time:
            raise self._indeterminate("it is not in the list so far", failure)
        return None

    def _in_time(self, window: float) -> bool:
        """Check whether the deadline leaves the time to look for so many seconds."""
        return self.client.clock.monotonic() + window <= self.until

    def _patience(self) -> float:
        """Return the seconds to go on looking for what may still be under way."""
        if self.until == FOREVER:
            return self.options.settle + self.client.limits.timeout
        return self.until - self.client.clock.monotonic()

    async def _look(self, window: float, failure: CSSError | None) -> list[Snapshot]:
        """Read the list until the name shows, for the last time at the window's end."""
        clock = self.client.clock
        end = min(clock.monotonic() + window, self.until)
        pause = pauses()
        looks = 0
        rows: list[Snapshot] = []
        while True:
            last = clock.monotonic() >= end
            if clock.monotonic() >= self.until:
                break
            looks += 1
            try:
                rows = await self._list()
            except CSSError as exc:
                if last or not _may_recover(exc):
                    raise self._unread(exc, failure) from None
                rows = []
            if last or self._shows(rows, resuming=failure is None):
                break
            await clock.sleep(min(next(pause), max(0.0, end - clock.monotonic())))
        self._tell(len(self._named(rows, self.request)), looks)
        return rows

    def _shows(self, rows: Sequence[Snapshot], *, resuming: bool) -> bool:
        """Check whether a list answers what became of the creation."""
        if not resuming:
            return bool(self._named(rows, self.request))
        _, fits = self._candidate(rows)
        # The earlier run may have gone past a spoiled one, and its work may still lag.
        return bool(fits) and (
            self.options.on_spoiled == "fail" or not _are_spoiled(fits)
        )

    def _unread(self, unread: CSSError, failure: CSSError | None) -> CSSError:
        if failure is not None and not _own_work(failure):
            return failure
        error = self._indeterminate(f"the list: {unread}", failure)
        error.earlier = (*error.earlier, unread)
        return error

    def _adopt(self, fits: Sequence[Fit], *, own: bool) -> Ensured:
        fitting = [fit for fit in fits if fit.misfit is None]
        if own and len(fitting) > 1:
            raise self._duplicate(fitting)
        if not fitting and own and _are_spoiled(fits):
            raise spoiled_error(fits[0].snapshot, self.cluster_id)
        if not fitting or (self.options.on_exists == "fail" and not own):
            raise self._exists(fits[0])
        fit = max(fitting, key=lambda fit: fit.snapshot.created or _LONG_AGO)
        snapshot = fit.snapshot
        if fit.doubt:
            logger.warning(
                "cluster %s: adopted %s (%s) with a doubt: %s",
                self.cluster_id,
                snapshot.name,
                snapshot.id,
                fit.doubt,
            )
        return Ensured(
            Backup(snapshot.id, snapshot.name),
            "adopted",
            attempts=self.posts,
            snapshot=snapshot,
            doubt=fit.doubt or None,
        )

    async def _list(self) -> list[Snapshot]:
        operation = LIST_SNAPSHOTS(cluster_id=self.cluster_id)
        rows = await self.client.look(operation, until=self.until)
        return list(rows)

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

    def _exists(self, fit: Fit) -> SnapshotExistsError:
        snapshot = fit.snapshot
        why = f", which {fit.why}" if fit.why else ""
        return SnapshotExistsError(
            f"cluster {self.cluster_id} already has a snapshot named"
            f" {snapshot.name} ({snapshot.id}, {snapshot.status}, indices"
            f" {','.join(snapshot.indices) or 'unknown'}){why}",
            status=HTTPStatus.CONFLICT,
            message="found in the cluster's list",
        )

    def _duplicate(self, fits: Sequence[Fit]) -> DuplicateSnapshotError:
        ids = [fit.snapshot.id for fit in fits]
        return DuplicateSnapshotError(
            f"cluster {self.cluster_id} has {len(ids)} snapshots named"
            f" {self.request.name} from one call: {', '.join(ids)}; none was deleted",
            cluster_id=self.cluster_id,
            name=self.request.name,
            snapshot_ids=ids,
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
        error.earlier = () if failure is None else (*failure.earlier, failure)
        return error


def _own_work(failure: CSSError) -> bool:
    """Check whether what is found may have been created by this call."""
    return any(map(may_have_created, (*failure.earlier, failure)))


def _are_spoiled(fits: Sequence[Fit]) -> bool:
    return bool(fits) and all(fit.misfit == "spoiled" for fit in fits)


def _may_recover(failure: CSSError) -> bool:
    return failure.retryable or isinstance(failure, TransportError)
