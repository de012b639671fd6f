"""The options of a run, checked before it begins."""

import math
from datetime import datetime
from pathlib import Path
from typing import get_args

import attrs

from css_snapshot.errors import ConfigurationError
from css_snapshot.typing import OnBusy, OnError, StrPath, Until


def _path(value: StrPath | None) -> Path | None:
    return None if value is None else Path(value).absolute()


@attrs.frozen(kw_only=True)
class RunOptions:
    """The options of a run.

    Attributes:
        limit: Targets being sent for at once at most.
        rate: Targets started per second at most; `None` for no limit.
        journal: A file that lets an interrupted run be resumed.
        retry_failed: Whether targets that were refused or spoiled in an earlier run
            are tried again.
        busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try again.
        busy_wait: Seconds to go on trying an occupied cluster.
        on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no more.
        max_failures: As many failed, spoiled or indeterminate targets end the run.
        until: `"accepted"` ends a target when the service has accepted its creation,
            `"completed"` when the snapshot is seen to be complete.
        finish_by: When a snapshot that still builds is late, aware; `None` waits as
            long as it takes. Only with `until="completed"`.
        canaries: Targets that go ahead at once, to try the credentials; infinity for
            all.

    Raises:
        ConfigurationError: If a value is out of its range.
    """

    limit: int = 16
    rate: float | None = None
    journal: Path | None = attrs.field(default=None, converter=_path)
    retry_failed: bool = False
    busy: OnBusy = "skip"
    busy_wait: float = 1800.0
    on_error: OnError = "collect"
    max_failures: int | None = None
    until: Until = "accepted"
    finish_by: datetime | None = None
    canaries: float = math.inf

    def __attrs_post_init__(self) -> None:
        _check_count("limit", self.limit)
        if self.max_failures is not None:
            _check_count("max_failures", self.max_failures)
        if self.rate is not None and not 0 < self.rate < float("inf"):
            raise ConfigurationError("rate: must be a number per second above 0")
        if not self.busy_wait >= 0:
            raise ConfigurationError("busy_wait: must be 0 or more seconds")
        _check_choice("busy", self.busy, get_args(OnBusy))
        _check_choice("on_error", self.on_error, get_args(OnError))
        _check_choice("until", self.until, get_args(Until))

    def check_finish_by(self, now: datetime) -> None:
        """Check that `finish_by` can be met.

        Args:
            now: The time, aware.

        Raises:
            ConfigurationError: If it is without a time zone, in the past, or of no use.
        """
        if self.finish_by is None:
            return
        if self.until != "completed":
            raise ConfigurationError("finish_by: needs until='completed'")
        if (
            not isinstance(self.finish_by, datetime)
            or self.finish_by.utcoffset() is None
        ):
            raise ConfigurationError("finish_by: must be a datetime with a time zone")
        if self.finish_by <= now:
            raise ConfigurationError(
                f"finish_by: must be in the future, is {self.finish_by.isoformat()}"
            )


def _check_count(field: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{field}: must be a whole number, at least 1")


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{field}: must be one of {', '.join(choices)}")
