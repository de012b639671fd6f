"""Snapshot names that a retry of the same task makes again."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol, runtime_checkable

from css_snapshot.typing import Indices

_LONGEST: Final = 64
_DIGEST_LENGTH: Final = 10
_OTHER: Final = re.compile(r"[^a-z0-9_]+")


@runtime_checkable
class _Run(Protocol):
    """The attributes of a run that a snapshot's name is made of."""

    dag_id: str
    run_id: str
    run_after: datetime
    logical_date: datetime | None


def repeatable_name(label: str, moment: datetime, *identity: str) -> str:
    """Return a snapshot's name that depends on nothing but the arguments.

    The name is `label-YYYYMMDDthhmm-digest`, with the label cut to fit and a digest of
    the identity, so that two names differ if their identities do.

    Args:
        label: A word that people recognise.
        moment: An aware datetime that people recognise.
        identity: Everything that tells this snapshot from any other.
    """
    whole = json.dumps(identity).encode("ascii")
    digest = base64.b32encode(hashlib.sha256(whole).digest()).decode("ascii").lower()
    tail = f"-{moment.astimezone(UTC):%Y%m%dt%H%M}-{digest[:_DIGEST_LENGTH]}"
    words = _OTHER.sub("-", label.lower()).strip("-_")
    if not words[:1].isalpha():
        words = f"s-{words}".rstrip("-")
    return words[: _LONGEST - len(tail)].rstrip("-_") + tail


def name_for(
    context: Mapping[str, object], task_id: str, cluster_id: str, indices: Indices
) -> str:
    """Return the name of a task's snapshot of a cluster.

    Args:
        context: The task's, which knows its run.
        task_id: The task.
        cluster_id: The cluster.
        indices: What is wanted of it, in any order.
    """
    run = context["dag_run"]
    if not isinstance(run, _Run):
        raise TypeError("the context has no run")
    # Not the map index: a list of clusters made anew may be in another order.
    return repeatable_name(
        run.dag_id,
        run.logical_date or run.run_after,
        *(run.dag_id, run.run_id, task_id, cluster_id),
        *_patterns(indices),
    )


def _patterns(indices: Indices) -> Sequence[str]:
    if indices is None:
        return ()
    return sorted(indices.split(",") if isinstance(indices, str) else indices)
