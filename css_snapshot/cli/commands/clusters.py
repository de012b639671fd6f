"""The command that shows the project's clusters, and how they are chosen."""

import fnmatch
from collections.abc import AsyncIterator
from typing import Annotated, Final, Literal

import attrs
import typer

from css_snapshot.api.clusters import Cluster
from css_snapshot.cli.output.output import Column
from css_snapshot.cli.output.records import cluster_record
from css_snapshot.cli.session import Session, command
from css_snapshot.service import SnapshotService

CLUSTER_COLUMNS: Final = (
    Column("NAME", "name", fold=True),
    Column("ID", "id", fold=True),
    Column("ENGINE", "engine"),
    Column("VERSION", "version"),
    Column("READINESS", "readiness", fold=True),
)


Engine = Literal["elasticsearch", "opensearch", "logstash"]


@attrs.frozen(kw_only=True)
class Selection:
    """Which clusters are meant.

    Attributes:
        engine: Only this kind.
        name: Only names that match this pattern.
        tag: Only clusters with all these tags, each a key, or key and value.
    """

    engine: Annotated[
        Engine | None, typer.Option(help="Only this kind.", show_default=False)
    ] = None
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="PATTERN",
            help="Only clusters of this name; * and ? match.",
            show_default=False,
        ),
    ] = None
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "--tag",
            metavar="KEY[=VALUE]",
            help="Only clusters with this tag; may be repeated.",
            show_default=False,
        ),
    ] = None

    def __attrs_post_init__(self) -> None:
        if any(text.startswith("=") or not text for text in self.tag or ()):
            raise typer.BadParameter("must be KEY or KEY=VALUE", param_hint="'--tag'")

    def __bool__(self) -> bool:
        return (self.engine, self.name, self.tag) != (None, None, None)

    def __contains__(self, cluster: Cluster) -> bool:
        if self.name is not None and not fnmatch.fnmatchcase(cluster.name, self.name):
            return False
        return all(_has_tag(cluster, text) for text in self.tag or ())

    async def of(self, service: SnapshotService) -> AsyncIterator[Cluster]:
        """Yield the clusters of a project that are meant."""
        async for cluster in service.clusters(engine=self.engine):
            if cluster in self:
                yield cluster


@command
async def clusters(
    session: Session,
    *,
    selection: Selection,
    ready: Annotated[
        bool,
        typer.Option("--ready", help="Only those that can be snapshotted now."),
    ] = False,
) -> None:
    """Show the project's clusters, and whether each can be snapshotted now.

    Examples:
      css-snapshot clusters
      css-snapshot clusters --engine opensearch --name 'prod-*' --tag team=search
      css-snapshot clusters --ready --json | jq -r .id

    JSON: kind (cluster), id, name, engine, version, status, ready, readiness,
    actions, tags, created.
    """
    async with session.service() as service:
        found = [
            cluster_record(cluster)
            async for cluster in selection.of(service)
            if cluster.snapshot_readiness or not ready
        ]
    session.output.rows(found, CLUSTER_COLUMNS, empty="no clusters")


def _has_tag(cluster: Cluster, text: str) -> bool:
    key, equals, value = text.partition("=")
    return key in cluster.tags and (not equals or cluster.tags[key] == value)
