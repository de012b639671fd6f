"""What the exceptions of the HTTP libraries prove about a request that failed.

The httpx class of an exception proves little: some transports raise `ConnectError` or
`ConnectTimeout` for a connection that was reset after the request had arrived. The
exception underneath, of the library that did the work, tells these apart.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import attrs
import httpx

from css_snapshot.errors import (
    ConfigurationError,
    ConnectFailedError,
    ConnectFailure,
    ConnectionLostError,
    CSSError,
    RequestTimeoutError,
)


@attrs.frozen
class Evidence:
    """What is known about a request that failed on the network.

    Attributes:
        not_sent: Whether it is proven that not a byte of the request was sent.
        timed_out: Whether a time limit passed.
        kind: What kept the connection from being made, if nothing was sent.
        summary: One line for people, without anything the server may have echoed.
    """

    not_sent: bool
    timed_out: bool
    kind: ConnectFailure
    summary: str


@attrs.frozen
class _Library:
    """Whose exceptions mean what: class names, or beginnings of pyreqwest's causes."""

    not_sent: tuple[str, ...]
    timed_out: tuple[str, ...]


_LIBRARIES: Final[Mapping[str, _Library]] = {
    "httpx": _Library(("PoolTimeout",), ("TimeoutException",)),
    "httpcore": _Library(
        ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"),
        ("TimeoutException",),
    ),
    "aiohttp": _Library(
        ("ClientConnectorError", "ConnectionTimeoutError", "ClientHttpProxyError"),
        ("ServerTimeoutError",),
    ),
    "pyreqwest": _Library(
        ("client error (Connect)", "PoolTimeoutError"), ("RequestTimeoutError",)
    ),
}
# Forks with the same classes: https://github.com/pydantic/httpx2
_FORKS: Final = {"httpcore2": "httpcore", "httpx2": "httpx"}
_NETWORK_PACKAGES: Final = frozenset({"aiohttp", "anyio", "httpcore", "pyreqwest"})
_KINDS: Final[Mapping[ConnectFailure, tuple[str, ...]]] = {
    "pool": ("PoolTimeout",),
    "proxy": (
        *("ProxyError", "ClientProxyConnectionError", "ClientHttpProxyError"),
        *("tunnel error", "error resolving for socks proxy"),
    ),
    "tls": (
        *("SSLError", "invalid peer certificate", "tls handshake"),
        *("received fatal alert", "received corrupt message", "peer is"),
    ),
    "dns": ("gaierror", "ClientConnectorDNSError", "dns error"),
    "refused": ("ConnectionRefusedError", "Connection refused"),
    "timeout": (
        *("TimeoutException", "ConnectionTimeoutError"),
        *("operation timed out", "deadline has elapsed"),
    ),
}
_QUOTATION: Final = re.compile(
    r"[\s:(,]*(?:bytearray\()?(?<![A-Za-z])b?['\"].*", re.DOTALL
)
_SUMMARY_LENGTH: Final = 200


def transport_error(failure: Exception) -> CSSError | None:
    """Turn what a transport raised into this package's error.

    That nothing was sent is concluded from proof alone: from the exception of the
    library underneath, not from the httpx class, which some transports also use for
    a connection reset after the request arrived.

    Args:
        failure: What the transport raised.

    Returns:
        The error to raise instead, or `None` if this is no network failure.
    """
    evidence = read_evidence(failure)
    if evidence is None:
        return None
    if isinstance(failure, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        # The text of these quotes the header, which may be a credential.
        return ConfigurationError("the request can't be sent as HTTP")
    if evidence.not_sent:
        return ConnectFailedError(
            f"no connection: {evidence.summary}; nothing was sent", kind=evidence.kind
        )
    if evidence.timed_out:
        return RequestTimeoutError(
            f"no answer in time: {evidence.summary}; the request may have been"
            " carried out"
        )
    return ConnectionLostError(
        f"connection lost: {evidence.summary}; the request may have been carried out"
    )


def read_evidence(failure: BaseException) -> Evidence | None:
    """Read what a transport raised; `None` if this is no failure of the network."""
    causes = tuple(_causes(failure))
    if not any(_is_network_failure(link) for link in causes):
        return None
    witness, library = _witness(causes)
    chain = tuple(_chain(witness))
    not_sent = _says(witness, library.not_sent)
    return Evidence(
        not_sent=not_sent,
        timed_out=_says(witness, library.timed_out),
        kind=_kind(chain),
        summary=_summary(chain, quoting=not_sent),
    )


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Follow what was raised from what, and nothing that merely was in the air.

    The implicit context may be an error that the caller is handling: it proves
    nothing about this request.
    """
    link: BaseException | None = failure
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def _witness(causes: tuple[BaseException, ...]) -> tuple[BaseException, _Library]:
    """Choose whose word is taken: the library's at the bottom, not its wrapper's."""
    for link in reversed(causes):
        library = _LIBRARIES.get(_package(link))
        if library is not None:
            return link, library
    return causes[0], _LIBRARIES["httpx"]


def _chain(failure: BaseException) -> Iterator[BaseException]:
    """Follow everything that may explain a failure, the nearest first."""
    seen: set[int] = set()
    pending = [failure]
    while pending:
        link = pending.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            pending.extend(link.exceptions)
        pending.extend(
            cause for cause in (link.__context__, link.__cause__) if cause is not None
        )


def _package(link: BaseException) -> str:
    package = type(link).__module__.partition(".")[0]
    return _FORKS.get(package, package)


def _is_network_failure(link: BaseException) -> bool:
    known = isinstance(link, httpx.HTTPError | httpx.StreamError | OSError)
    return known or _package(link) in _NETWORK_PACKAGES


def _says(link: BaseException, words: tuple[str, ...]) -> bool:
    names = (*(kind.__name__ for kind in type(link).__mro__), *_texts(link))
    return any(name.startswith(words) for name in names)


def _texts(link: BaseException) -> tuple[str, ...]:
    """Answer the texts of causes that pyreqwest keeps in place of exceptions."""
    details = getattr(link, "details", None) if _package(link) == "pyreqwest" else None
    causes = details.get("causes") if isinstance(details, dict) else None
    return tuple(str(cause["message"]) for cause in causes or ())


def _kind(chain: tuple[BaseException, ...]) -> ConnectFailure:
    for link in chain:
        for kind, words in _KINDS.items():
            if _says(link, words):
                return kind
    return "other"


def _summary(chain: tuple[BaseException, ...], *, quoting: bool) -> str:
    texts = (text for link in chain for text in (*_texts(link)[-1:], str(link)))
    text = next((text for text in texts if text), "")
    if not quoting:
        # What a broken server sent may well be our own header.
        text = _QUOTATION.sub("", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    name = type(chain[0]).__name__
    return f"{name} ({line[:_SUMMARY_LENGTH]})" if line else name
