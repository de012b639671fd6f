"""The moments at which a policy acts."""

import math
from collections.abc import Iterator
from typing import Final

from css_snapshot.emulator.cloud.policies import PERIOD, AutomaticPolicy

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_WEEK: Final = 7 * _DAY
# The first day of the epoch was a Thursday.
_WEEKDAYS: Final = ("THU", "FRI", "SAT", "SUN", "MON", "TUE", "WED")
# More than any policy keeps: a clock that jumps by years must not cost millions.
_MOST: Final = 200


def due_times(policy: AutomaticPolicy, after: float, until: float) -> Iterator[float]:
    """Iterate over the moments at which a snapshot is due, the latest 200 of them.

    Args:
        policy: When snapshots are taken.
        after: Seconds since the epoch; this moment itself is past.
        until: Seconds since the epoch, inclusive.
    """
    first, step = _rhythm(policy)
    last = math.floor((until - first) / step)
    next_one = math.floor((after - first) / step) + 1
    for number in range(max(next_one, last - _MOST + 1), last + 1):
        yield float(first + number * step)


def last_clearing(moment: float) -> float:
    """Return the latest half-past hour, at which the vendor deletes what is too many.

    Args:
        moment: Seconds since the epoch.
    """
    return math.floor((moment - _HOUR / 2) / _HOUR) * _HOUR + _HOUR / 2


def _rhythm(policy: AutomaticPolicy) -> tuple[int, int]:
    """Return a moment at which a snapshot is due, and how long it is to the next."""
    if policy.frequency == "HOUR":
        return 0, _HOUR
    found = PERIOD.fullmatch(policy.period)
    if found is None:
        raise ValueError(f"{policy.period!r} is no period")
    hour, sign, hours, minutes = found.groups()
    offset = int(hours) * _HOUR + int(minutes) * 60
    first = int(hour) * _HOUR - (offset if sign == "+" else -offset)
    if policy.frequency == "DAY":
        return first, _DAY
    day = "SUN" if policy.frequency == "WEEK" else policy.frequency
    return first + _WEEKDAYS.index(day) * _DAY, _WEEK
