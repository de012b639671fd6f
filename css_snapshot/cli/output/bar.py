"""The moving lines that show the progress of a run."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

from rich.console import RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
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
    output: Output, total: int, standing: Callable[[], RunProgress]
) -> AsyncIterator[None]:
    """Show a run's progress while the block is open, if somebody watches a terminal.

    Args:
        output: Where to.
        total: How many targets there are.
        standing: Returns the progress of the run.
    """
    if not output.is_live:
        yield
        return
    with _FleetBar(output, total) as bar:
        ticker = asyncio.create_task(_tick(bar, standing))
        try:
            yield
        finally:
            ticker.cancel()
            bar.show(standing())


def counts(standing: RunProgress) -> Text:
    """Return the counts of a run that are not zero."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, style in _COUNTS:
        value = getattr(standing.summary, name)
        if value:
            text.append(f"{value} {name.replace('_', ' ')}  ", style=style)
    return text


def pace(standing: RunProgress) -> Text:
    """Return how fast a run is: targets per second, how many in flight, the limit."""
    words = [f"{standing.rate:.1f}/s", f"{standing.in_flight} in flight"]
    if standing.waiting:
        words.append(f"{standing.waiting} waiting")
    if standing.allowed_rate is not None:
        words.append(f"at most {standing.allowed_rate:.3g}/s")
    return Text(", ".join(words), style="dim", no_wrap=True, overflow="ellipsis")


class _FleetBar(Progress):
    """A bar, and below it the counts and the pace."""

    def __init__(self, output: Output, total: int) -> None:
        self._below: tuple[Text, ...] = ()
        super().__init__(
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=output.progress,
        )
        self._run = self.add_task("", total=total)

    def show(self, standing: RunProgress) -> None:
        """Draw the progress of the run."""
        self._below = (counts(standing), pace(standing))
        self.update(self._run, completed=standing.summary.total, refresh=True)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return what is drawn."""
        yield from super().get_renderables()
        yield from self._below


async def _tick(bar: _FleetBar, standing: Callable[[], RunProgress]) -> None:
    while True:
        bar.show(standing())
        await asyncio.sleep(_TICK_SECONDS)
