from collections.abc import AsyncIterator

import httpx
import pytest

from css_snapshot.transport.slots import Lease


class Body(httpx.AsyncByteStream):
    def __init__(self, problem: Exception | None = None) -> None:
        self.problem = problem

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"hello"

    async def aclose(self) -> None:
        if self.problem is not None:
            raise self.problem


def _lease(body: Body) -> tuple[Lease, list[bool]]:
    told: list[bool] = []

    async def release(intact: bool) -> None:
        told.append(intact)

    return Lease(httpx.Response(200, stream=body), release), told


async def test_a_body_that_closes_in_good_order_is_told_as_intact_once() -> None:
    lease, told = _lease(Body())

    assert [piece async for piece in lease] == [b"hello"]
    assert told == []
    await lease.aclose()
    await lease.aclose()

    assert told == [True]


async def test_a_body_that_does_not_close_in_good_order_is_not() -> None:
    lease, told = _lease(Body(OSError("broken")))

    with pytest.raises(OSError, match="broken"):
        await lease.aclose()

    assert told == [False]
