"""What a failed attempt proves about the change it asked for."""

from http import HTTPStatus
from typing import Literal

from css_snapshot.errors import (
    APIError,
    ClusterBusyError,
    CSSError,
    InternalServerError,
    InvalidResponseError,
    NotImplementedByServerError,
    ServerError,
    SnapshotExistsError,
    TransportError,
)

Verdict = Literal["not sent", "rejected", "exists", "busy", "failed", "unknown"]


def verdict_on(failure: CSSError) -> Verdict:
    """Return what a failed attempt proves about the creation it asked for.

    Returns:
        `"not sent"`: the request never left. `"rejected"`: refused for good.
        `"exists"`, `"busy"`: refused because of what is there, which may be this
        call's own work. `"failed"`: a 500, so nothing runs any more, but what was
        done is unclear. `"unknown"`: it may even still be under way.
    """
    if failure.sent is False:
        return "not sent"
    verdict: Verdict = "rejected"
    match failure:
        case SnapshotExistsError():
            verdict = "exists"
        case ClusterBusyError():
            verdict = "busy"
        case InternalServerError():
            verdict = "failed"
        case NotImplementedByServerError():
            verdict = "rejected"
        case ServerError() | TransportError() | InvalidResponseError():
            verdict = "unknown"
        case APIError(status=status) if status < HTTPStatus.MULTIPLE_CHOICES:
            verdict = "unknown"
    return verdict


def may_have_created(failure: CSSError) -> bool:
    """Check whether a snapshot may exist although the attempt failed."""
    return verdict_on(failure) in {"failed", "unknown"}
