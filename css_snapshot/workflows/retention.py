"""Retention: which snapshots stay, by calendar rules.

The rules are those of restic's `forget`, as version 0.14 carries them out:
https://restic.readthedocs.io/en/v0.14.0/060_forget.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo

import attrs

from css_snapshot.api.rules import check_number, check_text
from css_snapshot.errors import RequestValidationError
from css_snapshot.models import RestoreStatus, Snapshot, SnapshotStatus
from css_snapshot.typing import KeepReason

Rule = Literal["last", "hourly", "daily", "weekly", "monthly", "yearly"]

_COUNTS: Final[tuple[Rule, ...]] = (
    *("last", "hourly", "daily", "weekly", "monthly", "yearly"),
)
_PERIODS: Final[Mapping[Rule, Callable[[int, datetime], tuple[int, ...]]]] = {
    "last": lambda position, _: (position,),
    "hourly": lambda _, local: (local.year, local.month, local.day, local.hour),
    "daily": lambda _, local: (local.year, local.month, local.day),
    "weekly": lambda _, local: local.isocalendar()[:2],
    "monthly": lambda _, local: (local.year, local.month),
    "yearly": lambda _, local: (local.year,),
}
_AT_REST: Final = frozenset(
    {None, RestoreStatus.NONE, RestoreStatus.SUCCESS, RestoreStatus.FAILED}
)


@attrs.frozen
class Kept:
    """A snapshot that stays.

    Attributes:
        snapshot: The snapshot.
        reasons: The rules that keep it.
    """

    snapshot: Snapshot
    reasons: tuple[KeepReason, ...]


@attrs.frozen(kw_only=True)
class RetentionPlan:
    """What becomes of each of a cluster's snapshots, each once.

    Attributes:
        keep: The usable ones that stay, newest first.
        delete: Those that go, oldest first.
        untouched: Those that the rules don't apply to, each with why, newest first.
        retention: The rules.
        prefix: Only names that start with this were considered; `None` for all.
        before: Only snapshots that began before this may go; `None` for any.
    """

    keep: tuple[Kept, ...]
    delete: tuple[Snapshot, ...]
    untouched: tuple[tuple[Snapshot, str], ...]
    retention: "Retention"
    prefix: str | None = None
    before: datetime | None = None

    def renewed(self, snapshots: Iterable[Snapshot]) -> "RetentionPlan":
        """Return the plan that the same rules make of other rows.

        Args:
            snapshots: The rows of the same cluster, read later.
        """
        return self.retention.plan(snapshots, prefix=self.prefix, before=self.before)


@attrs.frozen(kw_only=True)
class Retention:
    """Which of a cluster's manual snapshots stay.

    A snapshot stays if any rule keeps it. Only usable ones count, so failed ones never
    push good ones out. A failed or partial one goes when a newer usable one exists,
    and stays as evidence otherwise. Automatic ones, and those being built or restored,
    are left alone and don't count.

    Attributes:
        last: How many of the newest to keep.
        hourly: For how many hours that have any to keep the newest of each.
        daily: The same for days.
        weekly: The same for ISO weeks.
        monthly: The same for months.
        yearly: The same for years.
        within: Keep all that began within this time before the newest one began.
        at_least: How many of the newest stay whatever the rules say. With 0 and no
            rule at all, every one goes.
        timezone: Where hours, days, weeks, months and years begin, as an IANA name
            such as `Europe/Berlin`.

    Raises:
        RequestValidationError: If a count is negative, the time zone is unknown, or
            there is no rule and `at_least` is not 0.
    """

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0
    within: timedelta | None = None
    at_least: int = 1
    timezone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        for field in (*_COUNTS, "at_least"):
            check_number(field, getattr(self, field), least=0)
        if self.within is not None:
            _check_span("within", self.within)
        _zone(self.timezone)
        has_rule = self.within or any(getattr(self, rule) for rule in _COUNTS)
        # From variables that are not set, it would delete everything.
        if self.at_least and not has_rule:
            raise RequestValidationError(
                "retention",
                "has no rule, so every snapshot would go; at_least=0 confirms that",
            )

    def plan(
        self,
        snapshots: Iterable[Snapshot],
        *,
        prefix: str | None = None,
        before: datetime | None = None,
    ) -> RetentionPlan:
        """Return what becomes of each snapshot; the order of the rows is irrelevant.

        Args:
            snapshots: The rows of one cluster.
            prefix: Only snapshots whose names start with this are considered.
            before: Only snapshots that began before this, an aware time, may go.
        """
        sorting = _Sorting(prefix, _zone(self.timezone))
        for snapshot, is_certain in _one_per_id(snapshots):
            sorting.add(snapshot, is_certain=is_certain)
        usable = _newest_first(sorting.usable)
        reasons = self._reasons(usable)
        unwanted = [dated for dated in usable if not reasons[dated.snapshot.id]]
        unwanted += sorting.without_evidence(usable)
        if before is not None:
            unwanted = sorting.without_recent(unwanted, before)
        return RetentionPlan(
            keep=tuple(
                Kept(dated.snapshot, tuple(reasons[dated.snapshot.id]))
                for dated in usable
                if reasons[dated.snapshot.id]
            ),
            delete=tuple(dated.snapshot for dated in reversed(_newest_first(unwanted))),
            untouched=tuple(sorted(sorting.untouched, key=_age_of_row, reverse=True)),
            retention=self,
            prefix=prefix,
            before=before,
        )

    def _reasons(self, newest_first: Sequence["_Dated"]) -> dict[str, list[KeepReason]]:
        """Return which rules keep which usable snapshot, by its id."""
        reasons: dict[str, list[KeepReason]] = {
            dated.snapshot.id: [] for dated in newest_first
        }
        for rule in _COUNTS:
            for dated in _newest_of_each(rule, getattr(self, rule), newest_first):
                reasons[dated.snapshot.id].append(rule)
        for dated in newest_first:
            # Strictly within, as restic has it.
            if self.within and newest_first[0].begun - dated.begun < self.within:
                reasons[dated.snapshot.id].append("within")
        for dated in newest_first[: self.at_least]:
            if not reasons[dated.snapshot.id]:
                reasons[dated.snapshot.id].append("at least")
        return reasons


def check_prefix(prefix: str | None) -> None:
    """Check what the names of the snapshots to consider start with.

    Raises:
        RequestValidationError: If `prefix` is empty: from a variable that is not set,
            it would match everything.
    """
    if prefix is None:
        return
    check_text("prefix", prefix)
    if not prefix:
        raise RequestValidationError("prefix", "must not be empty; leave it out")


@attrs.frozen
class _Dated:
    """A snapshot with its start.

    Attributes:
        snapshot: The snapshot.
        begun: When it began, in UTC: Python compares times of one zone by the wall
            clock, which goes back once a year.
        local: The same in the zone of the rules.
    """

    snapshot: Snapshot
    begun: datetime
    local: datetime


@attrs.define
class _Sorting:
    """The rows, sorted by what may become of them."""

    prefix: str | None
    zone: tzinfo
    usable: list[_Dated] = attrs.field(factory=list)
    spoiled: list[_Dated] = attrs.field(factory=list)
    untouched: list[tuple[Snapshot, str]] = attrs.field(factory=list)

    def add(self, snapshot: Snapshot, *, is_certain: bool) -> None:
        why = _why_untouched(snapshot, self.prefix)
        if not is_certain:
            why = "shown twice, and not alike"
        dated = _dated(snapshot, self.zone)
        if why is not None:
            self.untouched.append((snapshot, why))
        elif dated is None:
            self.untouched.append((snapshot, "no start time"))
        elif snapshot.is_usable:
            self.usable.append(dated)
        else:
            self.spoiled.append(dated)

    def without_evidence(self, usable: Sequence[_Dated]) -> list[_Dated]:
        """Return the spoiled ones that a newer usable one outlives; leave the rest."""
        outlived = []
        for dated in self.spoiled:
            if usable and usable[0].begun > dated.begun:
                outlived.append(dated)
            else:
                why = "failed, with no newer usable one"
                self.untouched.append((dated.snapshot, why))
        return outlived

    def without_recent(
        self, unwanted: Iterable[_Dated], before: datetime
    ) -> list[_Dated]:
        """Return those that began before a time; leave the rest."""
        old = []
        for dated in unwanted:
            if dated.begun < before:
                old.append(dated)
            else:
                self.untouched.append((dated.snapshot, "too recent to go"))
        return old


def _why_untouched(snapshot: Snapshot, prefix: str | None) -> str | None:
    """Return why the rules don't apply to a snapshot, `None` if they do."""
    why = None
    if snapshot.is_automatic:
        why = "automatic"
    elif not snapshot.is_manual:
        why = "not known to be manual"
    elif prefix is not None and not snapshot.name.startswith(prefix):
        why = f"name does not start with {prefix}"
    elif snapshot.status == SnapshotStatus.BUILDING:
        why = "building"
    elif not snapshot.is_finished:
        why = f"status {snapshot.status}"
    elif snapshot.restore_status == RestoreStatus.RESTORING:
        why = "being restored"
    elif snapshot.restore_status not in _AT_REST:
        why = f"restore status {snapshot.restore_status}"
    return why


