"""Runs that end at the truth: complete, spoiled or late, and never by trust."""

import asyncio
import sqlite3
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from css_snapshot.errors import (
    ConfigurationError,
    FanOutStoppedError,
    PartialSnapshotError,
    SnapshotFailedError,
    SnapshotNotFoundError,
)
from css_snapshot.fanout import (
    Completed,
    Created,
    FanOut,
    Indeterminate,
    Late,
    Outcome,
    Skipped,
    Spoiled,
    State,
    Target,
    read_status,
    watch,
)
from css_snapshot.fanout.journal.store import Row, Store, entry_from
from css_snapshot.models import Backup, Ensured
from css_snapshot.typing import SnapshotOperation, Until
from tests.support.clients import api_client
from tests.support.fanout_bench import (
    NAME,
    follow,
    outcomes_of,
    snapshots_of,
    targets,
)
from tests.support.site import Site, Truth
from tests.support.virtual_time import START, VirtualTime

Prepare = Callable[..., FanOut[Ensured]]


@pytest.fixture
def site(virtual_time: VirtualTime) -> Site:
    return Site([f"c{number}" for number in range(10)], virtual_time.monotonic)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


@pytest.fixture
def prepare(site: Site, virtual_time: VirtualTime) -> Prepare:
    def make(count: int = 1, **options: Any) -> FanOut[Ensured]:
        client = api_client(site, virtual_time.clock)
        return snapshots_of(client, targets(count), **{"until": "completed", **options})

    return make


def states(path: Path) -> Counter[State]:
    return Counter(entry.state for entry in read_status(path).entries())


@pytest.mark.parametrize("shows", [True, False])
async def test_a_target_ends_when_its_snapshot_is_complete(
    site: Site, prepare: Prepare, virtual_time: VirtualTime, *, shows: bool
) -> None:
    site.shows = shows
    run = prepare(10)

    outcomes = await outcomes_of(run)

    assert all(isinstance(outcome, Completed) for outcome in outcomes)
    assert all(site.is_usable(f"c{number}", NAME) for number in range(10))
    assert 60.0 <= virtual_time.elapsed <= 90.0
    assert (run.summary.completed, run.summary.created) == (10, 0)
    assert run.summary.is_success


async def test_a_site_that_shows_its_work_is_asked_once_per_tick(
    site: Site, prepare: Prepare
) -> None:
    site.clusters = [f"c{number}" for number in range(300)]
    site.seconds = dict.fromkeys(site.clusters, 600.0)

    await outcomes_of(prepare(300, limit=100))

    spent = sum(site.requests.values()) - site.requests["POST index_snapshot"]
    # Beyond a first list and a confirming one each.
    assert spent - 2 * 300 <= 0.2 * 300
    assert site.requests["POST index_snapshot"] == 300


async def test_a_list_that_was_not_read_says_nothing_about_what_the_site_shows(
    site: Site, prepare: Prepare
) -> None:
    site.clusters = [f"c{number}" for number in range(300)]
    site.seconds = dict.fromkeys(site.clusters, 600.0)

    async with prepare(300, limit=100) as run:
        await asyncio.sleep(3.0)
        site.faults = [("GET", "before 403")]
        await run.finish()

    assert site.faults == []
    assert run.summary.completed == 300
    spent = sum(site.requests.values()) - site.requests["POST index_snapshot"]
    # Beyond a first list and a confirming one each, and one in place of the site's.
    assert spent - 3 * 300 <= 0.2 * 300


async def test_one_cluster_that_is_shown_idle_does_not_speak_for_the_others(
    virtual_time: VirtualTime,
) -> None:
    class Forgetting(Site):
        def _building(self, cluster: str) -> bool:
            return cluster != "c0" and super()._building(cluster)

    clusters = [f"c{number}" for number in range(10)]
    site = Forgetting(clusters, virtual_time.monotonic)
    site.seconds = dict.fromkeys(clusters, 600.0)
    client = api_client(site, virtual_time.clock)

    await outcomes_of(snapshots_of(client, targets(10), until="completed"))

    looks_at_one = 600.0 / 20.0 + 10
    # A first and a confirming list of each, and the looks at the one alone.
    assert site.requests["GET index_snapshots"] <= 2 * 10 + looks_at_one
    assert site.requests["GET clusters"] >= 600.0 / 20.0


