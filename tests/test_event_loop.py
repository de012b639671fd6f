"""What a service says where asyncio does not run, as under trio."""

from collections.abc import Callable, Coroutine
from typing import Final

import httpx
import pytest

from css_snapshot import ConfigurationError, SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.fanout import Target
from tests.support.service_double import ServiceDouble

Call = Callable[[SnapshotService], Coroutine[object, object, object]]


async def _clusters(service: SnapshotService) -> None:
    async for _ in service.clusters():
        pass


async def _fan_out(service: SnapshotService) -> None:
    async with service.fan_out([Target("c1", "nightly")]):
        pass


CALLS: Final[dict[str, Call]] = {
    "create": lambda service: service.create("c1", "nightly"),
    "ensure": lambda service: service.ensure("c1", "nightly"),
    "list": lambda service: service.list("c1"),
    "wait": lambda service: service.wait("c1", "s1"),
    "delete": lambda service: service.delete("c1", "s1"),
    "prune": lambda service: service.prune("c1", keep=1),
    "clusters": _clusters,
    "fan_out": _fan_out,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_without_asyncio_says_what_is_missing(call: str) -> None:
    service = SnapshotService(
        project_id="p",
        endpoint="https://css.example",
        auth=TokenAuth("t"),
        transport=ServiceDouble(httpx.Response(500)),
    )
    # Trio steps coroutines in the same way.
    coroutine = CALLS[call](service)

    with pytest.raises(ConfigurationError, match="no asyncio event loop is running"):
        coroutine.send(None)
