"""Rows that are not as documented: what can be read is read, and the rest is told."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import (
    Cluster,
    ClusterInstance,
    ClusterStatus,
    Datastore,
    FailedReason,
    PolicySummary,
    Snapshot,
    SnapshotStatus,
)
from css_snapshot.api.decode import (
    DecodeError,
    decode_cluster,
    decode_clusters,
    decode_policy,
    decode_snapshots,
)

SNAPSHOT: Final = {"id": "s1", "name": "nightly", "status": "COMPLETED"}
GOOD: Final = {"id": "good", "name": "good", "status": "COMPLETED"}
CLUSTER: Final = {"id": "c1", "name": "one", "status": "200"}

Reports = list[tuple[str, str]]


def snapshots(*rows: object) -> tuple[tuple[Snapshot, ...], Reports]:
    reports: Reports = []
    body = json.dumps({"backups": rows}).encode()
    found = decode_snapshots(body, lambda *report: reports.append(report))
    return found, reports


def clusters(*rows: object, **more: object) -> tuple[tuple[Cluster, ...], Reports]:
    reports: Reports = []
    body = json.dumps({"clusters": rows, **more}).encode()
    page = decode_clusters(body, lambda *report: reports.append(report))
    return page.clusters, reports


@pytest.mark.parametrize(
    ("field", "value", "name", "problem"),
    [
        ("created", "yesterday", "created", "expected a time, got other text"),
        ("startTime", 10**30, "start_time", "expected a time, got a number too large"),
        ("startTime", True, "start_time", "expected a whole number, got true or false"),
        ("totalShards", "six", "total_shards", "expected a whole number, got text"),
        ("failedShards", True, "failed_shards", "expected a whole number, got true"),
        ("indices", {"a": 1}, "indices", "expected text, got an object"),
        ("datastore", "elasticsearch", "datastore", "expected an object, got text"),
        ("backupType", True, "backup_type", "expected text, got true or false"),
        ("restoreStatus", [], "restore_status", "expected text, got a list"),
        ("description", {}, "description", "expected text, got an object"),
        ("backupKeepDay", [7], "keep_days", "expected a whole number, got a list"),
    ],
)
def test_an_odd_field_of_a_snapshot_is_left_out_and_told(
    field: str, value: object, name: str, problem: str
) -> None:
    (odd, good), reports = snapshots({**SNAPSHOT, field: value}, GOOD)

    assert (odd.id, odd.name, odd.status) == ("s1", "nightly", "COMPLETED")
    assert getattr(odd, name) in (None, ())
    assert good == Snapshot(id="good", name="good", status=SnapshotStatus.COMPLETED)
    ((place, told),) = reports
    assert place == f"backups[].{field}"
    assert told.startswith(problem)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("totalShards", ""), ("backupKeepDay", " "), ("created", "")),
        *(("datastore", None), ("indices", ""), ("somethingNew", {"a": [1]})),
    ],
)
def test_what_is_blank_is_not_odd(field: str, value: object) -> None:
    (odd,), reports = snapshots({**SNAPSHOT, field: value})

    assert odd == Snapshot(id="s1", name="nightly", status=SnapshotStatus.COMPLETED)
    assert reports == []


def test_several_odd_fields_are_told_each_and_the_others_read() -> None:
    (odd,), reports = snapshots(
        {**SNAPSHOT, "totalShards": "six", "failedShards": 1, "created": "soon"}
    )

    assert (odd.failed_shards, odd.total_shards, odd.created) == (1, None, None)
    assert {place for place, _ in reports} == {
        "backups[].totalShards",
        "backups[].created",
    }


def test_an_odd_field_within_a_field_leaves_the_rest_of_it() -> None:
    (odd,), reports = snapshots(
        {**SNAPSHOT, "datastore": {"type": {}, "version": "7.10.2"}}
    )

    assert odd.datastore == Datastore(version="7.10.2")
    assert reports == [
        ("backups[].datastore.type", "expected text, got an object"),
    ]


@pytest.mark.parametrize("row", [None, 7, "text", [], {}, {"id": "s1"}, {"name": ""}])
def test_a_row_that_stands_for_nothing_is_left_out_and_told(row: object) -> None:
    found, reports = snapshots(row, GOOD)

    assert [snapshot.id for snapshot in found] == ["good"]
    assert reports[-1][0] == "backups[]"
    assert reports[-1][1].startswith("a row is left out: ")


def test_a_row_without_a_name_says_so() -> None:
    _, reports = snapshots({"id": "s1", "status": "BUILDING"})

    assert reports == [
        ("backups[]", "a row is left out: name: expected text, got nothing")
    ]


@pytest.mark.parametrize(
    "row",
    [
        {"name": "nightly", "status": "COMPLETED"},
        {"name": "nightly", "status": "COMPLETED", "id": None},
        {"name": "nightly", "status": "COMPLETED", "id": 7},
        {"name": "nightly", "status": "COMPLETED", "id": ""},
    ],
)
def test_a_snapshot_without_an_id_is_seen_but_not_usable(row: object) -> None:
    (odd, good), _ = snapshots(row, GOOD)

    assert (odd.id, odd.name, odd.is_usable) == ("", "nightly", False)
    assert good.is_usable


def test_a_snapshot_without_a_status_is_in_none() -> None:
    (odd,), reports = snapshots({"id": "s1", "name": "nightly"})

    assert odd.status == ""
    assert not odd.is_finished
    assert reports == [("backups[].status", "expected text, got nothing")]


@pytest.mark.parametrize(
    ("statuses", "winner"),
    [
        (("BUILDING", "COMPLETED"), 1),
        (("COMPLETED", "BUILDING"), 0),
        (("COMPLETED", "FAILED"), 1),
        (("FAILED", "COMPLETED"), 1),
        (("BUILDING", "BUILDING"), 1),
        (("BUILDING", "PART_FAILED", "BUILDING"), 1),
        (("ARCHIVED", "BUILDING"), 1),
    ],
)
def test_a_snapshot_shown_twice_is_one_and_the_one_that_is_further(
    statuses: tuple[str, ...], winner: int
) -> None:
    rows = [
        {**SNAPSHOT, "status": status, "bucketName": str(number)}
        for number, status in enumerate(statuses)
    ]

    (first, last), _ = snapshots(*rows, GOOD)

    assert (first.id, first.bucket) == ("s1", str(winner))
    assert last.id == "good"


def test_snapshots_without_an_id_are_not_the_same_for_that() -> None:
    found, _ = snapshots({**SNAPSHOT, "id": ""}, {**SNAPSHOT, "id": "", "name": "b"})

    assert [snapshot.name for snapshot in found] == ["nightly", "b"]


@pytest.mark.parametrize(
    ("field", "value", "name", "expected"),
    [
        ("endpoint", ["192.0.2.1:9200", "192.0.2.2:9200"], "endpoint", "192.0.2.1:9200,192.0.2.2:9200"),
        ("tags", [{"key": "a", "value": 1}], "tags", {"a": "1"}),
        ("snapshotPolicy", {"bakKeepDay": "", "bakPeriod": "x"}, "snapshot_policy", PolicySummary(period="x")),
        ("vpcId", 7, "vpc_id", "7"),
        ("backupAvailable", "1", "backup_available", True),
        ("actions", "SNAPSHOTTING", "actions", ("SNAPSHOTTING",)),
        ("instances", "", "instances", None),
    ],
)  # fmt: skip
def test_an_odd_field_of_a_cluster_is_converted_where_that_is_safe(
    field: str, value: object, name: str, expected: object
) -> None:
    (odd, good), _ = clusters({**CLUSTER, field: value}, {**CLUSTER, "id": "c2"})

    assert getattr(odd, name) == expected
    assert good.id == "c2"


@pytest.mark.parametrize(
    ("field", "value", "name", "place"),
    [
        ("endpoint", {"a": 1}, "endpoint", "endpoint"),
        ("tags", ["a=b"], "tags", "tags"),
        ("instances", {"a": 1}, "instances", "instances"),
        ("instances", 7, "instances", "instances"),
        ("instances", ["node"], "instances", "instances"),
        ("failedReason", "broken", "failed_reason", "failedReason"),
        ("failed_reasons", [], "failed_reason", "failedReason"),
        ("actionProgress", "5%", "action_progress", "actionProgress"),
    ],
)
def test_an_odd_field_of_a_cluster_is_left_out_and_told(
    field: str, value: object, name: str, place: str
) -> None:
    (odd, good), reports = clusters({**CLUSTER, field: value}, {**CLUSTER, "id": "c2"})

    assert not getattr(odd, name)
    assert good.id == "c2"
    assert {told for told, _ in reports} == {f"clusters[].{place}"}


def test_odd_fields_deep_in_a_cluster_leave_the_rest() -> None:
    (odd,), reports = clusters(
        {
            **CLUSTER,
            "snapshotPolicy": {"bakKeepDay": "many", "backupEnable": True},
            "failedReason": {"error_code": {}, "error_msg": "m"},
            "instances": [{"id": "i1", "status": "303"}, {"id": "i2", "ip": {}}],
        }
    )

    assert odd.snapshot_policy == PolicySummary(enabled=True)
    assert odd.failed_reason == FailedReason(error_msg="m")
    assert odd.instances == (
        ClusterInstance(id="i1", status=ClusterStatus.UNAVAILABLE),
        ClusterInstance(id="i2"),
    )
    assert [place for place, _ in reports] == [
        "clusters[].snapshotPolicy.bakKeepDay",
        "clusters[].instances[].ip",
        "clusters[].failedReason.errorCode",
    ]


@pytest.mark.parametrize(
    ("total", "expected", "told"),
    [
        *((27, 27, []), ("27", 27, []), (0, 0, []), (None, None, []), ("", None, [])),
        (-1, None, ["negative"]),
        ("many", None, ["expected a whole number, got text"]),
        ([], None, ["expected a whole number, got a list"]),
    ],
    ids=ascii,
)
def test_a_total_that_is_not_a_count_is_none(
    total: object, expected: int | None, told: list[str]
) -> None:
    reports: Reports = []
    body = json.dumps({"clusters": [], "totalSize": total}).encode()

    page = decode_clusters(body, lambda *report: reports.append(report))

    assert page.total == expected
    assert reports == [("totalSize", problem) for problem in told]


def test_a_cluster_needs_its_id_and_a_page_counts_what_it_left_out() -> None:
    body = json.dumps(
        {"clusters": [{"name": "one"}, 7, {"id": "c1"}, {"id": "", "name": "x"}]}
    ).encode()

    page = decode_clusters(body)

    assert page.left_out == 3
    (known,) = page.clusters
    assert (known.id, known.name, known.status) == ("c1", "", "")
    assert not known.snapshot_readiness


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"{}", "cluster: id: expected text, got nothing"),
        (b'{"id": "c1", "name": "one"}', "cluster: status: expected text, got nothing"),
        (b"[]", "the body is not an object"),
    ],
)
def test_one_cluster_needs_all_that_is_required(body: bytes, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_cluster(body)

    assert str(caught.value) == where


def test_an_odd_field_of_a_policy_is_left_out_and_told() -> None:
    reports: Reports = []

    policy = decode_policy(
        b'{"enable": "true", "keepday": "many", "prefix": "snapshot"}',
        lambda *report: reports.append(report),
    )

    assert (policy.enabled, policy.keep, policy.prefix) == (True, None, "snapshot")
    assert reports == [("policy.keepday", "expected a whole number, got text")]


def test_text_with_control_characters_is_made_one_line() -> None:
    (odd,), _ = snapshots(
        {
            **SNAPSHOT,
            "id": "s\n1",
            "name": "\x1b[31mnightly\ud800",
            "status": "COM\u202ePLETED",
            "description": "a\nb",
            "indices": "a\n,b",
        }
    )

    assert (odd.id, odd.name, odd.status) == ("s 1", " [31mnightly ", "COM PLETED")
    assert (odd.description, odd.indices) == ("a b", ("a", "b"))
    assert not odd.is_usable


@pytest.mark.parametrize(
    "body",
    [
        b'{"backups": [' + b"[" * 100_000,
        b'{"backups": ' + b"9" * 5000 + b"}",
        b'{"backups": 7}',
        b'{"backups": "text"}',
        b"{}",
    ],
)
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_snapshots(body)


def test_of_a_key_given_twice_the_last_counts() -> None:
    body = b'{"backups": [{"id": "a", "id": "s1", "name": "n", "status": "NaN"}]}'

    (snapshot,) = decode_snapshots(body)

    assert (snapshot.id, snapshot.status) == ("s1", "NAN")


def test_what_json_should_not_have_is_odd_and_no_more() -> None:
    body = b'{"backups": [{"id": "s1", "name": "n", "status": "FAILED", "totalShards": NaN, "startTime": Infinity}]}'

    (snapshot,) = decode_snapshots(body)

    assert (snapshot.total_shards, snapshot.start_time) == (None, None)


ODD_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "key", "value", "id", "ip", "bakKeepDay"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
SNAPSHOT_FIELDS: Final = (
    *("description", "created", "updated", "startTime", "endTime", "backupType"),
    *("indices", "totalShards", "failedShards", "restoreStatus", "datastore"),
    *("clusterId", "backupMethod", "backupKeepDay", "bucketName", "version"),
)
CLUSTER_FIELDS: Final = (
    *("datastore", "actions", "actionProgress", "backupAvailable", "snapshotPolicy"),
    *("instances", "enterpriseProjectId", "enterprise_project_id", "tags", "endpoint"),
    *("failedReason", "failed_reasons", "created", "httpsEnable", "desc"),
)


@given(st.dictionaries(st.sampled_from(SNAPSHOT_FIELDS), ODD_VALUES, max_size=6))
def test_no_optional_field_makes_a_snapshot_unreadable(odd: dict[str, Any]) -> None:
    (row, good), reports = snapshots({**odd, **SNAPSHOT}, GOOD)

    assert (row.id, row.name, row.status) == ("s1", "nightly", "COMPLETED")
    assert good.id == "good"
    assert all(place.startswith("backups[].") for place, _ in reports)


@given(st.dictionaries(st.sampled_from(CLUSTER_FIELDS), ODD_VALUES, max_size=6))
def test_no_optional_field_makes_a_cluster_unreadable(odd: dict[str, Any]) -> None:
    (row, good), reports = clusters({**odd, **CLUSTER}, {**CLUSTER, "id": "good"})

    assert (row.id, row.name, row.status) == ("c1", "one", "200")
    assert str(row.snapshot_readiness)
    assert good.id == "good"
    assert all(place.startswith("clusters[].") for place, _ in reports)
