"""The vendor's calls as data: method, path, what is a success, how its answer reads."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, Generic, NamedTuple, TypeVar

import attrs

from css_snapshot.api import decode
from css_snapshot.api.clusters import Cluster, ClusterPage
from css_snapshot.api.decode import DecodeError
from css_snapshot.api.error_body import read_error_body
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.rules import check_id
from css_snapshot.api.structure import Report
from css_snapshot.models import Backup, Snapshot

T = TypeVar("T")

MAX_BODY: Final = 1024 * 1024
"""Bytes of a decoded answer that are read; most answers are a few kilobytes."""


class Operation(NamedTuple, Generic[T]):
    """One call with everything filled in but the project.

    Made for each call, for which `attrs.frozen` would take twice as long.

    Attributes:
        call: The vendor call.
        ids: The ids in its path, checked.
        body: The request's body in bytes, `None` for none.
        query: The query string, already encoded, without `?`; empty for none.
        name: The snapshot's name that the answer has to repeat, `None` for any.
    """

    call: "VendorCall[T]"
    ids: Mapping[str, str]
    body: bytes | None = None
    query: str = ""
    name: str | None = None

    def target(self, project_id: str) -> str:
        """Return the path and query to request, for a checked project id."""
        path = self.call.template.format(project_id=project_id, **self.ids)
        return f"{path}?{self.query}" if self.query else path

    def read(self, status: int, body: bytes, report: Report = decode.ignore) -> T:
        """Read an answer, if it is a success of this call and meant for it.

        Args:
            status: HTTP status of the answer.
            body: Its decoded body.
            report: Is told of each field that can't be read.

        Raises:
            DecodeError: If it is not the answer to this operation.
        """
        answer = self.call.read(status, body, report)
        if self.call.check is not None:
            self.call.check(answer, self)
        return answer


@attrs.frozen
class VendorCall(Generic[T]):
    """A row of the vendor's API reference.

    Attributes:
        method: HTTP method.
        template: Path with the names of ids in braces.
        success: The statuses that mean success.
        decode: Reads the body of a successful answer.
        check: Raises `DecodeError` for an answer that belongs to another operation:
            a proxy that answers twice on one connection gives the next request the
            answer of the last.
        with_request_id: Returns an answer with the vendor's id of the request in it.
        most: How many bytes of the answer are read; more is no answer.
        already: A refusal, by status and code, that says that what was to be done is
            done already; the call succeeds then.
    """

    method: str
    template: str
    success: frozenset[int]
    decode: Callable[[bytes, Report], T]
    check: Callable[[T, Operation[T]], None] | None = None
    with_request_id: Callable[[T, str | None], T] | None = None
    most: int = MAX_BODY
    already: tuple[int, str] | None = None

    @property
    def is_read(self) -> bool:
        """Whether the call changes nothing, so that it is safe to repeat."""
        return self.method == "GET"

    def __call__(
        self,
        *,
        body: bytes | None = None,
        query: str = "",
        name: str | None = None,
        **ids: str,
    ) -> Operation[T]:
        """Fill in the ids of the path, and the body.

        Raises:
            RequestValidationError: If an id breaks the rule for ids.
        """
        for field, value in ids.items():
            check_id(field, value)
        return Operation(self, ids, body, query, name)

    def read(self, status: int, body: bytes, report: Report) -> T:
        """Read an answer, if it is a success of this call.

        Raises:
            DecodeError: If it is not.
        """
        if status in self.success:
            return self.decode(body, report)
        if self.already == (status, read_error_body(body, status).code):
            return self.decode(b"", report)
        raise DecodeError(f"{status} is not a success of this call")


def _check_name(backup: Backup, operation: Operation[Backup]) -> None:
    if operation.name is not None and backup.name != operation.name:
        raise DecodeError("backup.name is not the name that was asked for")


def _with_request_id(backup: Backup, request_id: str | None) -> Backup:
    return Backup(backup.id, backup.name, request_id=request_id)


def _check_owner(
    snapshots: tuple[Snapshot, ...], operation: Operation[tuple[Snapshot, ...]]
) -> None:
    wanted = operation.ids["cluster_id"].lower()
    # Some sites don't say whose a row is.
    if any(row.cluster_id and row.cluster_id.lower() != wanted for row in snapshots):
        raise DecodeError("backups[].clusterId is not the cluster that was asked for")


def _check_cluster(cluster: Cluster, operation: Operation[Cluster]) -> None:
    if cluster.id.lower() != operation.ids["cluster_id"].lower():
        raise DecodeError("cluster.id is not the cluster that was asked for")


# Sites answer the same call with different statuses: what counts is the whole backup.
_CREATED: Final = frozenset({HTTPStatus.CREATED, HTTPStatus.OK, HTTPStatus.ACCEPTED})
_DONE: Final = frozenset(range(200, 300))
_READ: Final = frozenset({HTTPStatus.OK})

_CLUSTERS: Final = "/v1.0/{project_id}/clusters"
_CLUSTER: Final = f"{_CLUSTERS}/{{cluster_id}}"
_SNAPSHOT: Final = f"{_CLUSTER}/index_snapshot/{{snapshot_id}}"
_CLUSTER_V2: Final = "/v2.0/{project_id}/clusters/{cluster_id}"

CREATE_SNAPSHOT: Final[VendorCall[Backup]] = VendorCall(
    "POST",
    f"{_CLUSTER}/index_snapshot",
    _CREATED,
    decode.decode_backup,
    check=_check_name,
    with_request_id=_with_request_id,
)
# Without paging, and with every index of every snapshot: a year of nightly ones of a
# cluster with hundreds of indices takes more than other answers may.
LIST_SNAPSHOTS: Final[VendorCall[tuple[Snapshot, ...]]] = VendorCall(
    "GET",
    f"{_CLUSTER}/index_snapshots",
    _READ,
    decode.decode_snapshots,
    check=_check_owner,
    most=16 * MAX_BODY,
)
DELETE_SNAPSHOT: Final[VendorCall[None]] = VendorCall(
    "DELETE", _SNAPSHOT, _DONE, decode.decode_nothing
)
RESTORE_SNAPSHOT: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_SNAPSHOT}/restore", _DONE, decode.decode_nothing
)
SET_POLICY: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot/policy", _DONE, decode.decode_nothing
)
GET_POLICY: Final[VendorCall[SnapshotPolicy]] = VendorCall(
    "GET", f"{_CLUSTER}/index_snapshot/policy", _READ, decode.decode_policy
)
OPEN_POLICY: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER_V2}/snapshots/policy/open", _DONE, decode.decode_nothing
)
CLOSE_POLICY: Final[VendorCall[None]] = VendorCall(
    "PUT", f"{_CLUSTER_V2}/snapshots/policy/close", _DONE, decode.decode_nothing
)
CONFIGURE: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot/setting", _DONE, decode.decode_nothing
)
CONFIGURE_AUTOMATICALLY: Final[VendorCall[None]] = VendorCall(
    "POST", f"{_CLUSTER}/index_snapshot/auto_setting", _DONE, decode.decode_nothing
)
# Where they are switched off already, the service says "Invalid operation".
DISABLE_SNAPSHOTS: Final[VendorCall[None]] = VendorCall(
    "DELETE",
    f"{_CLUSTER}/index_snapshots",
    _DONE,
    decode.decode_nothing,
    already=(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "CSS.0004"),
)
LIST_CLUSTERS: Final[VendorCall[ClusterPage]] = VendorCall(
    "GET", _CLUSTERS, _READ, decode.decode_clusters
)
SHOW_CLUSTER: Final[VendorCall[Cluster]] = VendorCall(
    "GET", _CLUSTER, _READ, decode.decode_cluster, check=_check_cluster
)
CREATE_AGENCY: Final[VendorCall[None]] = VendorCall(
    "POST", "/v1.0/{project_id}/agency/create", _DONE, decode.decode_nothing
)
