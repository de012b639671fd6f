"""Bodies as they go out, and answers as they come in, in all the forms seen."""

import json
import pickle
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import (
    Backup,
    BackupType,
    CreateSnapshotRequest,
    Datastore,
    RestoreSnapshotRequest,
    RestoreStatus,
    Snapshot,
    SnapshotFrequency,
    SnapshotPolicy,
    SnapshotSettings,
    SnapshotStatus,
)
from css_snapshot.api.decode import (
    LARGE,
    DecodeError,
    decode_backup,
    decode_cluster,
    decode_clusters,
    decode_nothing,
    decode_policy,
    decode_snapshots,
)
from css_snapshot.api.encode import (
    encode_create,
    encode_opening,
    encode_policy,
    encode_restore,
    encode_settings,
)
from css_snapshot.typing import WireNames

HW21: Final[dict[str, object]] = {
    "created": "2018-03-07T07:34:47",
    "updated": "2018-03-07T07:40:12",
    "datastore": {"type": "elasticsearch", "version": "5.5.1"},
    "version": "5.5.1",
    "id": "e29d99c1-3d19-4ea4-ae8d-f252df76cbe9",
    "name": "snapshot-002",
    "description": "",
    "clusterId": "37cb1075-c38e-4cd8-81df-442d52df3786",
    "clusterName": "Es-xfx",
    "status": "COMPLETED",
    "backupType": "1",
    "backupMethod": "manual",
    "backupExpectedStartTime": None,
    "backupKeepDay": None,
    "backupPeriod": None,
    "indices": ".kibana,website2",
    "totalShards": 6,
    "failedShards": 0,
    "restoreStatus": "success",
    "startTime": 1520408087099,
    "endTime": 1520408412219,
    "bucketName": "obs-b8ed",
}
OTC26: Final[dict[str, object]] = {
    "created": "2018-03-07T07:34:47",
    "datastore": {"type": "openSearch", "version": "2.19.0"},
    "id": "e29d99c1-3d19-4ea4-ae8d-f252df76cbe9",
    "name": "snapshot-002",
    "description": "",
    "clusterId": "37cb1075-c38e-4cd8-81df-442d52df3786",
    "clusterName": "Es-xfx",
    "status": "COMPLETED",
    "backupType": "1",
    "backupMethod": "manual",
    "backupFrequency": "DAY",
    "indices": ".kibana,website2",
    "totalShards": 6,
    "failedShards": 0,
    "restoreStatus": "none",
    "startTime": 1520408087099,
    "endTime": 1520408412219,
    "bucketName": "obs-b8ed",
}
POLICY: Final[dict[str, object]] = {
    "keepday": 2,
    "period": "16:00 GMT+08:00",
    "frequency": "DAY",
    "prefix": "snapshot",
    "bucket": "es-backup",
    "basePath": "css_repository/tests",
    "agency": "usearch",
    "enable": "true",
    "indices": "*",
    "snapshotCmkId": None,
    "maxSnapshotBytesPerSeconds": "40MB",
    "maxRestoreBytesPerSeconds": "0MB",
}


def listed(**changes: object) -> Snapshot:
    row = {**HW21, **changes}
    (snapshot,) = decode_snapshots(json.dumps({"backups": [row]}).encode())
    return snapshot


def policy(**changes: object) -> SnapshotPolicy:
    return decode_policy(json.dumps({**POLICY, **changes}).encode())


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # up to seven parts, no zone among them


def test_a_creation_is_compact_and_leaves_out_what_is_not_given() -> None:
    assert encode_create(CreateSnapshotRequest("nightly")) == b'{"name":"nightly"}'


def test_a_creation_joins_indices_and_keeps_what_was_given_even_if_empty() -> None:
    request = CreateSnapshotRequest(
        "snapshot_001", indices=["myindex1", "myindex2"], description=""
    )

    assert encode_create(request) == (
        b'{"name":"snapshot_001","indices":"myindex1,myindex2","description":""}'
    )


def test_a_creation_is_utf_8_and_never_shows_our_own_settings() -> None:
    request = CreateSnapshotRequest("nightly", description="ü=", strict=False)

    assert encode_create(request) == '{"name":"nightly","description":"ü="}'.encode()


RESTORE: Final = RestoreSnapshotRequest(
    target_cluster_id="ea244205",
    indices="myindex1,myindex2",
    rename_pattern="index",
    rename_replacement="restored_index_$1",
    replace_existing=True,
)
SNAKE: Final = {
    "target_cluster": "ea244205",
    "rename_pattern": "index",
    "rename_replacement": "restored_index_$1",
}
CAMEL: Final = {
    "targetCluster": "ea244205",
    "renamePattern": "index",
    "renameReplacement": "restored_index_$1",
}
UNCHANGED: Final = {"indices": "myindex1,myindex2", "replace_exist_indices": True}


