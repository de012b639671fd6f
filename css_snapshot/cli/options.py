"""Arguments and options that several commands have in common."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from css_snapshot.cli.spans import span
from css_snapshot.typing import OnExists, OnSpoiled

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
    typer.Option(
        "--timeout",
        metavar="SPAN",
        parser=span,
        help="How long to wait at most, such as 4h.",
        show_default="10m",
    ),
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait until it is completed, with all shards.")
]
OnSpoiledOption = Annotated[
    OnSpoiled,
    typer.Option(
        "--on-spoiled",
        help="What a snapshot of this name means that failed or lacks shards: fail,"
        " number (take name-2 instead; nothing is deleted), or replace (delete a"
        " failed manual one).",
    ),
]
PollOption = Annotated[
    float,
    typer.Option(
        "--poll",
        metavar="SECONDS",
        help="Initial polling interval; it grows over time.",
    ),
]


class Engine(StrEnum):
    """What a cluster runs."""

    ELASTICSEARCH = "elasticsearch"
    OPENSEARCH = "opensearch"
    LOGSTASH = "logstash"


SELECTION_PANEL: Final = "Selection"
