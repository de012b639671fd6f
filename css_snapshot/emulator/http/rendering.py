"""HTTP responses for what the emulated cloud returns or refuses."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from css_snapshot.emulator.cloud.iam import TokenReply
from css_snapshot.emulator.cloud.response import Response
from css_snapshot.emulator.cloud.vendor_errors import VendorError

_JSON: Final = "application/json;charset=utf-8"
_PLAIN: Final = "text/plain;charset=utf-8"
_HTML: Final = "text/html;charset=utf-8"
_TOMCAT: Final = (
    "<!DOCTYPE html><html><head><title>HTTP STATUS: {status} - CloudMiddleWareTomcat"
    "</title></head><body><h1>HTTP STATUS: {status}</h1><p>{message}</p></body></html>"
)


def render_result(status: int, result: object) -> Response:
    """Return the response for what a call returned.

    Args:
        status: HTTP status of success.
        result: Nothing for no body, text for a plain one, else what JSON can hold.
    """
    if result is None:
        return Response(status)
    if isinstance(result, str):
        return Response(status, result.encode(), {"Content-Type": _PLAIN})
    if isinstance(result, TokenReply):
        return _json(status, result.document, {"X-Subject-Token": result.text})
    return _json(status, result)


def render_error(error: VendorError, request_id: str) -> Response:
    """Return the response for an error, in the words of the part that raised it.

    Args:
        error: What went wrong, and in which dialect to say it.
        request_id: The id that the gateway repeats in its body.
    """
    if error.dialect == "html":
        page = _TOMCAT.format(status=error.status, message=error.message)
        return _text(error.status, page, _HTML)
    if error.dialect == "plain":
        return _text(error.status, error.message, _PLAIN)
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
    return _json(error.status, document)


def _json(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> Response:
    body = json.dumps(document, separators=(",", ":")).encode()
    return Response(status, body, {"Content-Type": _JSON, **(headers or {})})


def _text(status: int, text: str, kind: str) -> Response:
    return Response(status, text.encode("utf-8", "replace"), {"Content-Type": kind})


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
