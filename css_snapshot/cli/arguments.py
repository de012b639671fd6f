"""Arguments and options that several commands have in common."""

from typing import Annotated

import typer

from css_snapshot.typing import OnExists

ClusterId = Annotated[str, typer.Argument(help="Id of the cluster.")]
SnapshotId = Annotated[str, typer.Argument(help="Id of the snapshot.")]
SnapshotName = Annotated[
    str,
    typer.Argument(
        help="4 to 64 characters: a lower-case letter, then lower-case letters,"
        " digits, - or _. Unique in the cluster.",
    ),
]
Indices = Annotated[
    str | None,
    typer.Option(
        help="Names or patterns joined by commas, such as logs-*,orders.",
        show_default="all",
    ),
]
Description = Annotated[
    str | None,
    typer.Option(
        help="At most 256 characters.",
        show_default=False,
    ),
]
OnExistsOption = Annotated[
    OnExists,
    typer.Option(
        help="What a snapshot of this name means that was there before: adopt it if"
        " it has the same indices, or fail.",
    ),
]
Settle = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        help="How long a new snapshot may take to show in the list.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]
