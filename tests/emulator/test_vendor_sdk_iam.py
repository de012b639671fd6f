"""The vendor's own SDK at the emulator's IAM, and its client that answers later."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials, GlobalCredentials
from huaweicloudsdkcore.client import Client, ClientBuilder
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcss import v1, v2

from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.emulator.cloud.account import ID_TOKEN, IDP_ID

# Two of its methods advise against themselves.
pytestmark = pytest.mark.filterwarnings("ignore:Method 'start_auto_:DeprecationWarning")

ALL_BUT_A_LIFE = (
    *("set_policy", "get_policy", "configure", "configure_automatically", "disable"),
    *("open_policy", "close_policy", "cluster", "create_agency", "delete"),
)


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    with EmulatorServer(EmulatorState(build_seconds=0.0)).run_in_thread() as server:
        yield server


@pytest.fixture
def state(server: EmulatorServer) -> EmulatorState:
    return server.state


@pytest.fixture
def made() -> Iterator[list[Client]]:
    clients: list[Client] = []
    yield clients
    for client in clients:
        client.close()


def _build(
    builder: ClientBuilder, credentials: Any, server: EmulatorServer, made: list[Client]
) -> Any:
    builder.with_credentials(credentials).with_endpoint(server.endpoint)
    made.append(builder.build())
    return made[-1]


def _keys(state: EmulatorState) -> BasicCredentials:
    return BasicCredentials(state.access_key, state.secret_key, state.project_id)


def test_the_client_that_answers_later_does_all_of_a_snapshots_life(
    server: EmulatorServer, state: EmulatorState, made: list[Client]
) -> None:
    css = _build(v1.CssAsyncClient.new_builder(), _keys(state), server, made)
    first, second, _third = state.cluster_ids
    body = v1.CreateSnapshotReq(name="snapshot_001", indices="a")

    created = css.create_snapshot_async(
        v1.CreateSnapshotRequest(cluster_id=first, body=body)
    ).result()
    listed = css.list_snapshots_async(
        v1.ListSnapshotsRequest(cluster_id=first)
    ).result()
    restored = css.restore_snapshot_async(
        v1.RestoreSnapshotRequest(
            cluster_id=first,
            snapshot_id=created.backup.id,
            body=v1.RestoreSnapshotReq(target_cluster=second),
        )
    ).result()
    clusters = css.list_clusters_details_async(
        v1.ListClustersDetailsRequest(limit=10)
    ).result()

    assert [row.id for row in listed.backups] == [created.backup.id]
    assert (created.status_code, restored.status_code) == (201, 201)
    actions = {row.id: row.actions for row in clusters.clusters}
    assert actions[second] == ["RESTORING"]


def test_the_client_that_answers_later_makes_every_other_call(
    server: EmulatorServer, state: EmulatorState, made: list[Client]
) -> None:
    css = _build(v1.CssAsyncClient.new_builder(), _keys(state), server, made)
    css2 = _build(v2.CssAsyncClient.new_builder(), _keys(state), server, made)
    cluster_id = state.cluster_ids[0]
    here = {"cluster_id": cluster_id}
    account = state.iam.account
    policy = {"prefix": "auto", "period": "16:00 GMT+08:00", "keepday": 4}
    setting = v1.UpdateSnapshotSettingReq(
        bucket="obs-b8ed",
        agency="css_obs_agency",
        base_path="a/b",
        max_snapshot_bytes_per_seconds="60mb",
        max_restore_bytes_per_seconds="0",
    )
    saved = state.add_snapshot(cluster_id, "nightly")
    tenant = v1.ResourceTenant(
        domain_id=account.domain_id, domain_name=account.domain, type="obs"
    )

    opened = v2.StartAutoCreateSnapshotsReq(**policy, indices="*")
    automatic = v1.SetRDSBackupCnfReq(enable="true", **policy)

    calls: tuple[tuple[Any, Any], ...] = (
        (
            css.delete_snapshot_async,
            v1.DeleteSnapshotRequest(**here, snapshot_id=saved.id),
        ),
        (
            css.update_snapshot_setting_async,
            v1.UpdateSnapshotSettingRequest(**here, body=setting),
        ),
        (
            css.create_auto_create_policy_async,
            v1.CreateAutoCreatePolicyRequest(**here, body=automatic),
        ),
        (css.show_auto_create_policy_async, v1.ShowAutoCreatePolicyRequest(**here)),
        (css.show_cluster_detail_async, v1.ShowClusterDetailRequest(**here)),
        (css.create_agency_async, v1.CreateAgencyRequest(body=tenant)),
        (
            css2.stop_auto_create_snapshots_async,
            v2.StopAutoCreateSnapshotsRequest(**here),
        ),
        (
            css2.start_auto_create_snapshots_async,
            v2.StartAutoCreateSnapshotsRequest(**here, body=opened),
        ),
        (css.stop_snapshot_async, v1.StopSnapshotRequest(**here)),
        (css.start_auto_setting_async, v1.StartAutoSettingRequest(**here)),
    )
    answers = [call(request).result() for call, request in calls]

    assert {answer.status_code for answer in answers} == {200}
    assert state.snapshots(cluster_id) == ()
    assert {name: state.counts[name] for name in ALL_BUT_A_LIFE} == dict.fromkeys(
        ALL_BUT_A_LIFE, 1
    )


def test_the_client_that_answers_later_raises_what_was_refused(
    server: EmulatorServer, state: EmulatorState, made: list[Client]
) -> None:
    css = _build(v1.CssAsyncClient.new_builder(), _keys(state), server, made)
    future = css.list_snapshots_async(v1.ListSnapshotsRequest(cluster_id="unknown"))
    with pytest.raises(ClientRequestException, match=r"CSS\.0015"):
        future.result()


def test_the_sdk_finds_the_account_of_global_credentials(
    server: EmulatorServer, state: EmulatorState, made: list[Client]
) -> None:
    css = _build(v1.CssClient.new_builder(), _keys(state), server, made)
    pair = state.credentials.add_pair("GLOBALKEY0000000001A", "secret")
    credentials = GlobalCredentials(pair.access_key, pair.secret_key)
    credentials.with_iam_endpoint(server.endpoint)

    credentials.process_auth_params(css._http_client, "cn-north-4")

    assert credentials.domain_id == state.iam.account.domain_id
    assert state.counts["domains"] == 1


def test_the_sdk_exchanges_an_id_token_for_temporary_keys(
    server: EmulatorServer, state: EmulatorState, made: list[Client], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(ID_TOKEN)
    credentials = (
        BasicCredentials(project_id=state.project_id)
        .with_idp_id(IDP_ID)
        .with_id_token_file(str(file))
        .with_iam_endpoint(server.endpoint)
    )
    css = _build(v1.CssClient.new_builder(), credentials, server, made)

    answer = css.list_snapshots(
        v1.ListSnapshotsRequest(cluster_id=state.cluster_ids[0])
    )

    assert answer.backups == []
    assert (state.counts["id_tokens"], state.counts["temporary_keys"]) == (1, 1)


def test_the_sdk_makes_the_agency_that_the_settings_demand(
    server: EmulatorServer, state: EmulatorState, made: list[Client]
) -> None:
    state.agencies, state.check_agencies = (), True
    css = _build(v1.CssClient.new_builder(), _keys(state), server, made)
    account = state.iam.account
    tenant = v1.ResourceTenant(
        domain_id=account.domain_id, domain_name=account.domain, type="obs"
    )
    settings = v1.UpdateSnapshotSettingReq(
        bucket="css-backup", agency="css_obs_agency", base_path="a"
    )
    request = v1.UpdateSnapshotSettingRequest(
        cluster_id=state.cluster_ids[0], body=settings
    )

    with pytest.raises(ClientRequestException, match=r"CSS\.5130"):
        css.update_snapshot_setting(request)
    css.create_agency(v1.CreateAgencyRequest(body=tenant))

    assert css.update_snapshot_setting(request).status_code == 200


def test_a_policy_the_sdk_switches_off_reads_back_as_it_was(
    server: EmulatorServer, state: EmulatorState, made: list[Client]
) -> None:
    css = _build(v1.CssClient.new_builder(), _keys(state), server, made)
    cluster_id = state.cluster_ids[0]
    show = v1.ShowAutoCreatePolicyRequest(cluster_id=cluster_id)

    def set_policy(**fields: Any) -> Any:
        body = v1.SetRDSBackupCnfReq(**fields)
        css.create_auto_create_policy(
            v1.CreateAutoCreatePolicyRequest(cluster_id=cluster_id, body=body)
        )
        return css.show_auto_create_policy(show)

    on = set_policy(
        enable="true", prefix="auto", period="16:00 GMT+08:00", keepday=4, indices="a"
    )
    off = set_policy(enable="false")

    assert (on.enable, off.enable) == ("true", "false")
    for field in ("prefix", "period", "keepday", "frequency", "indices"):
        assert getattr(off, field) == getattr(on, field)
