"""What to do about an error, in a sentence."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    ConnectFailedError,
    CredentialsNotFoundError,
    CSSError,
    ForbiddenError,
    NotFoundError,
    RequestTimeoutError,
    ThrottledError,
)

_CONNECTING: Final = {
    "dns": "check the region's name, and that this machine can resolve names",
    "refused": "nothing listens there: check CSS_ENDPOINT",
    "tls": "if a proxy opens TLS, point SSL_CERT_FILE to its certificate",
    "timeout": "a firewall may be in the way: set HTTPS_PROXY if there is a proxy",
    "proxy": "check HTTPS_PROXY and NO_PROXY",
    "pool": "try again",
    "other": "check the network, HTTPS_PROXY and NO_PROXY",
}
_EXPORT: Final = "export HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK"
_KEYS: Final = (
    "check the key pair; after 5 wrong signatures a key is locked for 5 minutes"
)
_RENEW: Final = "temporary keys expire: get new ones; or the region is another one's"
_PROJECT: Final = "take the id of a project of this region (My Credentials)"
_GRANT: Final = (
    "grant css:cluster:list, css:snapshot:list and css:snapshot:create"
    " (or CSS Administrator), or check the cluster's id"
)
_REDIRECT: Final = (
    "redirects are never followed: check CSS_ENDPOINT; a login page of the network may"
    " be answering"
)
_PROXY_LOGIN: Final = (
    "the proxy wants a login: http://user:password@host in HTTPS_PROXY"
)
_GATEWAY: Final = (
    "the gateway, or a proxy, can't reach the service: try again; then check"
    " CSS_ENDPOINT and HTTPS_PROXY"
)
_NOT_TLS: Final = "that port does not speak TLS: check scheme and port of CSS_ENDPOINT"
_NO_TLS_SIGNS: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")

_BY_CODE: Final = {".0310": _PROJECT, ".0307": _RENEW}
_BY_STATUS: Final[Mapping[int, str]] = {
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: _PROXY_LOGIN,
    HTTPStatus.BAD_GATEWAY: _GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE: _GATEWAY,
    HTTPStatus.GATEWAY_TIMEOUT: _GATEWAY,
}
_BY_KIND: Final[tuple[tuple[type[CSSError], str], ...]] = (
    (CredentialsNotFoundError, _EXPORT),
    (RequestTimeoutError, "try again, with a longer --attempt-timeout"),
    (ThrottledError, "wait a minute: too many requests"),
    (AuthenticationError, _KEYS),
    (ForbiddenError, _GRANT),
    (NotFoundError, "check the region: its gateway does not know this service"),
)


def advice_for(error: CSSError) -> str:
    """Return what to do about an error; empty where nothing better is known."""
    if isinstance(error, ConnectFailedError):
        if is_not_tls(error):
            return _NOT_TLS
        return _CONNECTING[error.kind]
    if isinstance(error, APIError):
        special = _for_refusal(error)
        if special:
            return special
    return next((advice for kind, advice in _BY_KIND if isinstance(error, kind)), "")


def is_not_tls(error: ConnectFailedError) -> bool:
    """Return whether what was reached as https answers in another protocol."""
    text = str(error).upper().replace(" ", "_")
    return error.kind == "tls" and any(sign in text for sign in _NO_TLS_SIGNS)


def _for_refusal(error: APIError) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= error.status < HTTPStatus.BAD_REQUEST:
        return _REDIRECT
    for ending, advice in _BY_CODE.items():
        if error.code.endswith(ending):
            return advice
    return _BY_STATUS.get(error.status, "")
