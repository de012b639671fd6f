"""How a run is shown, where a real one would be slow or hard to catch."""

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from css_snapshot import Backup, Ensured
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.missing import Missing
from css_snapshot.cli.fleet.run import FleetRun, code_of
from css_snapshot.cli.fleet.target_list import RunOptions, TargetList
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.output.bar import Remaining, counts, pace
from css_snapshot.cli.output.output import Output
from css_snapshot.fanout import (
    Failed,
    RunProgress,
    Skipped,
    Summary,
    Target,
    fan_out,
)

OPTIONS = RunOptions(
    endpoint="https://css.example", project_id="p1", on_exists="adopt", settle=1.0
)


@pytest.mark.parametrize(
    ("summary", "code"),
    [
        (Summary(created=1, adopted=1, skipped=1), ExitCode.DONE),
        (Summary(created=1, indeterminate=1), ExitCode.INDETERMINATE),
        (Summary(indeterminate=1, failed=1), ExitCode.FAILED),
        (Summary(indeterminate=1, busy=1), ExitCode.FAILED),
        (Summary(completed=9), ExitCode.DONE),
        (Summary(completed=8, late=1), ExitCode.INDETERMINATE),
        (Summary(late=1, indeterminate=1, journal_open=2), ExitCode.INDETERMINATE),
        (Summary(completed=8, spoiled=1), ExitCode.FAILED),
        (Summary(late=1, spoiled=1), ExitCode.FAILED),
        (Summary(not_ready=1), ExitCode.FAILED),
        (Summary(skipped=1, not_retried=1), ExitCode.FAILED),
        (Summary(completed=1, journal_open=1), ExitCode.FAILED),
        (Summary(completed=1, stopped="finish_by has passed"), ExitCode.FAILED),
    ],
)
def test_a_failure_outweighs_what_is_unknown(summary: Summary, code: ExitCode) -> None:
    assert code_of(summary) is code


def test_the_pace_tells_what_holds_a_run_up() -> None:
    standing = RunProgress(
        summary=Summary(), pulled=9, in_flight=4, waiting=3, rate=1.25, allowed_rate=2.5
    )

    assert str(pace(standing)) == "1.2/s, 4 in flight, 3 waiting, at most 2.5/s"


def at(elapsed: float, **counts: Any) -> RunProgress:
    return RunProgress(
        summary=attrs.evolve(Summary(elapsed=elapsed), **counts),
        pulled=9,
        in_flight=0,
        waiting=0,
        rate=0.0,
        allowed_rate=None,
    )


def test_the_time_left_goes_by_the_finished_ones() -> None:
    remaining = Remaining(10)

    assert remaining.seconds(at(1.0, skipped=2, busy=1)) is None
    assert remaining.seconds(at(60.0, skipped=2, busy=1, completed=1)) is None
    assert remaining.seconds(at(62.0, skipped=2, busy=1, completed=1)) is None
    # Two more in 10 seconds: 5 seconds each, 4 to go.
    left = remaining.seconds(at(70.0, skipped=2, busy=1, completed=2, spoiled=1))
    assert left == 20.0
    assert remaining.seconds(at(90.0, skipped=2, busy=1, completed=7)) == 0.0


def test_the_bar_shows_what_is_accepted_and_still_builds() -> None:
    standing = attrs.evolve(at(9.0, completed=3, spoiled=1, late=1), building=2)

    assert str(counts(standing)).split("  ") == [
        *("7 accepted", "2 building", "3 completed", "1 spoiled", "1 late", "")
    ]


def test_the_pace_tells_when_the_run_is_due() -> None:
    due = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)

    assert str(pace(at(1.0), due)) == "0.0/s, 0 in flight, due 06:00 UTC"


def test_only_the_first_missing_ones_are_named() -> None:
    missing = Missing()
    for number in range(25):
        target = Target(f"c{number}", "nightly", cluster_name=f"n{number}")
        missing.note(Failed(target=target, error=OSError()), is_good=False)
    missing.note(
        Skipped(target=Target("c25", "nightly"), reason="spoiled"), is_good=False
    )

    named = str(missing)
    assert named.startswith("n0 (failed), n1 (failed), ")
    assert named.endswith("n19 (failed), 6 more")


def test_what_was_not_begun_is_what_has_no_outcome() -> None:
    begun, other = Target("c1", "nightly"), Target("c1", "weekly")
    missing = Missing()
    missing.note(Skipped(target=begun, reason="completed"), is_good=True)

    missing.add_not_begun([begun, other])

    assert (missing.count, str(missing)) == (1, "c1 (not begun)")


async def test_a_cancellation_from_outside_is_no_ctrl_c() -> None:
    begun = asyncio.Event()

    async def stuck(target: Target) -> Ensured:
        begun.set()
        await asyncio.Event().wait()
        return Ensured(Backup("s1", target.name), "created")

    with TargetList.of([Target("c1", "nightly")]) as targets:
        fleet = FleetRun(output=Output(json=True), targets=targets, options=OPTIONS)
        run = asyncio.create_task(fleet.carry_out(fan_out(stuck, targets)))
        await begun.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    assert not fleet.interrupted


async def test_interrupts_are_left_alone_outside_the_main_thread() -> None:
    entered: list[bool] = []

    async def work() -> None:
        with on_interrupt(lambda: None):
            entered.append(True)

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    await asyncio.to_thread(thread.join)

    assert entered == [True]
