"""The table of vendor calls, against the vendor's document written out once more."""

from typing import Final

import pytest

from css_snapshot import RequestValidationError
from css_snapshot.api import operations
from css_snapshot.api.operations import (
    CREATE_SNAPSHOT,
    DELETE_SNAPSHOT,
    DISABLE_SNAPSHOTS,
    LIST_CLUSTERS,
    VendorCall,
)

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"

V1: Final = "/v1.0/{project_id}/clusters"
V2: Final = "/v2.0/{project_id}/clusters/{cluster_id}"
DOCUMENTED: Final = {
    "CREATE_SNAPSHOT": ("POST", V1 + "/{cluster_id}/index_snapshot", 201),
    "LIST_SNAPSHOTS": ("GET", V1 + "/{cluster_id}/index_snapshots", 200),
    "DELETE_SNAPSHOT": (
        "DELETE",
        V1 + "/{cluster_id}/index_snapshot/{snapshot_id}",
        200,
    ),
    "RESTORE_SNAPSHOT": (
        "POST",
        V1 + "/{cluster_id}/index_snapshot/{snapshot_id}/restore",
        201,
    ),
    "SET_POLICY": ("POST", V1 + "/{cluster_id}/index_snapshot/policy", 200),
    "GET_POLICY": ("GET", V1 + "/{cluster_id}/index_snapshot/policy", 200),
    "CONFIGURE": ("POST", V1 + "/{cluster_id}/index_snapshot/setting", 200),
    "CONFIGURE_AUTOMATICALLY": (
        "POST",
        V1 + "/{cluster_id}/index_snapshot/auto_setting",
        200,
    ),
    "DISABLE_SNAPSHOTS": ("DELETE", V1 + "/{cluster_id}/index_snapshots", 200),
    "OPEN_POLICY": ("POST", V2 + "/snapshots/policy/open", 200),
    "CLOSE_POLICY": ("PUT", V2 + "/snapshots/policy/close", 200),
    "LIST_CLUSTERS": ("GET", V1, 200),
    "SHOW_CLUSTER": ("GET", V1 + "/{cluster_id}", 200),
    "CREATE_AGENCY": ("POST", "/v1.0/{project_id}/agency/create", 200),
}


def test_each_row_is_the_vendors() -> None:
    rows = {
        name: (value.method, value.template, value.success)
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
