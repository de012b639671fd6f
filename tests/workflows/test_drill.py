"""The drill: what is restored, what a check makes of it, and what is cleaned up."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import attrs
import pytest

from css_snapshot import (
    BadRequestError,
    ClusterBusyError,
    DrillReport,
    IndeterminateRestoreError,
    InternalServerError,
    RequestValidationError,
    SnapshotFailedError,
    SnapshotNotFoundError,
    SnapshotService,
    WaitTimeoutError,
    to_dict,
)
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import (
    EmulatedCluster,
    EmulatorState,
    EmulatorTransport,
    Fault,
)
from css_snapshot.events import WorkflowStarted
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]

PROD: Final = "prod-cluster"
TEST: Final = "test-cluster"
RESTORE_SECONDS: Final = 100.0
DAY: Final = 86400.0
INDICES: Final = (".kibana_1", ".opendistro_security", "orders", "logs-1", "logs-2")


@pytest.fixture
def cloud(virtual_time: VirtualTime) -> EmulatorState:
    state = EmulatorState(
        clusters=[
            EmulatedCluster(id=PROD, name="prod", indices=INDICES),
            EmulatedCluster(id=TEST, name="test", indices=()),
        ],
        clock=lambda: virtual_time.now().timestamp(),
        restore_seconds=RESTORE_SECONDS,
        build_seconds=120.0,
    )
    state.add_snapshot(PROD, "nightly-1", age=2 * DAY)
    state.add_snapshot(PROD, "nightly-2", age=DAY)
    state.add_snapshot(PROD, "nightly-3", age=DAY / 2, outcome="PART_FAILED")
    state.add_snapshot(PROD, "nightly-4", age=10.0)
    return state


@pytest.fixture
async def service(
    make_service: MakeService, cloud: EmulatorState, virtual_time: VirtualTime
) -> AsyncIterator[SnapshotService]:
    transport = EmulatorTransport(cloud)
    yield make_service(
        transport,
        project_id=cloud.project_id,
        auth=TokenAuth(cloud.token),
        clock=virtual_time.clock,
    )
    await transport.aclose()


@attrs.define
class Steps:
    """A check and a clean-up that note what they were given, and end as told."""

    verdict: object = None
    cleanup_failure: Exception | None = None
    wait: float = 0.0
    checked: list[DrillReport] = attrs.field(factory=list)
    cleaned: list[DrillReport] = attrs.field(factory=list)

    async def verify(self, report: DrillReport) -> object:
        self.checked.append(report)
        await asyncio.sleep(self.wait)
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return self.verdict

    async def cleanup(self, report: DrillReport) -> None:
        await asyncio.sleep(self.wait)
        self.cleaned.append(report)
        if self.cleanup_failure is not None:
            raise self.cleanup_failure


def drill(
    service: SnapshotService, steps: Steps, **options: Any
) -> Awaitable[DrillReport]:
    return service.drill(
        PROD, into=TEST, verify=steps.verify, cleanup=steps.cleanup, **options
    )


async def test_the_last_good_snapshot_is_restored_under_new_names_and_checked(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    steps = Steps()

    report = await drill(service, steps)

    assert report.snapshot.name == "nightly-2"
    assert (report.cluster_id, report.target_cluster_id) == (PROD, TEST)
    assert report.expected_indices == ("drill_orders", "drill_logs-1", "drill_logs-2")
    assert report.age == DAY
    assert report.restore_seconds == pytest.approx(RESTORE_SECONDS, abs=25.0)
    assert (report.verdict, report.error) == ("verified", None)
    assert report.cleanup_error is None
    assert tuple(cloud.cluster(TEST).restored) == report.expected_indices
    assert steps.checked == [attrs.evolve(report, verdict=None)]
    assert steps.cleaned == [report]


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        ("logs-*", ["drill_logs-1", "drill_logs-2"]),
        (["*", "-logs-*"], ["drill_orders"]),
        (".kibana_1,orders", ["drill_.kibana_1", "drill_orders"]),
        ("none*", []),
    ],
)
async def test_what_is_expected_is_what_is_restored(
    service: SnapshotService, cloud: EmulatorState, indices: Any, expected: list[str]
) -> None:
    report = await drill(service, Steps(), indices=indices)

    assert sorted(report.expected_indices) == sorted(expected)
    assert sorted(cloud.cluster(TEST).restored) == sorted(expected)


async def test_other_names_may_be_given(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    report = await drill(
        service, Steps(), prefix="nightly-1", rename_prefix="q1-", indices="orders"
    )

    assert report.snapshot.name == "nightly-1"
    assert tuple(cloud.cluster(TEST).restored) == ("q1-orders",)


async def test_it_is_told_as_one_workflow(
    make_service: MakeService, cloud: EmulatorState, virtual_time: VirtualTime
) -> None:
    events: list[object] = []
    service = make_service(
        EmulatorTransport(cloud),
        project_id=cloud.project_id,
        auth=TokenAuth(cloud.token),
        clock=virtual_time.clock,
        on_event=events.append,
    )
    seen: list[str] = []

    await drill(
        service, Steps(), on_progress=lambda row: seen.append(str(row.restore_status))
    )

    told = [one.workflow.name for one in events if isinstance(one, WorkflowStarted)]
    assert told == ["drill", "ensure_restored", "wait_restored"]
    assert dict.fromkeys(seen) == dict.fromkeys(["restoring", "success"])


@pytest.mark.parametrize(
    ("result", "verdict"),
    [(None, "verified"), (True, "verified"), (False, "failed"), (0, "failed")],
)
async def test_a_check_may_say_so(
    service: SnapshotService, result: object, verdict: str
) -> None:
    report = await drill(service, Steps(result))

    assert (report.verdict, report.error) == (verdict, None)


async def test_a_check_that_raises_has_failed_and_is_cleaned_up_after(
    service: SnapshotService,
) -> None:
    error = AssertionError("drill_orders has 3 documents")
    steps = Steps(error)

    report = await drill(service, steps)

    assert (report.verdict, report.error) == ("failed", error)
    assert steps.cleaned == [report]
    shown = to_dict(report)["error"]
    assert isinstance(shown, dict)
    assert shown["message"] == "drill_orders has 3 documents"


async def test_a_restoration_that_fails_is_not_checked(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.next_restore(PROD, "failed")
    steps = Steps()

    report = await drill(service, steps)

    assert report.verdict == "failed"
    assert isinstance(report.error, SnapshotFailedError)
    assert report.restore_seconds is None
    assert steps.checked == []
    assert steps.cleaned == [report]


async def test_a_restoration_that_is_not_in_time_is_unknown(
    service: SnapshotService, virtual_time: VirtualTime
) -> None:
    steps = Steps()

    report = await drill(service, steps, timeout=50.0)

    assert report.verdict == "unknown"
    assert isinstance(report.error, WaitTimeoutError)
    assert (steps.checked, steps.cleaned) == ([], [report])
    assert virtual_time.elapsed == pytest.approx(50.0, abs=1.0)


async def test_a_lost_answer_is_looked_into(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.drop_after_commit(), operation="restore")

    report = await drill(service, Steps())

    assert report.verdict == "verified"
    assert cloud.counts["restore"] == 1


async def test_what_is_unknown_is_cleaned_up_after(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.drop(), operation="restore")
    steps = Steps()

    report = await drill(service, steps)

    assert report.verdict == "unknown"
    assert isinstance(report.error, IndeterminateRestoreError)
    assert (steps.checked, steps.cleaned) == ([], [report])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.status(400, code="CSS.6012"), BadRequestError),
        (Fault.status(409), ClusterBusyError),
        (Fault.status(500), InternalServerError),
    ],
    ids=["refused", "busy", "500"],
)
async def test_what_never_began_is_an_error_and_leaves_the_target_alone(
    service: SnapshotService, cloud: EmulatorState, fault: Fault, kind: type[Exception]
) -> None:
    cloud.faults.add(fault, operation="restore", times=None)
    steps = Steps()

    with pytest.raises(kind):
        await drill(service, steps)

    assert (steps.checked, steps.cleaned) == ([], [])


@pytest.mark.parametrize("prefix", ["nightly-3", "weekly"])
async def test_without_a_good_snapshot_there_is_nothing_to_restore(
    service: SnapshotService, cloud: EmulatorState, prefix: str
) -> None:
    with pytest.raises(SnapshotNotFoundError, match=f"no usable .* with {prefix}"):
        await drill(service, Steps(), prefix=prefix)

    assert cloud.counts["restore"] == 0


async def test_a_drill_may_go_without_a_clean_up(service: SnapshotService) -> None:
    report = await service.drill(PROD, into=TEST, verify=Steps().verify)

    assert report.verdict == "verified"


@pytest.mark.parametrize(
    ("at", "checked"), [(5.0, 0), (RESTORE_SECONDS + 30.0, 1)], ids=["waits", "checks"]
)
async def test_a_cancellation_ends_it_when_the_clean_up_is_done(
    service: SnapshotService, virtual_time: VirtualTime, at: float, checked: int
) -> None:
    steps = Steps(wait=60.0)
    call = asyncio.ensure_future(drill(service, steps))
    await asyncio.sleep(at)

    call.cancel()
    await asyncio.sleep(1.0)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert len(steps.checked) == checked
    (report,) = steps.cleaned
    assert report.verdict is None
    assert virtual_time.elapsed == pytest.approx(at + 60.0)


async def test_a_cancellation_while_it_is_asked_for_is_cleaned_up_after(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.delay_after_commit(10.0), operation="restore")
    steps = Steps()
    call = asyncio.ensure_future(drill(service, steps))
    await asyncio.sleep(5.0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert len(steps.cleaned) == 1


async def test_a_cancellation_before_it_is_asked_for_leaves_the_target_alone(
    service: SnapshotService, cloud: EmulatorState
) -> None:
    cloud.faults.add(Fault.delay_after_commit(10.0), operation="cluster")
    steps = Steps()
    call = asyncio.ensure_future(drill(service, steps))
    await asyncio.sleep(5.0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert steps.cleaned == []


async def test_a_cancellation_while_it_is_cleaned_up_waits_for_that(
    service: SnapshotService,
) -> None:
    steps = Steps()
    cleaning = asyncio.Event()

    async def cleanup(report: DrillReport) -> None:
        cleaning.set()
        await asyncio.sleep(60.0)
        steps.cleaned.append(report)

    call = asyncio.ensure_future(
        service.drill(PROD, into=TEST, verify=steps.verify, cleanup=cleanup)
    )
    await cleaning.wait()

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    (report,) = steps.cleaned
    assert report.verdict == "verified"


async def test_a_clean_up_that_fails_takes_nothing_from_the_verdict(
    service: SnapshotService, caplog: pytest.LogCaptureFixture
) -> None:
    failure = OSError("no route")
    steps = Steps(cleanup_failure=failure)

    with caplog.at_level(logging.WARNING, "css_snapshot"):
        report = await drill(service, steps)

    assert (report.verdict, report.cleanup_error) == ("verified", failure)
    assert f"cluster {TEST}: the clean-up of a drill failed" in caplog.text


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_clean_up_that_takes_too_long_is_given_up(
    service: SnapshotService,
    virtual_time: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    *,
    cancelled: bool,
) -> None:
    async def cleanup(report: DrillReport) -> None:
        await asyncio.sleep(DAY)

    call = asyncio.ensure_future(
        service.drill(
            PROD,
            into=TEST,
            verify=Steps().verify,
            cleanup=cleanup,
            cleanup_timeout=30.0,
        )
    )
    await asyncio.sleep(5.0)

    if cancelled:
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert virtual_time.elapsed == pytest.approx(35.0)
    else:
        report = await call
        assert report.verdict == "verified"
        assert isinstance(report.cleanup_error, TimeoutError)
    assert "longer than 30 s" in caplog.text


async def test_a_time_out_of_the_clean_ups_own_is_its_own(
    service: SnapshotService,
) -> None:
    failure = TimeoutError("its own")

    report = await drill(service, Steps(cleanup_failure=failure))

    assert report.cleanup_error is failure


WRONG: Final[dict[str, dict[str, Any]]] = {
    "into itself": {"into": PROD},
    "prefix": {"prefix": 7},
    "rename_prefix with a group": {"rename_prefix": "drill$1_"},
    "rename_prefix in upper case": {"rename_prefix": "Drill_"},
    "rename_prefix that no index may begin with": {"rename_prefix": "_drill"},
    "rename_prefix that is hidden": {"rename_prefix": ".drill"},
    "rename_prefix that is empty": {"rename_prefix": ""},
    "indices": {"indices": "A"},
    "timeout": {"timeout": 0},
    "poll": {"poll": 0},
    "settle": {"settle": -1},
    "cleanup_timeout": {"cleanup_timeout": float("nan")},
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_wrong_argument_is_refused_before_anything_is_sent(
    service: SnapshotService, cloud: EmulatorState, case: str
) -> None:
    arguments = {"into": TEST, "verify": Steps().verify, **WRONG[case]}

    with pytest.raises(RequestValidationError) as caught:
        await service.drill(PROD, **arguments)

    assert caught.value.field == case.split(maxsplit=1)[0]

    assert not cloud.requests


async def test_a_cluster_without_an_id_is_refused(service: SnapshotService) -> None:
    with pytest.raises(RequestValidationError) as caught:
        await service.drill("", into=TEST, verify=Steps().verify)

    assert caught.value.field == "cluster_id"
