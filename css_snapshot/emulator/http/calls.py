"""The calls the emulator serves: method, path, and what carries them out."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Final, Literal

import attrs

from css_snapshot.emulator.cloud.directory import Directory
from css_snapshot.emulator.cloud.iam import Iam
from css_snapshot.emulator.cloud.metadata import Metadata
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.state import EmulatorState

Takes = Literal["ids", "query", "body", "request"]
Guard = Literal["gateway", "admin", "none"]


def _itself(state: EmulatorState) -> object:
    return state


@attrs.frozen
class Call:
    """One call.

    Attributes:
        operation: Its short name, by which faults and counts know it.
        method: HTTP method.
        path: Path with the names of ids in braces.
        perform: What carries it out: a method of the state, or of a part of it.
        takes: What it is given beside the ids in the path.
        success: HTTP status of success.
        guard: What a caller has to pass first.
        part: Returns what the method is called on.
    """

    operation: str
    method: str
    path: str
    perform: Callable[..., object]
    takes: Takes = "ids"
    success: int = 200
    guard: Guard = "gateway"
    part: Callable[[EmulatorState], object] = _itself

    @property
    def counted(self) -> bool:
        """Whether it is the vendor's: it is counted, and faults may strike it."""
        return self.guard != "admin"

    def carry_out(self, state: EmulatorState, request: Request) -> object:
        """Return what the call returns for a request.

        Args:
            state: The emulated cloud.
            request: The request.

        Raises:
            VendorError: If the cloud refuses.
        """
        ids = [value for name, value in request.ids.items() if name != "project_id"]
        given: list[object] = []
        if self.takes == "query":
            given = [request.parameters()]
        elif self.takes == "body":
            given = [request.document()]
        elif self.takes == "request":
            given = [request]
        return self.perform(self.part(state), *ids, *given)


_iam = partial(Call, takes="request", guard="none", part=attrgetter("iam"))
_directory = partial(Call, takes="request", guard="none", part=attrgetter("directory"))
_metadata = partial(Call, takes="request", guard="none", part=attrgetter("metadata"))

_PROJECT: Final = "/v1.0/{project_id}"
_CLUSTERS: Final = _PROJECT + "/clusters"
_ONE: Final = _CLUSTERS + "/{cluster_id}"
_SNAPSHOT: Final = _ONE + "/index_snapshot"
_SNAPSHOTS: Final = _ONE + "/index_snapshots"
_POLICY: Final = _SNAPSHOT + "/policy"
_SETTING: Final = _SNAPSHOT + "/setting"
_AUTO_SETTING: Final = _SNAPSHOT + "/auto_setting"
_POLICY_V2: Final = "/v2.0/{project_id}/clusters/{cluster_id}/snapshots/policy"
_TOKENS: Final = "/v3/auth/tokens"
_ID_TOKENS: Final = "/v3.0/OS-AUTH/id-token/tokens"
_KEYS: Final = "/v3.0/OS-CREDENTIAL/securitytokens"
_AGENCIES: Final = "/v3.0/OS-AGENCY/agencies"
_AGENCY: Final = _AGENCIES + "/{agency_id}"
_METADATA_TOKEN: Final = "/meta-data/latest/api/token"  # noqa: S105 - a path

# A row per call of the vendor; IAM's HEAD comes with GET.
CALLS: Final = (
    Call("create", "POST", _SNAPSHOT, EmulatorState.create_snapshot, "body", 201),
    Call("list", "GET", _SNAPSHOTS, EmulatorState.list_snapshots),
    Call("disable", "DELETE", _SNAPSHOTS, EmulatorState.disable_snapshots),
    Call("set_policy", "POST", _POLICY, EmulatorState.set_policy, "body"),
    Call("get_policy", "GET", _POLICY, EmulatorState.get_policy),
    Call("configure", "POST", _SETTING, EmulatorState.configure, "body"),
    Call(
        "configure_automatically",
        "POST",
        _AUTO_SETTING,
        EmulatorState.configure_automatically,
    ),
    Call(
        "delete", "DELETE", _SNAPSHOT + "/{snapshot_id}", EmulatorState.delete_snapshot
    ),
    Call(
        "restore",
        "POST",
        _SNAPSHOT + "/{snapshot_id}/restore",
        EmulatorState.restore_snapshot,
        "body",
        201,
    ),
    Call("clusters", "GET", _CLUSTERS, EmulatorState.list_clusters, "query"),
    Call("cluster", "GET", _ONE, EmulatorState.get_cluster),
    Call(
        "create_agency",
        "POST",
        _PROJECT + "/agency/create",
        EmulatorState.create_agency,
        "body",
    ),
    Call(
        "open_policy", "POST", _POLICY_V2 + "/open", EmulatorState.open_policy, "body"
    ),
    Call("close_policy", "PUT", _POLICY_V2 + "/close", EmulatorState.close_policy),
    _iam("tokens", "POST", _TOKENS, Iam.create_token, success=201),
    _iam("show_token", "GET", _TOKENS, Iam.show_token),
    _iam("id_tokens", "POST", _ID_TOKENS, Iam.create_token_for_id_token, success=201),
    _iam("temporary_keys", "POST", _KEYS, Iam.create_temporary_keys, success=201),
    _directory("versions", "GET", "/", Directory.list_versions, success=300),
    _directory("versions", "GET", "/v3", Directory.show_version),
    _directory("versions", "GET", "/v3/", Directory.show_version),
    _directory("projects", "GET", "/v3/projects", Directory.list_projects),
    _directory("projects", "GET", "/v3/auth/projects", Directory.list_projects),
    _directory("domains", "GET", "/v3/auth/domains", Directory.list_domains),
    _directory("domains", "GET", "/v3/domains/{domain_id}", Directory.show_domain),
    _directory("users", "GET", "/v3/users/{user_id}", Directory.show_user),
    _directory("catalog", "GET", "/v3/auth/catalog", Directory.show_catalog),
    _directory("agencies", "GET", _AGENCIES, Directory.list_agencies),
    _directory("agencies", "GET", _AGENCY, Directory.show_agency),
    _directory(
        "delete_agency", "DELETE", _AGENCY, Directory.delete_agency, success=204
    ),
    _metadata("metadata_token", "PUT", _METADATA_TOKEN, Metadata.create_token),
    _metadata(
        "metadata_keys", "GET", "/openstack/latest/securitykey", Metadata.security_key
    ),
)
