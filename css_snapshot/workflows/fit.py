"""Whether a snapshot of the right name stands for the one asked for.

The service resolves names: an alias or a data stream that was asked for shows as the
indices behind it, and a pattern as those that matched. So a list can prove that a
snapshot is another one, and often can't prove that it is the same.
"""

import fnmatch
import re
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import attrs

from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.models import Snapshot, SnapshotStatus

Misfit: TypeAlias = Literal["spoiled", "another"]

_ALL: Final = frozenset({("*",), ("_all",)})
_SPOILED: Final = frozenset({SnapshotStatus.FAILED, SnapshotStatus.PART_FAILED})
# https://www.elastic.co/guide/en/elasticsearch/reference/7.10/data-streams.html
_BACKING_INDEX: Final = re.compile(r"\.ds-(.+?)-(?:\d{4}\.\d{2}\.\d{2}-)?\d{6,}")


@attrs.frozen
class Fit:
    """How a snapshot compares with the one asked for.

    Attributes:
        snapshot: The snapshot.
        misfit: `"spoiled"` if it ended without all its shards, `"another"` if it is
            provably not the one asked for; `None` if it stands for it.
        why: The misfit in words.
        doubt: What could not be compared, in words; empty if everything was.
    """

    snapshot: Snapshot
    misfit: Misfit | None = None
    why: str = ""
    doubt: str = ""


def compare(snapshot: Snapshot, cluster_id: str, request: CreateSnapshotRequest) -> Fit:
    """Compare a snapshot of the right name with the one asked for.

    Args:
        snapshot: A row of the cluster's list.
        cluster_id: The cluster it is to be of.
        request: What was asked for.
    """
    if snapshot.cluster_id not in {None, "", cluster_id}:
        why = f"belongs to cluster {snapshot.cluster_id}"
        return Fit(snapshot, "another", why)
    if not snapshot.id:
        return Fit(snapshot, "another", "has no id")
    if snapshot.status in _SPOILED or (snapshot.is_finished and not snapshot.is_usable):
        return Fit(snapshot, "spoiled", f"ended {snapshot.status}")
    if not (snapshot.status == SnapshotStatus.BUILDING or snapshot.is_usable):
        return Fit(snapshot, "another", f"is {snapshot.status}")
    return _compare_indices(snapshot, request.indices)


def _compare_indices(snapshot: Snapshot, asked: tuple[str, ...] | None) -> Fit:
    if asked is None or asked in _ALL:
        return Fit(snapshot)
    shown = tuple(index.strip() for index in snapshot.indices)
    unexplained = [index for index in shown if not explains(asked, index)]
    unmatched = [name for name in asked if _is_plain(name) and name not in shown]
    if unexplained and not unmatched:
        why = f"contains {','.join(unexplained)}, which was not asked for"
        return Fit(snapshot, "another", why)
    if not shown:
        return Fit(snapshot, doubt="the list does not show its indices")
    if unmatched:
        names = ",".join(unmatched)
        doubt = f"{names} is not shown: an alias, a data stream, or missing"
        return Fit(snapshot, doubt=doubt)
    return Fit(snapshot)


def explains(asked: Sequence[str], index: str) -> bool:
    """Check whether the names and patterns asked for lead to an index.

    As in Elasticsearch, `-name` takes out again what an earlier pattern matched.

    Args:
        asked: The names and patterns.
        index: The index's name.
    """
    names = {index}
    stream = _BACKING_INDEX.fullmatch(index)
    if stream is not None:
        names.add(stream[1])
    explained = False
    for item in asked:
        pattern = "*" if item == "_all" else item.removeprefix("-")
        if any(fnmatch.fnmatchcase(name, _literal(pattern)) for name in names):
            explained = not item.startswith("-")
    return explained


def _literal(pattern: str) -> str:
    """Return a pattern in which only `*` has a meaning."""
    return pattern.replace("[", "[[]").replace("?", "[?]")


def _is_plain(item: str) -> bool:
    return "*" not in item and item != "_all" and not item.startswith("-")
