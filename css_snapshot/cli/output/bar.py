"""The moving lines that show the progress of a run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import attrs
from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from css_snapshot.cli.output.output import Output
from css_snapshot.fanout import RunProgress

_TICK_SECONDS: Final = 0.2
_COUNTS: Final = (
    ("created", "green"),
    ("adopted", "green"),
    ("completed", "green"),
    ("skipped", "dim"),
    ("spoiled", "red"),
    ("late", "yellow"),
    ("busy", "yellow"),
    ("not_ready", "yellow"),
    ("failed", "red"),
    ("not_retried", "red"),
    ("indeterminate", "yellow"),
)


@asynccontextmanager
async def progress_bar(
    output: Output,
    total: int,
    standing: Callable[[], RunProgress],
    *,
    due: datetime | None = None,
) -> AsyncIterator[None]:
    """Show a run's progress while the block is open, if somebody watches a terminal.

    Args:
        output: Where to.
        total: How many targets there are.
        standing: Returns the progress of the run.
        due: When the run has to end, in the zone to show it in.
    """
    if not output.is_live:
        yield
        return
    with _FleetBar(output, total, due) as bar:
        ticker = asyncio.create_task(_tick(bar, standing))
        try:
            yield
        finally:
            ticker.cancel()
            bar.show(standing())


@attrs.define
class Remaining:
    """How long a run still takes, going by the targets that have finished so far.

    Attributes:
        total: How many targets there are.
    """

    total: int
    _first: tuple[float, int] | None = None

    def seconds(self, standing: RunProgress) -> float | None:
        """Return the seconds left; `None` until two have finished one after the other.

        How long the first one takes says nothing of the others, which are under way
        as well by then.
        """
        summary = standing.summary
        # What is skipped, busy or refused takes no time.
        finished = summary.good - summary.skipped + summary.spoiled
        if self._first is None and finished:
            self._first = (summary.elapsed, finished)
        since, before = self._first or (0.0, 0)
        if finished == before:
            return None
        pace = (summary.elapsed - since) / (finished - before)
        return pace * (self.total - summary.total)


def counts(standing: RunProgress) -> Text:
    """Return the counts of a run that are not zero."""
    summary = standing.summary
    watched = standing.building + summary.completed + summary.spoiled + summary.late
    text = Text(no_wrap=True, overflow="ellipsis")
    if watched:
        text.append(f"{watched} accepted  ", style="dim")
    if standing.building:
        text.append(f"{standing.building} building  ", style="cyan")
    for name, style in _COUNTS:
        value = getattr(summary, name)
        if value:
            text.append(f"{value} {name.replace('_', ' ')}  ", style=style)
    return text


def pace(standing: RunProgress, due: datetime | None = None) -> Text:
    """Return how fast a run is: targets per second, how many in flight, the limits."""
    words = [f"{standing.rate:.1f}/s", f"{standing.in_flight} in flight"]
    if standing.waiting:
        words.append(f"{standing.waiting} waiting")
    if standing.allowed_rate is not None:
        words.append(f"at most {standing.allowed_rate:.3g}/s")
    if due is not None:
        words.append(f"due {due:%H:%M %Z}")
    return Text(", ".join(words), style="dim", no_wrap=True, overflow="ellipsis")


class _FleetBar(Progress):
    """A bar, and below it the counts and the pace."""

    def __init__(self, output: Output, total: int, due: datetime | None) -> None:
        self._below: tuple[Text, ...] = ()
        self._due = due
        self._remaining = Remaining(total)
        super().__init__(
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA {task.fields[eta]}"),
            console=output.progress,
        )
        self._run = self.add_task("", total=total, eta=_span(None))

    def show(self, standing: RunProgress) -> None:
        """Draw the progress of the run."""
        self._below = (counts(standing), pace(standing, self._due))
        self.update(
            self._run,
            completed=standing.summary.total,
            eta=_span(self._remaining.seconds(standing)),
            refresh=True,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn."""
        yield from super().get_renderables()
        yield from self._below


def _span(seconds: float | None) -> str:
    return "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))


async def _tick(bar: _FleetBar, standing: Callable[[], RunProgress]) -> None:
    while True:
        bar.show(standing())
        await asyncio.sleep(_TICK_SECONDS)
