"""Snapshots from Airflow 3: a connection, deferrable operators, and their triggers.

One task for all clusters:

    CreateSnapshotsOperator(task_id="snapshots", retries=2)

Or a task for each:

    clusters = ListClustersOperator(task_id="clusters")
    CreateSnapshotOperator.partial(task_id="snapshot", retries=2).expand(
        cluster_id=clusters.output
    )

And for the day after:

    PruneSnapshotsOperator(task_id="prune", retention=Retention(daily=7, weekly=4))
    CheckCoverageOperator(task_id="check", max_age=26 * 3600)

And every month, to see that one can be restored:

    RestoreDrillOperator(
        task_id="drill", cluster_id="…", into="…", verify=check, cleanup=drop
    )

A connection of the type `css_snapshot` holds the credentials: the access key as
login and the secret key as password, or an IAM user's name and password together with
`domain` in the extra. The extra also says where the service is: `region`, or
`endpoint`, and `project_id`; and it may hold a `security_token`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.integrations.airflow.drill_operator import (
        RestoreDrillOperator as RestoreDrillOperator,
    )
    from css_snapshot.integrations.airflow.fleet_operator import (
        ListClustersOperator as ListClustersOperator,
    )
    from css_snapshot.integrations.airflow.hook import SnapshotHook as SnapshotHook
    from css_snapshot.integrations.airflow.operators import (
        CreateSnapshotOperator as CreateSnapshotOperator,
    )
    from css_snapshot.integrations.airflow.snapshots_operator import (
        CreateSnapshotsOperator as CreateSnapshotsOperator,
    )
    from css_snapshot.integrations.airflow.trigger import (
        SnapshotsTrigger as SnapshotsTrigger,
        SnapshotTrigger as SnapshotTrigger,
    )
    from css_snapshot.integrations.airflow.upkeep_operators import (
        CheckCoverageOperator as CheckCoverageOperator,
        PruneSnapshotsOperator as PruneSnapshotsOperator,
    )
else:
    from css_snapshot.lazy import lazy_names

    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.integrations.airflow.drill_operator": (
                "RestoreDrillOperator",
            ),
            "css_snapshot.integrations.airflow.fleet_operator": (
                "ListClustersOperator",
            ),
            "css_snapshot.integrations.airflow.hook": ("SnapshotHook",),
            "css_snapshot.integrations.airflow.operators": ("CreateSnapshotOperator",),
            "css_snapshot.integrations.airflow.snapshots_operator": (
                "CreateSnapshotsOperator",
            ),
            "css_snapshot.integrations.airflow.trigger": (
                "SnapshotTrigger",
                "SnapshotsTrigger",
            ),
            "css_snapshot.integrations.airflow.upkeep_operators": (
                "CheckCoverageOperator",
                "PruneSnapshotsOperator",
            ),
        },
    )
