"""What the emulator answers: a status, a body and its headers."""

import json
from collections.abc import Mapping
from http import HTTPStatus

import attrs

from css_snapshot.emulator.cloud.vendor_errors import VendorError

_JSON = "application/json;charset=utf-8"
_TOMCAT = (
    "<!DOCTYPE html><html><head><title>HTTP STATUS: {status} - CloudMiddleWareTomcat"
    "</title></head><body><h1>HTTP STATUS: {status}</h1><p>{message}</p></body></html>"
)


@attrs.frozen
class Answer:
    """One complete HTTP answer.

    Attributes:
        status: HTTP status.
        body: The body in bytes.
        headers: Header names and values; the content length is added on sending.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)


def json_answer(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> Answer:
    """Answer a document as JSON.

    Args:
        status: HTTP status.
        document: Anything JSON can hold.
        headers: Headers to add.
    """
    body = json.dumps(document, separators=(",", ":")).encode()
    return Answer(status, body, {"Content-Type": _JSON, **(headers or {})})


def empty_answer(status: int) -> Answer:
    """Answer a status without a body, as most of the vendor's calls do."""
    return Answer(status)


def error_answer(error: VendorError, request_id: str) -> Answer:
    """Put an error into the words of the part of the cloud that raised it.

    Args:
        error: What went wrong, and in which dialect to say it.
        request_id: The id that the gateway repeats in its body.
    """
    if error.dialect == "html":
        page = _TOMCAT.format(status=error.status, message=error.message)
        headers = {"Content-Type": "text/html;charset=utf-8"}
        return Answer(error.status, page.encode("utf-8", "replace"), headers)
    document: dict[str, object]
    if error.dialect == "css":
        document = {"errCode": error.code, "externalMessage": error.message}
    elif error.dialect == "gateway":
        document = {
            "error_msg": error.message,
            "error_code": error.code,
            "request_id": request_id,
        }
    else:
        document = _iam_document(error)
    return json_answer(error.status, document)


def _iam_document(error: VendorError) -> dict[str, object]:
    nested = {
        "code": error.status,
        "message": error.message,
        "title": _title(error.status),
    }
    coded = {"error_code": error.code, "error_msg": error.message} if error.code else {}
    return {"error": nested, **coded}


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