async def test_a_site_that_shows_nothing_is_asked_by_cluster_and_not_for_its_list(
    site: Site, prepare: Prepare
) -> None:
    site.shows = False

    await outcomes_of(prepare(10))

    assert site.requests["GET clusters"] == 1


async def test_a_list_of_clusters_that_could_not_be_read_says_nothing_of_the_site(
    site: Site, prepare: Prepare
) -> None:
    site.seconds = dict.fromkeys(site.clusters, 600.0)
    run = prepare(10)

    async with run:
        # All are accepted, and the first list of clusters is still to come.
        await asyncio.sleep(3.0)
        site.faults = [("GET", "before 502")]
        await run.finish()

    assert not site.faults
    # Each is looked at in the tick without the list, and when it has ended.
    assert site.requests["GET index_snapshots"] <= 3 * 10
    assert site.requests["GET clusters"] > 600.0 / 20.0


async def test_a_snapshot_that_is_still_building_is_never_called_complete(
    site: Site, prepare: Prepare
) -> None:
    # The site shows an idle cluster, but its list says that it builds.
    site.shows = False
    site.seconds = {"c0": 300.0}

    (outcome,) = await outcomes_of(prepare(1))

    assert isinstance(outcome, Completed)
    assert outcome.elapsed >= 300.0


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("FAILED", (SnapshotFailedError, "failed")),
        ("PART_FAILED", (PartialSnapshotError, "2 of 5 shards failed")),
        ("vanishes", (SnapshotNotFoundError, "not in the list any more")),
    ],
)
async def test_what_ends_without_its_shards_is_spoiled(
    site: Site, prepare: Prepare, path: Path, ending: Any, expected: tuple[type, str]
) -> None:
    error, text = expected
    site.endings = {"c0": [ending]}
    run = prepare(2, journal=path)

    first, second = await outcomes_of(run)

    by_cluster = {outcome.target.cluster_id: outcome for outcome in (first, second)}
    spoiled = by_cluster["c0"]
    assert isinstance(spoiled, Spoiled)
    assert type(spoiled.error) is error
    assert text in str(spoiled)
    assert isinstance(by_cluster["c1"], Completed)
    assert states(path) == {State.SPOILED: 1, State.COMPLETED: 1}
    assert not run.summary.is_success


async def test_what_is_not_complete_by_the_hour_is_late(
    site: Site, prepare: Prepare, path: Path
) -> None:
    site.endings = {"c0": ["never"]}
    run = prepare(2, journal=path, finish_by=START + timedelta(minutes=10))

    first, second = await outcomes_of(run)

    assert isinstance(first, Completed)
    assert isinstance(second, Late)
    assert second.snapshot is not None
    assert second.progress == "40%"
    assert second.elapsed == pytest.approx(600.0, abs=2.0)
    assert states(path) == {State.LATE: 1, State.COMPLETED: 1}
    assert run.summary.stopped == "finish_by has passed"
    assert not run.summary.is_success


async def test_what_completes_in_the_last_second_is_not_called_late(
    site: Site, prepare: Prepare
) -> None:
    site.seconds = {"c0": 99.0}

    (outcome,) = await outcomes_of(prepare(1, finish_by=START + timedelta(seconds=100)))

    assert isinstance(outcome, Completed)


async def test_no_target_is_started_after_the_hour(
    site: Site, virtual_time: VirtualTime
) -> None:
    site.seconds = {"c0": 1000.0}
    client = api_client(site, virtual_time.clock)
    wanted = [Target("c0", f"{NAME}-{number}") for number in range(5)]

    outcomes = await outcomes_of(
        snapshots_of(
            client,
            wanted,
            until="completed",
            finish_by=START + timedelta(minutes=15),
        )
    )

    assert [type(outcome) for outcome in outcomes] == [Late]
    assert site.posts["c0"] == 1


async def test_a_second_target_of_a_cluster_waits_until_the_first_is_complete(
    site: Site, virtual_time: VirtualTime
) -> None:
    client = api_client(site, virtual_time.clock)
    wanted = [Target("c0", f"{NAME}-{number}") for number in range(3)]

    outcomes = await outcomes_of(snapshots_of(client, wanted, until="completed"))

    assert [type(outcome) for outcome in outcomes] == [Completed] * 3
    assert all(60.0 <= outcome.elapsed < 90.0 for outcome in outcomes)
    assert site.posts["c0"] == 3


