"""JSON values: every model, outcome, event and error, in one form."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

import css_snapshot
from css_snapshot import (
    Backup,
    BackupType,
    Cluster,
    ClusterBusyError,
    ClusterInstance,
    ClusterStatus,
    CSSError,
    Datastore,
    Ensured,
    FanOutStoppedError,
    RequestValidationError,
    RestoreStatus,
    Snapshot,
    SnapshotFailedError,
    SnapshotFrequency,
    SnapshotPolicy,
    SnapshotReadiness,
    SnapshotSettings,
    SnapshotStatus,
    ThrottledError,
    to_dict,
)
from css_snapshot.auth import Credentials
from css_snapshot.events import AttemptStarted, Call, Reconciled
from css_snapshot.fanout import (
    Adopted,
    Busy,
    Created,
    Failed,
    Indeterminate,
    NotReady,
    Outcome,
    Skipped,
    Target,
)

START: Final = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
TARGET: Final = Target("c1", "nightly", indices=("a", "b*"))
BACKUP: Final = Backup("s1", "nightly")
PLAIN_BACKUP: Final = {"id": "s1", "name": "nightly", "request_id": None}
PLAIN_TARGET: Final = {
    "cluster_id": "c1",
    "name": "nightly",
    "indices": ["a", "b*"],
    "description": None,
    "cluster_name": None,
    "attempts": 2,
    "elapsed": 0.5,
}


def test_a_snapshot_shows_its_attributes_and_what_follows_from_them() -> None:
    snapshot = Snapshot(
        id="s1",
        name="nightly",
        status=SnapshotStatus.COMPLETED,
        start_time=START,
        end_time=START + timedelta(seconds=1.5),
        backup_type=BackupType.MANUAL,
        restore_status=RestoreStatus("odd"),
        indices=("a", "b"),
        datastore=Datastore(type="OpenSearch"),
    )

    shown = to_dict(snapshot)

    assert shown == {
        **dict.fromkeys(field.name for field in attrs.fields(Snapshot)),
        "id": "s1",
        "name": "nightly",
        "status": "COMPLETED",
        "start_time": "2026-11-24T02:00:00Z",
        "end_time": "2026-11-24T02:00:01.500000Z",
        "backup_type": "1",
        "restore_status": "odd",
        "indices": ["a", "b"],
        "datastore": {"type": "opensearch", "version": None},
        "is_finished": True,
        "is_usable": True,
        "is_automatic": False,
        "is_manual": True,
        "duration": 1.5,
    }
    assert [type(shown[name]) for name in ("status", "backup_type")] == [str, str]


def test_a_cluster_shows_whether_it_is_ready() -> None:
    cluster = Cluster(
        id="c1",
        name="one",
        status=ClusterStatus.CHANGING,
        tags={"env": "prod"},
        instances=(ClusterInstance(id="i1"),),
    )

    shown: Any = to_dict(cluster)

    assert shown["tags"] == {"env": "prod"}
    assert shown["instances"][0]["id"] == "i1"
    assert shown["engine"] is None
    assert shown["snapshot_readiness"] == {
        "reasons": [
            {
                "obstacle": "status",
                "detail": "being created or changed (status 100)",
                "passes": True,
            }
        ],
        "is_ready": False,
        "passes": True,
    }


def test_what_is_sent_and_what_is_told_are_shown_too() -> None:
    policy = SnapshotPolicy(
        enabled=True, prefix="p", keep=7, frequency=SnapshotFrequency.HOUR
    )
    settings = SnapshotSettings(bucket="bucket", agency="agency", policy=policy)
    event = Reconciled(cluster_id="c1", name="nightly", found=1, looks=2)

    shown: Any = to_dict(settings)

    assert (shown["bucket"], shown["policy"]["frequency"]) == ("bucket", "HOUR")
    assert to_dict(event) == {
        "cluster_id": "c1",
        "name": "nightly",
        "found": 1,
        "looks": 2,
    }


def test_what_the_repr_leaves_out_is_left_out() -> None:
    call = Call(method="GET", path="/x", ids={}, endpoint="https://css.example")
    event = AttemptStarted(method="GET", path="/x", attempt=1, call=call)

    assert to_dict(event) == {"method": "GET", "path": "/x", "attempt": 1}


@pytest.mark.parametrize(
    ("kind", "outcome"), [(Created[Ensured], "created"), (Adopted[Ensured], "adopted")]
)
def test_a_success_shows_its_snapshot(
    kind: type[Created[Ensured]], outcome: str
) -> None:
    ended = kind(
        target=TARGET, result=Ensured(BACKUP, "created"), attempts=2, elapsed=0.5
    )

    assert to_dict(ended) == {
        **PLAIN_TARGET,
        "outcome": outcome,
        "id": "s1",
        "backup": PLAIN_BACKUP,
        "result": {
            "backup": PLAIN_BACKUP,
            "how": "created",
            "attempts": 1,
            "snapshot": None,
            "doubt": None,
        },
    }


def test_a_success_of_an_operation_of_ones_own_shows_what_it_returned() -> None:
    ended = Created(target=TARGET, result=[START, {"a": 1}], attempts=2, elapsed=0.5)

    assert to_dict(ended) == {
        **PLAIN_TARGET,
        "outcome": "created",
        "id": None,
        "result": ["2026-11-24T02:00:00Z", {"a": 1}],
    }


def test_a_skipped_target_shows_why() -> None:
    ended = Skipped(
        target=TARGET, reason="accepted", backup=BACKUP, attempts=2, elapsed=0.5
    )

    assert to_dict(ended) == {
        **PLAIN_TARGET,
        "outcome": "skipped",
        "id": "s1",
        "reason": "accepted",
        "is_good": True,
        "backup": PLAIN_BACKUP,
        "error": None,
    }


@pytest.mark.parametrize("kind", [Busy, Failed, Indeterminate])
def test_a_failure_shows_its_error(kind: type[Busy]) -> None:
    error = ClusterBusyError(
        "POST /x: 409 CSS.0011 busy", status=409, code="CSS.0011", request_id="r-1"
    )

    shown: Any = to_dict(kind(target=TARGET, error=error, attempts=2, elapsed=0.5))

    assert shown["outcome"] == kind.__name__.lower()
    assert shown["id"] is None
    assert shown["error"] == {
        "type": "ClusterBusyError",
        "message": "POST /x: 409 CSS.0011 busy",
        "retryable": True,
        "sent": None,
        "earlier": [],
        "status": 409,
        "code": "CSS.0011",
        "request_id": "r-1",
        "method": "",
        "path": "",
        "server_time": None,
    }


def test_an_outcome_of_two_words_is_one_with_an_underscore() -> None:
    ended = NotReady(target=TARGET, readiness=SnapshotReadiness())

    assert ended.outcome == to_dict(ended)["outcome"] == "not_ready"


def test_an_error_shows_what_it_knows_and_what_came_before() -> None:
    error = ThrottledError("429", status=429)
    error.retry_after = math.inf
    error.limit = (5, 1.0)
    error.earlier = (ThrottledError("before", status=429),)

    shown: Any = to_dict(error)

    assert shown["retry_after"] is None
    assert shown["limit"] == [5, 1.0]
    assert shown["earlier"][0]["message"] == "before"
    assert shown["earlier"][0]["retry_after"] is None


def test_errors_of_all_kinds_are_shown() -> None:
    snapshot = Snapshot(id="s1", name="nightly", status=SnapshotStatus.FAILED)
    failed: Any = to_dict(
        SnapshotFailedError("m", cluster_id="c1", snapshot_id="s1", snapshot=snapshot)
    )
    broken = to_dict(RequestValidationError("name", "must be short", position=3))
    foreign = to_dict(ValueError("odd"))
    group: Any = to_dict(FanOutStoppedError("stopped", [ValueError("a")]))

    assert failed["snapshot"]["status"] == "FAILED"
    assert (broken["field"], broken["position"], broken["sent"]) == ("name", 3, False)
    assert foreign == {"type": "ValueError", "message": "odd"}
    assert group["exceptions"] == [{"type": "ValueError", "message": "a"}]
    assert group["type"] == "FanOutStoppedError"


@attrs.frozen
class Anything:
    value: object
    _private: str = "hidden"

    @property
    def broken(self) -> str:
        raise AttributeError("not for this one")

    @property
    def _secret(self) -> str:
        return "hidden"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (7.5, 7.5),
        (math.nan, None),
        (-math.inf, None),
        ("text", "text"),
        (SnapshotStatus("odd"), "odd"),
        (START, "2026-11-24T02:00:00Z"),
        (
            datetime(2026, 11, 24, 10, 0, tzinfo=timezone(timedelta(hours=8))),
            "2026-11-24T02:00:00Z",
        ),
        (datetime(2026, 11, 24), "2026-11-24T00:00:00"),  # noqa: DTZ001  # without a zone on purpose
        (timedelta(minutes=1), 60.0),
        ((1, (2,)), [1, [2]]),
        ([START], ["2026-11-24T02:00:00Z"]),
        (frozenset("ba"), ["a", "b"]),
        ({1: {"a": ()}}, {"1": {"a": []}}),
        (Path("/tmp/x"), "/tmp/x"),  # noqa: S108  # never opened
        (BACKUP, PLAIN_BACKUP),
        (ValueError("x"), {"type": "ValueError", "message": "x"}),
    ],
)
def test_a_value_has_one_form(value: object, shown: object) -> None:
    found = to_dict(Anything(value))

    assert found == {"value": shown}
    assert type(found["value"]) is type(shown)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, Backup, object()])
def test_what_has_no_attributes_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="to_dict: can't show"):
        to_dict(value)


def test_a_secret_is_never_shown() -> None:
    credentials = Credentials(
        access_key="AKID", secret_key="5ecret+", security_token="t0ken+"
    )

    shown = json.dumps(to_dict(credentials))

    assert "5ecret+" not in shown
    assert "t0ken+" not in shown


def test_a_target_of_ones_own_is_shown_with_what_it_carries() -> None:
    @attrs.frozen
    class Regional(Target):
        region: str = "cn-north-4"

    ended: Outcome[object] = Failed(target=Regional("c1", "n"), error=CSSError("x"))

    assert to_dict(ended)["region"] == "cn-north-4"


def test_it_is_importable_from_the_top() -> None:
    assert css_snapshot.to_dict is to_dict