@pytest.mark.parametrize(
    ("names", "drifted"),
    [("snake", SNAKE), ("camel", CAMEL), ("both", SNAKE | CAMEL)],
)
def test_a_restoration_is_spelled_as_the_setting_says(
    names: WireNames, drifted: dict[str, str]
) -> None:
    assert json.loads(encode_restore(RESTORE, names)) == {**drifted, **UNCHANGED}


def test_a_plain_restoration_sends_the_target_alone() -> None:
    request = RestoreSnapshotRequest(target_cluster_id="c2")

    assert encode_restore(request, "snake") == b'{"target_cluster":"c2"}'


SETTABLE: Final = SnapshotPolicy(
    enabled=True,
    prefix="snapshot",
    period="16:00 GMT+08:00",
    keep=7,
    frequency=SnapshotFrequency.DAY,
    indices=("a", "b*"),
    bucket="es-backup",
    base_path="css_repository",
    agency="usearch",
    cmk_id="k1",
    max_snapshot_rate="40MB",
    max_restore_rate="0MB",
)
SET: Final = {
    "enable": "true",
    "prefix": "snapshot",
    "period": "16:00 GMT+08:00",
    "keepday": 7,
    "frequency": "DAY",
    "indices": "a,b*",
}


def test_a_policy_sends_what_can_be_set_and_nothing_else() -> None:
    assert json.loads(encode_policy(SETTABLE, "both")) == SET


def test_a_bare_policy_sends_a_quoted_boolean() -> None:
    off = SnapshotPolicy(enabled=False)

    assert encode_policy(off, "both") == b'{"enable":"false"}'


@pytest.mark.parametrize(
    ("names", "drifted"),
    [
        ("snake", {"delete_auto"}),
        ("camel", {"deleteAuto"}),
        ("both", {"delete_auto", "deleteAuto"}),
    ],
)
def test_deleting_automatic_ones_is_spelled_as_the_setting_says(
    names: WireNames, drifted: set[str]
) -> None:
    off = SnapshotPolicy(enabled=False)
    sent = json.loads(encode_policy(off, names, delete_automatic=True))

    assert sent == {"enable": "false"} | dict.fromkeys(drifted, "true")


def test_version_2_has_no_word_for_enabled() -> None:
    assert json.loads(encode_opening(SETTABLE)) == {
        name: value for name, value in SET.items() if name != "enable"
    }


def test_version_2_gets_a_period_even_where_it_means_nothing() -> None:
    hourly = SnapshotPolicy(enabled=True, prefix="s", keep=1, frequency="HOUR")

    assert json.loads(encode_opening(hourly))["period"] == "00:00 GMT+08:00"


@pytest.mark.parametrize(
    ("names", "drifted"),
    [
        ("snake", {"base_path"}),
        ("camel", {"basePath"}),
        ("both", {"base_path", "basePath"}),
    ],
)
def test_settings_are_spelled_as_the_setting_says(
    names: WireNames, drifted: set[str]
) -> None:
    settings = SnapshotSettings(
        bucket="es-backup",
        agency="css_obs_agency",
        base_path="css_repository/a",
        max_snapshot_rate="40MB",
        max_restore_rate="0",
        cmk_id="k1",
        policy=SETTABLE,
    )

    assert json.loads(encode_settings(settings, names)) == {
        "bucket": "es-backup",
        "agency": "css_obs_agency",
        **dict.fromkeys(drifted, "css_repository/a"),
        "max_snapshot_bytes_per_seconds": "40mb",
        "max_restore_bytes_per_seconds": "0",
        "snapshotCmkId": "k1",
        **SET,
    }


def test_plain_settings_send_bucket_and_agency_alone() -> None:
    settings = SnapshotSettings(bucket="es-backup", agency="css_obs_agency")

    assert encode_settings(settings, "both") == (
        b'{"bucket":"es-backup","agency":"css_obs_agency"}'
    )


