"""Snapshots from Airflow 3: a connection, a deferrable operator, and its trigger.

    clusters = ListClustersOperator(task_id="clusters")
    CreateSnapshotOperator.partial(task_id="snapshot", retries=2).expand(
        cluster_id=clusters.output
    )

A connection of the type `css_snapshot` holds the credentials: the access key as
login and the secret key as password, or an IAM user's name and password together with
`domain` in the extra. The extra also says where the service is: `region`, or
`endpoint`, and `project_id`; and it may hold a `security_token`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from css_snapshot.integrations.airflow.hook import SnapshotHook
    from css_snapshot.integrations.airflow.operators import (
        CreateSnapshotOperator,
        ListClustersOperator,
    )
    from css_snapshot.integrations.airflow.trigger import SnapshotTrigger

__all__ = [
    "CreateSnapshotOperator",
    "ListClustersOperator",
    "SnapshotHook",
    "SnapshotTrigger",
]

_HOMES = {
    "CreateSnapshotOperator": "operators",
    "ListClustersOperator": "operators",
    "SnapshotHook": "hook",
    "SnapshotTrigger": "trigger",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
