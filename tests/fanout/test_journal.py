"""The journal: what it knows after a run, and what the next run makes of it."""

import asyncio
import os
import pickle
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from css_snapshot import (
    Clock,
    ConfigurationError,
    ForbiddenError,
    IndeterminateCreateError,
    NotReadyReason,
    SnapshotReadiness,
)
from css_snapshot.errors import (
    ConnectFailedError,
    FanOutStoppedError,
    JournalBusyError,
)
from css_snapshot.fanout import (
    Busy,
    Created,
    Entry,
    Failed,
    Indeterminate,
    JournalError,
    Outcome,
    Skipped,
    State,
    Target,
    fan_out,
    read_status,
)
from css_snapshot.fanout.fan_out import prepare
from css_snapshot.fanout.job import Job
from css_snapshot.fanout.journal.journal import Journal
from css_snapshot.fanout.journal.store import Plan, Row, Store, entry_from
from css_snapshot.fanout.options import RunOptions
from css_snapshot.fanout.stopping import Stopping
from css_snapshot.models import Backup
from tests.support.fanout_bench import (
    NAME,
    Gated,
    busy,
    follow,
    internal,
    outcomes_of,
    settled,
    targets,
    throttled,
    unauthorized,
)
from tests.support.virtual_time import START, VirtualTime


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


async def answer(target: Target) -> Backup:
    return Backup(f"id-of-{target.cluster_id}", target.name)


async def never(target: Target) -> Backup:
    raise AssertionError(f"{target} was sent")


def failing(error: Exception) -> Callable[[Target], Awaitable[Backup]]:
    async def fail(target: Target) -> Backup:
        raise error

    return fail


def entries(path: Path) -> dict[str, Entry]:
    return {entry.cluster_id: entry for entry in read_status(path).entries()}


async def test_what_is_done_is_skipped_without_a_call(path: Path) -> None:
    await outcomes_of(fan_out(answer, targets(20), journal=path, plan="p"))

    run = fan_out(never, targets(20), journal=path, plan="p")
    outcomes = await outcomes_of(run)

    assert run.summary.skipped == 20
    first = outcomes[0]
    assert isinstance(first, Skipped)
    assert first.reason == "accepted"
    assert first.backup == Backup(f"id-of-{first.target.cluster_id}", NAME)
    assert str(first).startswith(
        f"skipped {first.target}: accepted in an earlier run id-"
    )


async def test_the_intent_is_on_disk_before_the_operation_is_called(
    path: Path, virtual_time: VirtualTime
) -> None:
    seen: list[Entry] = []

    async def look(target: Target) -> None:
        seen.extend(read_status(path).entries())

    await outcomes_of(fan_out(look, targets(1), journal=path, clock=virtual_time.clock))

    (entry,) = seen
    assert (entry.cluster_id, entry.name) == ("c0", NAME)
    assert entry.state is State.INTENT
    assert entry.since == START


async def test_an_outcome_is_on_disk_before_it_is_handed_out(path: Path) -> None:
    async with fan_out(answer, targets(10), limit=1, journal=path) as run:
        async for outcome in run:
            entry = entries(path)[outcome.target.cluster_id]
            assert entry.state is State.ACCEPTED
            assert (entry.how, entry.backup_id) == (
                "created",
                f"id-of-{outcome.target.cluster_id}",
            )


async def test_what_failed_is_skipped_unless_asked_for(path: Path) -> None:
    error = ForbiddenError("403 not yours", status=403)
    await outcomes_of(fan_out(failing(error), targets(1), journal=path, plan="p"))

    (skipped,) = await outcomes_of(fan_out(never, targets(1), journal=path, plan="p"))
    (created,) = await outcomes_of(
        fan_out(answer, targets(1), journal=path, plan="p", retry_failed=True)
    )

    assert isinstance(skipped, Skipped)
    assert (skipped.reason, skipped.error) == ("failed", "403 not yours")
    assert "403 not yours" in str(skipped)
    assert isinstance(created, Created)
    assert entries(path)["c0"].state is State.ACCEPTED