def test_a_backup_is_read() -> None:
    body = b'{"backup": {"id": "9dc4f5c9", "name": "snapshot_101", "new": 1}}'

    assert decode_backup(body) == Backup("9dc4f5c9", "snapshot_101")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "the body is not JSON"),
        (b"<html>", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body is not an object"),
        (b"{}", "backup is missing"),
        (b'{"backup": null}', "backup: expected an object, got nothing"),
        (b'{"backup": []}', "backup: expected an object, got a list"),
        (b'{"backup": {"name": "a"}}', "backup: id: expected text, got nothing"),
        (
            b'{"backup": {"id": 7, "name": "a"}}',
            "backup: id: expected text, got a number",
        ),
        (
            b'{"backup": {"id": null, "name": "a"}}',
            "backup: id: expected text, got nothing",
        ),
        (b'{"backup": {"id": "", "name": "a"}}', "backup.id is empty"),
        (
            b'{"backup": {"id": {}, "name": "a"}}',
            "backup: id: expected text, got an ob",
        ),
    ],
)
def test_what_is_no_backup_is_said_where(body: bytes, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_backup(body)

    assert where in str(caught.value)


def test_the_older_sample_is_read() -> None:
    assert listed() == Snapshot(
        id="e29d99c1-3d19-4ea4-ae8d-f252df76cbe9",
        name="snapshot-002",
        status=SnapshotStatus.COMPLETED,
        cluster_id="37cb1075-c38e-4cd8-81df-442d52df3786",
        cluster_name="Es-xfx",
        description="",
        created=utc(2018, 3, 7, 7, 34, 47),
        updated=utc(2018, 3, 7, 7, 40, 12),
        start_time=utc(2018, 3, 7, 7, 34, 47, 99000),
        end_time=utc(2018, 3, 7, 7, 40, 12, 219000),
        backup_type=BackupType.MANUAL,
        backup_method="manual",
        indices=(".kibana", "website2"),
        total_shards=6,
        failed_shards=0,
        restore_status=RestoreStatus.SUCCESS,
        bucket="obs-b8ed",
        version="5.5.1",
        datastore=Datastore(type="elasticsearch", version="5.5.1"),
    )


def test_the_newer_sample_is_read() -> None:
    (snapshot,) = decode_snapshots(json.dumps({"backups": [OTC26]}).encode())

    assert snapshot.updated is None
    assert snapshot.version is None
    assert snapshot.frequency == "DAY"
    assert snapshot.restore_status is RestoreStatus.NONE
    assert snapshot.datastore == Datastore(type="opensearch", version="2.19.0")
    assert snapshot.duration == pytest.approx(325.12)


@pytest.mark.parametrize("body", [b'{"backups": []}', b'{"backups": null}'])
def test_no_snapshots_are_an_empty_list(body: bytes) -> None:
    assert decode_snapshots(body) == ()


@pytest.mark.parametrize(
    "value", [1520408087099, "1520408087099", 1520408087099.0], ids=repr
)
def test_a_time_is_a_number_of_milliseconds_in_any_type(value: object) -> None:
    assert listed(startTime=value).start_time == utc(2018, 3, 7, 7, 34, 47, 99000)


@pytest.mark.parametrize("value", [None, 0, "0", "", -1, "-1"], ids=repr)
def test_what_has_not_ended_has_no_end(value: object) -> None:
    assert listed(status="BUILDING", endTime=value).end_time is None


def test_a_time_that_is_absent_is_none() -> None:
    row = {key: value for key, value in HW21.items() if not key.endswith("Time")}
    (snapshot,) = decode_snapshots(json.dumps({"backups": [row]}).encode())

    assert (snapshot.start_time, snapshot.end_time) == (None, None)


@pytest.mark.parametrize(
    "value",
    [
        "2018-03-07T07:34:47",
        "2018-03-07T07:34:47Z",
        "2018-03-07T15:34:47+08:00",
        "2018-03-07T07:34:47+0000",
        "2018-03-07 07:34:47",
        1520408087000,
    ],
)
def test_a_date_is_in_aware_utc_whatever_its_zone(value: object) -> None:
    created = listed(created=value).created

    assert created == utc(2018, 3, 7, 7, 34, 47)
    assert created is not None
    assert created.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"status": "ARCHIVED"}, "status", SnapshotStatus("ARCHIVED")),
        ({"status": "building"}, "status", SnapshotStatus.BUILDING),
        ({"restoreStatus": "RESTORING"}, "restore_status", RestoreStatus.RESTORING),
        ({"restoreStatus": None}, "restore_status", None),
        ({"backupType": 0}, "backup_type", BackupType.AUTOMATIC),
        ({"backupKeepDay": "7"}, "keep_days", 7),
        ({"backupPeriod": "16:00 GMT+08:00"}, "period", "16:00 GMT+08:00"),
        ({"backupExpectedStartTime": "02:00"}, "expected_start_time", "02:00"),
        ({"totalShards": "6"}, "total_shards", 6),
        ({"indices": ""}, "indices", ()),
        ({"indices": None}, "indices", ()),
        ({"indices": ["a", "b"]}, "indices", ("a", "b")),
        ({"datastore": None}, "datastore", None),
        ({"datastore": {"type": None}}, "datastore", Datastore()),
        ({"description": None}, "description", None),
        ({"somethingNew": {"a": 1}}, "name", "snapshot-002"),
    ],
)
def test_drift_is_taken_in(
    changes: dict[str, object], name: str, expected: object
) -> None:
    assert getattr(listed(**changes), name) == expected


