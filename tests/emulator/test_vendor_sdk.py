"""The vendor's own SDK, unchanged but for its endpoint, drives the emulator."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkcss import v1, v2

from css_snapshot.emulator import EmulatorServer, EmulatorState

Connect = Callable[[ClientBuilder], Any]


@pytest.fixture(scope="module")
def server() -> Iterator[EmulatorServer]:
    state = EmulatorState(clusters=12, build_seconds=0.0, restore_seconds=0.0)
    with EmulatorServer(state).run_in_thread() as server:
        yield server


@pytest.fixture
def state(server: EmulatorServer) -> EmulatorState:
    return server.state


@pytest.fixture
def cluster_id(state: EmulatorState) -> str:
    """A cluster no other test has touched."""
    return state.add_cluster().id


@pytest.fixture
def connect(server: EmulatorServer) -> Iterator[Connect]:
    made: list[Client] = []
    credentials = BasicCredentials(
        server.state.access_key, server.state.secret_key, server.state.project_id
    )

    def build(builder: ClientBuilder) -> Any:
        if builder._credentials is None:
            builder.with_credentials(credentials).with_endpoint(server.endpoint)
        made.append(builder.build())
        return made[-1]

    yield build
    for client in made:
        client.close()


@pytest.fixture
def css(connect: Connect) -> Any:
    return connect(v1.CssClient.new_builder())


def _create(css: Any, cluster_id: str, name: str = "snapshot_001") -> str:
    body = v1.CreateSnapshotReq(name=name, indices="a,b", description="by the SDK")
    request = v1.CreateSnapshotRequest(cluster_id=cluster_id, body=body)
    answer = css.create_snapshot(request)
    assert answer.status_code == 201
    assert answer.backup.name == name
    snapshot_id: str = answer.backup.id
    return snapshot_id


def test_the_sdk_creates_a_snapshot_and_reads_every_field_of_the_list(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    snapshot_id = _create(css, cluster_id)

    answer = css.list_snapshots(v1.ListSnapshotsRequest(cluster_id=cluster_id))

    (snapshot,) = answer.backups
    assert (snapshot.id, snapshot.status) == (snapshot_id, "COMPLETED")
    assert (snapshot.name, snapshot.description) == ("snapshot_001", "by the SDK")
    assert (snapshot.indices, snapshot.cluster_id) == ("a,b", cluster_id)
    assert snapshot.datastore.version == "7.10.2"
    assert (snapshot.backup_type, snapshot.backup_method) == ("1", "manual")
    assert abs(snapshot.start_time / 1000 - time.time()) < 3600
    assert (snapshot.total_shards, snapshot.restore_status) == (6, "none")
    assert [row.id for row in state.snapshots(cluster_id)] == [snapshot_id]


def test_the_sdk_deletes_a_snapshot(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    snapshot_id = _create(css, cluster_id)
    request = v1.DeleteSnapshotRequest(cluster_id=cluster_id, snapshot_id=snapshot_id)

    answer = css.delete_snapshot(request)

    assert answer.status_code == 200
    assert state.snapshots(cluster_id) == ()


def test_the_sdk_restores_a_snapshot_with_its_snake_case_names(
    css: Any,
    state: EmulatorState,
    cluster_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "naming", "snake")
    snapshot_id = _create(css, cluster_id)
    body = v1.RestoreSnapshotReq(
        target_cluster=state.cluster_ids[0],
        indices="a",
        rename_pattern="a",
        rename_replacement="restored_$1",
        replace_exist_indices=True,
    )

    answer = css.restore_snapshot(
        v1.RestoreSnapshotRequest(
            cluster_id=cluster_id, snapshot_id=snapshot_id, body=body
        )
    )

    assert answer.status_code == 201
    assert state.snapshots(cluster_id)[0].restore_status == "success"


def test_the_sdk_sets_and_shows_the_policy(css: Any, cluster_id: str) -> None:
    body = v1.SetRDSBackupCnfReq(
        enable="true",
        prefix="auto",
        period="16:00 GMT+08:00",
        keepday=4,
        frequency="DAY",
        indices="a*",
        delete_auto="false",
    )

    css.create_auto_create_policy(
        v1.CreateAutoCreatePolicyRequest(cluster_id=cluster_id, body=body)
    )
    policy = css.show_auto_create_policy(
        v1.ShowAutoCreatePolicyRequest(cluster_id=cluster_id)
    )

    assert (policy.enable, policy.keepday, policy.prefix) == ("true", 4, "auto")
    assert (policy.period, policy.frequency) == ("16:00 GMT+08:00", "DAY")
    assert (policy.indices, policy.bucket) == ("a*", "css-backup")


def test_the_sdk_opens_and_closes_the_policy_of_version_2(
    connect: Connect, state: EmulatorState, cluster_id: str
) -> None:
    css = connect(v2.CssClient.new_builder())
    body = v2.StartAutoCreateSnapshotsReq(
        keepday=3, period="02:00 GMT+08:00", prefix="auto", indices="*"
    )

    css.start_auto_create_snapshots(
        v2.StartAutoCreateSnapshotsRequest(cluster_id=cluster_id, body=body)
    )
    opened = state.cluster(cluster_id).policy
    css.stop_auto_create_snapshots(
        v2.StopAutoCreateSnapshotsRequest(cluster_id=cluster_id)
    )

    assert (opened.enabled, opened.keep_day) == (True, 3)
    assert not state.cluster(cluster_id).policy.enabled


def test_the_sdk_switches_the_snapshot_function_off_and_on(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    cluster = state.cluster(cluster_id)
    body = v1.UpdateSnapshotSettingReq(
        bucket="obs-b8ed",
        agency="css_obs_agency",
        base_path="a/b",
        max_snapshot_bytes_per_seconds="60mb",
    )

    css.stop_snapshot(v1.StopSnapshotRequest(cluster_id=cluster_id))
    stopped = cluster.backup_available
    css.update_snapshot_setting(
        v1.UpdateSnapshotSettingRequest(cluster_id=cluster_id, body=body)
    )
    configured = cluster.repository
    with pytest.deprecated_call():
        css.start_auto_setting(v1.StartAutoSettingRequest(cluster_id=cluster_id))

    assert not stopped
    assert (configured.bucket, configured.base_path) == ("obs-b8ed", "a/b")
    assert configured.snapshot_rate == "60mb"
    assert cluster.repository.bucket == f"css-obs-{cluster_id[:8]}"
    assert cluster.backup_available


def test_the_sdk_pages_through_the_clusters(css: Any, state: EmulatorState) -> None:
    total = len(state.clusters)
    seen: list[str] = []
    for offset in range(1, total + 1, 5):
        page = css.list_clusters_details(
            v1.ListClustersDetailsRequest(offset=offset, limit=5)
        )
        assert page.total_size == total
        seen.extend(row.id for row in page.clusters)

    filtered = css.list_clusters_details(
        v1.ListClustersDetailsRequest(datastore_type="logstash")
    )

    assert sorted(seen) == sorted(state.cluster_ids)
    assert (filtered.total_size, filtered.clusters) == (0, [])


def test_the_sdk_shows_one_cluster(css: Any, cluster_id: str) -> None:
    cluster = css.show_cluster_detail(
        v1.ShowClusterDetailRequest(cluster_id=cluster_id)
    )
    assert (cluster.id, cluster.status) == (cluster_id, "200")
    assert cluster.backup_available
    assert cluster.actions == []


def test_the_sdk_sees_the_refusals_of_css(css: Any, cluster_id: str) -> None:
    _create(css, cluster_id)

    with pytest.raises(ClientRequestException) as taken:
        _create(css, cluster_id)
    with pytest.raises(ClientRequestException) as lost:
        css.list_snapshots(v1.ListSnapshotsRequest(cluster_id="unknown"))

    assert taken.value.status_code == 409
    assert '"errCode":"CSS.0043"' in taken.value.error_msg
    assert lost.value.status_code == 403
    assert '"errCode":"CSS.0015"' in lost.value.error_msg


def test_the_sdk_with_a_wrong_key_is_refused_by_the_gateway(
    connect: Connect, server: EmulatorServer, cluster_id: str
) -> None:
    wrong = BasicCredentials("WRONGKEY", "wrong", server.state.project_id)
    builder = v1.CssClient.new_builder().with_credentials(wrong)
    css = connect(builder.with_endpoint(server.endpoint))

    with pytest.raises(ClientRequestException) as caught:
        css.list_snapshots(v1.ListSnapshotsRequest(cluster_id=cluster_id))

    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
    assert caught.value.error_msg.endswith("ak WRONGKEY not exist")
    assert len(caught.value.request_id) == 32


def test_the_sdk_with_a_wrong_secret_is_shown_the_canonical_request(
    connect: Connect, server: EmulatorServer, cluster_id: str
) -> None:
    access_key = server.state.access_key
    wrong = BasicCredentials(access_key, "wrong", server.state.project_id)
    builder = v1.CssClient.new_builder().with_credentials(wrong)
    css = connect(builder.with_endpoint(server.endpoint))

    with pytest.raises(ClientRequestException) as caught:
        css.list_snapshots(v1.ListSnapshotsRequest(cluster_id=cluster_id))

    assert (caught.value.status_code, caught.value.error_code) == (401, "APIGW.0301")
    assert "canonicalRequest:GET|/v1.0/" in caught.value.error_msg


def test_the_sdk_signs_with_temporary_keys(
    connect: Connect, server: EmulatorServer, cluster_id: str
) -> None:
    pair = server.state.credentials.temporary_pair(900)
    temporary = BasicCredentials(
        pair.access_key, pair.secret_key, server.state.project_id
    ).with_security_token(str(pair.security_token))
    builder = v1.CssClient.new_builder().with_credentials(temporary)
    css = connect(builder.with_endpoint(server.endpoint))

    answer = css.list_snapshots(v1.ListSnapshotsRequest(cluster_id=cluster_id))

    assert answer.backups == []


def test_the_sdk_finds_the_project_at_the_emulators_iam(
    connect: Connect, server: EmulatorServer, cluster_id: str
) -> None:
    without_project = BasicCredentials(
        server.state.access_key, server.state.secret_key
    ).with_iam_endpoint(server.endpoint)
    region = Region("cn-north-4", server.endpoint)
    builder = v1.CssClient.new_builder().with_credentials(without_project)
    css = connect(builder.with_region(region))

    answer = css.list_snapshots(v1.ListSnapshotsRequest(cluster_id=cluster_id))

    assert answer.backups == []
    assert server.state.counts["projects"] == 1
