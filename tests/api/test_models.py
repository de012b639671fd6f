"""Requests are checked when made; snapshots tell what they are."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import (
    BackupType,
    CreateSnapshotRequest,
    RequestValidationError,
    RestoreSnapshotRequest,
    RestoreStatus,
    Snapshot,
    SnapshotFrequency,
    SnapshotPolicy,
    SnapshotSettings,
    SnapshotStatus,
)

START = datetime(2018, 3, 7, 7, 34, 47, tzinfo=UTC)


def snapshot(status: str = "COMPLETED", **changes: Any) -> Snapshot:
    plain = Snapshot(id="s1", name="snapshot_001", status=SnapshotStatus(status))
    return attrs.evolve(plain, **changes)


def policy(**changes: Any) -> SnapshotPolicy:
    plain = SnapshotPolicy(
        enabled=True, prefix="snapshot", period="16:00 GMT+08:00", keep=7
    )
    return attrs.evolve(plain, **changes)


def settings(**changes: Any) -> SnapshotSettings:
    plain = SnapshotSettings(bucket="es-backup", agency="css_obs_agency")
    return attrs.evolve(plain, **changes)


def test_a_creation_is_checked_when_it_is_made() -> None:
    with pytest.raises(RequestValidationError, match=r"^name: "):
        CreateSnapshotRequest("Nightly")
    with pytest.raises(RequestValidationError, match=r"^indices: "):
        CreateSnapshotRequest("nightly", indices=["a b"])
    with pytest.raises(RequestValidationError, match=r"^description: "):
        CreateSnapshotRequest("nightly", description="a=b")


def test_a_creation_may_follow_the_oldest_rule_for_descriptions() -> None:
    request = CreateSnapshotRequest("nightly", description="a=b", strict=False)

    assert request.description == "a=b"


def test_a_creation_takes_indices_in_either_form() -> None:
    joined = CreateSnapshotRequest("nightly", indices="a,b*")
    listed = CreateSnapshotRequest("nightly", indices=["a", "b*"])

    assert joined == listed
    assert joined.indices == ("a", "b*")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"target_cluster_id": ""}, "target_cluster_id"),
        ({"target_cluster_id": "../c"}, "target_cluster_id"),
        ({"indices": ""}, "indices"),
        ({"rename_pattern": "index"}, "rename_pattern"),
        ({"rename_replacement": "restored_$1"}, "rename_pattern"),
        ({"rename_pattern": "A", "rename_replacement": "b"}, "rename_pattern"),
        ({"rename_pattern": "a", "rename_replacement": ""}, "rename_replacement"),
        ({"replace_existing": "false"}, "replace_existing"),
    ],
)
def test_a_restoration_is_checked_when_it_is_made(
    options: dict[str, str], field: str
) -> None:
    with pytest.raises(RequestValidationError) as caught:
        RestoreSnapshotRequest(**{"target_cluster_id": "c2", **options})  # type: ignore[arg-type]  # wrong on purpose

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("status", "finished", "usable"),
    [
        ("BUILDING", False, False),
        ("COMPLETED", True, True),
        ("FAILED", True, False),
        ("PART_FAILED", True, False),
        ("ARCHIVED", False, False),
    ],
)
def test_a_snapshot_tells_whether_it_is_finished_and_usable(
    status: str, finished: bool, usable: bool
) -> None:
    assert snapshot(status).is_finished is finished
    assert snapshot(status).is_usable is usable


def test_a_completed_snapshot_without_some_shards_is_not_usable() -> None:
    assert not snapshot(failed_shards=1).is_usable
    assert snapshot(failed_shards=0).is_usable


@pytest.mark.parametrize(
    ("backup_type", "method", "automatic", "manual"),
    [
        ("0", "auto", True, False),
        ("1", "manual", False, True),
        ("1", None, False, True),
        ("0", None, True, False),
        (None, "auto", True, False),
        (None, "automated", True, False),
        (None, "manual", False, True),
        (None, "MANUAL", False, True),
        (None, None, False, False),
        (None, "imported", False, False),
        ("2", "manual", False, False),
        ("1", "auto", False, False),
    ],
)
def test_a_snapshot_is_manual_only_if_that_is_known(
    backup_type: str | None, method: str | None, automatic: bool, manual: bool
) -> None:
    kind = None if backup_type is None else BackupType(backup_type)
    it = snapshot(backup_type=kind, backup_method=method)

    assert it.is_automatic is automatic
    assert it.is_manual is manual


def test_its_duration_is_in_seconds() -> None:
    it = snapshot(start_time=START, end_time=START + timedelta(seconds=325.12))

    assert it.duration == 325.12


@pytest.mark.parametrize("missing", ["start_time", "end_time"])
def test_it_has_no_duration_while_a_time_is_missing(missing: str) -> None:
    it = snapshot(start_time=START, end_time=START)

    assert attrs.evolve(it, **{missing: None}).duration is None  # type: ignore[arg-type]  # the name is a parameter


@given(st.text(max_size=20))
def test_an_unknown_status_is_kept_as_it_came(value: str) -> None:
    status = SnapshotStatus(value)

    assert status == value
    assert str(status) == value
    assert isinstance(status, SnapshotStatus)
    assert pickle.loads(pickle.dumps(status)) == status  # noqa: S301  # our own bytes


def test_a_value_that_is_no_text_is_no_status() -> None:
    with pytest.raises(ValueError, match="7"):
        RestoreStatus(7)  # type: ignore[arg-type]  # wrong on purpose


def test_values_are_frozen_and_without_dict() -> None:
    it = snapshot()

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        it.name = "other"  # type: ignore[misc]  # wrong on purpose
    assert not hasattr(it, "__dict__")
    assert hash(it) == hash(snapshot())


def test_a_whole_policy_passes() -> None:
    policy(frequency="SUN", indices="logs-*").check()
    policy(frequency="WEEK").check()
    policy(frequency="HOUR", period=None).check()
    SnapshotPolicy(enabled=False).check()


@pytest.mark.parametrize("prefix", ["a", "a" * 32, "a-_9"])
def test_a_prefix_may_be(prefix: str) -> None:
    policy(prefix=prefix).check()


@pytest.mark.parametrize("period", ["00:00 GMT+08:00", "23:00 GMT-03:30"])
def test_a_period_may_be(period: str) -> None:
    policy(period=period).check()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"enabled": "true"}, "enabled"),
        ({"prefix": None}, "prefix"),
        ({"prefix": ""}, "prefix"),
        ({"prefix": "a" * 33}, "prefix"),
        ({"prefix": "1a"}, "prefix"),
        ({"prefix": "snapshot\n"}, "prefix"),
        ({"period": None}, "period"),
        ({"period": "16:30 GMT+08:00"}, "period"),
        ({"period": "24:00 GMT+08:00"}, "period"),
        ({"period": "16:00"}, "period"),
        ({"period": 16}, "period"),
        ({"keep": None}, "keep"),
        ({"keep": 0}, "keep"),
        ({"keep": 91}, "keep"),
        ({"keep": True}, "keep"),
        ({"frequency": "MONTH"}, "frequency"),
        ({"indices": "a b"}, "indices"),
        ({"indices": ""}, "indices"),
    ],
)
def test_a_policy_may_not_be(changes: dict[str, object], field: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        policy(**changes).check()

    assert caught.value.field == field


def test_a_disabled_policy_needs_nothing_but_checks_what_is_there() -> None:
    with pytest.raises(RequestValidationError, match=r"^keep: "):
        SnapshotPolicy(enabled=False, keep=91).check()


@pytest.mark.parametrize(("changes", "field"), [({"frequency": 7}, "frequency")])
def test_a_policy_can_not_even_be_made_of_the_wrong_type(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(RequestValidationError) as caught:
        policy(**changes)

    assert caught.value.field == field


def test_a_policy_takes_words_for_frequencies() -> None:
    assert policy(frequency="MON").frequency is SnapshotFrequency.MON


@pytest.mark.parametrize(
    "changes",
    [
        {"bucket": "a-1"},
        {"bucket": "a" * 63},
        {"agency": "A"},
        {"base_path": "css_repository/tests"},
        {"base_path": "a" * 512},
        {"max_snapshot_rate": "40MB"},
        {"max_snapshot_rate": "0"},
        {"max_restore_rate": "-1"},
        {"max_restore_rate": "9999k"},
        {"cmk_id": "0b8f9c6e-8a3a-4f2c-9f7e-000000000000"},
        {"policy": policy()},
    ],
)
def test_settings_may_be(changes: dict[str, object]) -> None:
    ((field, value),) = changes.items()

    assert getattr(settings(**changes), field) == value


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"bucket": "ab"}, "bucket"),
        ({"bucket": "a" * 64}, "bucket"),
        ({"bucket": "Backup"}, "bucket"),
        ({"bucket": None}, "bucket"),
        ({"agency": ""}, "agency"),
        ({"agency": "css obs"}, "agency"),
        ({"base_path": ""}, "base_path"),
        ({"base_path": 7}, "base_path"),
        ({"base_path": "a" * 513}, "base_path"),
        ({"base_path": "/a"}, "base_path"),
        ({"base_path": ".a"}, "base_path"),
        ({"base_path": "a."}, "base_path"),
        ({"base_path": "a:b"}, "base_path"),
        ({"base_path": "a\nb"}, "base_path"),
        ({"max_snapshot_rate": "40"}, "max_snapshot_rate"),
        ({"max_snapshot_rate": "40 mb"}, "max_snapshot_rate"),
        ({"max_restore_rate": "10000k"}, "max_restore_rate"),
        ({"cmk_id": ""}, "cmk_id"),
        ({"policy": policy(keep=0)}, "keep"),
    ],
)
def test_settings_may_not_be(changes: dict[str, object], field: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        settings(**changes)

    assert caught.value.field == field


def test_a_path_is_told_where_it_is_wrong() -> None:
    with pytest.raises(RequestValidationError) as caught:
        settings(base_path="ab{c")

    assert caught.value.position == 2
