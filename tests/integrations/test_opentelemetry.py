"""Spans and metrics, as an exporter gets them."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Final, Unpack

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

import css_snapshot
from css_snapshot import (
    Backup,
    Clock,
    Cluster,
    ClusterBusyError,
    ClusterStatus,
    ForbiddenError,
    InternalServerError,
    RetryBudget,
    RetryPolicy,
    Snapshot,
    SnapshotReadiness,
    SnapshotService,
    SnapshotStatus,
    default_transport,
)
from css_snapshot.auth import AkSkAuth, Credentials, TokenAuth
from css_snapshot.emulator import (
    EmulatorServer,
    EmulatorState,
    EmulatorTransport,
    Fault,
)
from css_snapshot.emulator.emulated_time import EmulatedTime
from css_snapshot.events import (
    AttemptAnswered,
    AttemptStarted,
    Call,
    OperationFinished,
    OperationStarted,
    TokenRenewed,
    Workflow,
    WorkflowFinished,
    telling_workflow,
)
from css_snapshot.fanout import (
    Adopted,
    Busy,
    Completed,
    Created,
    Done,
    Failed,
    Indeterminate,
    Late,
    NotReady,
    Outcome,
    Skipped,
    Spoiled,
    Target,
)
from css_snapshot.fanout.summary import Tally
from css_snapshot.integrations.instruments import snake_case
from css_snapshot.integrations.opentelemetry import Telemetry, number_resends
from css_snapshot.service import ServiceOptions

CREATE: Final = "POST /v1.0/{project_id}/clusters/{cluster_id}/index_snapshot"
LIST: Final = "GET /v1.0/{project_id}/clusters/{cluster_id}/index_snapshots"
BUSY: Final = ClusterBusyError("busy", status=409)
SERVER_ERROR: Final = "css_snapshot.errors.InternalServerError"


class Exported:
    """Everything that was exported."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self._metrics = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meter_provider = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.telemetry = Telemetry(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider
        )

    def close(self) -> None:
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.all_spans}

    @property
    def all_spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def metric(self, name: str) -> list[tuple[Mapping[str, object], float]]:
        """Return the attributes and the count of each series of a metric."""
        data = self._metrics.get_metrics_data()
        assert data is not None
        return [
            (dict(point.attributes or {}), count_of(point))
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
            if metric.name == name
        ]


def count_of(point: object) -> float:
    if isinstance(point, NumberDataPoint):
        return point.value
    assert isinstance(point, HistogramDataPoint)
    return point.count


def names_of(span: ReadableSpan) -> list[str]:
    return [event.name.removeprefix("css_snapshot.") for event in span.events]


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    return dict(span.attributes or {})


@pytest.fixture
def exported() -> Iterator[Exported]:
    exported = Exported()
    yield exported
    exported.close()


@pytest.fixture
def time() -> EmulatedTime:
    return EmulatedTime(began=1_770_000_000.0)


@pytest.fixture
def state(time: EmulatedTime) -> EmulatorState:
    return EmulatorState(clusters=3, clock=time.timestamp)


@pytest.fixture
def make(
    state: EmulatorState, time: EmulatedTime, exported: Exported
) -> Callable[..., SnapshotService]:
    def make(**options: Unpack[ServiceOptions]) -> SnapshotService:
        chosen: ServiceOptions = {
            "endpoint": "https://css.emulator.invalid",
            "project_id": state.project_id,
            "auth": TokenAuth(state.token),
            "transport": EmulatorTransport(state),
            "clock": time.clock(),
            "on_event": exported.telemetry,
            **options,
        }
        return SnapshotService(**chosen)

    return make


@pytest.fixture
async def beside_httpx(exported: Exported) -> AsyncIterator[None]:
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(
        tracer_provider=exported.tracer_provider,
        meter_provider=exported.meter_provider,
        async_request_hook=number_resends,
    )
    yield
    instrumentor.uninstrument()


