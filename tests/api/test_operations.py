"""The table of vendor calls, against the vendor's document written out once more."""

import json
from typing import Final

import pytest

from css_snapshot import Backup, RequestValidationError
from css_snapshot.api import operations
from css_snapshot.api.decode import DecodeError
from css_snapshot.api.operations import (
    CREATE_SNAPSHOT,
    DELETE_SNAPSHOT,
    DISABLE_SNAPSHOTS,
    LIST_CLUSTERS,
    LIST_SNAPSHOTS,
    SHOW_CLUSTER,
    VendorCall,
)

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"

V1: Final = "/v1.0/{project_id}/clusters"
V2: Final = "/v2.0/{project_id}/clusters/{cluster_id}"
CREATED: Final = {200, 201, 202}
READ: Final = {200}
DONE: Final = set(range(200, 300))
DOCUMENTED: Final[dict[str, tuple[str, str, set[int]]]] = {
    "CREATE_SNAPSHOT": ("POST", V1 + "/{cluster_id}/index_snapshot", CREATED),
    "LIST_SNAPSHOTS": ("GET", V1 + "/{cluster_id}/index_snapshots", READ),
    "DELETE_SNAPSHOT": (
        "DELETE",
        V1 + "/{cluster_id}/index_snapshot/{snapshot_id}",
        DONE,
    ),
    "RESTORE_SNAPSHOT": (
        "POST",
        V1 + "/{cluster_id}/index_snapshot/{snapshot_id}/restore",
        DONE,
    ),
    "SET_POLICY": ("POST", V1 + "/{cluster_id}/index_snapshot/policy", DONE),
    "GET_POLICY": ("GET", V1 + "/{cluster_id}/index_snapshot/policy", READ),
    "CONFIGURE": ("POST", V1 + "/{cluster_id}/index_snapshot/setting", DONE),
    "CONFIGURE_AUTOMATICALLY": (
        "POST",
        V1 + "/{cluster_id}/index_snapshot/auto_setting",
        DONE,
    ),
    "DISABLE_SNAPSHOTS": ("DELETE", V1 + "/{cluster_id}/index_snapshots", DONE),
    "OPEN_POLICY": ("POST", V2 + "/snapshots/policy/open", DONE),
    "CLOSE_POLICY": ("PUT", V2 + "/snapshots/policy/close", DONE),
    "LIST_CLUSTERS": ("GET", V1, READ),
    "SHOW_CLUSTER": ("GET", V1 + "/{cluster_id}", READ),
    "CREATE_AGENCY": ("POST", "/v1.0/{project_id}/agency/create", DONE),
}


def test_each_row_is_the_vendors() -> None:
    rows = {
        name: (value.method, value.template, set(value.success))
        for name, value in vars(operations).items()
        if isinstance(value, VendorCall)
    }

    assert rows == DOCUMENTED


def test_an_operation_fills_in_project_and_ids() -> None:
    operation = DELETE_SNAPSHOT(cluster_id="c-1", snapshot_id="s_2")

    assert operation.target(PROJECT) == (
        f"/v1.0/{PROJECT}/clusters/c-1/index_snapshot/s_2"
    )
    assert operation.body is None


def test_a_query_follows_the_path() -> None:
    operation = LIST_CLUSTERS(query="limit=1000")

    assert operation.target(PROJECT) == f"/v1.0/{PROJECT}/clusters?limit=1000"


def test_a_body_is_sent_as_it_is() -> None:
    assert CREATE_SNAPSHOT(body=b"{}", cluster_id="c").body == b"{}"


