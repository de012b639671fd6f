"""The options of the commands that snapshot a fleet."""

from pathlib import Path
from typing import Annotated

import attrs
import typer

from css_snapshot.cli.arguments import Description, Indices, OnExistsOption, Settle
from css_snapshot.cli.commands.clusters import Selection
from css_snapshot.cli.fleet.target_lines import Defaults, name_at
from css_snapshot.cli.fleet.target_list import RunOptions
from css_snapshot.cli.settings import Settings
from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout import OnBusy


@attrs.frozen(kw_only=True)
class Choice:
    """Which clusters a run is for: a list, all of them, or only a look at a journal.

    Attributes:
        all_clusters: All clusters that are ready.
        selection: Of these, only some.
        status: Only show what a journal says.
    """

    all_clusters: Annotated[
        bool, typer.Option("--all-clusters", help="All clusters that are ready.")
    ] = False
    selection: Selection
    status: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Only show what a journal says.",
            show_default=False,
        ),
    ] = None

    def check(self, targets: Path | None) -> None:
        """Check that it is clear which clusters are meant.

        Args:
            targets: The list, if one is given.

        Raises:
            ConfigurationError: It is not.
        """
        given = (targets is not None, self.all_clusters, self.status is not None)
        if given.count(True) != 1:
            raise ConfigurationError(
                "TARGETS: give a file (or -), or --all-clusters, or --status FILE"
            )
        if self.selection and not self.all_clusters:
            raise ConfigurationError("--engine, --name, --tag: need --all-clusters")


@attrs.frozen(kw_only=True)
class Wanted:
    """What is wanted of a target that does not say so itself.

    Attributes:
        snapshot: The snapshot's name; the date and time may be filled in.
        indices: Names or patterns joined by commas; `None` for all.
        description: The snapshot's description.
    """

    snapshot: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the snapshots, where a target has none; {date} and {time}"
            " (UTC) are filled in.",
            show_default=False,
        ),
    ] = None
    indices: Indices = None
    description: Description = None

    def defaults(self) -> Defaults:
        """Answer it for the targets, the date and time filled in."""
        return Defaults(
            name=None if self.snapshot is None else name_at(self.snapshot),
            indices=self.indices,
            description=self.description,
        )


@attrs.frozen(kw_only=True)
class Pace:
    """How fast and how stubbornly a run goes on.

    Attributes:
        limit: Clusters in flight at most.
        rate: Clusters started per second at most; `None` for no limit.
        busy: What to do about clusters that are occupied.
        max_failures: Stop after so many failures; `None` for never.
        retry_failed: Whether what failed in an earlier run is tried again.
    """

    limit: Annotated[int, typer.Option(min=1, help="Clusters in flight at most.")] = 16
    rate: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Clusters started per second at most; halves while throttled.",
            show_default="none",
        ),
    ] = None
    busy: Annotated[
        OnBusy, typer.Option(help="What to do about clusters that are occupied.")
    ] = "skip"
    max_failures: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many failures.", show_default="never"),
    ] = None
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try again what failed in an earlier run of the journal.",
        ),
    ] = False


@attrs.frozen(kw_only=True)
class Certainty:
    """What makes a snapshot count as the one wanted.

    Attributes:
        on_exists: What a snapshot of its name from before means.
        settle: Seconds a new snapshot may take to show in the list.
    """

    on_exists: OnExistsOption = "adopt"
    settle: Settle = 15.0

    def with_place(self, settings: Settings) -> RunOptions:
        """Answer all that a journal's plan is made of, besides the targets.

        Args:
            settings: Say where the service is.

        Raises:
            ConfigurationError: Nothing says where.
        """
        return RunOptions(
            endpoint=settings.address,
            project_id=settings.project,
            on_exists=self.on_exists,
            settle=self.settle,
        )
