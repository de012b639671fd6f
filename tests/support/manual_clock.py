"""The old home of `ManualClock`, until nobody imports it from here."""

from tests.support.clock import ManualClock as ManualClock  # noqa: PLC0414  # see above
