"""Snapshots of a long list, which hold once what most of them have in common."""

import operator
from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from css_snapshot.models import Snapshot

# Not what differs from row to row: to look for its like would take memory for nothing.
_COMMON: Final = (
    *("status", "cluster_id", "cluster_name", "description", "backup_type"),
    *("backup_method", "restore_status", "bucket", "version", "datastore"),
    *("frequency", "period"),
)
_common: Final = operator.attrgetter(*_COMMON)


def with_shared_values(snapshots: Iterable[Snapshot]) -> Iterator[Snapshot]:
    """Iterate over snapshots which share equal values, and the names of their indices.

    Args:
        snapshots: The snapshots, each with values of its own.
    """
    names: dict[str, str] = {}
    lists: dict[tuple[str, ...], tuple[str, ...]] = {}
    # One for each field, as a status is equal to a text, and must not become one.
    known: list[dict[object, object]] = [{} for _ in _COMMON]
    for snapshot in snapshots:
        indices = tuple(map(names.setdefault, snapshot.indices, snapshot.indices))
        values = _common(snapshot)
        shared: dict[str, Any] = dict(
            zip(_COMMON, map(dict.setdefault, known, values, values), strict=True)
        )
        shared["indices"] = lists.setdefault(indices, indices)
        yield attrs.evolve(snapshot, **shared)
