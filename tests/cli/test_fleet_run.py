"""How a run is shown, where a real one would be slow or hard to catch."""

import asyncio
import threading

import pytest

from css_snapshot import Backup, Ensured
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.fleet.run import FleetRun, code_of
from css_snapshot.cli.fleet.target_list import RunOptions, TargetList
from css_snapshot.cli.interrupts import on_interrupt
from css_snapshot.cli.output.bar import pace
from css_snapshot.cli.output.output import Output
from css_snapshot.fanout import RunProgress, Summary, Target, fan_out

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
    ],
)
def test_a_failure_outweighs_what_is_unknown(summary: Summary, code: ExitCode) -> None:
    assert code_of(summary) is code


def test_the_pace_tells_what_holds_a_run_up() -> None:
    standing = RunProgress(
        summary=Summary(), pulled=9, in_flight=4, waiting=3, rate=1.25, allowed_rate=2.5
    )

    assert str(pace(standing)) == "1.2/s, 4 in flight, 3 waiting, at most 2.5/s"


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
