"""What the OpenTelemetry integration counts and times, and how it names things."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from css_snapshot.events import (
    AttemptAnswered,
    BudgetEmpty,
    Call,
    OperationFinished,
    Reconciled,
    RetryScheduled,
    TokenRenewed,
)
from css_snapshot.fanout import Outcome

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

Attributes = dict[str, str | int | float]

_PORTS: Final = {"https": 443, "http": 80}
_COUNTERS: Final = {
    "attempts": ("{attempt}", "Requests of operations"),
    "retries": ("{retry}", "Failed attempts that were repeated"),
    "retries.refused": ("{retry}", "Failed attempts the retry budget did not repeat"),
    "reconciliations": ("{creation}", "Unclear creations that were looked up"),
    "renewals": ("{renewal}", "Credentials or tokens that were fetched anew"),
    "outcomes": ("{target}", "Targets of runs"),
}
_CALL_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TARGET_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 1800)


class Instruments:
    """The instruments of one meter.

    Args:
        meter: Makes them.
    """

    def __init__(self, meter: "Meter") -> None:
        self._operations = meter.create_histogram(
            "css_snapshot.operation.duration",
            unit="s",
            description="Duration of operations, with all their attempts and pauses",
            explicit_bucket_boundaries_advisory=_CALL_BUCKETS,
        )
        self._targets = meter.create_histogram(
            "css_snapshot.target.duration",
            unit="s",
            description="Duration of the targets of runs, from start to end",
            explicit_bucket_boundaries_advisory=_TARGET_BUCKETS,
        )
        self._counters = {
            name: meter.create_counter(f"css_snapshot.{name}", unit, description)
            for name, (unit, description) in _COUNTERS.items()
        }

    def finished(self, event: OperationFinished) -> None:
        """Time an operation that is over."""
        told = attributes_of(event.call) | error_type(event.error)
        self._operations.record(event.elapsed, told)

    def answered(self, event: AttemptAnswered) -> None:
        """Count an attempt that is over."""
        self._count("attempts", _attributes_of_event(event) | attempt_attributes(event))

    def note(
        self, event: RetryScheduled | BudgetEmpty | TokenRenewed | Reconciled
    ) -> None:
        """Count what happens on the way."""
        match event:
            case RetryScheduled():
                told = _attributes_of_event(event) | error_type(event.error)
                self._count("retries", told)
            case BudgetEmpty():
                self._count("retries.refused", _attributes_of_event(event))
            case TokenRenewed():
                self._count("renewals", {"css_snapshot.reason": event.reason})
            case Reconciled():
                self._count("reconciliations", {"css_snapshot.found": event.found})

    def outcome(self, outcome: Outcome[object]) -> None:
        """Count and time a target of a run."""
        told: Attributes = {"css_snapshot.outcome": type(outcome).__name__.lower()}
        self._count("outcomes", told)
        self._targets.record(outcome.elapsed, told)

    def _count(self, name: str, told: Attributes) -> None:
        self._counters[name].add(1, told)


def attributes_of(call: Call) -> Attributes:
    """Answer the attributes of an operation that the semantic conventions name."""
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


def _attributes_of_event(
    event: AttemptAnswered | RetryScheduled | BudgetEmpty,
) -> Attributes:
    if event.call is not None:
        return attributes_of(event.call)
    return {"http.request.method": event.method, "url.template": event.path}


def attempt_attributes(event: AttemptAnswered) -> Attributes:
    """Answer how an attempt ended: its status, and the class of its error."""
    told = error_type(event.error)
    if event.status is not None:
        told["http.response.status_code"] = event.status
    return told


def error_type(error: BaseException | None) -> Attributes:
    """Answer the class of an error; nothing if there is none."""
    if error is None:
        return {}
    kind = type(error)
    return {"error.type": f"{kind.__module__}.{kind.__qualname__}"}
