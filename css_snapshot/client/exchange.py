"""One exchange: a request, and the whole response to it, within a size limit."""

import asyncio
import contextlib
import io
import zlib
from typing import Final, Protocol

import attrs
import httpx

from css_snapshot.api.operations import MAX_BODY
from css_snapshot.client.refusal import request_id_of
from css_snapshot.errors import CSSError, InvalidResponseError, unchained
from css_snapshot.transport.failures import transport_error
from css_snapshot.transport.slots import async_stream

_MEBIBYTE: Final = 1024 * 1024

_CODING: Final = b"content-encoding"
_IDENTITY: Final = frozenset({b"", b"identity"})
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_WINDOW_BITS: Final = {
    b"gzip": _GZIP_OR_ZLIB,
    b"x-gzip": _GZIP_OR_ZLIB,
    b"deflate": _GZIP_OR_ZLIB,
}


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@attrs.define
class Answer:
    """A whole response.

    Attributes:
        response: Its status and headers. The body can still be read from it, out of
            memory, which is left to those who need it: that costs as much as the rest.
        body: The decoded body.
    """

    response: httpx.Response
    body: bytes = attrs.field(repr=False)


async def exchange(
    transport: httpx.AsyncBaseTransport, request: httpx.Request
) -> httpx.Response:
    """Send a request once and return the response, read and decoded; see `fetch`."""
    answer = await fetch(transport, request)
    answer.response.read()
    return answer.response


async def fetch(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, most: int = MAX_BODY
) -> Answer:
    """Send a request once and read the whole response, whatever its status.

    It has no time limit of its own: run it under `asyncio.timeout`.

    Args:
        transport: What carries the request.
        request: A complete request; redirects are not followed.
        most: How many bytes of the decoded body are read.

    Raises:
        TransportError: If no whole response arrived; `.sent` tells whether the request
            may have.
        InvalidResponseError: If the body is too large, or in a coding that can't be
            read.
        ConfigurationError: If the request can't be sent over this transport.
    """
    try:
        response = await transport.handle_async_request(request)
        body = await _body(response, request, most)
    except asyncio.CancelledError as cancelled:
        # Without the frames underneath, whose locals hold the request's credentials.
        cancelled.__context__ = None
        raise cancelled.with_traceback(None) from None
    except CSSError:
        raise
    except Exception as exc:
        error = transport_error(exc, request.method)
        if error is None:
            raise
        # A transport's exception holds the request with its credentials.
        with unchained:
            raise error from None
    # The body can be read again, decoded: to make a new response takes longer.
    response.stream = httpx.ByteStream(body)
    response.request = request
    return Answer(response, body)


def _take_coding(response: httpx.Response) -> bytes:
    """Return the content coding, and leave it out, as the body will be decoded."""
    # To ask `httpx.Headers` for one header takes longer than to look at all of them.
    values = [v for name, v in response.headers.raw if name.lower() == _CODING]
    if not values:
        return b""
    del response.headers["content-encoding"]
    return b", ".join(values).strip().lower()


async def _body(response: httpx.Response, request: httpx.Request, most: int) -> bytes:
    stream = async_stream(response)
    coding = _take_coding(response)
    if coding in _IDENTITY and isinstance(stream, httpx.ByteStream):
        # In memory already, so there is nothing to wait for and nothing to close.
        body = b"".join(stream)
        if len(body) > most:
            raise _oversized(response, request, most)
        return body
    try:
        return await _read(response, stream, request, coding, most)
    finally:
        # Neither a whole response nor a cancellation may get lost over a connection
        # that does not close in good order.
        with contextlib.suppress(Exception):
            await stream.aclose()


async def _read(
    response: httpx.Response,
    stream: httpx.AsyncByteStream,
    request: httpx.Request,
    coding: bytes,
    most: int,
) -> bytes:
    if coding in _IDENTITY:
        # Unlike a list of all chunks, it is never there twice.
        body = io.BytesIO()
        async for chunk in stream:
            if body.tell() + len(chunk) > most:
                raise _oversized(response, request, most)
            body.write(chunk)
        return body.getvalue()
    bits = _WINDOW_BITS.get(coding)
    if bits is None:
        raise _unreadable("has a content coding not asked for", response, request)
    return await _inflate(response, stream, request, most, zlib.decompressobj(bits))


async def _inflate(
    response: httpx.Response,
    stream: httpx.AsyncByteStream,
    request: httpx.Request,
    most: int,
    decoder: _Decoder,
) -> bytes:
    decoded = io.BytesIO()
    size = 0
    async for chunk in stream:
        size += len(chunk)
        try:
            decoded.write(decoder.decompress(chunk, most + 1 - decoded.tell()))
        except zlib.error:
            broken = _unreadable("is not in the coding it names", response, request)
            with unchained:
                raise broken from None
        if max(size, decoded.tell()) > most:
            raise _oversized(response, request, most)
        if decoder.eof:
            # What a server sends behind the end would pile up in the decoder.
            break
    return decoded.getvalue()


def _oversized(
    response: httpx.Response, request: httpx.Request, most: int
) -> InvalidResponseError:
    larger = f"is larger than {most / _MEBIBYTE:g} MiB"
    error = _unreadable(larger, response, request)
    error.oversized = True
    return error


def _unreadable(
    what: str, response: httpx.Response, request: httpx.Request
) -> InvalidResponseError:
    path = request.url.path
    response.request = request
    return InvalidResponseError(
        f"{request.method} {path}: the body of the answer"
        f" (status {response.status_code}) {what}",
        status=response.status_code,
        request_id=request_id_of(response),
        method=request.method,
        path=path,
    )