async def test_what_never_left_is_tried_again_by_itself(path: Path) -> None:
    error = ConnectFailedError("refused", kind="refused")
    (failed,) = await outcomes_of(
        fan_out(failing(error), targets(1), journal=path, plan="p")
    )

    (created,) = await outcomes_of(fan_out(answer, targets(1), journal=path, plan="p"))

    assert isinstance(failed, Failed)
    assert isinstance(created, Created)


async def test_refused_credentials_are_not_the_targets_fault(path: Path) -> None:
    run = fan_out(failing(unauthorized()), targets(1), journal=path, plan="p")
    async with run:
        assert isinstance(await anext(run), Failed)
        assert entries(path) == {}
        with pytest.raises(ExceptionGroup):
            await anext(run)

    run = fan_out(answer, targets(1), journal=path, plan="p")
    assert isinstance((await outcomes_of(run))[0], Created)


LOGSTASH: Final = NotReadyReason("engine", "logstash clusters have no snapshots")
RESIZING: Final = NotReadyReason("busy", "it is being resized", passes=True)


def unready(reason: NotReadyReason, **changes: Any) -> Target:
    return Target("c0", NAME, readiness=SnapshotReadiness((reason,)), **changes)


@pytest.mark.parametrize(
    ("operation", "target", "state", "why"),
    [
        (failing(busy()), Target("c0", NAME), State.BUSY, "another operation"),
        (answer, unready(RESIZING), State.BUSY, "it is being resized"),
        (answer, unready(LOGSTASH), State.NOT_READY, "logstash clusters"),
    ],
    ids=["found busy", "listed busy", "not ready"],
)
async def test_why_a_cluster_was_not_ready_is_kept_and_it_is_tried_again(
    path: Path,
    operation: Callable[[Target], Awaitable[Any]],
    target: Target,
    state: State,
    why: str,
) -> None:
    run = fan_out(operation, [target], journal=path, plan="p")
    (outcome,) = await outcomes_of(run)
    assert outcome.outcome == state.value
    entry = entries(path)["c0"]
    assert (entry.state, entry.backup) == (state, None)
    assert why in str(entry.error)
    assert run.summary.journal_open == 1

    # With other values too, as nothing was created of the former ones.
    wanted = Target("c0", NAME, description="again")
    run = fan_out(answer, [wanted], journal=path, plan="p")
    assert isinstance((await outcomes_of(run))[0], Created)
    assert entries(path)["c0"].state is State.ACCEPTED
    assert run.summary.journal_open == 0


async def test_a_reason_is_replaced_by_a_newer_one_and_replaces_no_failure(
    path: Path,
) -> None:
    for reason in (RESIZING, LOGSTASH):
        await outcomes_of(fan_out(answer, [unready(reason)], journal=path, plan="p"))
    assert entries(path)["c0"].error == "logstash clusters have no snapshots"

    await outcomes_of(
        fan_out(failing(ValueError("no")), targets(1), journal=path, plan="p")
    )
    run = fan_out(
        answer, [unready(RESIZING)], journal=path, plan="p", retry_failed=True
    )
    assert isinstance((await outcomes_of(run))[0], Busy)
    assert (entries(path)["c0"].state, entries(path)["c0"].error) == (
        State.FAILED,
        "no",
    )


async def plan_p() -> Plan:
    return Plan("p")


async def test_a_failed_entry_stays_when_its_retry_meets_a_refused_key(
    path: Path,
) -> None:
    await outcomes_of(
        fan_out(failing(ValueError("no")), targets(1), journal=path, plan="p")
    )

    async def refused_before_sending(target: Target, _: object) -> Backup:
        raise unauthorized()

    with pytest.raises(ExceptionGroup):
        await outcomes_of(
            prepare(
                refused_before_sending,
                targets(1),
                options=RunOptions(retry_failed=True, journal=path),
                plan=plan_p,
                clock=Clock(),
            )
        )
    assert entries(path)["c0"].state is State.FAILED


