"""Options of the commands that carry out a run, or look at one."""

from pathlib import Path
from typing import Annotated

import typer

from css_snapshot.typing import OnBusy

LimitOption = Annotated[
    int, typer.Option("--limit", min=1, help="Clusters in flight at most.")
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--rate",
        metavar="NUMBER",
        help="Clusters started per second at most; halves while throttled.",
        show_default="none",
    ),
]
BusyOption = Annotated[
    OnBusy,
    typer.Option(
        "--busy", help="Whether to skip a busy cluster, or wait and try again."
    ),
]
MaxFailuresOption = Annotated[
    int | None,
    typer.Option(
        "--max-failures",
        min=1,
        help="Stop after so many failures.",
        show_default="never",
    ),
]
RetryFailedOption = Annotated[
    bool,
    typer.Option(
        "--retry-failed",
        help="Try again what failed in an earlier run of the journal.",
    ),
]
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
