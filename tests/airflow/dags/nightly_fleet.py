"""Every night: all clusters in one task, then are they covered, then what may go."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, chain

from css_snapshot import Retention
from css_snapshot.integrations.airflow import (
    CheckCoverageOperator,
    CreateSnapshotsOperator,
    PruneSnapshotsOperator,
)

with DAG(
    "nightly_fleet",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # Two at once would find each other's clusters busy.
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
) as dag:
    chain(
        CreateSnapshotsOperator(task_id="snapshots", timeout=4 * 3600.0),
        CheckCoverageOperator(task_id="check", max_age=26 * 3600.0),
        PruneSnapshotsOperator(
            task_id="prune",
            retention=Retention(daily=7, weekly=4, monthly=12),
            prefix="nightly_fleet-",
        ),
    )
