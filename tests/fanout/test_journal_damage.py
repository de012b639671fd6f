"""Journals that are taken away, damaged or closed, and what a resumed run tries."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from css_snapshot import Clock
from css_snapshot.errors import FanOutStoppedError, JournalEntryError, JournalError
from css_snapshot.fanout import Failed, State, Target, fan_out, read_status
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.journal.store import Plan
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.models import Backup
from tests.support.fanout_bench import (
    NAME,
    Cloud,
    Gated,
    internal,
    outcomes_of,
    snapshots_of,
    targets,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


async def answer(target: Target) -> Backup:
    return Backup(f"id-of-{target.cluster_id}", target.name)


async def fail(target: Target) -> Backup:
    raise internal()


def unlink(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def replace(path: Path) -> None:
    copied = path.with_name("copied.db")
    copied.write_bytes(path.read_bytes())
    copied.replace(path)


def link(path: Path) -> None:
    path.with_name("linked.db").hardlink_to(path)


@pytest.mark.parametrize("meddle", [unlink, move, replace, link])
async def test_a_journal_that_somebody_takes_away_stops_the_run(
    path: Path, meddle: Callable[[Path], None]
) -> None:
    operation = Gated()
    async with fan_out(operation, targets(9), limit=1, journal=path, plan="p") as run:
        await operation.under_way(1)
        meddle(path)
        operation.open()
        with pytest.raises(FanOutStoppedError) as caught:
            await run.finish()

    assert caught.group_contains(JournalError, match="deleted, moved or linked")
    assert operation.started == ["c0"]


@pytest.mark.parametrize("column", ["state", "since", "updated"])
async def test_a_damaged_entry_is_the_fault_of_its_target_alone(
    path: Path, column: str
) -> None:
    await outcomes_of(fan_out(fail, targets(5), journal=path, plan="p"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            f"UPDATE targets SET {column} = 'x' WHERE cluster_id = 'c2'"  # noqa: S608  # ours
        )
        connection.commit()

    run = fan_out(answer, targets(5), journal=path, plan="p", reconcile=answer)
    outcomes = await outcomes_of(run)

    assert (run.summary.failed, run.summary.created) == (1, 4)
    (failed,) = (outcome for outcome in outcomes if isinstance(outcome, Failed))
    assert failed.target.cluster_id == "c2"
    assert isinstance(failed.error, JournalEntryError)
    with pytest.raises(JournalEntryError, match=r"damaged|no known state"):
        list(read_status(path).entries())


async def test_what_failed_before_anything_was_sent_is_tried_again_by_itself(
    path: Path,
) -> None:
    cloud = Cloud()
    for number in range(2):
        cloud.list_faults[f"c{number}"] = [_reset] * 3
    cloud.refuse("c2", 403, "CSS.0015")
    first = snapshots_of(cloud.client(), targets(10), journal=path)
    await outcomes_of(first)
    assert (first.summary.failed, first.summary.created) == (3, 7)

    again = snapshots_of(cloud.client(), targets(10), journal=path)
    await outcomes_of(again)

    assert (again.summary.created, again.summary.skipped) == (2, 7)
    assert again.summary.not_retried == 1
    assert not again.summary.is_success
    assert all(cloud.snapshots[f"c{number}"] == [NAME] for number in range(2))


def _reset() -> httpx.Response:
    raise httpx.ReadError("connection reset")


async def test_no_thread_is_left_of_a_journal_that_was_closed(path: Path) -> None:
    await outcomes_of(fan_out(answer, targets(3), journal=path, plan="p"))

    for thread in threading.enumerate():
        if thread.name.startswith("css-snapshot-journal"):
            await asyncio.to_thread(thread.join, 10)
            assert not thread.is_alive()


async def test_a_journal_that_closes_answers_nobody_any_more(path: Path) -> None:
    target = Target("c0", NAME)
    journal = Journal(path, Clock(), Stopping(RunOptions()))
    await journal.open(Plan("p"))
    journal.close()

    with pytest.raises(JournalError, match="is closed"):
        await journal.recall(Job(target), target.request())
    await journal.closed()


async def test_the_status_tells_each_night_by_its_name(path: Path) -> None:
    wanted = [Target("c0", "monday"), Target("c1", "monday"), Target("c0", "tuesday")]
    await outcomes_of(fan_out(answer, wanted, journal=path, plan="p"))

    nights = dict(read_status(path).by_name())

    assert {name: counts[State.ACCEPTED] for name, counts in nights.items()} == {
        "monday": 2,
        "tuesday": 1,
    }
