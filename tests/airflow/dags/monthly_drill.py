"""Every month: the last good snapshot, restored into a test cluster and checked."""

# Airflow is not installed where the types are checked.
# pyright: reportMissingImports=false

from datetime import UTC, datetime

import httpx
from airflow.sdk import DAG

from css_snapshot import DrillReport
from css_snapshot.integrations.airflow import RestoreDrillOperator

TEST_CLUSTER = "https://192.168.0.10:9200"


async def check(report: DrillReport) -> None:
    async with httpx.AsyncClient(base_url=TEST_CLUSTER) as search:
        for index in report.expected_indices:
            answer = await search.get(f"/{index}/_count")
            if not answer.raise_for_status().json()["count"]:
                raise ValueError(f"{index} has no documents")


async def drop(report: DrillReport) -> None:
    async with httpx.AsyncClient(base_url=TEST_CLUSTER) as search:
        for index in report.expected_indices:
            answer = await search.delete(f"/{index}")
            if answer.status_code != httpx.codes.NOT_FOUND:
                answer.raise_for_status()


with DAG(
    "monthly_drill",
    schedule="0 8 1 * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
) as dag:
    RestoreDrillOperator(
        task_id="drill",
        cluster_id="{{ var.value.production_cluster }}",
        into="{{ var.value.test_cluster }}",
        verify=check,
        cleanup=drop,
    )
