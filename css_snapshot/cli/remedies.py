"""What to do about an error, in a sentence."""

from typing import Final

from css_snapshot.auth import CredentialsNotFoundError
from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    ConnectFailedError,
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


_BY_CODE: Final = {".0310": _PROJECT, ".0307": _RENEW}
_BY_KIND: Final[tuple[tuple[type[CSSError], str], ...]] = (
    (CredentialsNotFoundError, _EXPORT),
    (RequestTimeoutError, "try again, with a longer --timeout"),
    (ThrottledError, "wait a minute: too many requests"),
    (AuthenticationError, _KEYS),
    (ForbiddenError, _GRANT),
    (NotFoundError, "check the region: its gateway does not know this service"),
)


def remedy(error: CSSError) -> str:
    """Answer what to do about an error; empty where nothing better is known."""
    if isinstance(error, ConnectFailedError):
        return _CONNECTING[error.kind]
    if isinstance(error, APIError):
        for ending, advice in _BY_CODE.items():
            if error.code.endswith(ending):
                return advice
    return next((advice for kind, advice in _BY_KIND if isinstance(error, kind)), "")
