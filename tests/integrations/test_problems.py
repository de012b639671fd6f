"""What a web service answers for each error, and what it keeps to itself."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from css_snapshot import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClusterBusyError,
    ConfigurationError,
    ConflictError,
    ConnectFailedError,
    ConnectionLostError,
    CredentialsNotFoundError,
    CSSError,
    DuplicateSnapshotError,
    FanOutStoppedError,
    ForbiddenError,
    GatewayError,
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
    NotAcceptableError,
    NotFoundError,
    NotImplementedByServerError,
    PartialSnapshotError,
    QuotaExceededError,
    RequestTimeoutError,
    RequestValidationError,
    ServerError,
    Snapshot,
    SnapshotExistsError,
    SnapshotFailedError,
    SnapshotNotFoundError,
    SnapshotStatus,
    ThrottledError,
    TransportError,
    UnexpectedStatusError,
    WaitTimeoutError,
    errors,
)
from css_snapshot.errors import PruneError, SnapshotError
from css_snapshot.integrations.problems import problem_for

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"
SINCE: Final = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)


def refused(kind: type[APIError], status: int, *, method: str = "POST") -> APIError:
    return kind(
        f"{method} /v1.0/{PROJECT}/clusters/c1/index_snapshot: {status} CSS.0001 no",
        status=status,
        code="CSS.0001",
        message="no",
        request_id="r-1",
        method=method,
        path=f"/v1.0/{PROJECT}/clusters/c1/index_snapshot",
    )


def about(kind: type[SnapshotError]) -> SnapshotError:
    return kind("about s1", cluster_id="c1", snapshot_id="s1")


def indeterminate() -> IndeterminateCreateError:
    return IndeterminateCreateError(
        f"cluster c1: unknown: POST /v1.0/{PROJECT}/...: no answer within 30 s",
        cluster_id="c1",
        name="nightly",
        since=SINCE,
    )


DELETION: Final = IndeterminateDeleteError(
    f"/v1.0/{PROJECT}: unknown", cluster_id="c1", snapshot_id="s1"
)
RESTORATION: Final = IndeterminateRestoreError(
    f"/v1.0/{PROJECT}: unknown",
    cluster_id="c1",
    snapshot_id="s1",
    target_cluster_id="c2",
)


def duplicate() -> DuplicateSnapshotError:
    return DuplicateSnapshotError(
        "cluster c1 has 2", cluster_id="c1", name="nightly", snapshot_ids=["a", "b"]
    )


def invalid_response(method: str = "POST") -> InvalidResponseError:
    return InvalidResponseError(
        f"/v1.0/{PROJECT}", status=201, request_id="r-1", method=method
    )


CASES: Final[list[tuple[CSSError, int, str | None]]] = [
    (RequestValidationError("name", "too short", position=3), 422, "not_sent"),
    (refused(BadRequestError, 400), 422, "refused"),
    (refused(NotAcceptableError, 406), 422, "refused"),
    (refused(NotFoundError, 404), 404, "refused"),
    (about(SnapshotNotFoundError), 404, None),
    (refused(ConflictError, 409), 409, "refused"),
    (refused(SnapshotExistsError, 409), 409, "refused"),
    (refused(ClusterBusyError, 202), 409, "refused"),
    (refused(QuotaExceededError, 413), 409, "refused"),
    (duplicate(), 409, None),
    (refused(AuthenticationError, 401), 502, "refused"),
    (refused(ForbiddenError, 403), 502, "refused"),
    (refused(ThrottledError, 429), 503, "refused"),
    (ConnectFailedError("to 10.0.0.1", kind="refused"), 502, "not_sent"),
    (ConnectFailedError("to 10.0.0.1", kind="tls"), 502, "not_sent"),
    (ConnectFailedError("to 10.0.0.1", kind="pool"), 503, "not_sent"),
    (ConnectFailedError("to 10.0.0.1", kind="timeout"), 504, "not_sent"),
    (ConnectionLostError("to 10.0.0.1"), 502, "unknown"),
    (RequestTimeoutError("to 10.0.0.1"), 504, "unknown"),
    (RequestTimeoutError("to 10.0.0.1", sent=False), 504, "not_sent"),
    (about(WaitTimeoutError), 504, "unfinished"),
    (refused(GatewayError, 502), 502, "unknown"),
    (refused(GatewayError, 503), 502, "unknown"),
    (refused(GatewayError, 504), 504, "unknown"),
    (refused(InternalServerError, 500), 502, "unknown"),
    (refused(InternalServerError, 500, method="GET"), 502, None),
    (refused(NotImplementedByServerError, 501), 502, "refused"),
    (refused(UnexpectedStatusError, 302), 502, "refused"),
    (refused(UnexpectedStatusError, 202), 502, "unknown"),
    (invalid_response(), 502, "unknown"),
    (invalid_response("GET"), 502, None),
    (indeterminate(), 502, "unknown"),
    (DELETION, 502, "unknown"),
    (RESTORATION, 502, "unknown"),
    (IndeterminateSettingsError(f"{PROJECT}", cluster_id="c1"), 502, "unknown"),
    (about(SnapshotFailedError), 502, "failed"),
    (about(PartialSnapshotError), 502, "failed"),
    (ConfigurationError(f"endpoint of {PROJECT}"), 500, "not_sent"),
    (CredentialsNotFoundError(f"/home/{PROJECT}: no such file"), 500, "not_sent"),
    (JournalError(Path(f"/srv/{PROJECT}.db"), "is full"), 500, "not_sent"),
    (JournalBusyError(Path(f"/srv/{PROJECT}.db"), "is held"), 500, "not_sent"),
    (JournalEntryError(Path(f"/srv/{PROJECT}.db"), "is damaged"), 500, "not_sent"),
    (FanOutStoppedError("stopped", [ConnectionLostError("to 10.0.0.1")]), 500, None),
]


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    CASES,
    ids=[f"{type(case[0]).__name__}-{n}" for n, case in enumerate(CASES)],
)
def test_an_error_has_its_status_and_outcome_and_tells_nothing_of_the_server(
    error: CSSError, status: int, outcome: str | None
) -> None:
    problem = problem_for(error)

    assert problem.status == problem.body["status"] == status
    assert problem.body.get("outcome") == outcome
    assert problem.body["error"] == type(error).__name__
    assert problem.body["retryable"] is error.retryable
    assert PROJECT not in str(problem.body)
    assert "10.0.0.1" not in str(problem.body)


def test_every_error_that_can_be_raised_is_in_the_list_above() -> None:
    never_raised = {
        *(CSSError, SnapshotError, TransportError, APIError, ServerError),
        IndeterminateError,
    }
    kinds = {
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, CSSError)
    }

    # A pruning is answered as its cause: see its own test.
    assert kinds - never_raised - {PruneError} <= {type(case[0]) for case in CASES}


def test_the_vendors_code_text_and_request_id_are_quoted() -> None:
    body = problem_for(refused(BadRequestError, 400)).body

    assert body["detail"] == "no"
    assert body["vendor"] == {"status": 400, "code": "CSS.0001", "request_id": "r-1"}


@pytest.mark.parametrize("kind", [AuthenticationError, ForbiddenError])
def test_the_vendors_text_about_this_servers_credentials_is_not_quoted(
    kind: type[APIError],
) -> None:
    body = problem_for(refused(kind, 401)).body

    assert "detail" not in body
    assert body["vendor"] == {"status": 401, "code": "CSS.0001", "request_id": "r-1"}


def test_what_is_not_known_is_left_out() -> None:
    body = problem_for(GatewayError("summary", status=502)).body

    assert body["vendor"] == {"status": 502}
    assert None not in body.values()


def test_a_refusal_after_an_attempt_that_may_have_worked_is_unknown() -> None:
    error = refused(SnapshotExistsError, 409)
    error.earlier = (refused(InternalServerError, 500),)

    assert problem_for(error).body["outcome"] == "unknown"


@pytest.mark.parametrize(
    ("retry_after", "limit", "header"),
    [
        (7.2, None, "8"),
        (0.0, None, "1"),
        (None, (60, 600.0), "10"),
        (None, None, None),
    ],
)
def test_a_client_is_told_to_wait_as_long_as_the_service_states(
    retry_after: float | None, limit: tuple[int, float] | None, header: str | None
) -> None:
    error = ThrottledError("slow down", status=429)
    error.retry_after = retry_after
    error.limit = limit

    assert problem_for(error).headers.get("Retry-After") == header


def test_the_particulars_of_an_error_are_told() -> None:
    validation = problem_for(RequestValidationError("name", "no blanks", position=3))
    unknown = problem_for(indeterminate())
    deletion = problem_for(DELETION)
    restoration = problem_for(RESTORATION)
    several = problem_for(duplicate())
    missing = problem_for(about(SnapshotNotFoundError))

    assert validation.body["field"] == "name"
    assert validation.body["position"] == 3
    assert validation.body["detail"] == "name: no blanks (character 3)"
    assert unknown.body["name"] == "nightly"
    assert unknown.body["detail"] == "nightly may or may not exist in cluster c1"
    assert deletion.body["title"] == "Whether the snapshot was deleted is unknown"
    assert (deletion.body["cluster_id"], deletion.body["snapshot_id"]) == ("c1", "s1")
    assert restoration.body["title"] == "Whether the restoration started is unknown"
    assert restoration.body["target_cluster_id"] == "c2"
    assert several.body["snapshot_ids"] == ("a", "b")
    assert missing.body["snapshot_id"] == "s1"


def test_a_pruning_that_broke_off_is_answered_as_its_cause_with_what_was_deleted() -> (
    None
):
    error = PruneError(
        "broke off",
        cluster_id="c1",
        snapshot_id="s3",
        deleted=[Snapshot(id="s1", name="old", status=SnapshotStatus.COMPLETED)],
    )
    error.__cause__ = refused(ThrottledError, 429)

    problem = problem_for(error)

    assert problem.status == 503
    assert problem.body["error"] == "PruneError"
    assert problem.body["deleted"] == ["s1"]
    assert problem.body["snapshot_id"] == "s3"


def test_a_pruning_that_broke_off_for_another_reason_is_told_as_no_more_than_that() -> (
    None
):
    error = PruneError("broke off", cluster_id="c1", snapshot_id="s3")
    error.__cause__ = LookupError("a bug")

    problem = problem_for(error)

    assert problem.status == 500
    assert problem.body["error"] == "PruneError"
    assert problem.body["deleted"] == []


def test_only_a_pruning_is_answered_as_its_cause() -> None:
    error = refused(BadRequestError, 400)
    error.__cause__ = refused(ThrottledError, 429)

    assert problem_for(error).status == 422
