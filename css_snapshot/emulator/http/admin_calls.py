"""Calls no vendor has: for driving the emulator from another process."""

from collections.abc import Callable, Mapping
from typing import Final

from css_snapshot.emulator.cloud.answers import Answer, json_answer
from css_snapshot.emulator.cloud.calls import Call, Handler
from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.received import Received
from css_snapshot.emulator.cloud.snapshots import OUTCOMES
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter

_FAULTS: Final[Mapping[str, Callable[..., Fault]]] = {
    "status": Fault.status,
    "status_after_commit": Fault.status_after_commit,
    "delay": Fault.delay,
    "delay_after_commit": Fault.delay_after_commit,
    "drop": Fault.drop,
    "drop_after_commit": Fault.drop_after_commit,
    "reset": Fault.reset,
    "reset_after_commit": Fault.reset_after_commit,
    "truncate": Fault.truncate,
    "drip": Fault.drip,
    "garbage": Fault.garbage,
    "redirect": Fault.redirect,
    "throttle": Fault.throttle,
    "body": Fault.body,
}
_MOST_CLUSTERS: Final = 10_000


def _summary(state: EmulatorState, _received: Received) -> Answer:
    clusters = {
        cluster.id: {
            "name": cluster.name,
            "engine": cluster.engine,
            "status": cluster.status,
            "backupAvailable": cluster.backup_available,
            "actions": cluster.actions,
            "snapshots": [snapshot.row() for snapshot in cluster.snapshots],
        }
        for cluster in state.clusters
    }
    return json_answer(
        200,
        {
            "clusters": clusters,
            "counts": dict(state.counts),
            "creations": state.creations,
        },
    )


def _add_fault(state: EmulatorState, received: Received) -> Answer:
    document = _document(received)
    state.faults.add(
        _read_fault(document),
        operation=_optional_text(document, "operation"),
        cluster_id=_optional_text(document, "cluster_id"),
        times=_optional_count(document, "times", 1),
        nth=_optional_count(document, "nth", None),
        probability=_optional_number(document, "probability"),
    )
    return json_answer(201, {})


def _clear_faults(state: EmulatorState, _received: Received) -> Answer:
    state.faults.clear()
    return json_answer(200, {})


def _add_clusters(state: EmulatorState, received: Received) -> Answer:
    document = _document(received)
    count = _optional_count(document, "count", 1) or 0
    engine = _optional_text(document, "engine") or "elasticsearch"
    if count > _MOST_CLUSTERS:
        raise bad_parameter(f"count is above {_MOST_CLUSTERS}")
    try:
        made = [EmulatedCluster(engine=engine) for _ in range(count)]
    except ValueError:
        raise bad_parameter("engine is unknown") from None
    ids = [state.add_cluster(cluster).id for cluster in made]
    return json_answer(201, {"clusters": ids})


def _set_outcomes(state: EmulatorState, received: Received) -> Answer:
    document = _document(received)
    outcomes = document.get("outcomes")
    if not isinstance(outcomes, list) or not all(row in OUTCOMES for row in outcomes):
        raise bad_parameter(f"outcomes must be a list of {', '.join(OUTCOMES)}")
    state.next_outcome(_optional_text(document, "cluster_id") or "", *outcomes)
    return json_answer(200, {})


def _read_fault(document: Mapping[str, object]) -> Fault:
    kind = document.get("fault")
    arguments = document.get("arguments", {})
    if not isinstance(kind, str) or kind not in _FAULTS:
        raise bad_parameter(f"fault must be one of {', '.join(_FAULTS)}")
    if not isinstance(arguments, Mapping):
        raise bad_parameter("arguments is not an object")
    try:
        return _FAULTS[kind](**arguments)
    except (TypeError, ValueError, AttributeError):
        raise bad_parameter("arguments don't fit the fault") from None


def _document(received: Received) -> Mapping[str, object]:
    document = received.document()
    if not isinstance(document, Mapping):
        raise bad_parameter("the body is not a JSON object")
    return document


def _optional_text(document: Mapping[str, object], field: str) -> str | None:
    value = document.get(field)
    if value is not None and not isinstance(value, str):
        raise bad_parameter(f"{field} is not a string")
    return value


def _optional_count(
    document: Mapping[str, object], field: str, default: int | None
) -> int | None:
    value = document.get(field, default)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_parameter(f"{field} is not a count")
    return value


def _optional_number(document: Mapping[str, object], field: str) -> float | None:
    value = document.get(field)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise bad_parameter(f"{field} is not a number")
    return float(value)


def _admin(operation: str, method: str, path: str, answer: Handler) -> Call:
    return Call(operation, method, path, answer, guarded=False, watched=False)


ADMIN_CALLS: Final = (
    _admin("summary", "GET", "/_emulator/", _summary),
    _admin("add_fault", "POST", "/_emulator/faults", _add_fault),
    _admin("clear_faults", "DELETE", "/_emulator/faults", _clear_faults),
    _admin("add_clusters", "POST", "/_emulator/clusters", _add_clusters),
    _admin("set_outcomes", "POST", "/_emulator/outcomes", _set_outcomes),
)