async def test_an_interrupted_target_is_reconciled_and_not_repeated(
    path: Path,
) -> None:
    operation = Gated()
    async with fan_out(operation, targets(3), journal=path, plan="p"):
        await operation.under_way(3)
    assert {entry.state for entry in entries(path).values()} == {State.INTENT}

    reconciled: list[str] = []

    async def reconcile(target: Target) -> Backup:
        reconciled.append(target.cluster_id)
        return await answer(target)

    run = fan_out(never, targets(3), journal=path, plan="p", reconcile=reconcile)
    outcomes = await outcomes_of(run)

    assert sorted(reconciled) == ["c0", "c1", "c2"]
    assert {type(outcome) for outcome in outcomes} == {Created}
    assert {entry.state for entry in entries(path).values()} == {State.ACCEPTED}


async def test_without_a_way_to_reconcile_it_stays_indeterminate(path: Path) -> None:
    run = fan_out(failing(internal()), targets(1), journal=path, plan="p")
    (first,) = await outcomes_of(run)
    since = entries(path)["c0"].since

    (second,) = await outcomes_of(fan_out(never, targets(1), journal=path, plan="p"))

    assert isinstance(first, Indeterminate)
    assert isinstance(second, Indeterminate)
    assert isinstance(second.error, IndeterminateCreateError)
    assert second.error.since == since
    assert (second.attempts, second.error.attempts) == (0, 0)
    entry = entries(path)["c0"]
    assert (entry.state, entry.since) == (State.INDETERMINATE, since)


async def test_a_reconciliation_that_fails_leaves_it_indeterminate(path: Path) -> None:
    await outcomes_of(fan_out(failing(internal()), targets(1), journal=path, plan="p"))

    async def reconcile(target: Target) -> Backup:
        raise ForbiddenError("403 on the list", status=403)

    run = fan_out(never, targets(1), journal=path, plan="p", reconcile=reconcile)
    (outcome,) = await outcomes_of(run)

    assert isinstance(outcome, Indeterminate)
    entry = entries(path)["c0"]
    assert (entry.state, entry.error) == (State.INDETERMINATE, "403 on the list")


async def test_a_throttled_reconciliation_is_repeated(
    path: Path, virtual_time: VirtualTime
) -> None:
    await outcomes_of(fan_out(failing(internal()), targets(1), journal=path, plan="p"))
    refusals = [throttled(retry_after=5.0), throttled(retry_after=5.0)]

    async def reconcile(target: Target) -> Backup:
        if refusals:
            raise refusals.pop()
        return await answer(target)

    run = fan_out(
        never,
        targets(1),
        journal=path,
        plan="p",
        reconcile=reconcile,
        clock=virtual_time.clock,
    )
    assert isinstance((await outcomes_of(run))[0], Created)
    assert virtual_time.elapsed >= 10.0


async def test_a_rejected_creation_is_sent_again_without_reconciling(
    path: Path, virtual_time: VirtualTime
) -> None:
    refusals = [throttled(retry_after=5.0)]

    async def once_throttled(target: Target) -> Backup:
        if refusals:
            raise refusals.pop()
        return await answer(target)

    run = fan_out(
        once_throttled,
        targets(1),
        journal=path,
        reconcile=never,
        clock=virtual_time.clock,
    )
    assert isinstance((await outcomes_of(run))[0], Created)
    entry = entries(path)["c0"]
    assert entry.since == START + timedelta(seconds=5)
    assert entry.attempts == 2


async def test_another_plan_is_refused_with_both_plans_named(path: Path) -> None:
    await outcomes_of(
        fan_out(answer, targets(1), journal=path, plan="ensure cn-north-4")
    )

    with pytest.raises(ConfigurationError) as caught:
        await outcomes_of(fan_out(never, targets(1), journal=path, plan="ensure ru-1"))

    assert "ensure cn-north-4" in str(caught.value)
    assert "ensure ru-1" in str(caught.value)
    assert read_status(path).plan == "ensure cn-north-4"