async def test_one_operation_is_one_span_with_the_conventional_attributes(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    (cluster_id, *_) = state.cluster_ids

    await make().create(cluster_id, "nightly")

    (span,) = exported.all_spans
    assert span.name == CREATE
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert attributes_of(span) == {
        "http.request.method": "POST",
        "url.template": CREATE.removeprefix("POST "),
        "server.address": "css.emulator.invalid",
        "server.port": 443,
        "http.response.status_code": 201,
        "css_snapshot.cluster_id": cluster_id,
    }
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "css_snapshot"
    assert span.instrumentation_scope.version == css_snapshot.__version__
    assert names_of(span) == ["attempt"]
    (attempts,) = exported.metric("css_snapshot.attempts")
    assert attempts[0]["http.response.status_code"] == 201
    assert attempts[0]["server.address"] == "css.emulator.invalid"
    assert attempts[1] == 1


async def test_attempts_and_retries_are_events_of_the_one_span(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.status(500, code="CSS.0005"), operation="create", times=2)

    await make().create(state.cluster_ids[0], "nightly")

    span = exported.spans[CREATE]
    assert names_of(span) == ["attempt", "retry", "attempt", "retry", "attempt"]
    first = dict(span.events[0].attributes or {})
    assert first["css_snapshot.attempt"] == 1
    assert first["http.response.status_code"] == 500
    assert first["css_snapshot.error_code"] == "CSS.0005"
    assert first["error.type"] == SERVER_ERROR
    assert attributes_of(span)["http.request.resend_count"] == 2
    assert attributes_of(span)["http.response.status_code"] == 201
    assert "error.type" not in attributes_of(span)
    (retries,) = exported.metric("css_snapshot.retries")
    assert retries[0]["error.type"] == SERVER_ERROR
    assert retries[1] == 2
    attempts = {
        series["http.response.status_code"]: count
        for series, count in exported.metric("css_snapshot.attempts")
    }
    assert attempts == {500: 2, 201: 1}


async def test_a_failed_operation_is_marked_with_the_vendors_code_and_request_id(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.status(403, code="CSS.0015"), operation="list")

    with pytest.raises(ForbiddenError) as raised:
        await make().list(state.cluster_ids[0])

    span = exported.spans[LIST]
    attributes = attributes_of(span)
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == str(raised.value)
    assert attributes["error.type"] == "css_snapshot.errors.ForbiddenError"
    assert attributes["http.response.status_code"] == 403
    assert attributes["css_snapshot.error_code"] == "CSS.0015"
    assert attributes["css_snapshot.request_id"] == raised.value.request_id
    (duration,) = exported.metric("css_snapshot.operation.duration")
    assert duration[0]["error.type"] == "css_snapshot.errors.ForbiddenError"
    assert duration[1] == 1


async def test_an_answer_that_is_none_is_marked_with_its_request_id(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.body(200, "not json"), operation="list")

    with pytest.raises(Exception, match="without an answer"):
        await make().list(state.cluster_ids[0])

    attributes = attributes_of(exported.spans[LIST])
    assert attributes["http.response.status_code"] == 200
    assert attributes["css_snapshot.request_id"]
    assert "css_snapshot.error_code" not in attributes


async def test_an_attempt_without_an_answer_has_no_status(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.drop(), operation="list")

    with pytest.raises(Exception, match="connection lost"):
        await make().list(state.cluster_ids[0])

    assert "http.response.status_code" not in attributes_of(exported.spans[LIST])
    (attempts,) = exported.metric("css_snapshot.attempts")
    assert "http.response.status_code" not in attempts[0]
    assert attempts[0]["error.type"] == "css_snapshot.errors.ConnectionLostError"


async def test_concurrent_operations_keep_their_attempts_apart(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    unlucky = state.cluster_ids[1]
    state.faults.add(Fault.status(500), operation="create", cluster_id=unlucky, times=2)
    service = make()

    async with asyncio.TaskGroup() as group:
        for cluster_id in state.cluster_ids:
            group.create_task(service.create(cluster_id, "nightly"))

    resends = {
        attributes_of(span)["css_snapshot.cluster_id"]: names_of(span).count("retry")
        for span in exported.all_spans
    }
    assert resends == dict.fromkeys(state.cluster_ids, 0) | {unlucky: 2}
    assert all(span.parent is None for span in exported.all_spans)


async def test_what_exactly_once_does_shows_on_the_span_around_it(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.drop_after_commit(), operation="create")
    tracer = exported.tracer_provider.get_tracer("test")

    with tracer.start_as_current_span("nightly"):
        await make().ensure(state.cluster_ids[0], "nightly")
        still_current = get_current_span()

    around = exported.spans["nightly"]
    children = [span for span in exported.all_spans if span is not around]
    assert still_current.get_span_context() == around.context
    assert [span.name for span in children] == [
        LIST,
        LIST,
        CREATE,
        "css_snapshot.ensure",
    ]
    _, after, creation, ensuring = children
    parents = [span.parent and span.parent.span_id for span in children]
    assert around.context is not None
    assert creation.context is not None
    assert ensuring.context is not None
    # The look that finds out what a creation came to belongs to that creation.
    assert parents == [
        ensuring.context.span_id,
        creation.context.span_id,
        ensuring.context.span_id,
        around.context.span_id,
    ]
    assert (creation.start_time or 0) < (after.start_time or 0)
    assert names_of(creation) == ["attempt", "reconciliation"]
    assert dict(creation.events[1].attributes or {}) == {
        "css_snapshot.cluster_id": state.cluster_ids[0],
        "css_snapshot.name": "nightly",
        "css_snapshot.found": 1,
        "css_snapshot.looks": 1,
    }
    assert exported.metric("css_snapshot.reconciliations") == [
        ({"css_snapshot.found": 1}, 1)
    ]


async def test_a_creation_that_ensure_repeats_counts_as_a_retry(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.status(500), operation="create")
    tracer = exported.tracer_provider.get_tracer("test")

    with tracer.start_as_current_span("nightly"):
        await make().ensure(state.cluster_ids[0], "nightly")

    assert names_of(exported.spans[CREATE]) == [
        "attempt",
        "reconciliation",
        "retry",
        "attempt",
    ]
    (retries,) = exported.metric("css_snapshot.retries")
    assert retries[0]["http.request.method"] == "POST"
    assert retries[1] == 1


async def test_a_spent_budget_shows(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.status(500), operation="list", times=None)
    budget = RetryBudget(capacity=1.0, cost=14.0)

    with pytest.raises(InternalServerError):
        await make(retry=RetryPolicy(budget=budget)).list(state.cluster_ids[0])

    assert names_of(exported.spans[LIST]) == ["attempt", "retry.refused"]
    (refused,) = exported.metric("css_snapshot.retries.refused")
    assert refused[1] == 1
    assert exported.metric("css_snapshot.retries") == []


async def test_a_cancelled_operation_ends_its_span_and_leaves_nothing_current(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    reached = asyncio.Event()

    async def lie(_seconds: float) -> None:
        reached.set()
        await asyncio.Event().wait()

    state.faults.add(Fault.delay(3600.0), operation="list")
    transport = EmulatorTransport(state, sleep=lie)
    reading = asyncio.create_task(make(transport=transport).list(state.cluster_ids[0]))
    await reached.wait()

    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await transport.aclose()

    span = exported.spans[LIST]
    assert attributes_of(span)["error.type"] == "asyncio.exceptions.CancelledError"
    assert span.status.description == "CancelledError"
    assert not get_current_span().is_recording()


def test_renewals_are_counted_by_their_reason(exported: Exported) -> None:
    tracer = exported.tracer_provider.get_tracer("test")

    with tracer.start_as_current_span("around"):
        exported.telemetry(TokenRenewed(reason="expiring", lifetime=3600.0))

    assert names_of(exported.spans["around"]) == ["renewal"]
    assert exported.metric("css_snapshot.renewals") == [
        ({"css_snapshot.reason": "expiring"}, 1)
    ]


def test_events_of_an_operation_whose_start_was_missed_are_measured_all_the_same(
    exported: Exported,
) -> None:
    call = Call(method="GET", path="/x", ids={}, endpoint="ftp://somewhere")

    exported.telemetry(AttemptStarted(method="GET", path="/x", attempt=1))
    exported.telemetry(
        AttemptAnswered(
            method="GET", path="/x", attempt=1, elapsed=0.1, status=200, error=None
        )
    )
    exported.telemetry(OperationFinished(call=call, elapsed=0.1, error=None))

    assert exported.all_spans == ()
    assert exported.metric("css_snapshot.attempts")[0][1] == 1
    assert exported.metric("css_snapshot.operation.duration")[0][1] == 1


async def test_the_requests_of_one_workflow_belong_together(
    state: EmulatorState,
    make: Callable[..., SnapshotService],
    exported: Exported,
    time: EmulatedTime,
) -> None:
    state.faults.add(Fault.status(500), operation="create")
    cluster_id = state.cluster_ids[0]

    await make().ensure(cluster_id, "nightly")

    around = exported.spans["css_snapshot.ensure"]
    creation = exported.spans[CREATE]
    within = [span for span in exported.all_spans if span is not around]
    first, *looks, last = within
    assert (first.name, last.name) == (LIST, CREATE)
    assert {span.name for span in looks} == {LIST}
    assert around.context is not None
    assert creation.context is not None
    assert around.parent is None
    # The looks between the two attempts belong to the creation.
    parents = [span.parent.span_id for span in within if span.parent is not None]
    assert parents == [
        around.context.span_id,
        *[creation.context.span_id] * len(looks),
        around.context.span_id,
    ]
    assert len({span.context.trace_id for span in within if span.context}) == 1
    assert around.kind is SpanKind.INTERNAL
    assert around.status.status_code is StatusCode.UNSET
    assert attributes_of(around) == {
        "css_snapshot.workflow": "ensure",
        "css_snapshot.cluster_id": cluster_id,
    }
    assert names_of(creation) == ["attempt", "reconciliation", "retry", "attempt"]
    assert exported.metric("css_snapshot.workflow.duration") == [
        ({"css_snapshot.workflow": "ensure"}, 1)
    ]
    assert not get_current_span().is_recording()


async def test_the_targets_of_a_run_are_within_its_span(
    state: EmulatorState,
    make: Callable[..., SnapshotService],
    exported: Exported,
    time: EmulatedTime,
) -> None:
    wanted = [Target(cluster_id, "nightly") for cluster_id in state.cluster_ids]
    async with make().fan_out(wanted) as run:
        await run.finish()

    outer = exported.spans["css_snapshot.fan_out"]
    targets = [s for s in exported.all_spans if s.name == "css_snapshot.ensure"]
    assert attributes_of(outer) == {"css_snapshot.workflow": "fan_out"}
    assert outer.context is not None
    assert len(targets) == 3
    for target in targets:
        assert target.parent is not None
        assert target.context is not None
        assert target.parent.span_id == outer.context.span_id
        inner = [
            attributes_of(span)["css_snapshot.cluster_id"]
            for span in exported.all_spans
            if span.parent is not None and span.parent.span_id == target.context.span_id
        ]
        assert inner == [attributes_of(target)["css_snapshot.cluster_id"]] * 2


def test_a_workflow_that_failed_says_why(exported: Exported) -> None:
    workflow = Workflow(name="wait", cluster_id="c1")

    with (
        pytest.raises(LookupError),
        telling_workflow(exported.telemetry, workflow, lambda: 0.0),
    ):
        raise LookupError("a text that may hold anything")

    (span,) = exported.all_spans
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "LookupError"
    ((series, count),) = exported.metric("css_snapshot.workflow.duration")
    assert series == {
        "css_snapshot.workflow": "wait",
        "error.type": "builtins.LookupError",
    }
    assert count == 1


def test_the_end_of_a_workflow_whose_start_was_missed_is_measured_all_the_same(
    exported: Exported,
) -> None:
    workflow = Workflow(name="wait", cluster_id="c1")

    exported.telemetry(WorkflowFinished(workflow=workflow, elapsed=1.0, error=None))

    assert exported.all_spans == ()
    assert exported.metric("css_snapshot.workflow.duration")[0][1] == 1


def test_an_event_of_a_later_release_is_named_on_the_span(exported: Exported) -> None:
    class SomethingNew:
        pass

    with exported.tracer_provider.get_tracer("test").start_as_current_span("around"):
        exported.telemetry(SomethingNew())  # type: ignore[arg-type]  # that is the test

    assert names_of(exported.spans["around"]) == ["something_new"]


def test_an_outcome_is_counted_with_the_clusters_name_if_that_is_known(
    exported: Exported,
) -> None:
    for name in ("logs", None):
        target = Target("c1", "nightly", cluster_name=name)
        exported.telemetry.count(Busy(target=target, error=BUSY))

    assert exported.metric("css_snapshot.outcomes") == [
        (
            {
                "css_snapshot.outcome": "busy",
                "css_snapshot.cluster_id": "c1",
                "css_snapshot.cluster_name": "logs",
            },
            1,
        ),
        ({"css_snapshot.outcome": "busy", "css_snapshot.cluster_id": "c1"}, 1),
    ]


LOGS: Final = Target("c1", "nightly", cluster_name="logs")
BACKUP: Final = Backup("s1", "nightly")
ROW: Final = Snapshot(id="s1", name="nightly", status=SnapshotStatus.COMPLETED)


@pytest.mark.parametrize(
    "outcome",
    [
        Created(target=LOGS, result=BACKUP),
        Adopted(target=LOGS, result=BACKUP),
        Completed(target=LOGS, backup=BACKUP, snapshot=ROW),
        Done(
            target=LOGS,
            cluster=Cluster(id="c1", name="logs", status=ClusterStatus.AVAILABLE),
            result=None,
        ),
        Spoiled(target=LOGS, backup=BACKUP, error=BUSY),
        Late(target=LOGS, backup=BACKUP),
        Skipped(target=LOGS, reason="completed"),
        Skipped(target=LOGS, reason="spoiled"),
        Busy(target=LOGS),
        NotReady(target=LOGS, readiness=SnapshotReadiness()),
        Failed(target=LOGS, error=BUSY),
        Indeterminate(target=LOGS, error=BUSY),
    ],
    ids=str,
)
def test_an_outcome_is_counted_under_the_word_of_the_summary(
    exported: Exported, outcome: Outcome[object]
) -> None:
    tally = Tally(Clock())
    tally.count(outcome)
    exported.telemetry.count(outcome)

    ((series, count),) = exported.metric("css_snapshot.outcomes")
    assert count == 1
    assert series["css_snapshot.cluster_name"] == "logs"
    word = series["css_snapshot.outcome"]
    assert isinstance(word, str)
    assert getattr(tally.summary(""), word) == 1


@pytest.mark.parametrize(
    ("kind", "name"), [("NotReady", "not_ready"), ("Created", "created")]
)
def test_the_words_of_a_class_are_told_apart(kind: str, name: str) -> None:
    assert snake_case(type(kind, (), {})) == name


async def test_the_outcomes_of_a_run_are_counted_as_they_pass(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    first, second, third = state.cluster_ids
    state.faults.add(Fault.status(403), operation="create", cluster_id=second)
    state.add_snapshot(third, "nightly")
    targets = [Target(cluster_id, "nightly") for cluster_id in state.cluster_ids]

    async with make().fan_out(targets) as run:
        passed = [outcome async for outcome in exported.telemetry.counting(run)]

    assert {outcome.target.cluster_id for outcome in passed} == {first, second, third}
    counted = {
        series["css_snapshot.cluster_id"]: (series["css_snapshot.outcome"], count)
        for series, count in exported.metric("css_snapshot.outcomes")
    }
    assert counted == {
        first: ("created", 1),
        second: ("failed", 1),
        third: ("adopted", 1),
    }
    assert all(
        set(series) == {"css_snapshot.outcome"}
        for series, _ in exported.metric("css_snapshot.target.duration")
    )
    assert len(exported.metric("css_snapshot.target.duration")) == 3


async def test_beside_the_httpx_instrumentation_each_attempt_is_a_child_span(
    make: Callable[..., SnapshotService], exported: Exported, beside_httpx: None
) -> None:
    state = EmulatorState(clusters=1)
    state.faults.add(Fault.status(500), operation="create", times=2)
    keys = Credentials(access_key=state.access_key, secret_key=state.secret_key)
    transport = default_transport("httpx")
    async with EmulatorServer(state) as server:
        service = make(
            endpoint=server.endpoint,
            transport=transport,
            auth=AkSkAuth(keys),
            clock=None,
            retry=RetryPolicy(base=0.0),
        )
        await service.create(state.cluster_ids[0], "nightly")
        await transport.aclose()

    ours = exported.spans[CREATE]
    theirs = [span for span in exported.all_spans if span is not ours]
    assert ours.context is not None
    assert ours.parent is None
    assert [span.parent.span_id for span in theirs if span.parent is not None] == [
        ours.context.span_id
    ] * 3
    numbers = [attributes_of(span).get("http.request.resend_count") for span in theirs]
    assert numbers == [None, 1, 2]
    assert attributes_of(ours)["server.port"] == httpx.URL(server_url(theirs[0])).port
    for secret in (state.secret_key, "Signature="):
        assert not any(secret in span.to_json() for span in exported.all_spans)


def server_url(span: ReadableSpan) -> str:
    attributes = attributes_of(span)
    return str(attributes.get("url.full") or attributes["http.url"])


async def test_the_hook_leaves_the_spans_of_other_requests_alone(
    exported: Exported, beside_httpx: None
) -> None:
    state = EmulatorState(clusters=1)

    async with EmulatorServer(state) as server, httpx.AsyncClient() as client:
        await client.get(f"{server.endpoint}/elsewhere")

    (span,) = exported.all_spans
    assert "http.request.resend_count" not in attributes_of(span)


async def test_no_credential_is_in_anything_that_is_exported(
    state: EmulatorState, make: Callable[..., SnapshotService], exported: Exported
) -> None:
    state.faults.add(Fault.status(401, dialect="gateway"), operation="list")

    with pytest.raises(Exception, match="401"):
        await make().list(state.cluster_ids[0])

    assert state.token not in "".join(span.to_json() for span in exported.all_spans)


async def test_all_events_of_an_operation_carry_the_same_call(
    state: EmulatorState, make: Callable[..., SnapshotService]
) -> None:
    events: list[object] = []
    state.faults.add(Fault.status(500), operation="list")
    cluster_id = state.cluster_ids[0]
    service = make(on_event=events.append)

    await service.list(cluster_id)
    await service.list(cluster_id)

    first = events[0]
    assert isinstance(first, OperationStarted)
    assert first.call.ids == {"cluster_id": cluster_id}
    assert first.call.endpoint == "https://css.emulator.invalid"
    kinds = [type(event).__name__ for event in events]
    assert kinds == [
        *("OperationStarted", "AttemptStarted", "AttemptAnswered", "RetryScheduled"),
        *("AttemptStarted", "AttemptAnswered", "OperationFinished"),
        *("OperationStarted", "AttemptStarted", "AttemptAnswered"),
        "OperationFinished",
    ]
    calls = [getattr(event, "call", None) for event in events]
    assert all(call is first.call for call in calls[:7])
    assert all(call is calls[7] is not first.call for call in calls[7:])


def test_without_its_extra_the_import_names_it() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
import css_snapshot.integrations.opentelemetry
"""

    result = subprocess.run(  # noqa: S603  # this Python and our own program
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert "pip install 'css-snapshot[otel]'" in result.stderr
