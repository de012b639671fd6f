"""Ids found by name: of clusters, and of the snapshots of one."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import attrs

from css_snapshot.errors import ConfigurationError
from css_snapshot.models import Snapshot
from css_snapshot.service import SnapshotService

LATEST: Final = "latest"

_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def is_id(text: str) -> bool:
    """Return whether a text has the form of the service's ids, so is no name."""
    return _UUID.fullmatch(text) is not None


@attrs.define
class ClusterLookup:
    """Finds clusters by name; the project's list is read once, and only if needed.

    Attributes:
        service: Is asked for the list.
    """

    service: SnapshotService
    _ids: set[str] | None = None
    _by_name: dict[str, list[str]] = attrs.field(factory=dict)

    async def id_of(self, text: str) -> str:
        """Return the id of a cluster.

        Args:
            text: Its id or its name.

        Raises:
            ConfigurationError: If no cluster, or more than one, has this name.
            CSSError: As `SnapshotService.clusters` raises it.
        """
        found = await self.find(text)
        if found is None:
            raise ConfigurationError(
                f"cluster: none has the id or the name {text};"
                " css-snapshot clusters shows them"
            )
        return found

    async def find(self, text: str) -> str | None:
        """Return the id of a cluster, `None` if the project's list does not show it.

        Args:
            text: Its id or its name.

        Raises:
            ConfigurationError: If more than one cluster has this name.
            CSSError: As `SnapshotService.clusters` raises it.
        """
        if is_id(text):
            return text
        if self._ids is None:
            await self._read()
        if text in (self._ids or ()):
            return text
        return _only("cluster", text, self._by_name.get(text, ()))

    async def _read(self) -> None:
        self._ids = set()
        async for cluster in self.service.clusters():
            self._ids.add(cluster.id)
            self._by_name.setdefault(cluster.name, []).append(cluster.id)


async def snapshot_id(
    service: SnapshotService, cluster_id: str, text: str, *, usable: bool = False
) -> str:
    """Return the id of a snapshot.

    Args:
        service: Is asked for the cluster's list, if the text is no id.
        cluster_id: The cluster.
        text: The snapshot's id or name, or `latest` for the newest one.
        usable: Whether the newest usable one is meant by `latest`.

    Raises:
        ConfigurationError: If no snapshot, or more than one, is meant.
        CSSError: As `SnapshotService.list` raises it.
    """
    if is_id(text):
        return text
    snapshots = await service.list(cluster_id)
    by_id = [snapshot.id for snapshot in snapshots if snapshot.id == text]
    named = [snapshot.id for snapshot in snapshots if snapshot.name == text]
    found = _only("snapshot", text, by_id or named)
    if found is None and text == LATEST:
        found = _newest(one for one in snapshots if one.is_usable or not usable)
    if found is None:
        none = f"none of the id or the name {text}"
        if text == LATEST:
            none = "no usable snapshots" if usable else "no snapshots"
        raise ConfigurationError(f"snapshot: cluster {cluster_id} has {none}")
    return found


def _only(kind: str, name: str, ids: Iterable[str]) -> str | None:
    found = list(dict.fromkeys(ids))
    if len(found) > 1:
        raise ConfigurationError(
            f"{kind}: {name} is the name of several; take one of their ids:"
            f" {', '.join(found)}"
        )
    return found[0] if found else None


def _newest(snapshots: Iterable[Snapshot]) -> str | None:
    newest = max(snapshots, key=_begun, default=None)
    return None if newest is None else newest.id


def _begun(snapshot: Snapshot) -> datetime:
    return snapshot.start_time or snapshot.created or _NEVER