async def test_what_is_watched_holds_no_slot(site: Site, prepare: Prepare) -> None:
    site.seconds = dict.fromkeys(site.clusters, 600.0)
    run = prepare(10, limit=1)

    async with run:
        async for _ in run:
            pass

    begun = [truths[0].begun for truths in site.truths.values()]
    assert max(begun) - min(begun) < 5.0


async def test_no_more_is_begun_than_can_be_watched(
    site: Site, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_MOST_WATCHED", 3)
    run = prepare(10, limit=1)

    outcomes = await outcomes_of(run)

    begun = [truths[0].begun for truths in site.truths.values()]
    building = [sum(0.0 <= one - other < 60.0 for other in begun) for one in begun]
    assert max(building) == 3
    assert [type(outcome) for outcome in outcomes] == [Completed] * 10


async def test_what_has_ended_is_not_kept_while_others_are_looked_at(
    prepare: Prepare,
) -> None:
    rows: list[weakref.ref[Any]] = []
    alive: list[int] = []

    async with prepare(10, limit=1) as run:
        async for outcome in run:
            assert isinstance(outcome, Completed)
            rows.append(weakref.ref(outcome.snapshot))
            del outcome
            alive.append(sum(row() is not None for row in rows))

    assert max(alive) <= 1


async def test_an_adopted_complete_snapshot_needs_no_watch(
    site: Site, prepare: Prepare
) -> None:
    await outcomes_of(prepare(1))
    site.requests.clear()

    (outcome,) = await outcomes_of(prepare(1))

    assert isinstance(outcome, Completed)
    assert outcome.how == "adopted"
    assert sum(site.requests.values()) == 1


@pytest.mark.parametrize("operation", get_args(SnapshotOperation))
async def test_a_resumed_run_looks_at_what_was_accepted_and_posts_nothing(
    site: Site, prepare: Prepare, path: Path, operation: SnapshotOperation
) -> None:
    async with prepare(10, journal=path, operation=operation):
        await asyncio.sleep(3.0)
    assert states(path) == {State.ACCEPTED: 10}
    posts = site.posts.total()

    resumed = prepare(10, journal=path, operation=operation)
    outcomes = await outcomes_of(resumed)

    assert {type(outcome) for outcome in outcomes} == {Completed}
    assert site.posts.total() == posts
    assert resumed.summary.is_success


@pytest.mark.parametrize("until", get_args(Until))
async def test_an_interrupted_creation_that_was_spoiled_meanwhile_is_spoiled(
    site: Site, prepare: Prepare, path: Path, until: Until
) -> None:
    site.endings, site.faults = {"c0": ["FAILED"]}, [("POST", "after lost")]
    async with prepare(1, journal=path, until=until):
        # A look, a creation, and half of the next look.
        await asyncio.sleep(0.025)
    assert states(path) == {State.INTENT: 1}
    await asyncio.sleep(60.0)

    (outcome,) = await outcomes_of(prepare(1, journal=path, until=until))

    assert isinstance(outcome, Spoiled)
    assert states(path) == {State.SPOILED: 1}
    assert site.posts["c0"] == 1


async def test_a_spoiled_target_stays_a_failure_of_each_resumed_run(
    site: Site, prepare: Prepare, path: Path
) -> None:
    site.endings = {"c0": ["FAILED"]}
    await outcomes_of(prepare(2, journal=path))

    again = prepare(2, journal=path)
    outcomes = await outcomes_of(again)

    reasons = sorted(o.reason for o in outcomes if isinstance(o, Skipped))
    assert reasons == ["completed", "spoiled"]
    assert (again.summary.skipped, again.summary.not_retried) == (1, 1)
    assert not again.summary.is_success

    numbered = prepare(2, journal=path, retry_failed=True, on_spoiled="number")
    outcomes = await outcomes_of(numbered)

    completed = next(o for o in outcomes if isinstance(o, Completed))
    assert completed.backup.name == f"{NAME}-2"
    assert numbered.summary.is_success
    entry = next(e for e in read_status(path).entries() if e.cluster_id == "c0")
    assert entry.backup is not None
    assert entry.backup.name == f"{NAME}-2"


async def test_an_unknown_creation_that_has_ended_badly_by_the_next_run_is_spoiled(
    site: Site, prepare: Prepare, path: Path
) -> None:
    site.endings = {"c0": ["FAILED"]}
    unread = [("GET", "before 500")] * 100
    site.faults = [("GET", ""), ("POST", "after lost"), *unread]
    (unknown,) = await outcomes_of(prepare(1, journal=path))
    site.faults.clear()
    await asyncio.sleep(60.0)

    (outcome,) = await outcomes_of(prepare(1, journal=path))

    assert isinstance(unknown, Indeterminate)
    assert isinstance(outcome, Spoiled)
    assert states(path) == {State.SPOILED: 1}
    assert site.posts["c0"] == 1


async def test_a_late_target_is_looked_at_again_by_the_next_run(
    site: Site, prepare: Prepare, path: Path
) -> None:
    site.seconds = {"c0": 900.0}
    (late,) = await outcomes_of(
        prepare(1, journal=path, finish_by=START + timedelta(minutes=5))
    )

    (outcome,) = await outcomes_of(prepare(1, journal=path))

    assert isinstance(late, Late)
    assert isinstance(outcome, Completed)
    assert site.posts["c0"] == 1


async def test_a_resumed_run_of_fewer_targets_is_no_success_while_others_are_open(
    site: Site, prepare: Prepare, path: Path
) -> None:
    site.endings = {"c1": ["FAILED"]}
    await outcomes_of(prepare(2, journal=path))

    run = prepare(1, journal=path)
    await outcomes_of(run)

    assert run.summary.skipped == 1
    assert run.summary.journal_open == 1
    assert not run.summary.is_success
    assert "1 open in the journal" in str(run.summary)


async def test_lost_looks_are_no_endings(site: Site, prepare: Prepare) -> None:
    site.shows = False
    run = prepare(1)

    async with run:
        await asyncio.sleep(3.0)
        site.faults = [("GET", "before lost")] * 7 + [("GET", "before 503")] * 7
        (outcome,) = [outcome async for outcome in run]

    assert isinstance(outcome, Completed)


async def test_refused_credentials_while_watching_end_the_run(
    site: Site, prepare: Prepare, path: Path
) -> None:
    run = prepare(3, journal=path)

    async with run:
        await asyncio.sleep(3.0)
        site.faults = [("GET", "before 401")]
        with pytest.raises(FanOutStoppedError, match="credentials"):
            await run.finish()

    assert run.summary.late == 3
    assert states(path) == {State.ACCEPTED: 3}


async def test_a_journal_that_fails_ends_the_watch_at_once(
    site: Site,
    prepare: Prepare,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    virtual_time: VirtualTime,
) -> None:
    put = Store.put

    def no_endings(self: Store, row: Row) -> None:
        if entry_from(row).state is State.COMPLETED:
            raise sqlite3.OperationalError("disk I/O error")
        put(self, row)

    monkeypatch.setattr(Store, "put", no_endings)
    site.seconds = {"c0": 60.0, "c1": 7200.0, "c2": 7200.0}
    run = prepare(3, journal=path)

    with pytest.raises(FanOutStoppedError, match="the journal failed"):
        await outcomes_of(run)

    assert run.summary.late == 3
    assert virtual_time.elapsed < 600.0


async def test_what_is_accepted_after_the_credentials_were_refused_is_not_followed(
    virtual_time: VirtualTime,
) -> None:
    class Slow(Site):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            if request.method == "POST":
                await asyncio.sleep(0.5)
            return answer

    slow = Slow(["c0", "c1"], virtual_time.monotonic)

    async def one_just_before_the_first_look() -> AsyncIterator[Target]:
        yield Target("c0", NAME)
        await asyncio.sleep(5.3)
        slow.faults = [("GET", "before 401")]
        yield Target("c1", NAME)

    run = snapshots_of(
        api_client(slow, virtual_time.clock),
        one_just_before_the_first_look(),
        until="completed",
        operation="create",
    )
    outcomes: list[Outcome[Ensured]] = []

    async with run:
        with pytest.raises(FanOutStoppedError, match="credentials"):
            await follow(run, outcomes)

    assert {outcome.cluster_id for outcome in outcomes} == {"c0", "c1"}
    assert {type(outcome) for outcome in outcomes} == {Late}
    assert slow.posts == {"c0": 1, "c1": 1}
    assert virtual_time.elapsed < 10.0


async def test_a_list_that_may_not_be_read_any_more_ends_late(
    site: Site, prepare: Prepare
) -> None:
    site.shows = False
    run = prepare(1)

    async with run:
        await asyncio.sleep(3.0)
        site.faults = [("GET", "before 403")] * 50
        (outcome,) = [outcome async for outcome in run]

    assert isinstance(outcome, Late)
    assert "403" in str(outcome)


async def test_until_accepted_stays_what_it_was(site: Site, prepare: Prepare) -> None:
    (outcome,) = await outcomes_of(prepare(1, until="accepted"))

    assert isinstance(outcome, Created)
    assert site.requests["GET clusters"] == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"finish_by": datetime(2030, 1, 1)}, "time zone"),  # noqa: DTZ001  # a naive one
        ({"finish_by": START}, "in the future"),
        ({"finish_by": START - timedelta(days=1)}, "in the future"),
        ({"finish_by": "06:00"}, "time zone"),
        ({"until": "done"}, "until: must be one of accepted, completed"),
        (
            {"until": "accepted", "finish_by": START + timedelta(days=1)},
            "needs until='completed'",
        ),
        ({"on_spoiled": "delete"}, "on_spoiled"),
    ],
)
def test_an_end_that_makes_no_sense_is_refused_before_anything_is_sent(
    site: Site, prepare: Prepare, options: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text):
        prepare(1, **options)

    assert not site.requests


