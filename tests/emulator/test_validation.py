"""What the emulator refuses in the fields of a request: as documented, no more."""

from collections.abc import Callable, Mapping

import pytest

from css_snapshot.emulator import EmulatorState, VendorError
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import create, refusal

NAME = "snapshot_001"


@pytest.mark.parametrize(
    "name",
    ["abcd", "a" + "b" * 63, "a_-9", "snapshot-2026-11-23"],
)
def test_a_good_name_passes(state: EmulatorState, cluster_id: str, name: str) -> None:
    create(state, cluster_id, name)
    assert state.snapshots(cluster_id)[0].name == name


@pytest.mark.parametrize(
    "name",
    [
        "abc",
        "a" * 65,
        "Abcd",
        "1abc",
        "_abc",
        "ab cd",
        "abcd\n",
        "abcé",
        None,
        4,
        [NAME],
    ],
)
def test_a_bad_name_is_refused(
    state: EmulatorState, cluster_id: str, name: object
) -> None:
    refused = refusal(state.create_snapshot, cluster_id, {"name": name})
    assert refused == (400, "CSS.0001")
    assert state.creations == 0


def test_a_refusal_begins_with_the_code_as_the_vendors_does(
    state: EmulatorState, cluster_id: str
) -> None:
    with pytest.raises(VendorError) as caught:
        state.create_snapshot(cluster_id, {"name": "NO"})
    assert caught.value.message == (
        "CSS.0001 : Incorrect parameters. (name is invalid)"
    )


def test_a_refusal_names_the_field(state: EmulatorState, cluster_id: str) -> None:
    with pytest.raises(VendorError, match="enable is neither"):
        state.set_policy(cluster_id, {"enable": "yes"})


@pytest.mark.parametrize(
    ("body", "code"),
    [(None, "CSS.0006"), ({}, "CSS.0006"), ([NAME], "CSS.0001"), (NAME, "CSS.0001")],
)
def test_a_body_that_is_no_object_is_refused(
    state: EmulatorState, cluster_id: str, body: object, code: str
) -> None:
    assert refusal(state.create_snapshot, cluster_id, body) == (400, code)


@pytest.mark.parametrize(
    "description",
    ["x" * 256, "快照", "a & b = 'c' !", "", None, 'quote "'],
)
def test_a_good_description_passes(
    state: EmulatorState, cluster_id: str, description: str | None
) -> None:
    state.create_snapshot(cluster_id, {"name": NAME, "description": description})
    assert state.snapshots(cluster_id)[0].description == (description or "")


@pytest.mark.parametrize("description", ["x" * 257, "a<b", "a>b", 5, ["a"]])
def test_a_bad_description_is_refused(
    state: EmulatorState, cluster_id: str, description: object
) -> None:
    body = {"name": NAME, "description": description}
    assert refusal(state.create_snapshot, cluster_id, body) == (400, "CSS.0001")


@pytest.mark.parametrize("character", list("!<>=&\"'\\"))
def test_the_newer_sites_forbid_more_in_a_description(
    clock: ManualClock, character: str
) -> None:
    state = EmulatorState(clock=clock.timestamp, strict_descriptions=True)
    body = {"name": NAME, "description": f"a{character}b"}
    refused = refusal(state.create_snapshot, state.cluster_ids[0], body)
    assert refused == (400, "CSS.0001")


@pytest.mark.parametrize(
    ("indices", "kept"),
    [
        ("myindex1,myindex2", "myindex1,myindex2"),
        (".kibana,2018-06*", ".kibana,2018-06*"),
        ("x" * 1024, "x" * 1024),
        ("", "*"),
        (None, "*"),
    ],
)
def test_good_indices_pass(
    state: EmulatorState, cluster_id: str, indices: str | None, kept: str
) -> None:
    state.create_snapshot(cluster_id, {"name": NAME, "indices": indices})
    assert state.snapshots(cluster_id)[0].indices == kept


