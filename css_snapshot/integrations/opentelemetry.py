"""OpenTelemetry traces and metrics of a service's calls.

    telemetry = Telemetry()
    async with SnapshotService(..., on_event=telemetry) as snapshots:

One span per operation, current while it runs: the spans that
`opentelemetry-instrumentation-httpx` makes of single requests become its children.
Attempts, retries and what else happens on the way are its events. Where that
instrumentation is not in use, or can't see the transport, the span is all there is.

One span per workflow (`ensure`, `wait`, a run) around the spans of its operations, so
that the requests of one purpose are in one trace.

| metric                              | kind      | attributes besides those of the call |
|-------------------------------------|-----------|--------------------------------------|
| `css_snapshot.operation.duration`   | histogram | `error.type`                         |
| `css_snapshot.workflow.duration`    | histogram | `css_snapshot.workflow`, `error.type` |
| `css_snapshot.attempts`             | counter   | `http.response.status_code`, `error.type` |
| `css_snapshot.retries`              | counter   | `error.type`                         |
| `css_snapshot.retries.refused`      | counter   | retries that the budget did not allow |
| `css_snapshot.reconciliations`      | counter   | `css_snapshot.found`                 |
| `css_snapshot.renewals`             | counter   | `css_snapshot.reason`                |
| `css_snapshot.outcomes`             | counter   | `css_snapshot.outcome`, `css_snapshot.cluster_id`, `css_snapshot.cluster_name` |
| `css_snapshot.target.duration`      | histogram | `css_snapshot.outcome`               |

Those of the call are `http.request.method`, `url.template` and, where the service is
known, `server.address` and `server.port`; they are not on the metrics of workflows and
runs. The outcomes of a run are counted by `count` or `counting`, under the words of its
`Summary`: of a run until completed, `completed`, `spoiled` and `late` say what became of
the snapshots. Nothing here holds a credential.
"""

from collections.abc import AsyncIterable, AsyncIterator
from contextvars import Token
from typing import Final, TypeVar

import attrs

from css_snapshot.errors import APIError, CSSError, InvalidResponseError
from css_snapshot.events import (
    AttemptAnswered,
    AttemptStarted,
    BudgetEmpty,
    Call,
    Event,
    OperationFinished,
    OperationStarted,
    Reconciled,
    RetryScheduled,
    TokenRenewed,
    Workflow,
    WorkflowFinished,
    WorkflowStarted,
)
from css_snapshot.fanout import Outcome
from css_snapshot.integrations.instruments import (
    Attributes,
    Instruments,
    attempt_attributes,
    call_attributes,
    error_type,
    snake_case,
    workflow_attributes,
)
from css_snapshot.version import __version__

try:
    from opentelemetry import context, metrics, trace
except ImportError as error:
    raise ImportError(
        "this needs the extra css-snapshot[otel]: pip install 'css-snapshot[otel]'"
    ) from error

T = TypeVar("T")

_UNDER_WAY: Final = context.create_key("css_snapshot.operation")
_RESENDS: Final = "http.request.resend_count"


@attrs.define(eq=False)
class _Recording:
    """The span of what is under way, and what is known of it so far."""

    span: trace.Span
    token: Token[context.Context] = attrs.field(init=False)
    attempts: int = 0
    status: int | None = None