def test_a_list_that_is_none_is_refused() -> None:
    with pytest.raises(DecodeError, match="backups is not a list"):
        decode_snapshots(b'{"backups": {}}')


@pytest.mark.parametrize(
    "form",
    [
        '{"backups":[%s,%s]}',
        '\ufeff \t{\r\n"backups" : [ %s ,\n%s ] , "totalSize": 2 }\n',
        '{"totalSize":2,"backups":[%s,%s]}',
        '{"backups":[%s,null,%s],"a":[1]}',
    ],
)
def test_rows_are_read_wherever_a_document_has_them(form: str) -> None:
    rows = [json.dumps(OTC26 | {"id": x, "name": f"snapshot-{x}"}) for x in "ab"]

    found = decode_snapshots((form % tuple(rows)).encode())

    assert [(row.id, row.name) for row in found] == [
        ("a", "snapshot-a"),
        ("b", "snapshot-b"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        '{"backups":[ROW,]}',
        '{"backups":[ROW ROW]}',
        '{"backups":[,ROW]}',
        '{"backups":[ROW}',
        '{"backups":[ROW',
        '{"backups":[ROW]',
        '{"backups":[]',
        '{"backups":[]]}',
        '{"backups":[ROW]} {}',
        '{"backups":[ROW],}',
        '{"backups":[ROW],"a"}',
        '{"backups":[ROW]"a":1}',
        '{"backups":[ROW,%s]}' % ("9" * 5000),
        '{"backups":[%s]}' % ("[" * 100_000),
    ],
    ids=lambda body: body[:40],
)
def test_a_listing_that_is_broken_anywhere_is_refused(body: str) -> None:
    row = json.dumps(OTC26)

    with pytest.raises(DecodeError, match="the body is not JSON"):
        decode_snapshots(body.replace("ROW", row).encode())


def test_a_listing_that_says_two_things_is_refused() -> None:
    with pytest.raises(DecodeError, match="backups is there twice"):
        decode_snapshots(b'{"backups":[],"backups":[{"name":"snapshot-1"}]}')


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_an_answer_is_in_utf_8(encoding: str) -> None:
    body = '{"backup":{"id":"1","name":"schn\u00e4ppchen"}}'

    with pytest.raises(DecodeError, match="the body is not JSON"):
        decode_backup(body.encode(encoding))


def test_snapshots_of_a_large_listing_share_the_names_of_their_indices() -> None:
    rows = [
        OTC26 | {"id": str(day), "indices": f"orders,logs-{day}", "x": "x" * LARGE}
        for day in range(2)
    ]

    one, other = decode_snapshots(json.dumps({"backups": rows}).encode())

    assert (one.indices, other.indices) == (("orders", "logs-0"), ("orders", "logs-1"))
    assert one.indices[0] is other.indices[0]


def test_the_policy_of_the_document_is_read() -> None:
    assert policy() == SnapshotPolicy(
        enabled=True,
        prefix="snapshot",
        period="16:00 GMT+08:00",
        keep=2,
        frequency=SnapshotFrequency.DAY,
        indices=("*",),
        bucket="es-backup",
        base_path="css_repository/tests",
        agency="usearch",
        max_snapshot_rate="40MB",
        max_restore_rate="0MB",
    )


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"enable": "false"}, "enabled", False),
        ({"enable": False}, "enabled", False),
        ({"enable": None}, "enabled", False),
        ({"enable": ""}, "enabled", False),
        ({"enable": "True"}, "enabled", True),
        ({"keepday": "7"}, "keep", 7),
        ({"keepday": None}, "keep", None),
        ({"keepday": 365}, "keep", 365),
        ({"prefix": ""}, "prefix", None),
        ({"prefix": "Not Ours"}, "prefix", "Not Ours"),
        ({"indices": ""}, "indices", None),
        ({"indices": None}, "indices", None),
        ({"snapshotCmkId": ""}, "cmk_id", None),
        ({"snapshotCmkId": "k1"}, "cmk_id", "k1"),
        ({"frequency": "WEEK"}, "frequency", SnapshotFrequency("WEEK")),
        ({"basePath": None, "base_path": "p"}, "base_path", "p"),
    ],
)
def test_a_policy_is_read_as_it_is_stored(
    changes: dict[str, object], name: str, expected: object
) -> None:
    assert getattr(policy(**changes), name) == expected