@pytest.mark.parametrize(
    "snapshot_id", ["", ".", "..", "a/b", "a%2f", "a?b", "s\n", "é", "x" * 65]
)
def test_no_id_leads_to_another_path(snapshot_id: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        DELETE_SNAPSHOT(cluster_id="c", snapshot_id=snapshot_id)

    assert caught.value.field == "snapshot_id"


def test_deleting_one_and_switching_all_off_never_share_an_address() -> None:
    one = DELETE_SNAPSHOT(cluster_id="c", snapshot_id="s").target(PROJECT)
    everything = DISABLE_SNAPSHOTS(cluster_id="c").target(PROJECT)

    assert DELETE_SNAPSHOT.method == DISABLE_SNAPSHOTS.method
    assert one != everything
    assert not one.startswith(everything + "/")


BACKUP: Final = b'{"backup": {"id": "s1", "name": "nightly"}}'
BUSY: Final = b'{"errCode": "CSS.0011", "externalMessage": "busy"}'
OFF: Final = b'{"errCode": "CSS.0004", "externalMessage": "CSS.0004 : Illegal."}'


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_creation_succeeds_with_a_whole_backup_alone(status: int) -> None:
    operation = CREATE_SNAPSHOT(cluster_id="c")

    assert operation.read(status, BACKUP) == Backup("s1", "nightly")
    for body in (BUSY, b"", b"{}", b'{"backup": {"id": ""}}', b"<html></html>"):
        with pytest.raises(DecodeError):
            operation.read(status, body)


@pytest.mark.parametrize("status", [100, 203, 204, 302, 400, 409, 500])
def test_a_creation_succeeds_under_no_other_status(status: int) -> None:
    with pytest.raises(DecodeError, match=f"{status} is not a success of this call"):
        CREATE_SNAPSHOT(cluster_id="c").read(status, BACKUP)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"code": 200, "message": "ok"}'])
def test_what_has_no_answer_succeeds_under_any_2xx(status: int, body: bytes) -> None:
    DELETE_SNAPSHOT(cluster_id="c", snapshot_id="s").read(status, body)


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, BUSY), (202, BUSY), (200, b"<html></html>"), (199, b""), (300, b"")],
)
def test_what_has_no_answer_fails_with_an_error_code_or_a_page(
    status: int, body: bytes
) -> None:
    with pytest.raises(DecodeError):
        DELETE_SNAPSHOT(cluster_id="c", snapshot_id="s").read(status, body)


def test_a_list_is_read_under_200_alone() -> None:
    operation = LIST_SNAPSHOTS(cluster_id="c")

    assert operation.read(200, b'{"backups": []}') == ()
    with pytest.raises(DecodeError):
        operation.read(202, b'{"backups": []}')


def test_switching_off_what_is_off_succeeds() -> None:
    DISABLE_SNAPSHOTS(cluster_id="c").read(415, OFF)


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, OFF), (200, OFF), (415, b""), (415, BUSY)],
)
def test_switching_off_fails_for_any_other_reason(status: int, body: bytes) -> None:
    with pytest.raises(DecodeError):
        DISABLE_SNAPSHOTS(cluster_id="c").read(status, body)


def test_what_is_off_already_is_said_by_that_call_alone() -> None:
    with pytest.raises(DecodeError):
        DELETE_SNAPSHOT(cluster_id="c", snapshot_id="s").read(415, OFF)


def test_a_creations_answer_has_to_repeat_the_name_if_it_is_told() -> None:
    asked = CREATE_SNAPSHOT(cluster_id="c", name="nightly")
    other = CREATE_SNAPSHOT(cluster_id="c", name="weekly")

    assert asked.read(201, BACKUP).id == "s1"
    with pytest.raises(DecodeError, match=r"backup\.name is not the name"):
        other.read(201, BACKUP)


@pytest.mark.parametrize("owner", [None, "", "c-1", "C-1", {"odd": 1}])
def test_a_list_is_taken_of_the_cluster_or_of_one_that_is_not_named(
    owner: object,
) -> None:
    row = {"id": "s1", "name": "nightly", "status": "COMPLETED", "clusterId": owner}
    body = json.dumps({"backups": [row]}).encode()

    (snapshot,) = LIST_SNAPSHOTS(cluster_id="c-1").read(200, body)

    assert snapshot.id == "s1"


def test_a_list_with_a_row_of_another_cluster_is_no_answer() -> None:
    row = {"id": "s1", "name": "nightly", "status": "COMPLETED"}
    rows = [{**row, "clusterId": "c-1"}, {**row, "id": "s2", "clusterId": "c-2"}]

    with pytest.raises(DecodeError, match="clusterId is not the cluster"):
        LIST_SNAPSHOTS(cluster_id="c-1").read(
            200, json.dumps({"backups": rows}).encode()
        )


def test_another_cluster_is_no_answer() -> None:
    body = b'{"id": "c-1", "name": "one", "status": "200"}'

    assert SHOW_CLUSTER(cluster_id="C-1").read(200, body).name == "one"
    with pytest.raises(DecodeError, match=r"cluster\.id is not the cluster"):
        SHOW_CLUSTER(cluster_id="c-2").read(200, body)