class Telemetry:
    """An observer that turns events into spans and metrics.

    Any number of services may share one.

    Args:
        tracer_provider: Where spans go; the global provider by default.
        meter_provider: Where metrics go; the global provider by default.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer("css_snapshot", __version__, tracer_provider)
        self._instruments = Instruments(
            metrics.get_meter("css_snapshot", __version__, meter_provider)
        )
        self._open: dict[Call | Workflow, _Recording] = {}

    def __call__(self, event: Event) -> None:
        """Record one event; pass this object to a service as its `on_event`."""
        self._instruments.record(event)
        match event:
            case WorkflowStarted():
                self._start_workflow(event.workflow)
            case WorkflowFinished():
                self._end(event.workflow, event.error)
            case OperationStarted():
                self._start_operation(event.call)
            case OperationFinished():
                self._end(event.call, event.error)
            case AttemptStarted():
                recording = self._recording(event.call)
                if recording is not None:
                    recording.attempts = event.attempt
            case AttemptAnswered():
                self._answered(event)
            case _:
                name, attributes = _span_event(event)
                trace.get_current_span().add_event(name, attributes)

    def count(self, outcome: Outcome[object]) -> None:
        """Count one outcome of a run.

        Args:
            outcome: An outcome, as iterating over the run returns it.
        """
        self._instruments.outcome(outcome)

    async def counting(
        self, outcomes: AsyncIterable[Outcome[T]]
    ) -> AsyncIterator[Outcome[T]]:
        """Count the outcomes of a run while they pass.

            async for outcome in telemetry.counting(run):

        Args:
            outcomes: The run, inside its block.
        """
        async for outcome in outcomes:
            self.count(outcome)
            yield outcome

    def _start_workflow(self, workflow: Workflow) -> None:
        attributes = workflow_attributes(workflow)
        if workflow.cluster_id is not None:
            attributes["css_snapshot.cluster_id"] = workflow.cluster_id
        span = self._tracer.start_span(
            f"css_snapshot.{workflow.name}", attributes=attributes
        )
        self._attach(workflow, _Recording(span))

    def _start_operation(self, call: Call) -> None:
        ids: Attributes = {
            f"css_snapshot.{name}": value for name, value in call.ids.items()
        }
        span = self._tracer.start_span(
            f"{call.method} {call.path}",
            kind=trace.SpanKind.CLIENT,
            attributes=call_attributes(call) | ids,
        )
        self._attach(call, _Recording(span))

    def _attach(self, under_way: Call | Workflow, recording: _Recording) -> None:
        self._open[under_way] = recording
        here = trace.set_span_in_context(recording.span)
        recording.token = context.attach(context.set_value(_UNDER_WAY, recording, here))

    def _end(self, under_way: Call | Workflow, error: BaseException | None) -> None:
        recording = self._open.pop(under_way, None)
        if recording is None:
            return
        span = recording.span
        if recording.status is not None:
            span.set_attribute("http.response.status_code", recording.status)
        if recording.attempts > 1:
            span.set_attribute(_RESENDS, recording.attempts - 1)
        if error is not None:
            span.set_attributes(_error_attributes(error))
            span.set_status(trace.StatusCode.ERROR, _text(error))
        span.end()
        context.detach(recording.token)

    def _answered(self, event: AttemptAnswered) -> None:
        recording = self._recording(event.call)
        if recording is None:
            return
        recording.status = event.status
        attributes: Attributes = {
            "css_snapshot.attempt": event.attempt,
            "css_snapshot.elapsed": event.elapsed,
            **attempt_attributes(event),
            **_error_attributes(event.error),
        }
        recording.span.add_event("css_snapshot.attempt", attributes)

    def _recording(self, call: Call | None) -> _Recording | None:
        return None if call is None else self._open.get(call)


async def number_resends(span: trace.Span, _request: object) -> None:
    """Number repeated attempts on the spans of `opentelemetry-instrumentation-httpx`.

    HTTPXClientInstrumentor().instrument(async_request_hook=number_resends)

    Args:
        span: The span of one request.
    """
    recording = context.get_value(_UNDER_WAY)
    if isinstance(recording, _Recording) and recording.attempts > 1:
        span.set_attribute(_RESENDS, recording.attempts - 1)


def _span_event(event: Event) -> tuple[str, Attributes]:
    match event:
        case RetryScheduled():
            return "css_snapshot.retry", {
                "css_snapshot.attempt": event.attempt,
                "css_snapshot.pause": event.pause,
                **error_type(event.error),
            }
        case BudgetEmpty():
            return "css_snapshot.retry.refused", {"css_snapshot.attempt": event.attempt}
        case TokenRenewed():
            return "css_snapshot.renewal", {"css_snapshot.reason": event.reason}
        case Reconciled():
            return "css_snapshot.reconciliation", {
                "css_snapshot.cluster_id": event.cluster_id,
                "css_snapshot.name": event.name,
                "css_snapshot.found": event.found,
                "css_snapshot.looks": event.looks,
            }
    return f"css_snapshot.{snake_case(type(event))}", {}


def _error_attributes(error: BaseException | None) -> Attributes:
    attributes = error_type(error)
    if isinstance(error, APIError) and error.code:
        attributes["css_snapshot.error_code"] = error.code
    if isinstance(error, APIError | InvalidResponseError) and error.request_id:
        attributes["css_snapshot.request_id"] = error.request_id
    return attributes


def _text(error: BaseException) -> str:
    return str(error) if isinstance(error, CSSError) else type(error).__name__
