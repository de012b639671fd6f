"""The calls the emulator answers: method, path, and what answers them."""

from collections.abc import Callable
from typing import Final

import attrs

from css_snapshot.emulator.cloud.answers import Answer, empty_answer, json_answer
from css_snapshot.emulator.cloud.received import Received
from css_snapshot.emulator.cloud.state import EmulatorState

Handler = Callable[[EmulatorState, Received], Answer]


@attrs.frozen
class Call:
    """One call.

    Attributes:
        operation: Its short name, by which faults and counts know it.
        method: HTTP method.
        path: Path with the names of ids in braces.
        answer: What answers it.
        guarded: Whether the gateway checks credentials and rate.
        watched: Whether it is counted, and faults may strike it.
    """

    operation: str
    method: str
    path: str
    answer: Handler
    guarded: bool = True
    watched: bool = True


def _create(state: EmulatorState, received: Received) -> Answer:
    document = received.document()
    return json_answer(201, state.create_snapshot(_cluster(received), document))


def _list(state: EmulatorState, received: Received) -> Answer:
    return json_answer(200, state.list_snapshots(_cluster(received)))


def _delete(state: EmulatorState, received: Received) -> Answer:
    state.delete_snapshot(_cluster(received), received.ids["snapshot_id"])
    return empty_answer(200)


def _restore(state: EmulatorState, received: Received) -> Answer:
    snapshot_id = received.ids["snapshot_id"]
    state.restore_snapshot(_cluster(received), snapshot_id, received.document())
    return empty_answer(201)


def _set_policy(state: EmulatorState, received: Received) -> Answer:
    state.set_policy(_cluster(received), received.document())
    return empty_answer(200)


def _get_policy(state: EmulatorState, received: Received) -> Answer:
    return json_answer(200, state.get_policy(_cluster(received)))


def _configure(state: EmulatorState, received: Received) -> Answer:
    state.configure(_cluster(received), received.document())
    return empty_answer(200)


def _configure_automatically(state: EmulatorState, received: Received) -> Answer:
    state.configure_automatically(_cluster(received))
    return empty_answer(200)


def _disable(state: EmulatorState, received: Received) -> Answer:
    state.disable_snapshots(_cluster(received))
    return empty_answer(200)


def _open_policy(state: EmulatorState, received: Received) -> Answer:
    state.open_policy(_cluster(received), received.document())
    return empty_answer(200)


def _close_policy(state: EmulatorState, received: Received) -> Answer:
    state.close_policy(_cluster(received))
    return empty_answer(200)


def _list_clusters(state: EmulatorState, received: Received) -> Answer:
    return json_answer(200, state.list_clusters(received.parameters()))


def _get_cluster(state: EmulatorState, received: Received) -> Answer:
    return json_answer(200, state.get_cluster(_cluster(received)))


def _tokens(state: EmulatorState, received: Received) -> Answer:
    return state.iam.create_token(received)


def _temporary_keys(state: EmulatorState, received: Received) -> Answer:
    return state.iam.create_temporary_keys(received)


def _projects(state: EmulatorState, received: Received) -> Answer:
    return state.iam.list_projects(received)


def _metadata_token(state: EmulatorState, received: Received) -> Answer:
    return state.metadata.create_token(received)


def _metadata_keys(state: EmulatorState, received: Received) -> Answer:
    return state.metadata.security_key(received)


def _cluster(received: Received) -> str:
    return received.ids["cluster_id"]


_CLUSTERS: Final = "/v1.0/{project_id}/clusters"
_ONE: Final = _CLUSTERS + "/{cluster_id}"
_SNAPSHOT: Final = _ONE + "/index_snapshot"
_POLICY_V2: Final = "/v2.0/{project_id}/clusters/{cluster_id}/snapshots/policy"

CALLS: Final = (
    Call("create", "POST", _SNAPSHOT, _create),
    Call("list", "GET", _ONE + "/index_snapshots", _list),
    Call("disable", "DELETE", _ONE + "/index_snapshots", _disable),
    Call("set_policy", "POST", _SNAPSHOT + "/policy", _set_policy),
    Call("get_policy", "GET", _SNAPSHOT + "/policy", _get_policy),
    Call("configure", "POST", _SNAPSHOT + "/setting", _configure),
    Call(
        "configure_automatically",
        "POST",
        _SNAPSHOT + "/auto_setting",
        _configure_automatically,
    ),
    Call("delete", "DELETE", _SNAPSHOT + "/{snapshot_id}", _delete),
    Call("restore", "POST", _SNAPSHOT + "/{snapshot_id}/restore", _restore),
    Call("clusters", "GET", _CLUSTERS, _list_clusters),
    Call("cluster", "GET", _ONE, _get_cluster),
    Call("open_policy", "POST", _POLICY_V2 + "/open", _open_policy),
    Call("close_policy", "PUT", _POLICY_V2 + "/close", _close_policy),
    Call("tokens", "POST", "/v3/auth/tokens", _tokens, guarded=False),
    Call(
        "temporary_keys",
        "POST",
        "/v3.0/OS-CREDENTIAL/securitytokens",
        _temporary_keys,
        guarded=False,
    ),
    Call("projects", "GET", "/v3/projects", _projects, guarded=False),
    Call("projects", "GET", "/v3/auth/projects", _projects, guarded=False),
    Call(
        "metadata_token",
        "PUT",
        "/meta-data/latest/api/token",
        _metadata_token,
        guarded=False,
    ),
    Call(
        "metadata_keys",
        "GET",
        "/openstack/latest/securitykey",
        _metadata_keys,
        guarded=False,
    ),
)
