"""Options of the commands that carry out a run, or look at one."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.cli.spans import next_at, span, time_of_day
from css_snapshot.typing import OnBusy

_WAIT_PANEL: Final = "Waiting"


@attrs.frozen(kw_only=True)
class PaceOptions:
    """How a run goes about its targets, with the names of `SnapshotService.fan_out`.

    Attributes:
        limit: Clusters in flight at most.
        rate: Clusters started per second at most.
        busy: What an occupied cluster means.
        max_failures: As many failures end the run.
        retry_failed: Whether what failed in an earlier run is tried again.
    """

    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Clusters in flight at most.")
    ] = 16
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate",
            metavar="NUMBER",
            help="Clusters started per second at most; halves while throttled.",
            show_default="none",
        ),
    ] = None
    busy: Annotated[
        OnBusy,
        typer.Option(
            "--busy", help="Whether to skip a busy cluster, or wait and try again."
        ),
    ] = "skip"
    max_failures: Annotated[
        int | None,
        typer.Option(
            "--max-failures",
            min=1,
            help="Stop after so many failures.",
            show_default="never",
        ),
    ] = None
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try again what was refused or spoiled in an earlier run of the"
            " journal.",
        ),
    ] = False


@attrs.frozen(kw_only=True)
class WaitOptions:
    """Whether a run waits for its snapshots, and how long.

    Attributes:
        wait: Whether it waits.
        by: The time of day by which they are due; waits.
        patience: Seconds after which they are due; waits.
    """

    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            rich_help_panel=_WAIT_PANEL,
            help="Wait until the snapshots are completed, with all their shards.",
        ),
    ] = False
    by: Annotated[
        time | None,
        typer.Option(
            "--by",
            metavar="HH:MM",
            parser=time_of_day,
            rich_help_panel=_WAIT_PANEL,
            help="Wait, at most until this time of day comes where this machine is."
            " What still builds then is late.",
            show_default=False,
        ),
    ] = None
    patience: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="SPAN",
            parser=span,
            rich_help_panel=_WAIT_PANEL,
            help="Wait, at most so long, such as 4h.",
            show_default=False,
        ),
    ] = None

    def __attrs_post_init__(self) -> None:
        if self.by is not None and self.patience is not None:
            raise typer.BadParameter("can't go with --timeout", param_hint="'--by'")

    @property
    def waits(self) -> bool:
        """Whether the run waits until its snapshots are completed."""
        return self.wait or self.by is not None or self.patience is not None

    def finish_by(self, now: datetime) -> datetime | None:
        """Return when the snapshots are due, `None` for whenever they are done.

        Args:
            now: The time, aware and in this machine's zone.
        """
        if self.by is not None:
            return next_at(self.by, now)
        if self.patience is not None:
            return now + timedelta(seconds=self.patience)
        return None


JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        dir_okay=False,
        help="Lets the run be resumed, after a crash as well.",
        show_default=False,
    ),
]
JournalArgument = Annotated[
    Path,
    typer.Argument(
        metavar="JOURNAL", help="The journal of a fan-out.", exists=True, dir_okay=False
    ),
]
