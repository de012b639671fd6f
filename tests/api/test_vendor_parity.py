"""The vendor's own SDK beside our client, call by call, on one emulated cloud.

Where a call answers something, both read the same answer; where it changes something,
the SDK changes one cluster and our client another, and both are the same afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

import httpx
import huaweicloudsdkcss.v1 as sdk
import huaweicloudsdkcss.v2 as sdk2
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.http.http_config import HttpConfig

from css_snapshot import (
    APIError,
    Cluster,
    ForbiddenError,
    Snapshot,
    SnapshotExistsError,
    SnapshotFrequency,
    SnapshotPolicy,
    SnapshotService,
)
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from css_snapshot.typing import PolicyApi

# The SDK asks for the time in a way that newer Pythons advise against, and one of its
# methods advises against itself.
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:datetime\.datetime\.utcnow:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Method 'start_auto_:DeprecationWarning"),
]

T = TypeVar("T")

THEIRS: Final = "11111111-aaaa-4aaa-8aaa-000000000001"
OURS: Final = "22222222-bbbb-4bbb-8bbb-000000000002"
MISSING: Final = "33333333-cccc-4ccc-8ccc-000000000003"
POLICY: Final = SnapshotPolicy(
    enabled=True,
    prefix="automatic",
    period="16:00 GMT+08:00",
    keep=7,
    frequency=SnapshotFrequency.SUN,
    indices="logs-*,metrics",
)
POLICY_FIELDS: Final = {
    "prefix": "automatic",
    "period": "16:00 GMT+08:00",
    "keepday": 7,
    "frequency": "SUN",
    "indices": "logs-*,metrics",
}


class Both:
    """One emulated cloud, and both clients of it."""

    def __init__(self, server: EmulatorServer) -> None:
        self.state = server.state
        self._endpoint = server.endpoint
        self.v1: Any = self._client(sdk.CssClient)
        self.v2: Any = self._client(sdk2.CssClient)

    def _client(self, kind: Any) -> object:
        config = HttpConfig.get_default_config()
        config.timeout = 10
        state = self.state
        keys = BasicCredentials(state.access_key, state.secret_key, state.project_id)
        builder = kind.new_builder().with_http_config(config)
        client: object = (
            builder.with_credentials(keys).with_endpoint(self._endpoint).build()
        )
        return client

    def close(self) -> None:
        for client in (self.v1, self.v2):
            client.close()

    def ours(
        self,
        call: Callable[[SnapshotService], Awaitable[T]],
        policy_api: PolicyApi = "v1",
    ) -> T:
        """Let our client make a call, in an event loop of its own."""
        keys = Credentials(
            access_key=self.state.access_key, secret_key=self.state.secret_key
        )

        async def run() -> T:
            async with (
                httpx.AsyncHTTPTransport() as transport,
                SnapshotService(
                    project_id=self.state.project_id,
                    auth=AkSkAuth(keys),
                    endpoint=self._endpoint,
                    transport=transport,
                    policy_api=policy_api,
                ) as service,
            ):
                return await call(service)

        return asyncio.run(run())


@pytest.fixture
def both() -> Iterator[Both]:
    state = EmulatorState(
        naming="snake",
        build_seconds=0.0,
        restore_seconds=3600.0,
        clusters=[
            EmulatedCluster(id=THEIRS, name="theirs", tags={"env": "prod"}),
            EmulatedCluster(id=OURS, name="ours", engine="opensearch"),
        ],
    )
    with EmulatorServer(state).run_in_thread() as server:
        pair = Both(server)
        yield pair
        pair.close()


def milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def vendor_time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S")


def assert_same_snapshot(theirs: Any, ours: Snapshot) -> None:
    datastore = ours.datastore
    assert datastore is not None
    assert {
        "created": vendor_time(ours.created),
        "description": ours.description,
        "id": ours.id,
        "cluster_id": ours.cluster_id,
        "cluster_name": ours.cluster_name,
        "name": ours.name,
        "status": ours.status,
        "backup_type": ours.backup_type,
        "backup_method": ours.backup_method,
        "backup_frequency": ours.frequency,
        "indices": ",".join(ours.indices),
        "total_shards": ours.total_shards,
        "failed_shards": ours.failed_shards,
        "restore_status": ours.restore_status,
        "start_time": milliseconds(ours.start_time),
        "end_time": milliseconds(ours.end_time),
        "bucket_name": ours.bucket,
    } == {
        name: getattr(theirs, name)
        for name in theirs.attribute_map
        if name != "datastore"
    }
    assert theirs.datastore.type.lower() == datastore.type
    assert theirs.datastore.version == datastore.version


def assert_same_cluster(theirs: Any, ours: Cluster) -> None:
    ours_by_name = {
        "id": ours.id,
        "name": ours.name,
        "status": ours.status,
        "actions": list(ours.actions),
        "action_progress": ours.action_progress,
        "backup_available": ours.backup_available,
        "enterprise_project_id": ours.enterprise_project_id,
        "created": vendor_time(ours.created),
        "updated": vendor_time(ours.updated),
        "endpoint": ours.endpoint,
        "vpc_id": ours.vpc_id,
        "subnet_id": ours.subnet_id,
        "security_group_id": ours.security_group_id,
        "https_enable": ours.https_enabled,
        "authority_enable": ours.authority_enabled,
        "disk_encrypted": ours.disk_encrypted,
        "desc": ours.description,
        "failed_reason": ours.failed_reason,
    }
    assert {name: getattr(theirs, name) for name in ours_by_name} == ours_by_name
    assert {tag.key: tag.value for tag in theirs.tags} == ours.tags
    assert (theirs.datastore.type, theirs.datastore.version) == (
        ours.engine,
        ours.datastore.version if ours.datastore else None,
    )
    assert_same_parts(theirs, ours)


def assert_same_parts(theirs: Any, ours: Cluster) -> None:
    policy = ours.snapshot_policy
    assert policy is not None
    assert (
        theirs.snapshot_policy.backup_enable,
        theirs.snapshot_policy.bak_period,
        theirs.snapshot_policy.bak_frequency,
        theirs.snapshot_policy.bak_keep_day,
    ) == (policy.enabled, policy.period, policy.frequency, policy.keep)
    names = ("id", "name", "type", "status", "spec_code", "az_code", "ip")
    assert [[getattr(node, name) for name in names] for node in theirs.instances] == [
        [getattr(node, name) for name in names] for node in ours.instances or ()
    ]


def created(both: Both, name: str = "nightly") -> tuple[str, str]:
    """Create a snapshot by each client, and answer their ids."""
    body = sdk.CreateSnapshotReq(name=name, indices="a,b*", description="mine")
    request = sdk.CreateSnapshotRequest(cluster_id=THEIRS, body=body)
    theirs = both.v1.create_snapshot(request).backup
    ours = both.ours(
        lambda service: service.create(
            OURS, name, indices=["a", "b*"], description="mine"
        )
    )
    assert theirs.name == ours.name == name
    return theirs.id, ours.id


def test_create_asks_for_the_same_snapshot(both: Both) -> None:
    ids = created(both)

    theirs, ours = both.state.snapshots(THEIRS)[0], both.state.snapshots(OURS)[0]
    assert (theirs.id, ours.id) == ids
    for field in ("name", "indices", "description", "automatic", "status"):
        assert getattr(theirs, field) == getattr(ours, field)


def test_list_reads_the_same_snapshots(both: Both) -> None:
    created(both)
    both.state.add_snapshot(THEIRS, "automatic-1", automatic=True, age=500.0)
    both.state.next_outcome(THEIRS, "STUCK", "PART_FAILED", "FAILED")
    for number in range(3):
        both.state.add_snapshot(THEIRS, f"more-{number}", age=900.0 + number)

    for cluster_id, count in ((THEIRS, 5), (OURS, 1)):
        request = sdk.ListSnapshotsRequest(cluster_id=cluster_id)
        theirs = both.v1.list_snapshots(request).backups
        ours = both.ours(lambda service, c=cluster_id: service.list(c))  # type: ignore[misc]  # bound now
        assert len(theirs) == len(ours) == count
        for their_row, our_row in zip(theirs, ours, strict=True):
            assert_same_snapshot(their_row, our_row)


def test_delete_removes_the_same(both: Both) -> None:
    their_id, our_id = created(both)

    request = sdk.DeleteSnapshotRequest(cluster_id=THEIRS, snapshot_id=their_id)
    both.v1.delete_snapshot(request)
    both.ours(lambda service: service.delete(OURS, our_id))

    assert both.state.snapshots(THEIRS) == both.state.snapshots(OURS) == ()


def test_restore_starts_the_same(both: Both) -> None:
    their_id, our_id = created(both)

    body = sdk.RestoreSnapshotReq(
        target_cluster=THEIRS,
        indices="a",
        rename_pattern="a(.*)",
        rename_replacement="restored_$1",
        replace_exist_indices=True,
    )
    both.v1.restore_snapshot(
        sdk.RestoreSnapshotRequest(cluster_id=THEIRS, snapshot_id=their_id, body=body)
    )
    both.ours(
        lambda service: service.restore(
            OURS,
            our_id,
            target_cluster_id=OURS,
            indices="a",
            rename_pattern="a(.*)",
            rename_replacement="restored_$1",
            replace_existing=True,
        )
    )

    for cluster_id in (THEIRS, OURS):
        assert both.state.cluster(cluster_id).actions == ["RESTORING"]
        (snapshot,) = both.state.snapshots(cluster_id)
        assert snapshot.restore_status == "restoring"


def set_by_sdk(both: Both, cluster_id: str) -> None:
    body = sdk.SetRDSBackupCnfReq(enable="true", **POLICY_FIELDS)
    request = sdk.CreateAutoCreatePolicyRequest(cluster_id=cluster_id, body=body)
    both.v1.create_auto_create_policy(request)


def policies(both: Both) -> tuple[object, object]:
    return both.state.cluster(THEIRS).policy, both.state.cluster(OURS).policy


def test_setting_a_policy_sets_the_same(both: Both) -> None:
    set_by_sdk(both, THEIRS)
    both.ours(lambda service: service.set_policy(OURS, POLICY))

    theirs, ours = policies(both)
    assert theirs == ours
    assert both.state.cluster(OURS).policy.enabled


def test_getting_a_policy_reads_the_same(both: Both) -> None:
    set_by_sdk(both, THEIRS)

    request = sdk.ShowAutoCreatePolicyRequest(cluster_id=THEIRS)
    theirs = both.v1.show_auto_create_policy(request)
    ours = both.ours(lambda service: service.get_policy(THEIRS))

    assert {
        "keepday": ours.keep,
        "period": ours.period,
        "frequency": ours.frequency,
        "prefix": ours.prefix,
        "bucket": ours.bucket,
        "base_path": ours.base_path,
        "agency": ours.agency,
        "enable": "true" if ours.enabled else "false",
        "indices": ",".join(ours.indices or ()),
        "snapshot_cmk_id": ours.cmk_id,
        "max_snapshot_bytes_per_seconds": ours.max_snapshot_rate,
        "max_restore_bytes_per_seconds": ours.max_restore_rate,
    } == {name: getattr(theirs, name) for name in theirs.attribute_map}


@pytest.mark.parametrize("delete", [True, False])
def test_disabling_a_policy_leaves_the_same(both: Both, delete: bool) -> None:
    for cluster_id in (THEIRS, OURS):
        set_by_sdk(both, cluster_id)
        both.state.add_snapshot(cluster_id, "automatic-1", automatic=True)

    body = sdk.SetRDSBackupCnfReq(
        enable="false", delete_auto="true" if delete else "false"
    )
    both.v1.create_auto_create_policy(
        sdk.CreateAutoCreatePolicyRequest(cluster_id=THEIRS, body=body)
    )
    both.ours(lambda service: service.disable_policy(OURS, delete_automatic=delete))

    theirs, ours = policies(both)
    assert theirs == ours
    for cluster_id in (THEIRS, OURS):
        assert len(both.state.snapshots(cluster_id)) == (0 if delete else 1)


def test_version_2_opens_and_closes_the_same(both: Both) -> None:
    body = sdk2.StartAutoCreateSnapshotsReq(**POLICY_FIELDS)
    both.v2.start_auto_create_snapshots(
        sdk2.StartAutoCreateSnapshotsRequest(cluster_id=THEIRS, body=body)
    )
    both.ours(lambda service: service.set_policy(OURS, POLICY), policy_api="v2")
    opened = policies(both)
    both.v2.stop_auto_create_snapshots(
        sdk2.StopAutoCreateSnapshotsRequest(cluster_id=THEIRS)
    )
    both.ours(lambda service: service.disable_policy(OURS), policy_api="v2")
    closed = policies(both)

    assert opened[0] == opened[1]
    assert closed[0] == closed[1]
    assert opened != closed


def test_configuring_stores_the_same(both: Both) -> None:
    fields = {
        "bucket": "es-backup",
        "agency": "usearch",
        "base_path": "css_repository/mine",
    }
    body = sdk.UpdateSnapshotSettingReq(
        **fields,
        **POLICY_FIELDS,
        enable="true",
        max_snapshot_bytes_per_seconds="60mb",
        max_restore_bytes_per_seconds="0",
    )
    both.v1.update_snapshot_setting(
        sdk.UpdateSnapshotSettingRequest(cluster_id=THEIRS, body=body)
    )
    both.ours(
        lambda service: service.configure(
            OURS,
            **fields,
            max_snapshot_rate="60MB",
            max_restore_rate="0",
            policy=POLICY,
        )
    )

    theirs, ours = policies(both)
    assert theirs == ours
    theirs, ours = (
        both.state.cluster(cluster_id).repository for cluster_id in (THEIRS, OURS)
    )
    assert theirs == ours


def test_configuring_automatically_and_disabling_do_the_same(both: Both) -> None:
    both.v1.stop_snapshot(sdk.StopSnapshotRequest(cluster_id=THEIRS))
    both.ours(lambda service: service.disable_snapshots(OURS))
    off = [both.state.cluster(id_).backup_available for id_ in (THEIRS, OURS)]
    both.v1.start_auto_setting(sdk.StartAutoSettingRequest(cluster_id=THEIRS))
    both.ours(lambda service: service.configure_automatically(OURS))
    on = [both.state.cluster(id_).backup_available for id_ in (THEIRS, OURS)]

    assert off == [False, False]
    assert on == [True, True]
    agencies = {both.state.cluster(id_).repository.agency for id_ in (THEIRS, OURS)}
    assert len(agencies) == 1


async def all_clusters(
    service: SnapshotService, engine: str | None = None
) -> list[Cluster]:
    return [cluster async for cluster in service.clusters(engine=engine)]


@pytest.mark.parametrize("engine", [None, "opensearch"])
def test_the_list_of_clusters_reads_the_same(both: Both, engine: str | None) -> None:
    set_by_sdk(both, THEIRS)
    request = sdk.ListClustersDetailsRequest(limit=1000, datastore_type=engine)

    theirs = both.v1.list_clusters_details(request)
    ours = both.ours(lambda service: all_clusters(service, engine))

    assert theirs.total_size == len(ours) == (2 if engine is None else 1)
    for their_row, our_row in zip(theirs.clusters, ours, strict=True):
        assert_same_cluster(their_row, our_row)


def test_one_cluster_reads_the_same(both: Both) -> None:
    request = sdk.ShowClusterDetailRequest(cluster_id=THEIRS)

    theirs = both.v1.show_cluster_detail(request)
    ours = both.ours(lambda service: service.cluster(THEIRS))

    assert_same_cluster(theirs, ours)
    assert ours.tags == {"env": "prod"}


def test_a_refusal_has_the_same_status_and_we_keep_the_code(both: Both) -> None:
    with pytest.raises(ClientRequestException) as theirs:
        both.v1.list_snapshots(sdk.ListSnapshotsRequest(cluster_id=MISSING))
    with pytest.raises(ForbiddenError) as ours:
        both.ours(lambda service: service.list(MISSING))

    assert theirs.value.status_code == ours.value.status == 403
    assert ours.value.code == "CSS.0015"


def test_a_taken_name_is_refused_alike(both: Both) -> None:
    created(both)
    body = sdk.CreateSnapshotReq(name="nightly")

    with pytest.raises(ClientRequestException) as theirs:
        both.v1.create_snapshot(sdk.CreateSnapshotRequest(cluster_id=THEIRS, body=body))
    with pytest.raises(APIError) as ours:
        both.ours(lambda service: service.create(OURS, "nightly"))

    assert theirs.value.status_code == ours.value.status == 409
    assert type(ours.value) is SnapshotExistsError
