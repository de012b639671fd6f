"""Policies: when a cluster takes snapshots by itself, and how many it keeps."""

import re
from typing import Final

import attrs

from css_snapshot.api.rules import (
    check_match,
    check_number,
    check_text,
    separate,
    split_indices,
)
from css_snapshot.errors import RequestValidationError
from css_snapshot.models import OpenStrEnum
from css_snapshot.typing import Indices

_PREFIX: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}", re.ASCII)
_PERIOD: Final = re.compile(
    r"(?:[01]\d|2[0-3]):00 GMT[+-](?:0\d|1[0-4]):(?:00|30|45)", re.ASCII
)
_MOST_KEPT: Final = 90


class SnapshotFrequency(OpenStrEnum):
    """How often snapshots are taken: each hour, day or week, or on one weekday."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    SUN = "SUN"
    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"


_FREQUENCIES: Final = frozenset(SnapshotFrequency)


def _frequency(value: str | None) -> SnapshotFrequency | None:
    if value is None:
        return None
    check_text("frequency", value)
    return SnapshotFrequency(value)


def _names(value: Indices) -> tuple[str, ...] | None:
    return None if value is None else separate(value, "indices")


@attrs.frozen(kw_only=True)
class SnapshotPolicy:
    """When a cluster takes snapshots by itself, and how many it keeps.

    It is also what `get_policy` returns, with whatever the service has stored; so the
    rules are checked by `check`, when a policy is about to be set.

    Attributes:
        enabled: Whether snapshots are taken at all.
        prefix: What their names begin with: 1 to 32 characters, a lower-case
            letter, then lower-case letters, digits, hyphens or underscores. Needed
            when enabled.
        period: The time of day, a whole hour with its zone such as
            `16:00 GMT+08:00`. Needed when enabled, unless each hour.
        keep: How many of them are kept, 1 to 90; to older sites, for how many days.
            Needed when enabled.
        frequency: How often; `None` leaves it to the service, which takes one a day.
        indices: Names or patterns; `None` for all.
        bucket: The OBS bucket they go to. Read only; see `configure`.
        base_path: The folder in it. Read only.
        agency: The agency that lets the service write there. Read only.
        cmk_id: The key that encrypts them. Read only.
        max_snapshot_rate: Limit of writing, such as `40MB` per second and node.
            Read only.
        max_restore_rate: Limit of restoring, likewise. Read only.
    """

    enabled: bool
    prefix: str | None = None
    period: str | None = None
    keep: int | None = None
    frequency: SnapshotFrequency | None = attrs.field(
        default=None, converter=_frequency
    )
    indices: tuple[str, ...] | None = attrs.field(default=None, converter=_names)
    bucket: str | None = None
    base_path: str | None = None
    agency: str | None = None
    cmk_id: str | None = None
    max_snapshot_rate: str | None = None
    max_restore_rate: str | None = None

    def check(self) -> None:
        """Check what would be sent.

        Raises:
            RequestValidationError: If a value breaks its rule, or one that an enabled
                policy needs is missing.
        """
        if not isinstance(self.enabled, bool):
            raise RequestValidationError("enabled", "must be True or False")
        if self.prefix is not None:
            check_match(
                "prefix",
                self.prefix,
                _PREFIX,
                "must be 1 to 32 lower-case letters, digits, hyphens or underscores,"
                " the first a letter",
            )
        if self.period is not None:
            check_match(
                "period",
                self.period,
                _PERIOD,
                "must be a whole hour with its zone, such as 16:00 GMT+08:00",
            )
        if self.keep is not None:
            check_number("keep", self.keep, least=1, most=_MOST_KEPT)
        if self.frequency is not None and self.frequency not in _FREQUENCIES:
            raise RequestValidationError(
                "frequency", "must be HOUR, DAY, WEEK or one of SUN to SAT"
            )
        split_indices(self.indices)
        self._check_complete()

    def _check_complete(self) -> None:
        if not self.enabled:
            return
        needed = ["prefix", "keep"]
        if self.frequency != SnapshotFrequency.HOUR:
            needed.append("period")
        for field in needed:
            if getattr(self, field) is None:
                raise RequestValidationError(field, "is needed by an enabled policy")
