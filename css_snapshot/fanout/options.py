"""How a run is to behave, checked before it begins."""

from typing import Literal, TypeAlias, get_args

import attrs

from css_snapshot.errors import ConfigurationError

OnBusy: TypeAlias = Literal["skip", "wait"]
OnError: TypeAlias = Literal["collect", "fail_fast"]


@attrs.frozen(kw_only=True)
class Settings:
    """The options of a run.

    Attributes:
        limit: Operations in flight at most.
        rate: Operations started per second at most; `None` for no limit.
        retry_failed: Whether targets that failed in an earlier run are tried again.
        busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try again.
        busy_wait: Seconds to go on trying an occupied cluster.
        on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no more.
        max_failures: As many failed or indeterminate targets end the run.
        scouting: Whether a few targets go ahead, to try the credentials.

    Raises:
        ConfigurationError: A value is out of its range.
    """

    limit: int = 16
    rate: float | None = None
    retry_failed: bool = False
    busy: OnBusy = "skip"
    busy_wait: float = 1800.0
    on_error: OnError = "collect"
    max_failures: int | None = None
    scouting: bool = False

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


def _check_count(field: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{field}: must be a whole number, at least 1")


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{field}: must be one of {', '.join(choices)}")
