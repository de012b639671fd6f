"""Arguments and options that several commands have in common."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from css_snapshot.fanout.options import OnBusy
from css_snapshot.workflows.ensure import OnExists

ClusterArgument = Annotated[
    str, typer.Argument(metavar="CLUSTER", help="Id or name of the cluster.")
]
SnapshotArgument = Annotated[
    str,
    typer.Argument(
        metavar="SNAPSHOT",
        help="Id or name of the snapshot, or 'latest' for the newest one.",
    ),
]
NewName = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="4 to 64 characters: a lower-case letter, then lower-case letters,"
        " digits, - or _. Unique in the cluster.",
    ),
]
IndicesOption = Annotated[
    str | None,
    typer.Option(
        "--indices",
        help="Names or patterns joined by commas, such as logs-*,orders.",
        show_default="all",
    ),
]
DescriptionOption = Annotated[
    str | None,
    typer.Option("--description", help="At most 256 characters.", show_default=False),
]
OnExistsOption = Annotated[
    OnExists,
    typer.Option(
        "--on-exists",
        help="What a snapshot of this name that was there before means: adopt it if"
        " it has the same indices, or fail.",
    ),
]
SettleOption = Annotated[
    float,
    typer.Option(
        "--settle",
        metavar="SECONDS",
        min=0,
        help="How long a new snapshot may take to show in the list.",
    ),
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
]
WaitForOption = Annotated[
    float,
    typer.Option("--for", metavar="SECONDS", help="How long to wait at most."),
]
PollOption = Annotated[
    float,
    typer.Option(
        "--poll",
        metavar="SECONDS",
        help="Initial polling interval; it grows over time.",
    ),
]

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


class Engine(StrEnum):
    """What a cluster runs."""

    ELASTICSEARCH = "elasticsearch"
    OPENSEARCH = "opensearch"
    LOGSTASH = "logstash"


SELECTION_PANEL: Final = "Selection"
