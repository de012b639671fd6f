"""A run in the background: its readers, its end, and its failures."""

import asyncio
import logging

import pytest

from css_snapshot import (
    AuthenticationError,
    Backup,
    ConfigurationError,
    ForbiddenError,
    to_dict,
)
from css_snapshot.fanout import FanOut, Target, fan_out
from css_snapshot.integrations.feed import OutcomeFeed
from tests.support.clients import api_client
from tests.support.fanout_bench import settled, snapshots_of, targets
from tests.support.server_sent_events import SentEvent, sent_events
from tests.support.site import Site
from tests.support.virtual_time import VirtualTime

TARGETS = [Target(f"cluster-{number}", "nightly") for number in range(4)]


class Operation:
    """Creates at once, but for one cluster, which waits to be let go or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.reached = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self, target: Target) -> Backup:
        if target.cluster_id == "cluster-3":
            self.reached.set()
            await self.released.wait()
            if self.error is not None:
                raise self.error
        return Backup(f"id-of-{target.cluster_id}", target.name)


def refused(kind: type[AuthenticationError | ForbiddenError]) -> Exception:
    return kind("refused", status=401)


async def clusters_of(feed: OutcomeFeed[Backup], start: int = 0) -> list[str]:
    return [outcome.target.cluster_id async for outcome in feed.follow(start)]


async def test_readers_early_and_late_get_the_same_outcomes() -> None:
    operation = Operation()

    async with OutcomeFeed(fan_out(operation, TARGETS)) as feed:
        await operation.reached.wait()
        early = asyncio.create_task(clusters_of(feed))
        await asyncio.sleep(0)
        ended_too_soon = feed.ended
        operation.released.set()
        whole = await early
        late = await clusters_of(feed)
        rest = await clusters_of(feed, start=3)

    assert sorted(whole) == [f"cluster-{number}" for number in range(4)]
    assert late == whole
    assert rest == whole[3:]
    assert not ended_too_soon
    assert feed.ended
    assert feed.error is None
    assert feed.summary.created == 4


async def test_a_reader_who_is_slower_than_the_run_misses_nothing() -> None:
    operation = Operation()
    seen: list[str] = []

    async with OutcomeFeed(fan_out(operation, TARGETS)) as feed:
        async for outcome in feed.follow():
            seen.append(outcome.target.cluster_id)
            operation.released.set()
            assert len(await clusters_of(feed)) == 4

    assert len(seen) == 4


async def test_leaving_the_block_cancels_what_is_in_flight() -> None:
    operation = Operation()

    async with OutcomeFeed(fan_out(operation, TARGETS)) as feed:
        await operation.reached.wait()
        reader = asyncio.create_task(clusters_of(feed))
        await asyncio.sleep(0)

    assert "cluster-3" not in await reader
    assert feed.ended
    assert feed.error is None


async def test_why_a_run_could_not_go_on_is_kept_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    operation = Operation(refused(AuthenticationError))
    operation.released.set()

    async with OutcomeFeed(fan_out(operation, TARGETS)) as feed:
        seen = await clusters_of(feed)

    assert len(seen) == 4
    assert isinstance(feed.error, ExceptionGroup)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_run_that_can_not_be_entered_says_so_at_once() -> None:
    run: FanOut[Backup] = fan_out(Operation(), [])
    async with run:
        pass
    feed = OutcomeFeed(run)

    with pytest.raises(ValueError, match="entered once"):
        await feed.__aenter__()

    assert feed.ended


async def test_giving_up_while_the_run_is_being_entered_leaves_nothing_behind() -> None:
    feed = OutcomeFeed(fan_out(Operation(), TARGETS))
    entering = asyncio.create_task(feed.__aenter__())
    await asyncio.sleep(0)

    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering

    assert len(asyncio.all_tasks()) == 1


async def test_a_feed_that_was_never_entered_can_be_left() -> None:
    feed = OutcomeFeed(fan_out(Operation(), TARGETS))

    await feed.__aexit__(None, None, None)

    assert not feed.ended


async def events_of(
    feed: OutcomeFeed[Backup], last_event_id: str | None = None
) -> list[SentEvent]:
    return [
        event
        async for event in sent_events(feed.server_sent_events(last_event_id))
        if event.kind != "progress"
    ]


async def test_outcomes_are_events_and_the_end_is_one() -> None:
    operation = Operation()
    operation.released.set()

    async with OutcomeFeed(fan_out(operation, TARGETS), feed_id="f") as feed:
        events = await events_of(feed)
        clusters = await clusters_of(feed)

    assert [event.id for event in events] == [
        "f:1",
        "f:2",
        "f:3",
        "f:4",
        "f:5",
    ]
    assert [event.kind for event in events] == ["outcome"] * 4 + ["end"]
    assert [event.data["cluster_id"] for event in events[:4]] == clusters
    summary = events[-1].data["summary"]
    assert isinstance(summary, dict)
    assert summary["created"] == 4
    assert events[-1].data["error"] is None


@pytest.mark.parametrize(
    ("last_event_id", "first"),
    [
        (None, 1),
        ("", 1),
        ("f:0", 1),
        ("f:3", 4),
        ("f:4", 5),
        ("f:5", 5),
        ("f:999999999", 5),
        ("g:3", 1),
        ("3", 1),
        ("f:-1", 1),
        ("f:٣", 1),
        ("f:3 ", 1),
        ("f:" + "9" * 5000, 1),
        ("x:f:3", 1),
    ],
)
async def test_a_reader_goes_on_behind_the_last_event_it_saw(
    last_event_id: str | None, first: int
) -> None:
    operation = Operation()
    operation.released.set()

    async with OutcomeFeed(fan_out(operation, TARGETS), feed_id="f") as feed:
        await events_of(feed)
        events = await events_of(feed, last_event_id)

    assert [event.id for event in events] == [
        f"f:{number}" for number in range(first, 6)
    ]


async def test_a_reader_that_saw_the_end_is_told_from_one_that_did_not() -> None:
    operation = Operation()

    async with OutcomeFeed(fan_out(operation, TARGETS), feed_id="f") as feed:
        await operation.reached.wait()
        too_soon = feed.was_followed_to_its_end("f:5")
        operation.released.set()
        await events_of(feed)
        answers = {
            last: feed.was_followed_to_its_end(last)
            for last in ("f:5", "f:4", "g:5", "", None)
        }

    assert not too_soon
    assert answers == {"f:5": True, "f:4": False, "g:5": False, "": False, None: False}


async def test_the_progress_is_told_at_once_and_now_and_then(
    virtual_time: VirtualTime,
) -> None:
    operation = Operation()
    sent: list[tuple[float, str]] = []

    run = fan_out(operation, TARGETS, clock=virtual_time.clock)
    async with OutcomeFeed(run) as feed:
        await settled()
        async for event in sent_events(feed.server_sent_events(heartbeat=10.0)):
            sent.append((virtual_time.elapsed, event.kind))
            if event.kind == "progress":
                assert not event.id
                assert event.data == to_dict(feed.progress)
                assert event.data["in_flight"] == 1
            if len(sent) == 6:
                operation.released.set()

    assert sent == [
        *[(0.0, "outcome")] * 3,
        *[(0.0, "progress"), (10.0, "progress"), (20.0, "progress")],
        *[(20.0, "outcome"), (20.0, "end")],
    ]


async def test_the_progress_is_told_however_much_else_there_is(
    virtual_time: VirtualTime,
) -> None:
    async def take_a_second(target: Target) -> Backup:
        await asyncio.sleep(1.0)
        return Backup("id", target.name)

    async with OutcomeFeed(fan_out(take_a_second, targets(25), limit=1)) as feed:
        told = [
            virtual_time.elapsed
            async for event in sent_events(feed.server_sent_events(heartbeat=9.5))
            if event.kind == "progress"
        ]

    assert told == [0.0, 9.5, 19.0]


async def test_a_run_until_completed_tells_what_builds_and_how_it_ended(
    virtual_time: VirtualTime,
) -> None:
    site = Site(["c0", "c1"], virtual_time.monotonic)
    site.endings = {"c1": ["FAILED"]}
    run = snapshots_of(
        api_client(site, virtual_time.clock), targets(2), until="completed"
    )

    async with OutcomeFeed(run) as feed:
        events = [
            event async for event in sent_events(feed.server_sent_events(heartbeat=9.5))
        ]

    building = {event.data["building"] for event in events if event.kind == "progress"}
    outcomes = {
        event.data["cluster_id"]: event.data
        for event in events
        if event.kind == "outcome"
    }
    assert building >= {2}
    assert outcomes["c0"]["outcome"] == "completed"
    assert outcomes["c1"]["outcome"] == "spoiled"
    snapshot = outcomes["c1"]["snapshot"]
    assert isinstance(snapshot, dict)
    assert snapshot["status"] == "FAILED"
    summary = events[-1].data["summary"]
    assert isinstance(summary, dict)
    assert (summary["completed"], summary["spoiled"]) == (1, 1)
    assert summary["is_success"] is False


@pytest.mark.parametrize("heartbeat", [0.0, -1.0, float("nan")])
def test_a_heartbeat_takes_time(heartbeat: float) -> None:
    feed = OutcomeFeed(fan_out(Operation(), TARGETS))

    with pytest.raises(ConfigurationError, match="heartbeat"):
        feed.server_sent_events(heartbeat=heartbeat)


async def test_the_end_names_the_error_that_stopped_the_run_and_quotes_nothing() -> (
    None
):
    operation = Operation(refused(AuthenticationError))
    operation.released.set()

    async with OutcomeFeed(fan_out(operation, TARGETS)) as feed:
        events = await events_of(feed)

    assert events[-1].data["error"] == type(feed.error).__name__


def test_feeds_have_ids_of_their_own() -> None:
    first, second = (OutcomeFeed(fan_out(Operation(), TARGETS)) for _ in range(2))

    assert first._id != second._id
