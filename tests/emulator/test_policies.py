"""Policy, settings, and the snapshot function on and off, without HTTP."""

from typing import Any

import pytest

from css_snapshot.emulator import EmulatedCluster, EmulatorState, VendorError
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import create, refusal

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


def test_a_policy_keeps_its_values_when_it_is_switched_off(
    state: EmulatorState, cluster_id: str
) -> None:
    state.set_policy(cluster_id, POLICY)
    before = state.get_policy(cluster_id)

    state.set_policy(cluster_id, {"enable": "false"})
    off = state.get_policy(cluster_id)
    state.set_policy(cluster_id, POLICY)
    state.close_policy(cluster_id)
    closed = state.get_policy(cluster_id)
    state.set_policy(cluster_id, POLICY)
    state.disable_snapshots(cluster_id)

    assert (
        off == closed == state.get_policy(cluster_id) == {**before, "enable": "false"}
    )


def test_what_comes_along_with_switching_a_policy_off_is_kept_too(
    state: EmulatorState, cluster_id: str
) -> None:
    changes = {"prefix": "late", "keepday": 9, "frequency": "SUN", "indices": "z"}
    body = {"enable": "false", "period": "03:00 GMT+00:00", **changes}

    state.set_policy(cluster_id, body)

    shown = state.get_policy(cluster_id)
    assert {key: shown[key] for key in body} == body


@pytest.mark.parametrize(
    "change",
    [{"prefix": "NO"}, {"keepday": 91}, {"frequency": "MONTH"}, {"period": "3:00"}],
    ids=str,
)
def test_nonsense_is_refused_when_a_policy_is_switched_off_too(
    state: EmulatorState, cluster_id: str, change: dict[str, object]
) -> None:
    state.set_policy(cluster_id, POLICY)
    body = {"enable": "false", **change}

    assert refusal(state.set_policy, cluster_id, body) == (400, "CSS.0001")
    assert state.get_policy(cluster_id)["enable"] == "true"


@pytest.mark.parametrize(
    ("spelling", "naming", "understood"),
    [
        ("max_{}_bytes_per_seconds", "both", True),
        ("max_{}_bytes_per_seconds", "snake", True),
        ("max_{}_bytes_per_seconds", "camel", False),
        ("max{}BytesPerSeconds", "both", True),
        ("max{}BytesPerSeconds", "camel", True),
        ("max{}BytesPerSeconds", "snake", False),
    ],
)
def test_rates_have_two_spellings(
    state: EmulatorState, cluster_id: str, spelling: str, naming: Any, understood: bool
) -> None:
    state.naming = naming
    kinds = ("snapshot", "restore") if "_" in spelling else ("Snapshot", "Restore")
    rates = {spelling.format(kinds[0]): "60mb", spelling.format(kinds[1]): "0"}

    state.configure(cluster_id, {"bucket": "css-backup", "agency": "a", **rates})

    shown = state.get_policy(cluster_id)
    expected = ("60mb", "0") if understood else ("40MB", "40MB")
    assert shown["maxSnapshotBytesPerSeconds"] == expected[0]
    assert shown["maxRestoreBytesPerSeconds"] == expected[1]


def test_a_blank_rate_is_the_default(state: EmulatorState, cluster_id: str) -> None:
    body = {"bucket": "css-backup", "agency": "a", "max_snapshot_bytes_per_seconds": ""}
    state.configure(cluster_id, body)
    assert state.get_policy(cluster_id)["maxSnapshotBytesPerSeconds"] == "40MB"


def test_an_agency_is_made_for_the_settings_that_demand_it(clock: ManualClock) -> None:
    state = EmulatorState(clock=clock.timestamp, agencies=(), check_agencies=True)
    cluster_id = state.cluster_ids[0]
    settings = {"bucket": "css-backup", "agency": "css_obs_agency"}
    order = {"type": "obs", "domain_id": "d", "domain_name": "n"}

    before = refusal(state.configure, cluster_id, settings)
    for _ in range(2):
        state.create_agency(order)
    state.configure(cluster_id, settings)

    assert before == (400, "CSS.5130")
    assert state.agencies == ("css_obs_agency",)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("vpc", "css_upgrade_agency"),
        ("elb", "css_elb_agency"),
        ("smn", "css_smn_agency"),
    ],
)
def test_an_agency_is_named_by_its_type(
    state: EmulatorState, kind: str, name: str
) -> None:
    state.create_agency({"type": kind, "domain_id": "d", "domain_name": "n"})

    assert state.agencies == ("css_obs_agency", name)


@pytest.mark.parametrize(
    "change", [{"type": None}, {"type": "other"}, {"domain_id": ""}, {"domain_name": 1}]
)
def test_an_agency_of_no_known_type_or_domain_is_refused(
    state: EmulatorState, change: dict[str, object]
) -> None:
    body = {"type": "obs", "domain_id": "d", "domain_name": "n", **change}
    assert refusal(state.create_agency, body) == (400, "CSS.0001")


def test_the_text_of_a_second_disabling_is_the_vendors(
    state: EmulatorState, cluster_id: str
) -> None:
    state.disable_snapshots(cluster_id)
    with pytest.raises(VendorError) as caught:
        state.disable_snapshots(cluster_id)
    assert caught.value.message == ("CSS.0004 : Invalid operation. (Illegal operation)")


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


def test_settings_turn_the_snapshot_function_on(clock: ManualClock) -> None:
    cluster = EmulatedCluster(backup_available=False)
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])

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


def test_automatic_settings_make_a_bucket_per_cluster(clock: ManualClock) -> None:
    clusters = [EmulatedCluster(backup_available=False) for _ in range(2)]
    state = EmulatorState(clock=clock.timestamp, clusters=clusters)

    for cluster in clusters:
        state.configure_automatically(cluster.id)

    first, second = (state.get_policy(cluster.id)["bucket"] for cluster in clusters)
    assert first != second
    assert all(cluster.backup_available for cluster in clusters)


def test_disabling_twice_is_an_illegal_operation(
    state: EmulatorState, cluster_id: str, clock: ManualClock
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
def test_logstash_has_no_snapshots_to_set_up(clock: ManualClock, call: str) -> None:
    cluster = EmulatedCluster(engine="logstash")
    state = EmulatorState(clock=clock.timestamp, clusters=[cluster])
    body = [{"bucket": "css-backup", "agency": "a"}] if call == "configure" else []
    refused = refusal(getattr(state, call), cluster.id, *body)
    assert refused == (415, "CSS.5108")
