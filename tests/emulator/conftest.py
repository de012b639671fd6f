"""An emulated cloud whose clock the test moves, and a client of it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from css_snapshot.emulator import EmulatorState, EmulatorTransport
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import started


@pytest.fixture
def clock() -> ManualClock:
    return started()


@pytest.fixture
def state(clock: ManualClock) -> EmulatorState:
    return EmulatorState(clock=clock.timestamp)


@pytest.fixture
def cluster_id(state: EmulatorState) -> str:
    return state.cluster_ids[0]


@pytest.fixture
def cluster_path(state: EmulatorState, cluster_id: str) -> str:
    return f"/v1.0/{state.project_id}/clusters/{cluster_id}"


@pytest.fixture
async def client(state: EmulatorState) -> AsyncIterator[httpx.AsyncClient]:
    """A client with every token there is."""
    async with httpx.AsyncClient(
        transport=EmulatorTransport(state),
        base_url="http://emulator.invalid",
        headers={"X-Auth-Token": state.token, "X-Emulator-Token": state.admin_token},
    ) as client:
        yield client


@pytest.fixture
async def anyone(state: EmulatorState) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with httpx.AsyncClient(
        transport=EmulatorTransport(state), base_url="http://iam.invalid"
    ) as client:
        yield client