async def test_the_functions_own_name_is_the_plan_by_default(path: Path) -> None:
    class Callable_:  # noqa: N801  # it stands for any callable object
        async def __call__(self, target: Target) -> Backup:
            return await answer(target)

    await outcomes_of(fan_out(answer, targets(1), journal=path))
    assert read_status(path).plan.endswith("test_journal.answer")
    with pytest.raises(ConfigurationError, match="Callable_"):
        await outcomes_of(fan_out(Callable_(), targets(1), journal=path))


@pytest.mark.parametrize(
    "other",
    [
        Target("c0", NAME, indices=["logs"]),
        Target("c0", NAME, description="of another kind"),
    ],
)
async def test_the_same_name_with_other_values_is_refused(
    path: Path, other: Target
) -> None:
    await outcomes_of(fan_out(answer, targets(1), journal=path, plan="p"))

    (outcome,) = await outcomes_of(fan_out(never, [other], journal=path, plan="p"))

    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ConfigurationError)
    assert entries(path)["c0"].state is State.ACCEPTED


async def test_the_order_and_spelling_of_indices_do_not_matter(path: Path) -> None:
    one = Target("c0", NAME, indices="a,b")
    same = Target("c0", NAME, indices=["b", "a"])
    await outcomes_of(fan_out(answer, [one], journal=path, plan="p"))

    (outcome,) = await outcomes_of(fan_out(never, [same], journal=path, plan="p"))

    assert isinstance(outcome, Skipped)


async def test_a_target_that_comes_twice_is_skipped_the_second_time(
    path: Path,
) -> None:
    run = fan_out(answer, [*targets(3), *targets(3)], journal=path)

    await outcomes_of(run)

    assert (run.summary.created, run.summary.skipped) == (3, 3)


async def test_other_targets_may_join_a_plan_later(path: Path) -> None:
    await outcomes_of(fan_out(answer, targets(3), journal=path, plan="p"))
    run = fan_out(answer, targets(5), journal=path, plan="p")

    await outcomes_of(run)

    assert (run.summary.created, run.summary.skipped) == (2, 3)
    assert read_status(path).counts[State.ACCEPTED] == 5


async def test_a_bad_target_is_not_taken_down(path: Path) -> None:
    run = fan_out(never, [Target("c0", "\ud800")], journal=path)

    assert isinstance((await outcomes_of(run))[0], Failed)
    assert entries(path) == {}


async def test_texts_that_sqlite_would_refuse_are_made_storable(path: Path) -> None:
    async def strange(target: Target) -> Backup:
        if target.cluster_id == "c0":
            return Backup("\ud800", target.name)
        raise ValueError("\udcff" * 1000)

    run = fan_out(strange, targets(2), journal=path)
    await outcomes_of(run)

    assert entries(path)["c0"].backup_id == "?"
    assert entries(path)["c1"].error == "?" * 500


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """Count the groups that a journal carries out, by whether they write."""
    counted: Counter[bool] = Counter()
    session = Store.session

    def counting(self: Store, *, writes: bool) -> object:
        counted[writes] += 1
        return session(self, writes=writes)

    monkeypatch.setattr(Store, "session", counting)
    return counted


async def test_commits_are_shared_by_what_is_in_flight(
    path: Path, sessions: Counter[bool]
) -> None:
    await outcomes_of(fan_out(answer, targets(400), limit=100, journal=path))

    assert sessions.total() < 100


async def test_a_read_shares_the_commit_of_what_is_written_beside_it(
    path: Path, sessions: Counter[bool]
) -> None:
    journal = Journal(path, Clock(), Stopping(RunOptions()))
    await journal.open(Plan("p"))
    read, written = map(Job, targets(2))

    await asyncio.gather(
        journal.recall(read, read.target.request()), journal.intend(written)
    )
    journal.close()
    await journal.closed()

    assert sessions == {True: 1}


