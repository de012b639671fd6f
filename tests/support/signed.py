"""Requests signed by the vendor's own signer, as the emulator would receive them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from css_snapshot.emulator.cloud.request import Request

HOST = "css.example"


def vendor_date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def signed_headers(
    access_key: str,
    secret_key: str,
    *,
    at: float,
    method: str = "GET",
    path: str = "/",
    query: Sequence[tuple[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    body: str = "",
) -> dict[str, str]:
    """Return the headers to send, the vendor's signature among them."""
    request = sign(
        access_key,
        secret_key,
        method=method,
        path=path,
        query=query,
        headers={"X-Sdk-Date": vendor_date(at), **(headers or {})},
        body=body,
    )
    return dict(request.header_params)


def sign(
    access_key: str,
    secret_key: str,
    *,
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    body: str,
) -> SdkRequest:
    """Let the vendor's signer sign a request; it also decides on the URI to send."""
    request = SdkRequest(
        method=method,
        schema="https",
        host=HOST,
        resource_path=path,
        query_params=list(query),
        header_params=dict(headers),
        body=body,
    )
    return Signer(BasicCredentials(access_key, secret_key)).sign(request)


def received(
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    path: str = "/",
    body: bytes = b"",
    ids: Mapping[str, str] | None = None,
) -> Request:
    parts = urlsplit(path)
    return Request(
        method=method,
        raw_path=parts.path.encode(),
        query=parts.query.encode(),
        headers=[
            (name.lower().encode(), value.encode()) for name, value in headers.items()
        ],
        body=body,
        ids=ids or {},
    )