@pytest.mark.parametrize(
    "indices",
    ["a, b", "Myindex", "É", "x" * 1025, 'a"', "a\\", "a<", "a|", "a>", "a/", "a?", 1],
)
def test_bad_indices_are_refused(
    state: EmulatorState, cluster_id: str, indices: object
) -> None:
    body = {"name": NAME, "indices": indices}
    assert refusal(state.create_snapshot, cluster_id, body) == (400, "CSS.0001")


POLICY = {"enable": "true", "prefix": "snap", "period": "16:00 GMT+08:00", "keepday": 7}


@pytest.mark.parametrize(
    "change",
    [
        {"enable": True},
        {"enable": "yes"},
        {"enable": None},
        {"prefix": None},
        {"prefix": "Snap"},
        {"prefix": "s" * 33},
        {"period": "16:30 GMT+08:00"},
        {"period": "24:00 GMT+08:00"},
        {"period": "16:00"},
        {"keepday": None},
        {"keepday": 0},
        {"keepday": 91},
        {"keepday": "7"},
        {"keepday": True},
        {"frequency": "MONTH"},
        {"frequency": 1},
        {"indices": "A"},
        {"delete_auto": True},
    ],
    ids=str,
)
def test_a_bad_policy_is_refused_and_changes_nothing(
    state: EmulatorState, cluster_id: str, change: Mapping[str, object]
) -> None:
    refused = refusal(state.set_policy, cluster_id, {**POLICY, **change})
    assert refused == (400, "CSS.0001")
    assert state.get_policy(cluster_id)["enable"] == "false"


SETTINGS = {"bucket": "css-backup", "agency": "css_obs_agency", "base_path": "a/b"}


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": None},
        {"bucket": "ab"},
        {"bucket": "b" * 64},
        {"bucket": "Upper-case"},
        {"bucket": "under_score"},
        {"bucket": "-front"},
        {"bucket": "back."},
        {"bucket": "two..periods"},
        {"bucket": "beside.-hyphen"},
        {"bucket": "beside-.hyphen"},
        {"bucket": "192.168.0.1"},
        {"bucket": "line\n"},
        {"agency": None},
        {"agency": "no blanks"},
        {"base_path": "/a"},
        {"base_path": ".a"},
        {"base_path": "a."},
        {"base_path": "a:b"},
        {"base_path": "a" * 513},
        {"base_path": "a///b"},
        {"base_path": "a...b"},
        {"max_snapshot_bytes_per_seconds": "10000mb"},
        {"max_snapshot_bytes_per_seconds": "40 MB"},
        {"max_restore_bytes_per_seconds": 40},
        {"snapshotCmkId": 5},
        {"enable": "maybe"},
    ],
    ids=str,
)
def test_bad_settings_are_refused_and_change_nothing(
    state: EmulatorState, cluster_id: str, change: Mapping[str, object]
) -> None:
    before = state.get_policy(cluster_id)
    refused = refusal(state.configure, cluster_id, {**SETTINGS, **change})
    assert refused == (400, "CSS.0001")
    assert state.get_policy(cluster_id) == before