@pytest.mark.parametrize(("turns", "commits"), [(2, 1), (3, 2)])
async def test_who_asks_a_little_later_shares_the_commit(
    path: Path, sessions: Counter[bool], turns: int, commits: int
) -> None:
    journal = Journal(path, Clock(), Stopping(RunOptions()))
    await journal.open(Plan("p"))
    first, later = map(Job, targets(2))

    async with asyncio.TaskGroup() as asking:
        asking.create_task(journal.intend(first))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.create_task(journal.intend(later))
    journal.close()
    await journal.closed()

    assert sessions == {True: commits}


async def test_what_is_only_read_commits_nothing(
    path: Path, sessions: Counter[bool]
) -> None:
    await outcomes_of(fan_out(answer, targets(20), journal=path, plan="p"))
    sessions.clear()

    await outcomes_of(fan_out(never, targets(20), journal=path, plan="p"))

    assert sessions[False] > 0
    assert sessions[True] == 0


async def test_the_files_can_be_read_by_their_owner_alone(path: Path) -> None:
    async with fan_out(answer, targets(2), journal=path) as run:
        await anext(run)
        modes = {
            file.name: stat.S_IMODE(file.stat().st_mode)
            for file in path.parent.iterdir()
        }
    assert {"nightly.db", "nightly.db-wal", "nightly.db-lock"} <= set(modes)
    assert set(modes.values()) == {0o600}


async def test_a_closed_journal_needs_no_recovery(path: Path) -> None:
    await outcomes_of(fan_out(answer, targets(2), journal=path))

    assert {file.name for file in path.parent.iterdir()} == {
        "nightly.db",
        "nightly.db-lock",
    }


async def test_a_second_run_on_the_same_journal_is_refused(path: Path) -> None:
    async with fan_out(Gated(), targets(1), journal=path, plan="p"):
        with pytest.raises(JournalError, match="another run is using it") as caught:
            await outcomes_of(fan_out(never, targets(1), journal=path, plan="p"))
        assert caught.value.retryable
        assert caught.value.path == path
    run = fan_out(answer, [], journal=path, plan="p")
    assert await outcomes_of(run) == []


