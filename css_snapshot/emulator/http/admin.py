"""Calls no vendor has: for driving the emulator from another process.

Each needs the header `X-Emulator-Token` and, with a body, `Content-Type:
application/json`. What the bodies hold is what a set-up holds: see
`css_snapshot.emulator.cloud.setup`.

- `GET /_emulator/`: what really is.
- `POST /_emulator/clusters`: add a cluster, or `count` like it.
- `PATCH /_emulator/clusters/{cluster_id}`: change its name, tags, status, policy, ….
- `POST /_emulator/clusters/{cluster_id}/snapshots`: add a snapshot of the past.
- `DELETE /_emulator/clusters/{cluster_id}/snapshots/{snapshot_id}`: let it vanish.
- `PATCH /_emulator/options`: change options.
- `POST /_emulator/outcomes`: how the next snapshots of a cluster end, in that order:
  `{"cluster_id": "…", "outcomes": ["FAILED", "STUCK"]}`.
- `POST` and `DELETE /_emulator/rules`: a rule for how snapshots end; none any more.
- `POST` and `DELETE /_emulator/faults`: a fault; none any more.
"""

from collections.abc import Callable, Mapping
from typing import Final

from css_snapshot.emulator.cloud import setup
from css_snapshot.emulator.cloud.rows import snapshot_row
from css_snapshot.emulator.cloud.setup import SetupError
from css_snapshot.emulator.cloud.snapshots import OUTCOMES
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import bad_parameter
from css_snapshot.emulator.http.calls import Call, Takes

Json = dict[str, object]
_MOST_OUTCOMES: Final = 10_000


def _summarize(state: EmulatorState) -> Json:
    clusters = {
        cluster.id: {
            "name": cluster.name,
            "engine": cluster.engine,
            "status": cluster.status,
            "backupAvailable": cluster.backup_available,
            "actions": cluster.actions,
            "indices": cluster.index_names,
            "snapshots": [snapshot_row(row, state) for row in cluster.snapshots],
        }
        for cluster in state.clusters
    }
    return {
        "clusters": clusters,
        "counts": dict(state.counts),
        "creations": state.creations,
    }


def _add_clusters(state: EmulatorState, body: object) -> Json:
    return {"clusters": [cluster.id for cluster in setup.add_clusters(state, body)]}


def _change_cluster(state: EmulatorState, cluster_id: str, body: object) -> Json:
    setup.change_cluster(state, cluster_id, body)
    return {}


def _add_snapshot(state: EmulatorState, cluster_id: str, body: object) -> Json:
    return {"id": setup.add_snapshot(state, cluster_id, body).id}


def _vanish(state: EmulatorState, cluster_id: str, snapshot_id: str) -> Json:
    state.vanish(cluster_id, snapshot_id)
    return {}


def _change_options(state: EmulatorState, body: object) -> Json:
    setup.change_options(state, body)
    return {}


def _set_outcomes(state: EmulatorState, body: object) -> Json:
    document = body if isinstance(body, Mapping) else {}
    outcomes = document.get("outcomes")
    if not isinstance(outcomes, list) or not all(row in OUTCOMES for row in outcomes):
        raise bad_parameter(f"outcomes must be a list of {', '.join(OUTCOMES)}")
    waiting = state.cluster(str(document.get("cluster_id"))).outcomes
    if len(waiting) + len(outcomes) > _MOST_OUTCOMES:
        raise bad_parameter(f"there would be more than {_MOST_OUTCOMES} outcomes")
    waiting.extend(outcomes)
    return {}


def _add_rule(state: EmulatorState, body: object) -> Json:
    setup.add_outcome_rule(state, body)
    return {}


def _clear_rules(state: EmulatorState) -> Json:
    state.outcomes.clear()
    return {}


def _add_fault(state: EmulatorState, body: object) -> Json:
    setup.add_fault(state, body)
    return {}


def _clear_faults(state: EmulatorState) -> Json:
    state.faults.clear()
    return {}


def _admin(
    operation: str,
    method: str,
    path: str,
    perform: Callable[..., Json],
    takes: Takes = "ids",
) -> Call:
    def refuse_bad_setup(*arguments: object) -> Json:
        try:
            return perform(*arguments)
        except SetupError as error:
            raise bad_parameter(str(error)) from None

    status = 201 if method == "POST" and operation.startswith("add") else 200
    path = f"/_emulator/{path}"
    return Call(operation, method, path, refuse_bad_setup, takes, status, "admin")


_CLUSTER: Final = "clusters/{cluster_id}"
ADMIN_CALLS: Final = (
    _admin("summarize", "GET", "", _summarize),
    _admin("add_clusters", "POST", "clusters", _add_clusters, "body"),
    _admin("change_cluster", "PATCH", _CLUSTER, _change_cluster, "body"),
    _admin("add_snapshot", "POST", _CLUSTER + "/snapshots", _add_snapshot, "body"),
    _admin("vanish", "DELETE", _CLUSTER + "/snapshots/{snapshot_id}", _vanish),
    _admin("change_options", "PATCH", "options", _change_options, "body"),
    _admin("set_outcomes", "POST", "outcomes", _set_outcomes, "body"),
    _admin("add_rule", "POST", "rules", _add_rule, "body"),
    _admin("clear_rules", "DELETE", "rules", _clear_rules),
    _admin("add_fault", "POST", "faults", _add_fault, "body"),
    _admin("clear_faults", "DELETE", "faults", _clear_faults),
)
