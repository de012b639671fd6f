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

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.integrations.airflow.hook import SnapshotHook as SnapshotHook
    from css_snapshot.integrations.airflow.operators import (
        CreateSnapshotOperator as CreateSnapshotOperator,
        ListClustersOperator as ListClustersOperator,
    )
    from css_snapshot.integrations.airflow.trigger import (
        SnapshotTrigger as SnapshotTrigger,
    )
else:
    from css_snapshot.lazy import lazy_names

    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.integrations.airflow.hook": ("SnapshotHook",),
            "css_snapshot.integrations.airflow.operators": (
                "CreateSnapshotOperator",
                "ListClustersOperator",
            ),
            "css_snapshot.integrations.airflow.trigger": ("SnapshotTrigger",),
        },
    )
