import asyncio
import gzip
import os
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Final

import httpx
import pytest

from css_snapshot.api.operations import MAX_BODY
from css_snapshot.client import exchange as exchange_module
from css_snapshot.client.exchange import exchange, fetch
from css_snapshot.errors import (
    ConfigurationError,
    ConnectionLostError,
    InvalidResponseError,
)

URL: Final = "https://css.example/v1.0/p1/clusters/c1/index_snapshots"


class Chunks(httpx.AsyncByteStream):
    """A body in chunks, which may end, or close, in failure."""

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        failure: BaseException | None = None,
        close_failure: BaseException | None = None,
    ) -> None:
        self.taken = 0
        self.closed = 0
        self._chunks = chunks
        self._failure = failure
        self._close_failure = close_failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            self.taken += 1
            yield chunk
        if self._failure is not None:
            raise self._failure

    async def aclose(self) -> None:
        self.closed += 1
        if self._close_failure is not None:
            raise self._close_failure


class Answering(httpx.AsyncBaseTransport):
    def __init__(
        self,
        body: httpx.AsyncByteStream | httpx.SyncByteStream,
        status: int = 200,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
    ) -> None:
        self._body = body
        self._status = status
        self._headers = headers

    async def handle_async_request(
        self,
        request: httpx.Request,  # noqa: ARG002  # the interface has it
    ) -> httpx.Response:
        return httpx.Response(self._status, headers=self._headers, stream=self._body)


class Counting:
    """A decoder that notes how much it was made to write."""

    def __init__(self, bits: int) -> None:
        self._decoder = zlib.decompressobj(bits)
        self.written = 0

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def kept(self) -> int:
        return len(self._decoder.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        written = self._decoder.decompress(data, max_length)
        self.written += len(written)
        return written


@pytest.fixture
def decoders(monkeypatch: pytest.MonkeyPatch) -> list[Counting]:
    made: list[Counting] = []

    def make(bits: int) -> Counting:
        made.append(Counting(bits))
        return made[-1]

    stand_in = type("zlib", (), {"decompressobj": make, "error": zlib.error})
    monkeypatch.setattr(exchange_module, "zlib", stand_in)
    return made


def _request() -> httpx.Request:
    return httpx.Request("GET", URL)


def _in_pieces(data: bytes, size: int = 1000) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


async def test_the_whole_answer_is_read_and_its_stream_closed() -> None:
    body = Chunks([b'{"back', b'ups":', b"[]}"])
    request = _request()

    response = await exchange(Answering(body, headers={"X-Request-Id": "r1"}), request)

    assert response.content == b'{"backups":[]}'
    assert response.headers["x-request-id"] == "r1"
    assert response.request is request
    assert body.closed == 1


@pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 500, 599])
async def test_every_status_is_an_answer(status: int) -> None:
    response = await exchange(Answering(Chunks([b"x"]), status), _request())

    assert (response.status_code, response.content) == (status, b"x")


async def test_a_body_of_one_mebibyte_is_read_and_one_byte_more_refused() -> None:
    full = Chunks([b" " * 65536] * 16)
    over = Chunks([b" " * 65536] * 16 + [b" "] * 1000)

    response = await exchange(Answering(full), _request())
    with pytest.raises(InvalidResponseError, match="larger than 1 MiB") as caught:
        await exchange(Answering(over), _request())

    assert len(response.content) == MAX_BODY
    assert caught.value.status == 200
    assert over.taken == 17
    assert over.closed == 1


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_large_body_is_not_there_twice(coding: str) -> None:
    body = os.urandom(8 * MAX_BODY)
    sent = gzip.compress(body, mtime=0) if coding == "gzip" else body
    arriving = (sent[start : start + 65536] for start in range(0, len(sent), 65536))
    answering = Answering(Chunks(arriving), headers={"Content-Encoding": coding})

    tracemalloc.start()
    try:
        answer = await fetch(answering, _request(), most=2 * len(body))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert answer.body == body
    assert peak < 1.3 * len(body)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b'{"backups":[]}', mtime=0)),
        ("GZIP ", gzip.compress(b'{"backups":[]}', mtime=0)),
        ("x-gzip", gzip.compress(b'{"backups":[]}', mtime=0)),
        ("deflate", zlib.compress(b'{"backups":[]}')),
        ("identity", b'{"backups":[]}'),
        ("", b'{"backups":[]}'),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
async def test_a_coding_that_was_not_asked_for_is_read_all_the_same(
    coding: str, packed: bytes, size: int
) -> None:
    body = Chunks(_in_pieces(packed, size))

    response = await exchange(
        Answering(body, headers={"Content-Encoding": coding}), _request()
    )

    assert response.content == b'{"backups":[]}'
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize("size", [0, 1, MAX_BODY])
@pytest.mark.parametrize("kind", [httpx.ByteStream, lambda body: Chunks([body])])
async def test_a_body_is_read_up_to_the_cap(
    kind: Callable[[bytes], httpx.AsyncByteStream], size: int
) -> None:
    request = _request()

    response = await exchange(Answering(kind(b"x" * size)), request)

    assert response.content == b"x" * size
    assert response.request is request


async def test_a_body_in_memory_is_not_read_beyond_the_cap() -> None:
    whole = httpx.ByteStream(b"x" * (MAX_BODY + 1))

    with pytest.raises(InvalidResponseError, match="larger than 1 MiB"):
        await exchange(Answering(whole), _request())


