"""Policy, settings, and the snapshot function on and off, without HTTP."""

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState
from tests.support.emulated_cloud import ManualTime, create, refusal

POLICY = {
    "enable": "true",
    "prefix": "snap",
    "period": "16:00 GMT+08:00",
    "keepday": 5,
    "frequency": "MON",
    "indices": "a,b",
}


def test_a_policy_is_answered_in_camel_case_with_text_for_its_flag(
    state: EmulatorState, cluster_id: str
) -> None:
    state.set_policy(cluster_id, POLICY)

    assert state.get_policy(cluster_id) == {
        "keepday": 5,
        "period": "16:00 GMT+08:00",
        "frequency": "MON",
        "prefix": "snap",
        "bucket": "css-backup",
        "basePath": "css_repository",
        "agency": "css_obs_agency",
        "enable": "true",
        "indices": "a,b",
        "snapshotCmkId": None,
        "maxSnapshotBytesPerSeconds": "40MB",
        "maxRestoreBytesPerSeconds": "40MB",
    }
    assert state.get_cluster(cluster_id)["snapshotPolicy"] == {
        "backupEnable": True,
        "bakPeriod": "16:00 GMT+08:00",
        "bakFrequency": "MON",
        "bakKeepDay": 5,
    }


def test_a_policy_needs_no_period_and_no_frequency(
    state: EmulatorState, cluster_id: str
) -> None:
    state.set_policy(cluster_id, {"enable": "true", "prefix": "snap", "keepday": 1})
    policy = state.get_policy(cluster_id)
    assert (policy["period"], policy["frequency"]) == ("00:00 GMT+08:00", "DAY")


def test_a_disabled_policy_needs_nothing_else_and_keeps_automatic_snapshots(
    state: EmulatorState, cluster_id: str
) -> None:
    state.set_policy(cluster_id, POLICY)
    state.add_snapshot(cluster_id, "snap-1", automatic=True, age=60.0)

    state.set_policy(cluster_id, {"enable": "false"})

    assert state.get_policy(cluster_id)["enable"] == "false"
    assert len(state.snapshots(cluster_id)) == 1


def test_an_enabled_policy_never_deletes_automatic_snapshots(
    state: EmulatorState, cluster_id: str
) -> None:
    state.add_snapshot(cluster_id, "snap-1", automatic=True, age=60.0)
    state.set_policy(cluster_id, {**POLICY, "delete_auto": "true"})
    assert len(state.snapshots(cluster_id)) == 1


def test_version_2_opens_and_closes_the_policy(
    state: EmulatorState, cluster_id: str
) -> None:
    body = {"prefix": "snap", "period": "02:00 GMT+08:00", "keepday": 9}

    state.open_policy(cluster_id, body)
    opened = state.get_policy(cluster_id)
    state.close_policy(cluster_id)

    assert (opened["enable"], opened["keepday"]) == ("true", 9)
    assert state.get_policy(cluster_id)["enable"] == "false"


def test_version_2_demands_the_period(state: EmulatorState, cluster_id: str) -> None:
    body = {"prefix": "snap", "keepday": 9}
    assert refusal(state.open_policy, cluster_id, body) == (400, "CSS.0001")


def test_settings_turn_the_snapshot_function_on(clock: ManualTime) -> None:
    cluster = EmulatedCluster(backup_available=False)
    state = EmulatorState(clock=clock, clusters=[cluster])

    state.configure(
        cluster.id,
        {
            "bucket": "obs-b8ed",
            "agency": "my-agency",
            "base_path": "a/b",
            "max_snapshot_bytes_per_seconds": "0",
            "max_restore_bytes_per_seconds": "80mb",
            "snapshotCmkId": "key-1",
            **POLICY,
        },
    )

    policy = state.get_policy(cluster.id)
    assert state.get_cluster(cluster.id)["backupAvailable"] is True
    assert policy["bucket"] == "obs-b8ed"
    assert (policy["agency"], policy["basePath"]) == ("my-agency", "a/b")
    assert policy["maxSnapshotBytesPerSeconds"] == "0"
    assert policy["maxRestoreBytesPerSeconds"] == "80mb"
    assert (policy["snapshotCmkId"], policy["enable"]) == ("key-1", "true")


def test_settings_without_a_folder_get_one(
    state: EmulatorState, cluster_id: str
) -> None:
    state.configure(cluster_id, {"bucket": "css-backup", "agency": "agency"})
    name = state.cluster(cluster_id).name
    assert state.get_policy(cluster_id)["basePath"] == f"css_repository/{name}"


def test_a_bucket_with_snapshots_in_it_stays(
    state: EmulatorState, cluster_id: str
) -> None:
    create(state, cluster_id)
    other = {"bucket": "other-bucket", "agency": "agency"}

    assert refusal(state.configure, cluster_id, other) == (400, "CSS.0001")
    state.configure(cluster_id, {"bucket": "css-backup", "agency": "agency"})
    assert state.get_policy(cluster_id)["agency"] == "agency"


def test_automatic_settings_make_a_bucket_per_cluster(clock: ManualTime) -> None:
    clusters = [EmulatedCluster(backup_available=False) for _ in range(2)]
    state = EmulatorState(clock=clock, clusters=clusters)

    for cluster in clusters:
        state.configure_automatically(cluster.id)

    first, second = (state.get_policy(cluster.id)["bucket"] for cluster in clusters)
    assert first != second
    assert all(cluster.backup_available for cluster in clusters)


def test_disabling_twice_is_an_illegal_operation(
    state: EmulatorState, cluster_id: str, clock: ManualTime
) -> None:
    state.set_policy(cluster_id, POLICY)
    create(state, cluster_id)
    busy = refusal(state.disable_snapshots, cluster_id)
    clock.advance(2.0)

    state.disable_snapshots(cluster_id)

    assert busy == (409, "CSS.0011")
    assert state.get_cluster(cluster_id)["backupAvailable"] is False
    assert state.get_policy(cluster_id)["enable"] == "false"
    assert refusal(state.disable_snapshots, cluster_id) == (415, "CSS.0004")
    assert refusal(state.set_policy, cluster_id, POLICY) == (415, "CSS.0004")
    assert refusal(state.open_policy, cluster_id, POLICY) == (415, "CSS.0004")
    assert refusal(state.close_policy, cluster_id) == (415, "CSS.0004")


@pytest.mark.parametrize("call", ["configure", "configure_automatically"])
def test_logstash_has_no_snapshots_to_set_up(clock: ManualTime, call: str) -> None:
    cluster = EmulatedCluster(engine="logstash")
    state = EmulatorState(clock=clock, clusters=[cluster])
    body = [{"bucket": "css-backup", "agency": "a"}] if call == "configure" else []
    refused = refusal(getattr(state, call), cluster.id, *body)
    assert refused == (415, "CSS.5108")
