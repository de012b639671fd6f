"""How a run stands, in counts: constant memory however many targets."""

import attrs

from css_snapshot.clock import Clock
from css_snapshot.fanout.meter import Meter
from css_snapshot.fanout.outcomes import (
    Adopted,
    Busy,
    Completed,
    Created,
    Done,
    Failed,
    Indeterminate,
    Late,
    NotReady,
    Outcome,
    Skipped,
    Spoiled,
)


@attrs.frozen(kw_only=True)
class Summary:
    """How many targets ended in which way, so far or for good.

    Attributes:
        created: Targets whose creation was accepted, or whose operation succeeded.
        adopted: Targets whose snapshot was found and taken.
        completed: Targets whose snapshot was seen to be complete.
        done: Clusters for which was done what was to be done.
        skipped: Targets that had what they wanted by an earlier run.
        spoiled: Targets whose snapshot ended without all its shards.
        late: Targets whose snapshot was not seen to end in time.
        busy: Targets whose cluster was occupied.
        not_ready: Targets whose cluster can't be snapshotted.
        failed: Targets of which nothing was created.
        not_retried: Targets that failed or were spoiled in an earlier run, and were
            not tried again.
        indeterminate: Targets of which it is unknown.
        journal_open: Targets of the same snapshot names that the journal has without
            what they wanted; counted at the end of a run.
        elapsed: Seconds since the run began, or from its begin to its end.
        stopped: Why the run ended before its targets did; empty if it did not.
    """

    created: int = 0
    adopted: int = 0
    completed: int = 0
    done: int = 0
    skipped: int = 0
    spoiled: int = 0
    late: int = 0
    busy: int = 0
    not_ready: int = 0
    failed: int = 0
    not_retried: int = 0
    indeterminate: int = 0
    journal_open: int = 0
    elapsed: float = 0.0
    stopped: str = ""

    @property
    def total(self) -> int:
        """How many targets have ended."""
        return self.good + self.bad

    @property
    def good(self) -> int:
        """How many targets have what they wanted."""
        return self.created + self.adopted + self.completed + self.done + self.skipped

    @property
    def bad(self) -> int:
        """How many targets do not have what they wanted, or it is not known."""
        return (
            self.spoiled
            + self.late
            + self.busy
            + self.not_ready
            + self.failed
            + self.not_retried
            + self.indeterminate
        )

    @property
    def is_success(self) -> bool:
        """Whether every target, of the journal too, has what it wanted."""
        return not (self.bad or self.journal_open or self.stopped)

    def __str__(self) -> str:
        counts = ", ".join(
            f"{count} {word.replace('_', ' ')}"
            for word in _COUNTS
            if (count := getattr(self, word)) or word == "failed"
        )
        left = f"; {self.journal_open} open in the journal" if self.journal_open else ""
        stopped = f"; stopped early: {self.stopped}" if self.stopped else ""
        return f"{self.total} targets in {self.elapsed:.1f} s: {counts}{left}{stopped}"


_COUNTS = (
    "created",
    "adopted",
    "completed",
    "done",
    "skipped",
    "spoiled",
    "late",
    "busy",
    "not_ready",
    "failed",
    "not_retried",
    "indeterminate",
)
"""In the order in which they are told, if there are any; failures always are."""
_COUNT_OF: dict[type, str] = {
    Created: "created",
    Adopted: "adopted",
    Completed: "completed",
    Done: "done",
    Spoiled: "spoiled",
    Late: "late",
    Busy: "busy",
    NotReady: "not_ready",
    Failed: "failed",
    Indeterminate: "indeterminate",
}


@attrs.frozen(kw_only=True)
class RunProgress:
    """A run at one moment, for a progress bar.

    Attributes:
        summary: The counts so far.
        pulled: Targets taken from the source so far.
        in_flight: Operations under way now.
        building: Accepted snapshots that are watched now.
        waiting: Targets that wait for their cluster.
        rate: Targets that ended per second, lately.
        allowed_rate: Operations that may start per second now; `None` for no limit.
    """

    summary: Summary
    pulled: int
    in_flight: int
    building: int = 0
    waiting: int
    rate: float
    allowed_rate: float | None


class Tally:
    """The counts of a run while it goes on.

    Args:
        clock: Where time comes from.

    Attributes:
        journal_open: As in `Summary`.
    """

    def __init__(self, clock: Clock) -> None:
        self.journal_open = 0
        self._clock = clock
        self._began = clock.monotonic()
        self._ended: float | None = None
        self._counts: dict[str, int] = dict.fromkeys(_COUNTS, 0)
        self._meter = Meter(clock)

    def count(self, outcome: Outcome[object]) -> None:
        """Add one outcome."""
        if isinstance(outcome, Skipped):
            word = "skipped" if outcome.is_good else "not_retried"
        else:
            word = _COUNT_OF[type(outcome)]
        self._counts[word] += 1
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
        """Return the counts as a value.

        Args:
            stopped: Why the run ended early; empty if it did not.
        """
        ended = self._clock.monotonic() if self._ended is None else self._ended
        return Summary(
            **self._counts,
            journal_open=self.journal_open,
            elapsed=ended - self._began,
            stopped=stopped,
        )
