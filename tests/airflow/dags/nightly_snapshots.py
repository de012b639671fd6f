"""Every night, a snapshot of every cluster that can be snapshotted."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from css_snapshot.integrations.airflow import (
    CreateSnapshotOperator,
    ListClustersOperator,
)

with DAG(
    "nightly_snapshots",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
) as dag:
    clusters = ListClustersOperator(task_id="clusters")
    CreateSnapshotOperator.partial(
        task_id="snapshot",
        retries=2,
        retry_delay=timedelta(minutes=5),
        max_active_tis_per_dagrun=16,
    ).expand(cluster_id=clusters.output)