AS_STORED: Final[tuple[dict[str, object], ...]] = (
    {},
    {"frequency": "WEEK"},
    {"frequency": "week", "keepday": "7"},
    {"frequency": "HOUR", "period": ""},
    {"frequency": None, "indices": None, "period": "00:00 GMT+08:00"},
    {"indices": ["*"], "enable": True, "maxSnapshotBytesPerSeconds": ""},
    {"indices": "", "enable": "false", "prefix": "", "keepday": "", "period": None},
    {"basePath": None, "base_path": "css_repository/tests", "snapshotCmkId": "k1"},
)


@pytest.mark.parametrize("names", ["snake", "camel", "both"])
@pytest.mark.parametrize("stored", AS_STORED, ids=json.dumps)
def test_a_policy_as_it_is_stored_can_be_set_again_and_is_the_same(
    stored: dict[str, object], names: WireNames
) -> None:
    read = policy(**stored)

    read.check()
    sent = json.loads(encode_policy(read, names))

    assert policy(**{**stored, **sent}) == read


@pytest.mark.parametrize("names", ["snake", "camel", "both"])
@pytest.mark.parametrize("stored", AS_STORED, ids=json.dumps)
def test_a_whole_set_up_as_it_is_stored_can_be_set_again(
    stored: dict[str, object], names: WireNames
) -> None:
    read = policy(**stored)
    assert read.bucket is not None
    assert read.agency is not None
    settings = SnapshotSettings(
        bucket=read.bucket,
        agency=read.agency,
        base_path=read.base_path,
        max_snapshot_rate=read.max_snapshot_rate,
        max_restore_rate=read.max_restore_rate,
        cmk_id=read.cmk_id,
        policy=read,
    )

    sent = json.loads(encode_settings(settings, names))

    assert sent["bucket"] == "es-backup"
    assert sent.get("base_path", sent.get("basePath")) == "css_repository/tests"
    assert sent["enable"] == ("true" if read.enabled else "false")
    assert sent.get("keepday") == read.keep
    assert sent.get("frequency") == read.frequency


def test_the_old_policy_without_frequency_is_read() -> None:
    old = policy(frequency=None, indices=None)

    assert (old.frequency, old.indices, old.keep) == (None, None, 2)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{}", "enable is missing"),
        (b'{"enable": "yes"}', "policy: enable: expected true or false, got other"),
        (b'{"enable": 1}', "policy: enable: expected text, got a number"),
    ],
)
def test_what_is_no_policy_is_said_where(body: bytes, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_policy(body)

    assert where in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"{}", b"null", b'{"acknowledged":true}']
)
def test_nothing_may_come_in_these_forms(body: bytes) -> None:
    decode_nothing(body)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"errCode": "CSS.0011", "externalMessage": "busy"}', "an error came"),
        (b"<html>Sign in</html>", "not JSON"),
        (b'{"broken', "not JSON"),
    ],
)
def test_nothing_may_not_come_in_these(body: bytes, where: str) -> None:
    with pytest.raises(DecodeError, match=where):
        decode_nothing(body)


JSON_VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["true", "COMPLETED", "2018-03-07T07:34:47", "1520408087099"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*HW21, *POLICY, "key", "value", "clusters", "actions"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(
    document=st.one_of(
        JSON_VALUES,
        st.builds(
            lambda rows, more: {"backups": rows, "clusters": rows, "backup": more},
            st.lists(JSON_VALUES, max_size=3),
            JSON_VALUES,
        ),
        st.builds(
            lambda more: {**HW21, **POLICY, **more},
            st.dictionaries(st.sampled_from([*HW21, *POLICY]), JSON_VALUES, max_size=3),
        ),
    )
)
def test_any_answer_is_read_or_refused_with_our_error(document: Any) -> None:
    body = json.dumps(document).encode()
    for decode in (
        *(decode_backup, decode_snapshots, decode_policy),
        *(decode_clusters, decode_cluster, decode_nothing),
    ):
        try:
            answer = decode(body)
        except DecodeError:
            continue
        else:
            assert pickle.loads(pickle.dumps(answer)) == answer  # noqa: S301  # our own bytes


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_with_our_error(body: bytes) -> None:
    for decode in (decode_snapshots, decode_policy, decode_nothing):
        try:
            decode(body)
        except DecodeError:
            continue
