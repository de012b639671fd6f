"""The OpenTelemetry instruments, and the attributes that they share with spans."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from css_snapshot.events import (
    AttemptAnswered,
    BudgetEmpty,
    Call,
    Event,
    OperationFinished,
    Reconciled,
    RetryScheduled,
    TokenRenewed,
    Workflow,
    WorkflowFinished,
)
from css_snapshot.fanout import Outcome, Skipped

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

Attributes = dict[str, str | int | float]

_PORTS: Final = {"https": 443, "http": 80}
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_COUNTERS: Final = {
    "attempts": ("{attempt}", "Requests of operations"),
    "retries": ("{retry}", "Failed attempts that were repeated"),
    "retries.refused": ("{retry}", "Failed attempts the retry budget did not repeat"),
    "reconciliations": ("{creation}", "Creations of unclear outcome, looked up"),
    "renewals": ("{renewal}", "Credentials or tokens that were fetched anew"),
    "outcomes": ("{target}", "Targets of runs, by what became of them"),
}
_CALL_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG_BUCKETS: Final = (
    *(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800),
    *(3600, 7200, 14400, 28800),
)


class Instruments:
    """The instruments of one meter.

    Args:
        meter: The meter that makes them.
    """

    def __init__(self, meter: "Meter") -> None:
        self._operations = meter.create_histogram(
            "css_snapshot.operation.duration",
            unit="s",
            description="Duration of operations, with all their attempts and pauses",
            explicit_bucket_boundaries_advisory=_CALL_BUCKETS,
        )
        self._workflows = meter.create_histogram(
            "css_snapshot.workflow.duration",
            unit="s",
            description="Duration of workflows, with all their operations and pauses",
            explicit_bucket_boundaries_advisory=_LONG_BUCKETS,
        )
        self._targets = meter.create_histogram(
            "css_snapshot.target.duration",
            unit="s",
            description="Duration of the targets of runs, from start to end",
            explicit_bucket_boundaries_advisory=_LONG_BUCKETS,
        )
        self._counters = {
            name: meter.create_counter(f"css_snapshot.{name}", unit, description)
            for name, (unit, description) in _COUNTERS.items()
        }

    def record(self, event: Event) -> None:
        """Count or time an event."""
        match event:
            case OperationFinished():
                told = call_attributes(event.call) | error_type(event.error)
                self._operations.record(event.elapsed, told)
            case WorkflowFinished():
                told = workflow_attributes(event.workflow) | error_type(event.error)
                self._workflows.record(event.elapsed, told)
            case AttemptAnswered():
                told = _event_attributes(event) | attempt_attributes(event)
                self._count("attempts", told)
            case RetryScheduled():
                told = _event_attributes(event) | error_type(event.error)
                self._count("retries", told)
            case BudgetEmpty():
                self._count("retries.refused", _event_attributes(event))
            case TokenRenewed():
                self._count("renewals", {"css_snapshot.reason": event.reason})
            case Reconciled():
                self._count("reconciliations", {"css_snapshot.found": event.found})

    def outcome(self, outcome: Outcome[object]) -> None:
        """Count and time a target of a run."""
        told: Attributes = {"css_snapshot.outcome": _word_for(outcome)}
        self._targets.record(outcome.elapsed, told)
        self._count("outcomes", told | _cluster_attributes(outcome))

    def _count(self, name: str, told: Attributes) -> None:
        self._counters[name].add(1, told)


def snake_case(kind: type) -> str:
    """Return the name of a class as attributes spell it: `not_ready` for `NotReady`."""
    return _WORD.sub("_", kind.__name__).lower()


def workflow_attributes(workflow: Workflow) -> Attributes:
    """Return the attributes that tell which workflow it is."""
    return {"css_snapshot.workflow": workflow.name}


def call_attributes(call: Call) -> Attributes:
    """Return the attributes of an operation that the semantic conventions name."""
    address = urlsplit(call.endpoint)
    attributes: Attributes = {
        "http.request.method": call.method,
        "url.template": call.path,
        "server.address": address.hostname or "",
    }
    port = address.port or _PORTS.get(address.scheme)
    if port is not None:
        attributes["server.port"] = port
    return attributes


def _word_for(outcome: Outcome[object]) -> str:
    """Return the word that a run's summary counts an outcome under."""
    if isinstance(outcome, Skipped) and not outcome.is_good:
        return "not_retried"
    return outcome.outcome


def _cluster_attributes(outcome: Outcome[object]) -> Attributes:
    told: Attributes = {"css_snapshot.cluster_id": outcome.cluster_id}
    if outcome.cluster_name is not None:
        told["css_snapshot.cluster_name"] = outcome.cluster_name
    return told


def _event_attributes(
    event: AttemptAnswered | RetryScheduled | BudgetEmpty,
) -> Attributes:
    if event.call is not None:
        return call_attributes(event.call)
    return {"http.request.method": event.method, "url.template": event.path}


def attempt_attributes(event: AttemptAnswered) -> Attributes:
    """Return how an attempt ended: its status, and the class of its error."""
    told = error_type(event.error)
    if event.status is not None:
        told["http.response.status_code"] = event.status
    return told


def error_type(error: BaseException | None) -> Attributes:
    """Return the class of an error; nothing if there is none."""
    if error is None:
        return {}
    kind = type(error)
    return {"error.type": f"{kind.__module__}.{kind.__qualname__}"}
