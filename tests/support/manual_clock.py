"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

import attrs


@attrs.define
class ManualClock:
    now: datetime = datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
