"""Drift: where a cluster's policy differs from the wanted one."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import attrs

from css_snapshot.api.policies import SnapshotFrequency, SnapshotPolicy

_DEFAULT_PERIOD: Final = "00:00 GMT+08:00"
_PERIOD: Final = re.compile(
    r"(\d{1,2}):(\d\d)(?::00)?\s*(?:(?:GMT|UTC)\s*|(?=[+-]|Z))"
    r"(?:([+-])(\d{1,2})(?::?(\d\d))?|Z)?",
    re.ASCII | re.IGNORECASE,
)
_DAY: Final = 24 * 60
_ALL: Final = ("*",)
_EVERYTHING: Final[tuple[frozenset[str], ...]] = (
    frozenset(),
    frozenset(_ALL),
    frozenset({"_all"}),
)


@attrs.frozen
class Difference:
    """A field of a policy that is not as wanted.

    Attributes:
        have: What the service shows.
        want: What is wanted.
    """

    have: object
    want: object

    def __str__(self) -> str:
        return f"have {_shown(self.have)}, want {_shown(self.want)}"


@attrs.frozen(eq=False)
class PolicyDrift(Mapping[str, Difference]):
    """Where a cluster's policy differs from the wanted one; false if nowhere.

    A mapping of the field's name to the difference.

    Attributes:
        cluster_id: The cluster.
        differences: The differences by field.
    """

    cluster_id: str
    differences: Mapping[str, Difference] = attrs.field(factory=dict)

    def __getitem__(self, field: str) -> Difference:
        return self.differences[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def __str__(self) -> str:
        return "; ".join(f"{field}: {self[field]}" for field in self) or "none"


def policy_drift(
    cluster_id: str, have: SnapshotPolicy, want: SnapshotPolicy
) -> PolicyDrift:
    """Compare a policy with the wanted one.

    Spellings that mean the same don't differ, nor does what is left out from the
    service's default. Of a policy that is wanted off nothing else matters, and where
    snapshots are stored is none of a policy's: see `SnapshotService.configure`.

    Args:
        cluster_id: The cluster whose policy it is.
        have: What the service shows.
        want: What is wanted.
    """
    differences: dict[str, Difference] = {}
    if have.enabled != want.enabled:
        differences["enabled"] = Difference(have.enabled, want.enabled)
    if want.enabled:
        have, want = _explicit(have), _explicit(want)
        for field, meaning in _MEANINGS.items():
            if meaning(have) != meaning(want):
                shown, wanted = getattr(have, field), getattr(want, field)
                differences[field] = Difference(shown, wanted)
    return PolicyDrift(cluster_id, differences)


def _explicit(policy: SnapshotPolicy) -> SnapshotPolicy:
    """Return a policy with the service's defaults for what is left out."""
    return attrs.evolve(
        policy,
        period=policy.period or _DEFAULT_PERIOD,
        frequency=policy.frequency or SnapshotFrequency.DAY,
        indices=policy.indices or _ALL,
    )


def _frequency(policy: SnapshotPolicy) -> object:
    return str(policy.frequency).upper()


def _indices(policy: SnapshotPolicy) -> object:
    names = frozenset(name.strip() for name in policy.indices or ()) - {""}
    return "all" if names in _EVERYTHING else names


def _time_of_day(policy: SnapshotPolicy) -> object:
    """Return the minutes since midnight in GMT: zones may be spelled differently."""
    frequency = _frequency(policy)
    if frequency == SnapshotFrequency.HOUR:
        return None
    text = str(policy.period).strip()
    found = _PERIOD.fullmatch(text)
    if found is None:
        return text
    hour, minute, sign, hours, minutes = found.groups()
    ahead = int(hours or 0) * 60 + int(minutes or 0)
    since_midnight = int(hour) * 60 + int(minute)
    since_midnight += ahead if sign == "-" else -ahead
    # On one day of the week, the same hour of another zone may be on another day.
    return since_midnight % _DAY if frequency == "DAY" else since_midnight


_MEANINGS: Final[Mapping[str, Callable[[SnapshotPolicy], object]]] = {
    "prefix": lambda policy: policy.prefix,
    "period": _time_of_day,
    "keep": lambda policy: policy.keep,
    "frequency": _frequency,
    "indices": _indices,
}


def _shown(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