@pytest.mark.parametrize(
    "change",
    [
        {"enable": "maybe"},
        {"prefix": "1"},
        {"period": "noon"},
        {"keepday": 0},
        {"frequency": "YEAR"},
        {"indices": "A"},
        {"bucket": "ab"},
        {"agency": ""},
        {"base_path": "a:b"},
        {"max_snapshot_bytes_per_seconds": "x"},
        {"max_restore_bytes_per_seconds": "x"},
        {"snapshotCmkId": 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_setting_that_is_refused_is_named(
    state: EmulatorState, cluster_id: str, change: Mapping[str, object]
) -> None:
    body = {**SETTINGS, **POLICY, **change}

    with pytest.raises(VendorError) as caught:
        state.configure(cluster_id, body)

    (field,) = change
    assert f"({field} " in caught.value.message


@pytest.mark.parametrize(
    "change",
    [
        {"bucket": "abc"},
        {"bucket": "b" * 63},
        {"bucket": "a.b--c.9"},
        {"bucket": "192.168.0.a"},
        {"base_path": "a//b..c/"},
        {"base_path": ""},
    ],
    ids=str,
)
def test_good_settings_pass(
    state: EmulatorState, cluster_id: str, change: Mapping[str, object]
) -> None:
    state.configure(cluster_id, {**SETTINGS, **change})
    bucket = {**SETTINGS, **change}["bucket"]
    assert state.get_policy(cluster_id)["bucket"] == bucket


@pytest.mark.parametrize(
    "change",
    [
        {"target_cluster": None},
        {"target_cluster": ""},
        {"target_cluster": 3},
        {"indices": "A"},
        {"rename_pattern": "(index", "rename_replacement": "b"},
        {"rename_pattern": "in dex", "rename_replacement": "b"},
        {"rename_pattern": "a,b", "rename_replacement": "b"},
        {"replace_exist_indices": "true"},
    ],
    ids=str,
)
def test_a_bad_restore_is_refused(
    state: EmulatorState,
    cluster_id: str,
    clock: ManualClock,
    change: Mapping[str, object],
) -> None:
    snapshot_id = create(state, cluster_id)
    clock.advance(2.0)
    body = {"target_cluster": state.cluster_ids[1], **change}
    refused = refusal(state.restore_snapshot, cluster_id, snapshot_id, body)
    assert refused == (400, "CSS.0001")
    assert state.snapshots(cluster_id)[0].restore_status == "none"


def _restore(state: EmulatorState, spelling: str) -> None:
    cluster_id, target, _third = state.cluster_ids
    snapshot = state.add_snapshot(cluster_id, NAME, age=60.0)
    camel = {
        "targetCluster": target,
        "renamePattern": "a",
        "renameReplacement": "b",
    }
    snake = {
        "target_cluster": target,
        "rename_pattern": "a",
        "rename_replacement": "b",
    }
    body = camel if spelling == "camel" else snake
    state.restore_snapshot(cluster_id, snapshot.id, body)
    assert snapshot.restore_status == "restoring"


def _configure(state: EmulatorState, spelling: str) -> None:
    cluster_id = state.cluster_ids[0]
    field = "basePath" if spelling == "camel" else "base_path"
    body = {"bucket": "css-backup", "agency": "agency", field: "my/folder"}
    state.configure(cluster_id, body)
    assert state.get_policy(cluster_id)["basePath"] == "my/folder"


def _delete_automatic(state: EmulatorState, spelling: str) -> None:
    cluster_id = state.cluster_ids[0]
    state.add_snapshot(cluster_id, "auto-1", automatic=True, age=60.0)
    state.add_snapshot(cluster_id, "manual", age=60.0)
    field = "deleteAuto" if spelling == "camel" else "delete_auto"
    state.set_policy(cluster_id, {"enable": "false", field: "true"})
    assert [row.name for row in state.snapshots(cluster_id)] == ["manual"]


USES = [_restore, _configure, _delete_automatic]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("naming", "spelling"),
    [("both", "camel"), ("both", "snake"), ("camel", "camel"), ("snake", "snake")],
)
def test_the_spelling_that_a_site_knows_is_understood(
    clock: ManualClock,
    use: Callable[[EmulatorState, str], None],
    naming: str,
    spelling: str,
) -> None:
    state = EmulatorState(clock=clock.timestamp, naming=naming)  # type: ignore[arg-type]  # parametrized
    use(state, spelling)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("naming", "spelling"), [("camel", "snake"), ("snake", "camel")]
)
def test_the_other_spelling_is_ignored_as_an_unknown_field(
    clock: ManualClock,
    use: Callable[[EmulatorState, str], None],
    naming: str,
    spelling: str,
) -> None:
    state = EmulatorState(clock=clock.timestamp, naming=naming)  # type: ignore[arg-type]  # parametrized
    with pytest.raises((VendorError, AssertionError)):
        use(state, spelling)
