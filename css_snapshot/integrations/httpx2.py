"""Bridges between this package, which speaks httpx, and its successor httpx2.

Both libraries have the same interface under different classes, so each refuses what is
made for the other. An authentication plugin of ours in an `httpx2.AsyncClient`:

    client = httpx2.AsyncClient(auth=AuthForHttpx2(AkSkAuth(credentials)))

and what is made for httpx2 under a service of ours:

    SnapshotService(auth=AuthFromHttpx2(plugin), ...)
    SnapshotService(transport=TransportFromHttpx2(httpx2.AsyncHTTPTransport()), ...)
    SnapshotService(transport=ClientFromHttpx2(client), ...)

Failures mean the same as over httpx: `.sent` is `False` only where httpcore2, which does
the work, proves that nothing left.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import httpx

from css_snapshot.errors import ConfigurationError

try:
    import httpx2
except ImportError as error:
    raise ImportError(
        "this needs the extra css-snapshot[httpx2]: pip install 'css-snapshot[httpx2]'"
    ) from error

_ASYNC_ONLY: Final = "this plugin authenticates requests of asynchronous clients only"


class AuthForHttpx2(httpx2.Auth):
    """A plugin made for httpx, for an `httpx2.AsyncClient`.

    Args:
        auth: Any `httpx.Auth`; see `css_snapshot.auth`.
    """

    def __init__(self, auth: httpx.Auth) -> None:
        self._auth = auth

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._auth!r})"

    def sync_auth_flow(
        self,
        request: httpx2.Request,  # noqa: ARG002  # the interface's
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Refuse to authenticate for a synchronous client.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(_ASYNC_ONLY)

    def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Authenticate one request; see `httpx2.Auth`."""
        return _authenticate(self._auth, request, here=httpx2, there=httpx)


class AuthFromHttpx2(httpx.Auth):
    """A plugin made for httpx2, for a service of ours or any `httpx.AsyncClient`.

    Args:
        auth: Any `httpx2.Auth`.
    """

    def __init__(self, auth: httpx2.Auth) -> None:
        self._auth = auth

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._auth!r})"

    def sync_auth_flow(
        self,
        request: httpx.Request,  # noqa: ARG002  # the interface's
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """Refuse to authenticate for a synchronous client.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(_ASYNC_ONLY)

    def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authenticate one request; see `httpx.Auth`."""
        return _authenticate(self._auth, request, here=httpx, there=httpx2)


class TransportFromHttpx2(httpx.AsyncBaseTransport):
    """A transport made for httpx2, for a service of ours or any `httpx.AsyncClient`.

    Args:
        transport: Carries requests. It is closed with this one.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; see `httpx.AsyncBaseTransport`.

        Raises:
            httpx.TransportError: If httpx2 fails with the error of the same name.
        """
        await request.aread()
        with _raising_for_httpx():
            response = await self._transport.handle_async_request(
                _request(request, httpx2)
            )
        return _streaming(response)

    async def aclose(self) -> None:
        """Close the transport underneath."""
        await self._transport.aclose()


class ClientFromHttpx2(httpx.AsyncBaseTransport):
    """A transport that sends through an `httpx2.AsyncClient`, with hooks and mounts.

    The client's own authentication is not used, redirects are never followed, and
    the client stays yours to close, as with `css_snapshot.ClientTransport`.

    Args:
        client: The client to send through.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request as it is; see `httpx.AsyncBaseTransport`.

        Raises:
            ConfigurationError: If the client is closed.
            httpx.TransportError: If httpx2 fails with the error of the same name.
        """
        if self._client.is_closed:
            raise ConfigurationError("the client of this transport is closed")
        await request.aread()
        try:
            with _raising_for_httpx():
                response = await self._client.send(
                    _request(request, httpx2),
                    stream=True,
                    auth=None,
                    follow_redirects=False,
                )
        except httpx2.HTTPStatusError as exc:
            # A hook called `raise_for_status`, but the verdict is the service's.
            response = exc.response
        if response.is_closed:
            whole: httpx.Response = _whole(response, httpx)
            return whole
        return _streaming(response)


class _Stream(httpx.AsyncByteStream):
    """The body of a response of httpx2, as httpx reads it."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _raising_for_httpx():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with _raising_for_httpx():
            await self._stream.aclose()


async def _authenticate(
    auth: Any, request: Any, *, here: ModuleType, there: ModuleType
) -> AsyncGenerator[Any, Any]:
    """Drive a plugin of one library for a request of the other."""
    if auth.requires_request_body:
        await request.aread()
    flow = auth.async_auth_flow(_request(request, there))
    try:
        authenticated = await anext(flow)
        while True:
            response = yield _handed_on(authenticated, request, here)
            if auth.requires_response_body:
                await response.aread()
            try:
                authenticated = await flow.asend(_whole(response, there, authenticated))
            except StopAsyncIteration:
                return
    finally:
        await flow.aclose()


def _handed_on(authenticated: Any, request: Any, here: ModuleType) -> Any:
    """Return the request with what a plugin added to it, or one of the plugin's own."""
    same = (authenticated.method, str(authenticated.url))
    if same != (request.method, str(request.url)):
        return _request(authenticated, here)
    # A copy would lose a body that is streamed.
    request.headers = here.Headers(authenticated.headers.raw)
    return request


def _request(request: Any, library: ModuleType) -> Any:
    """Return a request of a library with the headers and the body of another's."""
    try:
        body = request.content
    except (httpx.RequestNotRead, httpx2.RequestNotRead):
        body = b""
    # As a stream, or the library would add headers of its own.
    copy = library.Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        stream=library.ByteStream(body),
        extensions=request.extensions,
    )
    copy.read()
    return copy


def _whole(response: Any, library: ModuleType, request: Any = None) -> Any:
    """Return a response of a library with the body of another's, as far as it is read."""
    try:
        body = response.content
    except (httpx.ResponseNotRead, httpx2.ResponseNotRead):
        body = b""
    headers = library.Headers(response.headers.raw)
    # The body is decoded.
    headers.pop("content-encoding", None)
    copy = library.Response(
        response.status_code,
        headers=headers,
        stream=library.ByteStream(body),
        request=request,
    )
    copy.read()
    return copy


def _streaming(response: httpx2.Response) -> httpx.Response:
    if not isinstance(response.stream, httpx2.AsyncByteStream):
        raise ConfigurationError("the transport of httpx2 is not an asynchronous one")
    return httpx.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=_Stream(response.stream),
        extensions=response.extensions,
    )


@contextmanager
def _raising_for_httpx() -> Iterator[None]:
    """Raise the errors of httpx2 as those of httpx, with what they were raised from."""
    try:
        yield
    except httpx2.TransportError as exc:
        kind = getattr(httpx, type(exc).__name__, httpx.TransportError)
        raise kind(str(exc)) from exc
