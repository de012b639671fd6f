"""One request to a service that issues credentials: IAM, or an instance's metadata."""

import contextlib
from collections.abc import AsyncIterator

import httpx

from css_snapshot.auth.redaction import tokens_redacted
from css_snapshot.client.attempt import attempt
from css_snapshot.errors import RequestTimeoutError, TransportError, unchained
from css_snapshot.transport.default import default_transport


@contextlib.asynccontextmanager
async def open_transport(
    transport: httpx.AsyncBaseTransport | None, *, trust_env: bool = True
) -> AsyncIterator[httpx.AsyncBaseTransport]:
    """Lend a transport; one that has to be made for it is closed afterwards.

    Args:
        transport: The caller's, if there is one.
        trust_env: Whether one that is made uses the environment's proxies.
    """
    if transport is not None:
        yield transport
        return
    made = default_transport(trust_env=trust_env)
    try:
        yield made
    finally:
        await made.aclose()


async def ask(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    *,
    limit: float,
    name: str,
    auth: httpx.Auth | None = None,
) -> httpx.Response:
    """Send a request to an issuer, and read the whole response.

    Args:
        transport: Carries the request.
        request: The request.
        limit: Seconds that the issuer has.
        name: The issuer's name, for the error message.
        auth: Authenticates the request, if it does not carry what it needs.

    Raises:
        TransportError: If no response arrived. `.sent` is `False`, as to its readers
            it is about the call that needs the credentials.
    """
    try:
        with tokens_redacted():
            answer = await attempt(request, auth or httpx.Auth(), transport, limit)
    except RequestTimeoutError:
        with unchained:
            raise RequestTimeoutError(
                f"{request.method} {request.url.path}: {name} did not respond within"
                f" {limit:g} s",
                sent=False,
            ) from None
    except TransportError as failure:
        failure.sent = False
        raise
    answer.response.read()
    return answer.response
