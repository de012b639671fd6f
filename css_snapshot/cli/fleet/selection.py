"""Which clusters a command is for: named ones, all that match, or those of a file."""

import fnmatch
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.rules import check_id
from css_snapshot.cli.fleet.lookup import ClusterLookup
from css_snapshot.cli.interrupts import interruptible
from css_snapshot.cli.options import SELECTION_PANEL, Engine
from css_snapshot.errors import ConfigurationError, CSSError
from css_snapshot.service import SnapshotService

_STANDARD_INPUT: Final = Path("-")


class NoClusterError(CSSError):
    """No cluster of the project is meant."""


@attrs.frozen(kw_only=True)
class ClusterFilter:
    """Which of the project's clusters are meant.

    Attributes:
        name: Only names that match this pattern.
        tag: Only clusters with all these tags, each a key, or key and value.
        engine: Only these kinds.
    """

    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="GLOB",
            rich_help_panel=SELECTION_PANEL,
            help="Only clusters whose name matches, such as 'prod-*'.",
            show_default=False,
        ),
    ] = None
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="KEY[=VALUE]",
            rich_help_panel=SELECTION_PANEL,
            help="Only clusters with this tag; may be repeated.",
            show_default=False,
        ),
    ] = None
    engine: Annotated[
        list[Engine] | None,
        typer.Option(
            "--engine",
            rich_help_panel=SELECTION_PANEL,
            help="Only clusters of this kind; may be repeated.",
            show_default=False,
        ),
    ] = None

    def __attrs_post_init__(self) -> None:
        if any(text.startswith("=") or not text for text in self.tag or ()):
            raise typer.BadParameter("must be KEY or KEY=VALUE", param_hint="'--tag'")

    @property
    def narrows(self) -> bool:
        """Whether it leaves out any cluster at all."""
        return self.name is not None or bool(self.tag) or bool(self.engine)

    @property
    def _in_words(self) -> str:
        words = [] if self.name is None else [f" --name {self.name}"]
        words += [f" --tag {text}" for text in self.tag or ()]
        words += [f" --engine {engine}" for engine in self.engine or ()]
        return "".join(words) or " --all-clusters"

    def matches(self, cluster: Cluster) -> bool:
        """Return whether a cluster is meant."""
        if self.name is not None and not fnmatch.fnmatchcase(cluster.name, self.name):
            return False
        if self.engine and cluster.engine not in self.engine:
            return False
        return all(_has_tag(cluster, text) for text in self.tag or ())

    async def matched(self, service: SnapshotService) -> list[Cluster]:
        """Return the clusters of a project that are meant.

        Raises:
            NoClusterError: If there are none.
        """
        found = [cluster async for cluster in self.matching(service)]
        if not found:
            raise NoClusterError(f"no cluster of the project matches{self._in_words}")
        return found

    async def matching(self, service: SnapshotService) -> AsyncIterator[Cluster]:
        """Iterate over the clusters of a project that are meant."""
        engines = self.engine or []
        engine = engines[0] if len(engines) == 1 else None
        async for cluster in service.clusters(engine=engine):
            if self.matches(cluster):
                yield cluster


@attrs.frozen(kw_only=True)
class Selection(ClusterFilter):
    """Which clusters a command is for.

    Attributes:
        clusters: Their ids or names.
        all_clusters: All that the filter leaves.
        source: A file that lists them.
    """

    clusters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLUSTER]...",
            help="Ids or names of clusters; - reads them from the standard input.",
            show_default=False,
        ),
    ] = None
    all_clusters: Annotated[
        bool,
        typer.Option(
            "--all-clusters",
            rich_help_panel=SELECTION_PANEL,
            help="All clusters of the project.",
        ),
    ] = False
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            rich_help_panel=SELECTION_PANEL,
            help="The clusters that a file lists, one a line; - for the standard"
            " input.",
            show_default=False,
        ),
    ] = None

    @property
    def listed_in(self) -> Path | None:
        """The file that lists the clusters, if one does."""
        if self.clusters == ["-"]:
            return _STANDARD_INPUT
        return self.source

    @property
    def named(self) -> list[str]:
        """The ids and names given as arguments."""
        return [] if self.clusters in (None, ["-"]) else list(self.clusters or ())

    def check(self) -> None:
        """Check that it is clear which clusters are meant.

        Raises:
            ConfigurationError: If none, or more than one way to name them is taken,
                or a filter is given without all clusters.
            RequestValidationError: If an argument is neither an id nor a name.
        """
        if self.narrows and not self.all_clusters:
            raise ConfigurationError("--engine, --name, --tag: need --all-clusters")
        ways = (bool(self.named), self.all_clusters, self.listed_in is not None)
        if ways.count(True) != 1:
            raise ConfigurationError(
                "CLUSTER: name clusters, or give --all-clusters or --from FILE"
            )
        for text in self.named:
            if Path(text).is_file():
                raise ConfigurationError(f"CLUSTER: to read the file, --from {text}")
            check_id("cluster_id", text)

    async def ids(self, service: SnapshotService) -> list[str]:
        """Return the ids of the clusters that are meant, each once.

        Raises:
            NoClusterError: If no cluster of the project is meant.
            ConfigurationError: If the file lists none or can't be read, or a name is
                unknown or ambiguous.
            RequestValidationError: If a line of the file breaks a rule.
        """
        if self.all_clusters:
            return [cluster.id for cluster in await self.matched(service)]
        lookup = ClusterLookup(service)
        found = [await lookup.id_of(text) for text in self._references()]
        if not found:
            raise ConfigurationError("CLUSTER: there are none")
        return list(dict.fromkeys(found))

    def _references(self) -> list[str]:
        if self.listed_in is None:
            return self.named
        # Here, as it brings what a run needs.
        from css_snapshot.cli.fleet.target_lines import (  # noqa: PLC0415  # see above
            clusters_in,
        )

        with interruptible():
            return clusters_in(self.listed_in)


def _has_tag(cluster: Cluster, text: str) -> bool:
    key, equals, value = text.partition("=")
    return key in cluster.tags and (not equals or cluster.tags[key] == value)
