import copy
import inspect
import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from css_snapshot import errors
from css_snapshot.errors import (
    APIError,
    ConfigurationError,
    ConnectFailedError,
    ConnectFailure,
    ConnectionLostError,
    CredentialsNotFoundError,
    CSSError,
    DuplicateSnapshotError,
    FanOutStoppedError,
    IndeterminateCreateError,
    IndeterminateDeleteError,
    IndeterminateError,
    IndeterminateRestoreError,
    IndeterminateSettingsError,
    InternalServerError,
    InvalidResponseError,
    JournalBusyError,
    JournalEntryError,
    JournalError,
    NotImplementedByServerError,
    PartialSnapshotError,
    RequestTimeoutError,
    RequestValidationError,
    SnapshotError,
    SnapshotFailedError,
    SnapshotNotFoundError,
    ThrottledError,
    TransportError,
    WaitTimeoutError,
    unchained,
)
from css_snapshot.models import Snapshot, SnapshotStatus

NOON = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
SNAPSHOT = Snapshot(id="s1", name="nightly", status=SnapshotStatus("PART_FAILED"))


def _classes() -> list[type[CSSError]]:
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, CSSError)
    ]


def _refused(kind: type[APIError], status: int) -> APIError:
    return kind(
        f"POST /v1.0/p/clusters/c/index_snapshot: {status}",
        status=status,
        code="CSS.0001",
        message="Incorrect parameters.",
        request_id="r-1",
        method="POST",
        path="/v1.0/p/clusters/c/index_snapshot",
        server_time=NOON,
    )


def _throttled() -> ThrottledError:
    error = ThrottledError("throttled", status=429)
    error.retry_after = 3.0
    error.limit = (60, 60.0)
    return error


def _examples() -> Iterator[CSSError]:
    for kind in _classes():
        if issubclass(kind, ThrottledError):
            yield _throttled()
        elif issubclass(kind, APIError):
            yield _refused(kind, 500)
        elif issubclass(kind, SnapshotError):
            yield kind("gone", cluster_id="c", snapshot_id="s1", snapshot=SNAPSHOT)
    yield CSSError("anything")
    yield ConfigurationError("endpoint: must be https")
    yield RequestValidationError("name", "must be text", position=3)
    yield TransportError("gone", sent=False)
    yield ConnectFailedError("no connection", kind="dns")
    yield ConnectionLostError("connection lost")
    yield RequestTimeoutError("no answer", sent=False)
    yield InvalidResponseError("HTML", status=201, request_id="r", path="/p")
    yield IndeterminateCreateError(
        "unknown", cluster_id="c", name="nightly", since=NOON, attempts=2
    )
    yield IndeterminateError("unknown", cluster_id="c")
    yield IndeterminateDeleteError("unknown", cluster_id="c", snapshot_id="s1")
    yield IndeterminateRestoreError(
        "unknown", cluster_id="c", snapshot_id="s1", target_cluster_id="t"
    )
    yield IndeterminateSettingsError("unknown", cluster_id="c")
    yield DuplicateSnapshotError(
        "two", cluster_id="c", name="nightly", snapshot_ids=["a", "b"]
    )
    yield CredentialsNotFoundError("environment: HUAWEICLOUD_SDK_AK is not set")
    yield JournalError(Path("/night.db"), "is full")
    yield JournalBusyError(Path("/night.db"), "another run is using it")
    yield JournalEntryError(Path("/night.db"), "has a damaged entry")
    yield FanOutStoppedError("stopped early", [ConnectionLostError("gone")])


def _example(kind: type[CSSError]) -> CSSError:
    return next(error for error in _examples() if type(error) is kind)


