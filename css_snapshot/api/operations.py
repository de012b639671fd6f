"""What each vendor call is: method, path, success status, and how its answer reads."""

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

import attrs

from css_snapshot.api import decode
from css_snapshot.api.clusters import Cluster, ClusterPage
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.rules import check_id
from css_snapshot.models import Backup, Snapshot

T = TypeVar("T")

MAX_BODY: Final = 1024 * 1024
"""Bytes of a decoded answer that are read; most answers are a few kilobytes."""


@attrs.frozen
class Operation(Generic[T]):
    """One call with everything filled in but the project.

    Attributes:
        call: The vendor call.
        ids: The ids in its path, checked.
        body: The request's body in bytes, `None` for none.
        query: The query string, already encoded, without `?`; empty for none.
    """

    call: "VendorCall[T]"
    ids: Mapping[str, str]
    body: bytes | None = None
    query: str = ""

    def target(self, project_id: str) -> str:
        """Answer the path and query to request, for a checked project id."""
        path = self.call.template.format(project_id=project_id, **self.ids)
        return f"{path}?{self.query}" if self.query else path


@attrs.frozen
class VendorCall(Generic[T]):
    """A row of the vendor's API reference.

    Attributes:
        method: HTTP method.
        template: Path with the names of ids in braces.
        success: The one status that means success.
        decode: Reads the body of a successful answer.
        most: How many bytes of the answer are read; more is no answer.
    """

    method: str
    template: str
    success: int
    decode: Callable[[bytes], T]
    most: int = MAX_BODY

    def __call__(
        self, *, body: bytes | None = None, query: str = "", **ids: str
    ) -> Operation[T]:
        """Fill in the ids of the path, and the body.

        Raises:
            RequestValidationError: An id is not one.
        """
        for field, value in ids.items():
            check_id(field, value)
        return Operation(self, ids, body, query)


_CLUSTERS: Final = "/v1.0/{project_id}/clusters"
_CLUSTER: Final = f"{_CLUSTERS}/{{cluster_id}}"
_SNAPSHOT: Final = f"{_CLUSTER}/index_snapshot/{{snapshot_id}}"
_CLUSTER_V2: Final = "/v2.0/{project_id}/clusters/{cluster_id}"

CREATE_SNAPSHOT: Final[VendorCall[Backup]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot", 201, decode.decode_backup
)
# Without paging, and with every index of every snapshot: a year of nightly ones of a
# cluster with hundreds of indices takes more than other answers may.
LIST_SNAPSHOTS: Final[VendorCall[tuple[Snapshot, ...]]] = VendorCall(
    "GET",
    f"{_CLUSTER}/index_snapshots",
    200,
    decode.decode_snapshots,
    most=16 * MAX_BODY,
)
DELETE_SNAPSHOT: Final[VendorCall[None]] = VendorCall(
    "DELETE", _SNAPSHOT, 200, decode.decode_nothing
)
RESTORE_SNAPSHOT: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_SNAPSHOT}/restore", 201, decode.decode_nothing
)
SET_POLICY: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot/policy", 200, decode.decode_nothing
)
GET_POLICY: Final[VendorCall[SnapshotPolicy]] = VendorCall(
    "GET", f"{_CLUSTER}/index_snapshot/policy", 200, decode.decode_policy
)
OPEN_POLICY: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER_V2}/snapshots/policy/open", 200, decode.decode_nothing
)
CLOSE_POLICY: Final[VendorCall[None]] = VendorCall(
    "PUT", f"{_CLUSTER_V2}/snapshots/policy/close", 200, decode.decode_nothing
)
CONFIGURE: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot/setting", 200, decode.decode_nothing
)
CONFIGURE_AUTOMATICALLY: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot/auto_setting", 200, decode.decode_nothing
)
DISABLE_SNAPSHOTS: Final[VendorCall[None]] = VendorCall(
    "DELETE", f"{_CLUSTER}/index_snapshots", 200, decode.decode_nothing
)
LIST_CLUSTERS: Final[VendorCall[ClusterPage]] = VendorCall(
    "GET", _CLUSTERS, 200, decode.decode_clusters
)
SHOW_CLUSTER: Final[VendorCall[Cluster]] = VendorCall(
    "GET", _CLUSTER, 200, decode.decode_cluster
)
CREATE_AGENCY: Final[VendorCall[None]] = VendorCall(
    "POST", "/v1.0/{project_id}/agency/create", 200, decode.decode_nothing
)