HOLD = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from css_snapshot.fanout.journal.store import Plan, Store
store = Store(Path(sys.argv[1]), Plan("p"), datetime.now(UTC))
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_another_process_dies_with_it(path: Path) -> None:
    def try_again() -> list[Outcome[Backup]]:
        run = fan_out(answer, targets(1), journal=path, plan="p")
        return asyncio.run(outcomes_of(run))

    with subprocess.Popen(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(JournalError, match="another run is using it"):
            try_again()
        assert read_status(path).held
        process.kill()

    assert isinstance(try_again()[0], Created)


async def test_a_run_whose_lock_was_taken_away_stops_before_it_sends(
    path: Path,
) -> None:
    operation = Gated()
    async with fan_out(operation, targets(9), limit=1, journal=path, plan="p") as run:
        await operation.under_way(1)
        path.with_name("nightly.db-lock").unlink()
        await outcomes_of(fan_out(answer, [], journal=path, plan="p"))
        operation.open()
        with pytest.raises(ExceptionGroup) as caught:
            await run.finish()

    assert caught.group_contains(JournalError, match="another run has taken it over")
    assert operation.started == ["c0"]


def database(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


async def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    database(path, "CREATE TABLE treasure (gold)", "INSERT INTO treasure VALUES (1)")

    with pytest.raises(ConfigurationError, match="not a fan-out journal"):
        await outcomes_of(fan_out(never, targets(1), journal=path))

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT gold FROM treasure").fetchall() == [(1,)]
    assert [file.name for file in path.parent.iterdir()] == ["nightly.db"]


async def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    await outcomes_of(fan_out(answer, targets(1), journal=path, plan="p"))
    database(path, "PRAGMA user_version = 3")

    with pytest.raises(ConfigurationError, match="version 3, this release reads 2"):
        await outcomes_of(fan_out(never, targets(1), journal=path, plan="p"))


def test_a_file_that_is_no_database_is_a_clear_error(path: Path) -> None:
    path.write_text("cluster,name\n" * 1000)

    with pytest.raises(JournalError, match="never a journal"):
        asyncio.run(outcomes_of(fan_out(never, targets(1), journal=path)))

    assert path.read_text().startswith("cluster,name")


def test_a_damaged_journal_is_found_before_anything_is_sent(path: Path) -> None:
    asyncio.run(outcomes_of(fan_out(answer, targets(500), journal=path, plan="p")))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2 // 4096 * 4096)
        file.write(os.urandom(4096))

    run = fan_out(never, targets(500), journal=path, plan="p")
    with pytest.raises(JournalError, match=r"damaged|malformed|page") as caught:
        asyncio.run(outcomes_of(run))
    assert str(path) in str(caught.value)


def test_a_symbolic_link_is_not_followed(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))

    with pytest.raises(JournalError, match="symbolic link"):
        asyncio.run(outcomes_of(fan_out(never, targets(1), journal=path)))


@pytest.mark.parametrize("name", ["missing/nightly.db", "."])
async def test_a_path_that_can_not_be_a_file_is_a_clear_error(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(JournalError, match="journal /"):
        await outcomes_of(fan_out(never, targets(1), journal=tmp_path / name))


async def test_a_lock_that_can_not_be_taken_is_a_clear_error(path: Path) -> None:
    path.with_name("nightly.db-lock").mkdir()

    with pytest.raises(JournalError, match="unable to open database file"):
        await outcomes_of(fan_out(never, targets(1), journal=path))


def test_a_lock_that_is_something_else_is_a_clear_error(path: Path) -> None:
    path.with_name("nightly.db-lock").write_bytes(b"something else" * 100)

    with pytest.raises(JournalError, match=r"nightly\.db-lock: file is not a database"):
        asyncio.run(outcomes_of(fan_out(never, targets(1), journal=path)))


async def test_an_unexpected_error_at_the_opening_passes_through(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Store) -> None:
        raise MemoryError

    monkeypatch.setattr(Store, "_check_plan", broken)
    with pytest.raises(MemoryError):
        await outcomes_of(fan_out(never, targets(1), journal=path))
    monkeypatch.undo()
    run = fan_out(answer, targets(1), journal=path)
    assert isinstance((await outcomes_of(run))[0], Created)


def fill_the_disk(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the database grow no more after so many entries were put."""
    put = Store.put
    count = 0

    def limited(self: Store, row: Row) -> None:
        nonlocal count
        count += 1
        if count > after:
            (pages,) = self._database.execute("PRAGMA page_count").fetchone()
            self._database.execute(f"PRAGMA max_page_count = {pages}")
        put(self, row)

    monkeypatch.setattr(Store, "put", limited)


async def test_a_full_disk_stops_the_run_before_it_sends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_the_disk(monkeypatch, after=100)
    sent: list[str] = []

    async def send(target: Target) -> Backup:
        sent.append(target.cluster_id)
        return await answer(target)

    source = (
        Target(f"c{number}", NAME, description="x" * 200) for number in range(999)
    )
    seen: list[Outcome[Backup]] = []
    async with fan_out(send, source, limit=4, journal=path, plan="p") as run:
        with pytest.raises(ExceptionGroup) as caught:
            await follow(run, seen)

    assert caught.group_contains(JournalError, match=r"full; what was committed before")
    created = {o.target.cluster_id for o in seen if isinstance(o, Created)}
    failed = {o.target.cluster_id for o in seen if isinstance(o, Failed)}
    assert created == set(sent)
    assert failed
    assert not failed & set(sent)
    known = entries(path)
    assert set(sent) <= set(known)
    assert {known[cluster].state for cluster in sent} <= {State.ACCEPTED, State.INTENT}


async def test_an_outcome_that_can_not_be_taken_down_is_still_handed_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store.put

    def no_outcomes(self: Store, row: Row) -> None:
        if entry_from(row).state is not State.INTENT:
            raise sqlite3.OperationalError("disk I/O error")
        put(self, row)

    monkeypatch.setattr(Store, "put", no_outcomes)
    run = fan_out(answer, targets(100), limit=1, journal=path)
    async with run:
        assert isinstance(await anext(run), Created)
        with pytest.raises(ExceptionGroup, match="the journal failed"):
            await anext(run)
    assert entries(path)["c0"].state is State.INTENT


async def test_a_busy_target_of_which_that_can_not_be_written_stops_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Store.put

    def no_reasons(self: Store, row: Row) -> None:
        if entry_from(row).state is State.BUSY:
            raise sqlite3.OperationalError("disk I/O error")
        put(self, row)

    monkeypatch.setattr(Store, "put", no_reasons)
    with pytest.raises(ExceptionGroup, match="the journal failed"):
        await outcomes_of(fan_out(failing(busy()), targets(9), limit=1, journal=path))


async def test_a_journal_that_can_not_be_read_stops_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(self: Store, cluster_id: str, name: str) -> Entry:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Store, "look", look)
    with pytest.raises(ExceptionGroup, match="the journal failed"):
        await outcomes_of(fan_out(never, targets(9), limit=1, journal=path))


async def test_what_is_open_is_counted_at_the_end_and_when_a_run_is_left(
    path: Path,
) -> None:
    error = ForbiddenError("403 not yours", status=403)
    await outcomes_of(fan_out(failing(error), targets(1), journal=path, plan="p"))
    other = Target("c1", NAME)

    async with fan_out(answer, [other], journal=path, plan="p") as ended:
        await ended.finish()
        assert ended.summary.journal_open == 1
    async with fan_out(answer, [other], journal=path, plan="p") as left:
        await anext(left)
    assert left.summary.journal_open == 1


async def test_what_is_open_and_can_not_be_counted_stops_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Store, names: object) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Store, "count_open", broken)
    run = fan_out(answer, targets(1), journal=path)

    with pytest.raises(FanOutStoppedError, match="the journal failed"):
        await outcomes_of(run)
    assert run.summary.created == 1
    assert not run.summary.is_success


async def test_a_journal_that_fails_to_close_is_logged(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    close = Store.close

    def broken(self: Store) -> None:
        close(self)
        raise JournalError(path, "disk I/O error")

    monkeypatch.setattr(Store, "close", broken)
    await outcomes_of(fan_out(answer, targets(1), journal=path))
    assert "disk I/O error" in caplog.text


async def test_leaving_early_keeps_what_was_done(path: Path) -> None:
    async with fan_out(answer, targets(1000), limit=8, journal=path, plan="p") as run:
        handed_out = [(await anext(run)).target.cluster_id for _ in range(50)]

    known = entries(path)
    assert {known[cluster].state for cluster in handed_out} == {State.ACCEPTED}

    run = fan_out(answer, targets(1000), journal=path, plan="p", reconcile=answer)
    await outcomes_of(run)
    assert run.summary.created + run.summary.skipped == 1000
    assert read_status(path).counts[State.ACCEPTED] == 1000


async def test_an_outcome_that_is_being_written_survives_a_cancellation(
    path: Path,
) -> None:
    leaving = asyncio.Event()

    async def finishing(target: Target) -> Backup:
        leaving.set()
        return await answer(target)

    async with fan_out(finishing, targets(1), journal=path):
        await leaving.wait()

    assert entries(path)["c0"].state is State.ACCEPTED


@pytest.mark.parametrize("plan", ["p", "another"])
async def test_cancelled_while_it_opens_the_journal_is_let_go(
    path: Path, monkeypatch: pytest.MonkeyPatch, plan: str
) -> None:
    await outcomes_of(fan_out(answer, targets(1), journal=path, plan="p"))
    began, go_on = threading.Event(), threading.Event()
    check = Store._check_plan

    def slow(self: Store) -> None:
        began.set()
        go_on.wait(10)
        check(self)

    monkeypatch.setattr(Store, "_check_plan", slow)
    run = fan_out(never, targets(1), journal=path, plan=plan)
    entering = asyncio.create_task(run.__aenter__())
    await asyncio.to_thread(began.wait, 10)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("css-snapshot-journal"):
            await asyncio.to_thread(thread.join, 10)
    assert not read_status(path).held


async def test_cancelled_while_it_closes_the_journal_is_closed_all_the_same(
    path: Path,
) -> None:
    closing = asyncio.Event()

    async def leave() -> None:
        async with fan_out(answer, targets(1), journal=path, plan="p") as run:
            await run.finish()
            closing.set()

    task = asyncio.create_task(leave())
    await closing.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    run = fan_out(never, targets(1), journal=path, plan="p")
    assert isinstance((await outcomes_of(run))[0], Skipped)


async def test_a_journal_never_opened_can_be_closed(path: Path) -> None:
    target = Target("c0", NAME)
    journal = Journal(path, Clock(), Stopping(RunOptions()))
    journal.close()
    await journal.closed()
    with pytest.raises(JournalError, match="is closed"):
        await journal.recall(Job(target), target.request())
    assert list(path.parent.iterdir()) == []


def test_a_journal_error_survives_pickling() -> None:
    error = JournalBusyError(Path("/x.db"), "is held")

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own

    assert type(copy) is JournalBusyError
    assert (str(copy), copy.path, copy.retryable) == (str(error), error.path, True)
    assert copy.sent is False


async def test_the_status_of_a_run_that_goes_on_can_be_read(path: Path) -> None:
    operation = Gated()
    async with fan_out(operation, targets(5), limit=3, journal=path, plan="p") as run:
        await operation.under_way(3)
        operation.let_go("c1")
        await anext(run)
        await settled()
        status = read_status(path)
        assert status.held
        assert status.counts[State.ACCEPTED] == 1
        assert status.counts[State.INTENT] in {2, 3}
        done = [entry.cluster_id for entry in status.entries(State.ACCEPTED)]
    assert done == ["c1"]


async def test_the_status_after_a_run(path: Path, virtual_time: VirtualTime) -> None:
    await outcomes_of(
        fan_out(answer, targets(3), journal=path, plan="p", clock=virtual_time.clock)
    )

    status = read_status(path)

    assert (status.plan, status.created, status.held) == ("p", START, False)
    assert (status.total, status.counts[State.ACCEPTED]) == (3, 3)
    assert str(status) == (
        f"{path} (not in use): 3 targets: 0 intent, 3 accepted, 0 completed,"
        " 0 spoiled, 0 late, 0 busy, 0 not ready, 0 failed, 0 indeterminate"
    )
    assert [entry.cluster_id for entry in status.entries()] == ["c0", "c1", "c2"]
    assert list(status.entries(State.FAILED)) == []


def test_the_status_of_no_file_is_an_error(path: Path) -> None:
    with pytest.raises(JournalError, match="no such file"):
        read_status(path)


def test_the_status_of_an_empty_file_is_an_error(path: Path) -> None:
    path.touch()
    with pytest.raises(JournalError, match="is empty"):
        read_status(path)


def test_the_status_of_something_else_is_an_error(path: Path) -> None:
    path.write_bytes(b"something else" * 500)
    with pytest.raises(JournalError, match="never a journal"):
        read_status(path)


async def test_the_status_does_not_need_the_file_of_the_lock(path: Path) -> None:
    await outcomes_of(fan_out(answer, targets(1), journal=path))
    path.with_name("nightly.db-lock").unlink()

    assert not read_status(path).held
