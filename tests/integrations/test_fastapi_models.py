"""FastAPI routes that return models, outcomes, events and errors."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI

from css_snapshot import (
    CSSError,
    DrillReport,
    Retention,
    SnapshotPolicy,
    SnapshotService,
    to_dict,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorState, EmulatorTransport
from css_snapshot.fanout import Target
from tests.support.clock import HurriedClock

MakeService = Callable[..., SnapshotService]

POLICY: Final = SnapshotPolicy(
    enabled=True, prefix="auto", keep=3, period="00:00 GMT+08:00"
)
SHOWN: Final = {
    *("Backup", "Ensured", "Snapshot", "Cluster", "Coverage", "RetentionPlan"),
    *("SnapshotPolicy", "PolicyDrift", "Restored", "DrillReport", "Target"),
    *("Completed", "Done", "Failed", "Summary", "RunProgress", "ForbiddenError"),
    *("WorkflowStarted", "WorkflowFinished", "OperationStarted", "OperationFinished"),
    *("AttemptStarted", "AttemptAnswered"),
}


async def good(_report: DrillReport) -> None:
    """Find the restored indices good."""


async def everything(service: SnapshotService, state: EmulatorState) -> list[object]:
    """Return one at least of each thing that a service answers."""
    first, second, third = state.cluster_ids
    target = Target(first, "more")
    found: list[object] = [target, await service.create(first, "nightly")]
    found.append(await service.ensure(second, "nightly"))
    (snapshot,) = await service.list(first)
    found += [snapshot, await service.cluster(first)]
    retention = Retention(last=1)
    found.append(await service.prune(first, retention=retention, dry_run=True))
    found += [one async for one in service.coverage(max_age=3600.0)]
    found += [await service.get_policy(first), await service.plan_policy(first, POLICY)]
    found.append(
        await service.ensure_restored(first, snapshot.id, target_cluster_id=second)
    )
    found.append(await service.drill(first, into=third, verify=good, poll=0.01))
    soon = datetime.now(UTC) + timedelta(minutes=1)
    async with service.fan_out([target], until="completed", finish_by=soon) as run:
        found += [outcome async for outcome in run]
    found += [run.summary, run.progress]
    async with service.each(lambda cluster: service.get(cluster.id, "none")) as each:
        found += [outcome async for outcome in each]
    async with service.each(lambda cluster: service.get_policy(cluster.id)) as each:
        found += [outcome async for outcome in each]
    with pytest.raises(CSSError) as caught:
        await service.list("lost")
    return [*found, caught.value]


async def test_a_route_may_return_whatever_a_service_does(
    make_service: MakeService,
) -> None:
    state = EmulatorState(clusters=3, build_seconds=0.0, restore_seconds=0.0)
    events: list[object] = []
    service = make_service(
        EmulatorTransport(state),
        project_id=state.project_id,
        auth=TokenAuth(state.token),
        on_event=events.append,
        clock=HurriedClock(),
    )
    things = [*await everything(service, state), *events]
    app = FastAPI()

    # FastAPI reads the annotation, and checks what is returned by it.
    @app.get("/{number}")
    async def show(number: int) -> dict[str, object]:
        return {**to_dict(things[number])}

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answers: list[Any] = [
            (await client.get(f"/{number}")).raise_for_status().json()
            for number in range(len(things))
        ]

    assert answers == [to_dict(thing) for thing in things]
    assert {type(thing).__name__ for thing in things} == SHOWN
