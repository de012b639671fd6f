"""What a transport's failure proves about the request that failed.

The httpx class of an exception proves little: some transports raise `ConnectError` or
`ConnectTimeout` for a connection that was reset after the request had arrived. The
exception underneath, of the library that did the work, tells these apart; and our own
transports raise `NothingSentError` where they know.
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


class NothingSentError(httpx.ConnectError):
    """Not a byte of the request was sent; raised by transports that know it.

    Attributes:
        kind: What kept the request from being sent.
        final: Whether trying again would fail the same way.
    """

    def __init__(
        self, reason: str, *, kind: ConnectFailure = "other", final: bool = False
    ) -> None:
        super().__init__(reason)
        self.kind: ConnectFailure = kind
        self.final = final


def no_connection(cause: BaseException) -> NothingSentError:
    """Make the error for a server that no connection could be made to."""
    chain = tuple(_chain(cause))
    kind = _kind(chain)
    return NothingSentError(
        _summary(chain, quoting=True), kind=kind, final=kind in _FINAL
    )


def no_tunnel(variable: str, cause: BaseException) -> NothingSentError:
    """Make the error for a proxy that made no tunnel to the server.

    Before it has made one, and TLS is up inside it, nothing of a request can have been
    sent.

    Args:
        variable: The environment variable that names the proxy.
        cause: What the library raised, which stays the caller's to chain.
    """
    chain = tuple(_chain(cause))
    if _kind(chain) == "tls":
        return no_connection(cause)
    status = next(filter(None, map(_refusal, chain)), None)
    if status is not None:
        reason = f"the proxy in {variable} refused with status {status}"
        return NothingSentError(reason, kind="proxy", final=True)
    # A proxy may well quote the credentials that were meant for it.
    reason = f"the proxy in {variable} failed: {_summary(chain, quoting=False)}"
    return NothingSentError(reason, kind="proxy")


@attrs.frozen
class Proof:
    """What is known about a request that failed on the network.

    Attributes:
        not_sent: Whether it is proven that not a byte of the request was sent.
        timed_out: Whether a time limit passed.
        kind: What kept the request from being sent, if nothing was.
        final: Whether trying again would fail the same way.
        summary: One line for people, without anything the server may have echoed.
    """

    not_sent: bool
    timed_out: bool
    kind: ConnectFailure
    final: bool
    summary: str


@attrs.frozen
class _Library:
    """What exceptions of a library mean, by the names of their classes."""

    not_sent: frozenset[str]
    timed_out: frozenset[str]


_LIBRARIES: Final[Mapping[str, _Library]] = {
    "httpx": _Library(frozenset({"PoolTimeout"}), frozenset({"TimeoutException"})),
    "httpcore": _Library(
        frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}),
        frozenset({"TimeoutException"}),
    ),
    "aiohttp": _Library(
        frozenset(
            {"ClientConnectorError", "ConnectionTimeoutError", "ClientHttpProxyError"}
        ),
        frozenset({"ServerTimeoutError"}),
    ),
}
# Forks with the same classes: https://github.com/pydantic/httpx2
_FORKS: Final = {"httpcore2": "httpcore", "httpx2": "httpx"}
_NETWORK_PACKAGES: Final = frozenset({"aiohttp", "anyio", "httpcore"})
_KINDS: Final[Mapping[ConnectFailure, frozenset[str]]] = {
    "pool": frozenset({"PoolTimeout"}),
    "proxy": frozenset(
        {"ProxyError", "ClientProxyConnectionError", "ClientHttpProxyError"}
    ),
    "tls": frozenset({"SSLError"}),
    "dns": frozenset({"gaierror", "ClientConnectorDNSError"}),
    "refused": frozenset({"ConnectionRefusedError"}),
    "timeout": frozenset({"TimeoutError", "TimeoutException"}),
}
# A handshake that the other side breaks off says nothing about certificates.
_BROKEN_OFF: Final = frozenset(
    {"SSLEOFError", "SSLWantReadError", "SSLWantWriteError", "SSLZeroReturnError"}
)
_FINAL: Final[frozenset[ConnectFailure]] = frozenset({"proxy", "tls"})
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_QUOTATION: Final = re.compile(
    r"[\s:(,]*(?:bytearray\()?(?<![A-Za-z])b?['\"].*", re.DOTALL
)
_REFUSAL: Final = re.compile(r"(\d{3})\b")
_SUMMARY_LENGTH: Final = 200


def transport_error(failure: Exception, method: str) -> CSSError | None:
    """Turn what a transport raised into this package's error.

    That nothing was sent is concluded from proof alone: from the exception of the
    library underneath, not from the httpx class, which some transports also use for
    a connection reset after the request arrived.

    Args:
        failure: What the transport raised.
        method: The HTTP method of the request.

    Returns:
        The error to raise instead, or `None` if this is no network failure.
    """
    proof = read_proof(failure)
    if proof is None:
        return None
    if isinstance(failure, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        # The text of these quotes the header, which may be a credential.
        return ConfigurationError("the request can't be sent as HTTP")
    if proof.not_sent:
        return ConnectFailedError(
            f"no connection: {proof.summary}; nothing was sent",
            kind=proof.kind,
            retryable=not proof.final,
        )
    fate = fate_if_lost(method)
    if proof.timed_out:
        return RequestTimeoutError(f"no response in time: {proof.summary}; {fate}")
    return ConnectionLostError(f"connection lost: {proof.summary}; {fate}")


def fate_if_lost(method: str) -> str:
    """Return what to say of a request that was lost: one that reads changes nothing."""
    if method in _READS:
        return "the request changes nothing and can be sent again"
    return "the request may have been carried out"


def read_proof(failure: BaseException) -> Proof | None:
    """Read what a transport raised; `None` if this is no failure of the network."""
    causes = tuple(_causes(failure))
    if not any(_is_network_failure(link) for link in causes):
        return None
    for link in causes:
        if isinstance(link, NothingSentError):
            return Proof(
                not_sent=True,
                timed_out=False,
                kind=link.kind,
                final=link.final,
                summary=str(link),
            )
    witness, library = _witness(causes)
    chain = tuple(_chain(witness))
    not_sent = _is_one_of(library.not_sent, witness)
    kind = _kind(chain)
    return Proof(
        not_sent=not_sent,
        timed_out=_is_one_of(library.timed_out, witness),
        kind=kind,
        final=kind in _FINAL,
        summary=_summary(chain, quoting=not_sent and kind != "proxy"),
    )


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """Follow what was raised from what, and nothing that merely was being handled.

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
    """Choose the exception to believe: the library's at the bottom, not its wrapper's."""
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


def _is_one_of(names: frozenset[str], link: BaseException) -> bool:
    return any(kind.__name__ in names for kind in type(link).__mro__)


def _kind(chain: tuple[BaseException, ...]) -> ConnectFailure:
    for link in chain:
        if _is_one_of(_BROKEN_OFF, link):
            continue
        for kind, names in _KINDS.items():
            if _is_one_of(names, link):
                return kind
    return "other"


def _refusal(link: BaseException) -> str | None:
    """Return the status that a proxy refused to make a tunnel with."""
    if not _is_one_of(frozenset({"ProxyError", "ClientHttpProxyError"}), link):
        return None
    found = _REFUSAL.match(str(link))
    return found and found[1]


def _summary(chain: tuple[BaseException, ...], *, quoting: bool) -> str:
    text = next(filter(None, map(str, chain)), "")
    if not quoting:
        # What a broken server sent may well be our own header.
        text = _QUOTATION.sub("", text)
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    name = type(chain[0]).__name__
    return f"{name} ({line[:_SUMMARY_LENGTH]})" if line else name