async def test_the_journal_of_another_end_is_refused(
    site: Site, prepare: Prepare, path: Path
) -> None:
    await outcomes_of(prepare(1, journal=path))

    with pytest.raises(ConfigurationError, match="belongs to another plan"):
        await outcomes_of(prepare(1, journal=path, until="accepted"))


def accepted_before(site: Site, clusters: int, ending: Any = "COMPLETED") -> list[Any]:
    """Start a snapshot of each cluster, and return the targets that know of them."""
    targets = []
    for number in range(clusters):
        cluster, name = f"c{number}", f"{NAME}-2"
        truth = Truth(f"id-{number}", name, site.now(), 60.0, ending)
        site.truths[cluster] = [truth]
        backup = Backup(truth.id, name)
        targets.append(Target(cluster, NAME, accepted=backup))
    return targets


@pytest.mark.parametrize(
    ("ending", "kind"),
    [("COMPLETED", Completed), ("FAILED", Spoiled), ("vanishes", Spoiled)],
)
async def test_what_a_caller_knows_as_accepted_is_followed_and_nothing_is_created(
    site: Site, virtual_time: VirtualTime, ending: Any, kind: type
) -> None:
    wanted = accepted_before(site, 3, ending)
    client = api_client(site, virtual_time.clock)

    outcomes = await outcomes_of(snapshots_of(client, wanted, until="completed"))

    assert [type(outcome) for outcome in outcomes] == [kind] * 3
    assert {outcome.id for outcome in outcomes} == {"id-0", "id-1", "id-2"}
    assert {getattr(outcome, "how", "created") for outcome in outcomes} == {"created"}
    assert not site.posts


async def test_what_a_caller_knows_as_accepted_is_skipped_if_that_is_enough(
    site: Site, virtual_time: VirtualTime
) -> None:
    client = api_client(site, virtual_time.clock)

    outcomes = await outcomes_of(snapshots_of(client, accepted_before(site, 2)))

    for outcome in outcomes:
        assert isinstance(outcome, Skipped)
        assert outcome.is_good
        assert outcome.backup is not None
    assert not site.requests


async def test_a_journal_of_another_until_is_refused_before_anything_is_sent(
    site: Site, prepare: Prepare, path: Path
) -> None:
    await outcomes_of(prepare(journal=path))
    posts, requests = site.posts.total(), site.requests.total()

    with pytest.raises(ConfigurationError, match="until=accepted"):
        await outcomes_of(prepare(journal=path, until="accepted"))

    assert (site.posts.total(), site.requests.total()) == (posts, requests)
