"""How a run stands, in counts: constant memory however many targets."""

import attrs

from css_snapshot.clock import Clock
from css_snapshot.fanout.meter import Meter
from css_snapshot.fanout.outcomes import (
    Adopted,
    Busy,
    Created,
    Failed,
    Indeterminate,
    Outcome,
    Skipped,
)


@attrs.frozen(kw_only=True)
class Summary:
    """How many targets ended in which way, so far or for good.

    Attributes:
        created: Targets whose operation succeeded.
        adopted: Targets whose snapshot was found and taken.
        skipped: Targets an earlier run had dealt with.
        busy: Targets whose cluster was occupied.
        failed: Targets of which nothing was created.
        indeterminate: Targets of which it is unknown.
        elapsed: Seconds since the run began, or from its begin to its end.
        stopped: Why the run ended before its targets did; empty if it did not.
    """

    created: int = 0
    adopted: int = 0
    skipped: int = 0
    busy: int = 0
    failed: int = 0
    indeterminate: int = 0
    elapsed: float = 0.0
    stopped: str = ""

    @property
    def total(self) -> int:
        """How many targets have ended."""
        return (
            self.created
            + self.adopted
            + self.skipped
            + self.busy
            + self.failed
            + self.indeterminate
        )

    def __str__(self) -> str:
        stopped = f"; stopped early: {self.stopped}" if self.stopped else ""
        return (
            f"{self.total} targets in {self.elapsed:.1f} s: {self.created} created,"
            f" {self.adopted} adopted, {self.skipped} skipped, {self.busy} busy,"
            f" {self.failed} failed, {self.indeterminate} indeterminate{stopped}"
        )


@attrs.frozen(kw_only=True)
class RunProgress:
    """A run at one moment, for a progress bar.

    Attributes:
        summary: The counts so far.
        pulled: Targets taken from the source so far.
        in_flight: Operations under way now.
        waiting: Targets that wait for their cluster.
        rate: Targets that ended per second, lately.
        allowed_rate: Operations that may start per second now; `None` for no limit.
    """

    summary: Summary
    pulled: int
    in_flight: int
    waiting: int
    rate: float
    allowed_rate: float | None


class Tally:
    """The counts of a run while it goes on.

    Args:
        clock: Where time comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._ended: float | None = None
        self._counts: dict[type, int] = dict.fromkeys(
            (Created, Adopted, Skipped, Busy, Failed, Indeterminate), 0
        )
        self._meter = Meter(clock)

    def count(self, outcome: Outcome[object]) -> None:
        """Add one outcome."""
        self._counts[type(outcome)] += 1
        self._meter.tick()

    def end(self) -> None:
        """Stop the clock; what comes later does not lengthen the run."""
        if self._ended is None:
            self._ended = self._clock.monotonic()

    @property
    def rate(self) -> float:
        """Outcomes per second, lately."""
        return self._meter.rate

    def summary(self, stopped: str) -> Summary:
        """Answer the counts as a value.

        Args:
            stopped: Why the run ended early; empty if it did not.
        """
        counts = self._counts
        ended = self._clock.monotonic() if self._ended is None else self._ended
        return Summary(
            created=counts[Created],
            adopted=counts[Adopted],
            skipped=counts[Skipped],
            busy=counts[Busy],
            failed=counts[Failed],
            indeterminate=counts[Indeterminate],
            elapsed=ended - self._began,
            stopped=stopped,
        )
