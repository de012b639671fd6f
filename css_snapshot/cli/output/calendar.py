"""The last days of a cluster's snapshots, one character a day."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from css_snapshot.models import Snapshot, SnapshotStatus
from css_snapshot.workflows.coverage import begun

DayState = Literal["good", "building", "partial", "failed", "none"]
"""The best that a day has: a day with one good snapshot is good."""

_CHARACTERS: Final[Mapping[DayState, str]] = {
    "good": "+",
    "building": ">",
    "partial": "~",
    "failed": "x",
    "none": ".",
}
_BEST_FIRST: Final[tuple[DayState, ...]] = tuple(_CHARACTERS)


def calendar(
    snapshots: Iterable[Snapshot], *, now: datetime, days: int
) -> dict[date, DayState]:
    """Return what each of the last days has, in UTC, the oldest first.

    Args:
        snapshots: The rows of a cluster's list.
        now: The time, aware.
        days: How many days, the current one included.
    """
    today = now.astimezone(UTC).date()
    shown = (today - timedelta(days=ago) for ago in reversed(range(days)))
    found: dict[date, DayState] = dict.fromkeys(shown, "none")
    for snapshot in snapshots:
        day = begun(snapshot).astimezone(UTC).date()
        if day in found:
            states: tuple[DayState, ...] = (found[day], _state(snapshot))
            found[day] = min(states, key=_BEST_FIRST.index)
    return found


def drawn(days: Iterable[DayState]) -> str:
    """Return a calendar as one character a day."""
    return "".join(_CHARACTERS[day] for day in days)


def legend(days: Iterable[date]) -> str:
    """Return what the days and the characters of a calendar stand for."""
    listed = list(days)
    words = ", ".join(f"{sign} {state}" for state, sign in _CHARACTERS.items())
    return f"{listed[0]} to {listed[-1]} (UTC): {words}"


def _state(snapshot: Snapshot) -> DayState:
    if snapshot.is_usable:
        return "good"
    if not snapshot.is_finished:
        return "building"
    return "failed" if snapshot.status == SnapshotStatus.FAILED else "partial"