def _drawn() -> dict[str, str]:
    """Read the tree in the module's docstring as child to parent."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+)", line)
        if found is None or "Error" not in found[2]:
            continue
        depth = len(found[1]) // 3
        del path[depth:]
        if path:
            parents[found[2]] = path[-1]
        path.append(found[2])
    return parents


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    real = {
        kind.__name__: base.__name__
        for kind in _classes()
        for base in kind.__bases__
        if issubclass(base, CSSError)
    }

    assert _drawn() == real


def test_every_class_has_an_example_here() -> None:
    assert {type(error) for error in _examples()} == set(_classes())


@pytest.mark.parametrize("kind", _classes())
@pytest.mark.parametrize("protocol", [0, pickle.HIGHEST_PROTOCOL])
def test_every_error_survives_pickling(kind: type[CSSError], protocol: int) -> None:
    error = _example(kind)
    error.earlier = (InternalServerError("500", status=500), ConnectionLostError("x"))
    error.add_note("seen on Monday")

    back: CSSError = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  # our own bytes

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert repr(back.args) == repr(error.args)
    assert back.retryable == error.retryable
    assert back.sent is error.sent
    assert [str(earlier) for earlier in back.earlier] == ["500", "x"]
    assert set(vars(back)) == set(vars(error))
    assert {**vars(back), "earlier": ()} == {**vars(error), "earlier": ()}


@pytest.mark.parametrize("kind", _classes())
def test_every_error_can_be_copied(kind: type[CSSError]) -> None:
    error = _example(kind)
    error.earlier = (ConnectionLostError("x"),)

    shallow, deep = copy.copy(error), copy.deepcopy(error)

    assert vars(shallow) == vars(error)
    assert shallow is not error
    assert str(deep) == str(error)
    assert deep.earlier[0] is not error.earlier[0]
    assert str(deep.earlier[0]) == "x"


def test_a_copy_does_not_share_its_attributes_with_the_original() -> None:
    error = ConnectionLostError("gone")

    copied = copy.copy(error)
    copied.earlier = (error,)

    assert error.earlier == ()


@pytest.mark.parametrize("kind", _classes())
def test_a_message_is_one_line(kind: type[CSSError]) -> None:
    message = str(_example(kind))

    assert message
    assert message.splitlines() == [message]


@pytest.mark.parametrize("kind", [ConfigurationError, RequestValidationError])
def test_errors_about_arguments_are_value_errors_that_prove_nothing_was_sent(
    kind: type[CSSError],
) -> None:
    assert issubclass(kind, ValueError)
    assert kind.sent is False


def test_a_validation_error_names_field_rule_and_position() -> None:
    error = RequestValidationError("name", "must be lower case", position=4)

    assert str(error) == "name: must be lower case (character 4)"
    assert (error.field, error.rule, error.position) == (
        "name",
        "must be lower case",
        4,
    )


def test_a_validation_error_without_a_position_names_none() -> None:
    assert str(RequestValidationError("name", "must be text")) == "name: must be text"


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [
        ("dns", True),
        ("refused", True),
        ("timeout", True),
        ("pool", True),
        ("other", True),
        ("tls", False),
        ("proxy", False),
    ],
)
def test_a_failed_connection_may_be_tried_again_unless_it_would_fail_the_same_way(
    kind: ConnectFailure, *, retryable: bool
) -> None:
    error = ConnectFailedError("no connection", kind=kind)

    assert error.retryable is retryable
    assert error.sent is False


@pytest.mark.parametrize("kind", [ConnectionLostError, RequestTimeoutError])
def test_a_lost_answer_proves_nothing_about_sending(kind: type[TransportError]) -> None:
    assert kind("gone").sent is None
    assert kind("gone").retryable is False


def test_only_what_may_pass_by_itself_is_retryable() -> None:
    retryable = {kind.__name__ for kind in _classes() if kind.retryable}

    assert retryable == {
        "ClusterBusyError",
        "ConnectFailedError",
        "GatewayError",
        "IndeterminateCreateError",
        "IndeterminateDeleteError",
        "IndeterminateError",
        "IndeterminateRestoreError",
        "IndeterminateSettingsError",
        "InternalServerError",
        "JournalBusyError",
        "ServerError",
        "ThrottledError",
        "WaitTimeoutError",
    }
    assert NotImplementedByServerError.retryable is False


def test_a_partial_snapshot_is_caught_as_a_failed_one() -> None:
    assert issubclass(PartialSnapshotError, SnapshotFailedError)
    assert not issubclass(SnapshotNotFoundError, APIError)
    assert not issubclass(WaitTimeoutError, SnapshotFailedError)


def test_duplicates_are_kept_as_a_tuple() -> None:
    error = DuplicateSnapshotError(
        "two", cluster_id="c", name="n", snapshot_ids=["a", "b"]
    )

    assert error.snapshot_ids == ("a", "b")


def test_a_stopped_run_is_caught_as_an_error_of_this_package_and_as_a_group() -> None:
    stopped = FanOutStoppedError("stopped early", [ConnectionLostError("gone")])

    with pytest.raises(CSSError):
        raise stopped
    caught: list[Exception] = []
    try:
        raise stopped
    except* ConnectionLostError as group:
        caught.extend(group.exceptions)
    assert [str(error) for error in caught] == ["gone"]


def test_an_error_raised_unchained_keeps_nothing_of_what_it_stands_for() -> None:
    def fail() -> None:
        raise OSError("Authorization: secret")

    def stand_in() -> None:
        try:
            fail()
        except OSError as exc:
            with unchained:
                raise ConnectionLostError("gone") from exc

    with pytest.raises(ConnectionLostError) as raised:
        stand_in()

    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
