"""What a failed attempt proves, for every way in which one fails."""

from typing import Final

import pytest

from css_snapshot.errors import (
    BadRequestError,
    ClusterBusyError,
    ConnectFailedError,
    ConnectionLostError,
    CSSError,
    GatewayError,
    InternalServerError,
    InvalidResponseError,
    NotImplementedByServerError,
    RequestTimeoutError,
    SnapshotExistsError,
    ThrottledError,
    UnexpectedStatusError,
)
from css_snapshot.workflows.verdict import Verdict, may_have_created, verdict_on

VERDICTS: Final[list[tuple[CSSError, Verdict]]] = [
    (ConnectFailedError("refused"), "not sent"),
    (RequestTimeoutError("in the pool", sent=False), "not sent"),
    (RequestTimeoutError("on the wire"), "unknown"),
    (ConnectionLostError("reset"), "unknown"),
    (InvalidResponseError("not JSON", status=201), "unknown"),
    (BadRequestError("400", status=400), "rejected"),
    (ThrottledError("429", status=429), "rejected"),
    (SnapshotExistsError("409", status=409), "exists"),
    (ClusterBusyError("409", status=409), "busy"),
    (InternalServerError("500", status=500), "failed"),
    (NotImplementedByServerError("501", status=501), "rejected"),
    (GatewayError("502", status=502), "unknown"),
    (UnexpectedStatusError("a success with an error in it", status=299), "unknown"),
    (UnexpectedStatusError("a redirection", status=300), "rejected"),
]


@pytest.mark.parametrize(("failure", "verdict"), VERDICTS, ids=str)
def test_a_failure_proves_this_much(failure: CSSError, verdict: Verdict) -> None:
    assert verdict_on(failure) == verdict
    assert may_have_created(failure) is (verdict in {"failed", "unknown"})