async def test_a_coding_named_in_two_headers_is_one() -> None:
    body = httpx.ByteStream(gzip.compress(b"x", mtime=0))
    headers = [("content-encoding", "gzip"), ("Content-Encoding", "gzip")]

    with pytest.raises(InvalidResponseError, match="content coding not asked for"):
        await exchange(Answering(body, headers=headers), _request())


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "rot13"])
async def test_an_unknown_coding_is_no_answer(coding: str) -> None:
    body = Chunks([b"x"])

    with pytest.raises(InvalidResponseError, match="content coding not asked for"):
        await exchange(
            Answering(body, headers={"Content-Encoding": coding}), _request()
        )

    assert body.closed == 1


async def test_a_gzip_bomb_is_not_unpacked_beyond_the_cap(
    decoders: list[Counting],
) -> None:
    packed = _in_pieces(gzip.compress(b" " * (50 * 1024 * 1024)))
    body = Chunks(packed)

    with pytest.raises(InvalidResponseError, match="larger than 1 MiB"):
        await exchange(
            Answering(body, headers={"Content-Encoding": "gzip"}), _request()
        )

    assert [decoder.written for decoder in decoders] == [MAX_BODY + 1]
    assert body.taken < len(packed)
    assert body.closed == 1


async def test_what_follows_a_gzip_stream_is_not_collected(
    decoders: list[Counting],
) -> None:
    body = Chunks([gzip.compress(b'{"backups":[]}'), *[b"\0" * 65536] * 100])

    response = await exchange(
        Answering(body, headers={"Content-Encoding": "gzip"}), _request()
    )

    assert response.content == b'{"backups":[]}'
    assert [decoder.kept for decoder in decoders] == [0]
    assert body.taken == 1


async def test_a_gzip_stream_that_unpacks_to_nothing_for_ever_is_refused() -> None:
    endless = gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 10
    body = Chunks([endless[:10], *[b"\x00\x00\x00\xff\xff" * 10_000] * 100])

    with pytest.raises(InvalidResponseError, match="larger than 1 MiB"):
        await exchange(
            Answering(body, headers={"Content-Encoding": "gzip"}), _request()
        )

    assert body.taken < 30


async def test_a_gzip_stream_that_stops_early_is_read_as_far_as_it_goes() -> None:
    body = Chunks([gzip.compress(b'{"backups":[]}')[:-8]])

    response = await exchange(
        Answering(body, headers={"Content-Encoding": "gzip"}), _request()
    )

    assert response.content == b'{"backups":[]}'


@pytest.mark.parametrize(
    "packed",
    [b"this is no gzip", gzip.compress(b"x" * 500, mtime=0)[:-30] + b"\xff" * 30],
)
async def test_a_broken_gzip_stream_is_no_answer(packed: bytes) -> None:
    body = Chunks([packed])

    with pytest.raises(
        InvalidResponseError, match="not in the coding it names"
    ) as caught:
        await exchange(
            Answering(body, headers={"Content-Encoding": "gzip"}), _request()
        )

    assert caught.value.__context__ is None
    assert body.closed == 1


async def test_an_unreadable_body_keeps_what_is_needed_for_a_ticket() -> None:
    transport = Answering(
        Chunks([b"x"]), 201, {"Content-Encoding": "br", "X-Request-Id": "r-9"}
    )

    with pytest.raises(InvalidResponseError) as caught:
        await exchange(transport, _request())

    error = caught.value
    assert (error.status, error.request_id, error.method) == (201, "r-9", "GET")
    assert error.path == "/v1.0/p1/clusters/c1/index_snapshots"
    assert error.sent is None


async def test_a_body_that_breaks_off_is_a_lost_connection() -> None:
    body = Chunks([b"x"], failure=httpx.ReadError("gone"))

    with pytest.raises(ConnectionLostError) as caught:
        await exchange(Answering(body), _request())

    assert caught.value.sent is None
    assert body.closed == 1


@pytest.mark.parametrize(
    "failure", [OSError(104, "reset"), httpx.ReadError("gone"), RuntimeError("bug")]
)
async def test_a_whole_answer_counts_though_its_connection_fails_to_close(
    failure: Exception,
) -> None:
    body = Chunks([b"whole"], close_failure=failure)

    response = await exchange(Answering(body, 201), _request())

    assert (response.status_code, response.content) == (201, b"whole")


async def test_a_cancellation_is_not_lost_over_a_connection_that_fails_to_close() -> (
    None
):
    body = Chunks(
        [b"x"],
        failure=asyncio.CancelledError(),
        close_failure=OSError(104, "reset"),
    )

    with pytest.raises(asyncio.CancelledError):
        await exchange(Answering(body), _request())


async def test_a_failure_to_read_is_not_hidden_by_one_to_close() -> None:
    body = Chunks(
        [b"x"],
        failure=httpx.ReadError("broke off"),
        close_failure=RuntimeError("and then this"),
    )

    with pytest.raises(ConnectionLostError, match="broke off"):
        await exchange(Answering(body), _request())


async def test_a_transport_that_is_not_asynchronous_is_a_bug_and_looks_like_one() -> (
    None
):
    class Synchronous(httpx.SyncByteStream):
        pass

    with pytest.raises(TypeError, match="asynchronous"):
        await exchange(Answering(Synchronous()), _request())


async def test_a_header_that_can_not_be_sent_is_a_setting_not_a_secret_shown() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError("Illegal header value b'secret\\r\\n'")

    with pytest.raises(ConfigurationError) as caught:
        await exchange(httpx.MockTransport(handler), _request())

    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None
