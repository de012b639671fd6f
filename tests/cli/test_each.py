"""The walk of a command over its clusters: one machine, told to people."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import httpx
import pytest
import typer

from css_snapshot import (
    AuthenticationError,
    ForbiddenError,
    SnapshotService,
    ThrottledError,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.each import for_each
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import CredentialsNotFoundError, CSSError, PruneError
from tests.support.virtual_time import VirtualTime

IDS: Final = [f"c{number}" for number in range(20)]
DENIED: Final = ForbiddenError("403 no", status=403)
REFUSED: Final = AuthenticationError("401 wrong key", status=401)


@pytest.fixture
def service(virtual_time: VirtualTime) -> SnapshotService:
    empty = httpx.Response(200, json={"backups": []})
    return SnapshotService(
        project_id="project",
        auth=TokenAuth("token"),
        endpoint="https://css.example.com",
        transport=httpx.MockTransport(lambda _: empty),
        clock=virtual_time.clock,
    )


def throttled() -> ThrottledError:
    return ThrottledError("429 too many", status=429)


def raising(
    *errors: Exception | None, at: Iterable[str] = IDS
) -> Callable[[str], Awaitable[str]]:
    """Return work that raises these errors one after the other, at some clusters."""
    left = list(errors)

    async def work(cluster_id: str) -> str:
        error = left.pop(0) if left and cluster_id in at else None
        if error is not None:
            raise error
        return f"done {cluster_id}"

    return work


async def test_what_was_returned_comes_in_the_order_of_the_clusters(
    service: SnapshotService,
) -> None:
    async def work(cluster_id: str) -> int:
        await asyncio.sleep(20.0 - int(cluster_id[1:]))
        return int(cluster_id[1:])

    walked = await for_each(Output(), service, IDS, work)

    assert walked.code is ExitCode.DONE
    assert list(walked.results.items()) == [
        (f"c{number}", number) for number in range(20)
    ]


async def test_the_first_goes_alone_and_then_no_more_than_the_limit(
    service: SnapshotService,
) -> None:
    under_way: list[str] = []
    most = [0]

    async def work(cluster_id: str) -> None:
        under_way.append(cluster_id)
        most.append(len(under_way))
        await asyncio.sleep(1.0)
        under_way.remove(cluster_id)

    await for_each(Output(), service, IDS, work)
    assert most[1:3] == [1, 1]
    assert max(most) == 16

    most.clear()
    await for_each(Output(), service, IDS, work, limit=3)
    assert max(most) == 3


async def test_the_others_follow_as_soon_as_the_first_has_been_let_in(
    service: SnapshotService, virtual_time: VirtualTime
) -> None:
    async def work(cluster_id: str) -> None:
        await service.list(cluster_id)
        await asyncio.sleep(3600.0)

    await for_each(Output(), service, IDS, work, limit=1000)

    assert virtual_time.elapsed == pytest.approx(3600.0, abs=1.0)


async def test_a_fleet_that_is_throttled_goes_on_more_slowly_and_says_so_once(
    service: SnapshotService,
    virtual_time: VirtualTime,
    capsys: pytest.CaptureFixture[str],
) -> None:
    errors = (throttled(), throttled())

    walked = await for_each(Output(), service, IDS, raising(*errors))

    assert (walked.code, list(walked.results)) == (ExitCode.DONE, IDS)
    assert virtual_time.elapsed > 1.0
    assert capsys.readouterr().err == "going on more slowly: 429 too many\n"


async def test_that_work_was_throttled_on_its_way_is_said_too(
    service: SnapshotService, capsys: pytest.CaptureFixture[str]
) -> None:
    error = PruneError("1 of 2 deleted", cluster_id="c0", snapshot_id="s2")
    error.__cause__ = throttled()

    walked = await for_each(Output(), service, IDS, raising(error))

    assert walked.code is ExitCode.DONE
    assert capsys.readouterr().err == "going on more slowly: 429 too many\n"


async def test_one_that_is_throttled_for_ever_fails(
    service: SnapshotService, capsys: pytest.CaptureFixture[str]
) -> None:
    work = raising(*(throttled() for _ in range(99)), at={"c3"})

    walked = await for_each(Output(), service, IDS, work)

    assert (walked.code, len(walked.results)) == (ExitCode.FAILED, 19)
    assert "error: c3: ThrottledError: 429 too many\n" in capsys.readouterr().err


async def test_a_single_one_that_is_throttled_fails_at_once(
    service: SnapshotService,
    virtual_time: VirtualTime,
    capsys: pytest.CaptureFixture[str],
) -> None:
    walked = await for_each(Output(), service, ["c0"], raising(throttled()))

    assert (walked.code, walked.results) == (ExitCode.FAILED, {})
    assert capsys.readouterr().err == "error: ThrottledError: 429 too many\n"
    assert virtual_time.elapsed == 0.0


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize(
    ("error", "expected"),
    [(DENIED, ExitCode.FAILED), (typer.Exit(3), ExitCode.INDETERMINATE)],
    ids=["failure", "exit"],
)
async def test_the_worst_exit_code_is_the_code_of_all(
    service: SnapshotService, count: int, error: Exception, expected: ExitCode
) -> None:
    walked = await for_each(Output(), service, IDS[:count], raising(error, at={"c0"}))

    assert walked.code is expected
    assert list(walked.results) == IDS[1:count]


@pytest.mark.parametrize("count", [1, 20])
async def test_a_failure_may_be_returned_alone_instead_of_told(
    service: SnapshotService, capsys: pytest.CaptureFixture[str], count: int
) -> None:
    walked = await for_each(
        Output(), service, IDS[:count], raising(DENIED, at={"c0"}), quiet=True
    )

    assert (walked.code, walked.errors) == (ExitCode.FAILED, {"c0": DENIED})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize(
    "error",
    [REFUSED, CredentialsNotFoundError("none"), BrokenPipeError(), KeyError("a bug")],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_no_failure_of_one_cluster_ends_it_all(
    service: SnapshotService,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    count: int,
) -> None:
    cancelled: list[str] = []

    async def work(cluster_id: str) -> None:
        if cluster_id == IDS[min(count, 5) - 1]:
            raise error
        await service.list(cluster_id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(cluster_id)
            raise

    with pytest.raises(type(error)) as caught:
        await for_each(Output(), service, IDS[:count], work)

    assert caught.value is error
    assert capsys.readouterr().err == ""
    assert bool(cancelled) == (count > 1)
    assert len(asyncio.all_tasks()) == 1


async def test_credentials_refused_behind_another_error_end_it_all(
    service: SnapshotService, capsys: pytest.CaptureFixture[str]
) -> None:
    behind = CSSError("not done")
    behind.__cause__ = REFUSED

    with pytest.raises(CSSError) as caught:
        await for_each(Output(), service, IDS, raising(behind))

    assert caught.value is behind
    assert capsys.readouterr().err == ""


async def test_a_failure_that_came_before_the_end_of_it_all_is_told(
    service: SnapshotService, capsys: pytest.CaptureFixture[str]
) -> None:
    behind = CSSError("not done")
    behind.__cause__ = REFUSED

    at_once = asyncio.Event()

    async def work(cluster_id: str) -> None:
        await service.list(cluster_id)
        number = int(cluster_id[1:])
        await asyncio.sleep(number)
        if number == 3:
            at_once.set()
        if number in {1, 2}:
            await at_once.wait()
            raise DENIED if number == 1 else behind

    with pytest.raises(CSSError) as caught:
        await for_each(Output(), service, IDS, work)

    assert caught.value is behind
    assert capsys.readouterr().err == "error: c1: ForbiddenError: 403 no\n"


async def test_refused_credentials_are_tried_once(service: SnapshotService) -> None:
    called: list[str] = []

    async def work(cluster_id: str) -> None:
        called.append(cluster_id)
        await asyncio.sleep(1.0)
        raise REFUSED

    with pytest.raises(AuthenticationError):
        await for_each(Output(), service, IDS, work)

    assert called == ["c0"]


async def test_cancelling_it_cancels_what_is_under_way(
    service: SnapshotService,
) -> None:
    cancelled: list[str] = []

    async def work(cluster_id: str) -> None:
        await service.list(cluster_id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(cluster_id)
            raise

    walk = asyncio.create_task(for_each(Output(), service, IDS[:3], work))
    await asyncio.sleep(1.0)
    walk.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walk

    assert sorted(cancelled) == ["c0", "c1", "c2"]
    assert len(asyncio.all_tasks()) == 1
