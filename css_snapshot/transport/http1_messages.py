"""HTTP/1.1 messages as bytes: a request to send, responses to read. No I/O."""

import functools
from typing import Final

import attrs
import httpx
from httptools import HttpParserError, HttpResponseParser

from css_snapshot.errors import unchained

_TOKEN: Final = (
    b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
_VISIBLE: Final = bytes(range(0x21, 0x7F))
_TEXT: Final = b"\t " + _VISIBLE + bytes(range(0x80, 0x100))
_LENGTH: Final = b"content-length"
_TRANSFER: Final = b"transfer-encoding"
_FRAMING: Final = frozenset({_LENGTH, _TRANSFER})
_UNREADABLE_METHODS: Final = frozenset({"CONNECT", "HEAD"})

_VERSIONS: Final = frozenset({"1.0", "1.1"})
_CONTINUE: Final = 100
_SWITCHING_PROTOCOLS: Final = 101
_OK: Final = 200
_MAX_WITHOUT_CONTENT: Final = 64 * 1024


def encode_request(request: httpx.Request, body: bytes) -> bytes:
    """Return the bytes of a request.

    Args:
        request: Its method, target and headers are sent as they are.
        body: The whole body.

    Raises:
        httpx.LocalProtocolError: If the request can't be sent as HTTP/1.1: its method
            is `HEAD` or `CONNECT`, whose responses httptools can't read, a character
            would break out of its place, or the headers frame another body than this
            one. No header is quoted.
    """
    if request.method in _UNREADABLE_METHODS:
        raise httpx.LocalProtocolError("the method is not supported by this transport")
    target = request.url.raw_path
    fields = request.headers.raw
    names, values = zip(*fields, strict=True) if fields else ((), ())
    layout = _layout(request.method.encode(), names)
    if target.translate(None, _VISIBLE) or b"".join(values).translate(None, _TEXT):
        raise _misplaced()
    position = layout.length_at
    if body if position is None else values[position] != b"%d" % len(body):
        raise httpx.LocalProtocolError("the headers do not frame the body")
    return layout.template % (target, *values, body)


@attrs.frozen
class _Layout:
    """What requests of one method with headers of the same names have in common.

    Attributes:
        template: The request, with places for the target, the values and the body.
        length_at: Which of the headers states the length; `None` if none does.
    """

    template: bytes
    length_at: int | None


# A client's requests have a few sets of names only. Values may be secrets: not kept.
@functools.lru_cache(maxsize=64)
def _layout(method: bytes, names: tuple[bytes, ...]) -> _Layout:
    tokens = (method, *names)
    if not all(tokens) or b"".join(tokens).translate(None, _TOKEN):
        raise _misplaced()
    lower = [name.lower() for name in names]
    if _TRANSFER in lower or lower.count(_LENGTH) > 1:
        raise httpx.LocalProtocolError("the headers do not frame the body")
    lines = [name.replace(b"%", b"%%") + b": %b\r\n" for name in names]
    return _Layout(
        method.replace(b"%", b"%%") + b" %b HTTP/1.1\r\n" + b"".join(lines) + b"\r\n%b",
        lower.index(_LENGTH) if _LENGTH in lower else None,
    )


def _misplaced() -> httpx.LocalProtocolError:
    return httpx.LocalProtocolError("a character where HTTP does not allow it")


class ResponseReader:
    """Reads the responses on one connection, one after the other.

    Call `expect` when a request is sent, `feed` with the bytes that arrive, and
    `finish` at their end.

    Attributes:
        status: The status of the response; 0 until its head has been read.
        headers: Its headers, once its head has been read.
        complete: Whether all of it has been read.
        reusable: Whether the connection may carry another request after it.
        buffered: How many bytes of its body `take` would return.
    """

    __slots__ = (
        "_fields",
        "_parser",
        "_pieces",
        "_without_content",
        "buffered",
        "complete",
        "headers",
        "reusable",
        "status",
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self.expect()
        # Nothing is expected yet.
        self.complete = True
        self.reusable = True

    def expect(self) -> None:
        """Prepare for the response to the next request."""
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.complete = False
        self.buffered = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._without_content = 0

    def feed(self, data: memoryview) -> None:
        """Read bytes as they arrived; no reference to them is kept.

        Raises:
            httpx.RemoteProtocolError: If they are not HTTP/1.1, or bring neither the
                end of a head nor content for too long. They are not quoted.
        """
        if self.complete:
            self.reusable = False
            return
        self._without_content += len(data)
        try:
            self._parse(data)
        except HttpParserError:
            self.reusable = False
            if not self.complete:
                with unchained:
                    raise httpx.RemoteProtocolError(
                        "the response is not HTTP/1.1"
                    ) from None
        # llhttp has no limit for heads, trailers and the extensions of chunks.
        if self._without_content > _MAX_WITHOUT_CONTENT and not self.complete:
            raise httpx.RemoteProtocolError("the response goes on without content")

    def _parse(self, data: memoryview) -> None:
        # The parser does not tell how many bytes a response took: if it is complete
        # before the last byte, something is left over behind it.
        self._parser.feed_data(data[:-1])
        if self.complete:
            self.reusable = False
        else:
            self._parser.feed_data(data[-1:])

    def finish(self, *, announced: bool) -> None:
        """End the response, as the other side has closed the connection.

        Args:
            announced: Whether it is certain that nothing was cut off. TLS tells; where
                it tells the contrary, no body extends to the end of the connection
                (RFC 9112, section 8).

        Raises:
            httpx.RemoteProtocolError: If the response is incomplete, unless its body
                extends to the end of the connection.
        """
        self.reusable = False
        framed = any(name.lower() in _FRAMING for name, _ in self.headers)
        if not self.complete and (framed or not self.status or not announced):
            raise httpx.RemoteProtocolError(
                "the connection was closed before the end of the response"
            )
        self.complete = True

    def take(self) -> bytes:
        """Return the part of the body that was read since the last time."""
        body = b"".join(self._pieces)
        self._pieces.clear()
        self.buffered = 0
        return body

    def on_message_begin(self) -> None:
        """Refuse a response to no request; called by the parser."""
        if self.complete:
            raise ValueError("a response to no request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; called by the parser."""
        self._fields.append((name, value.strip()))

    def on_headers_complete(self) -> None:
        """Keep the head, unless it is an interim one; called by the parser."""
        parser = self._parser
        status = parser.get_status_code()
        if status < _CONTINUE or status == _SWITCHING_PROTOCOLS:
            raise ValueError("a status without a meaning here")
        if parser.get_http_version() not in _VERSIONS:
            raise ValueError("neither HTTP/1.0 nor HTTP/1.1")
        if status >= _OK:
            self.status = status
            self.headers = self._fields
            self.reusable = parser.should_keep_alive()
            self._without_content = 0
        # Later ones belong to the next head, or are trailers.
        self._fields = []

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body, which an interim response has none of."""
        if self.status:
            self._pieces.append(piece)
            self.buffered += len(piece)
            self._without_content = 0

    def on_message_complete(self) -> None:
        """End the response, unless it was an interim one; called by the parser."""
        self.complete = self.status > 0