def _one_per_id(snapshots: Iterable[Snapshot]) -> Iterator[tuple[Snapshot, bool]]:
    """Iterate over one row per id, and whether all rows of that id agree."""
    rows: dict[str, set[Snapshot]] = {}
    for snapshot in snapshots:
        rows.setdefault(snapshot.id, set()).add(snapshot)
    for alike in rows.values():
        # Any of them would do, but always the same.
        yield min(alike, key=repr), len(alike) == 1


def _newest_of_each(
    rule: Rule, count: int, newest_first: Iterable[_Dated]
) -> Iterator[_Dated]:
    """Iterate over the newest snapshot of each period, so many periods back."""
    period = _PERIODS[rule]
    last: tuple[int, ...] | None = None
    for position, dated in enumerate(newest_first):
        if not count:
            return
        current = period(position, dated.local)
        # Against the last one alone, as restic does.
        if current != last:
            last = current
            count -= 1
            yield dated


def _dated(snapshot: Snapshot, zone: tzinfo) -> _Dated | None:
    begun = snapshot.start_time or snapshot.created
    if begun is None:
        return None
    try:
        return _Dated(snapshot, begun.astimezone(UTC), begun.astimezone(zone))
    except OverflowError:
        return None


def _newest_first(dated: Iterable[_Dated]) -> list[_Dated]:
    return sorted(dated, key=lambda row: (row.begun, row.snapshot.id), reverse=True)


def _age_of_row(row: tuple[Snapshot, str]) -> tuple[bool, datetime | None, str]:
    begun = row[0].start_time or row[0].created
    return begun is not None, begun, row[0].id


def _zone(name: str) -> tzinfo:
    check_text("timezone", name)
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise RequestValidationError(
            "timezone",
            f"{name!r} is not known here; install the tzdata package if it should be",
        ) from None


def _check_span(field: str, value: timedelta) -> None:
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise RequestValidationError(field, "must be a timedelta, 0 or more")
