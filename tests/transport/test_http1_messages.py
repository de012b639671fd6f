"""The bytes of HTTP/1.1, without a connection."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("httptools")

from css_snapshot.transport.http1_messages import ResponseReader, encode_request
from tests.support.thoroughness import examples

WHOLE: Final = (
    b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-Odd: caf\xe9 \r\n\r\nhello"
)
CHUNKED: Final = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
INTERIM: Final = (
    b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"
    b"HTTP/1.1 104 Odd\r\nContent-Length: 3\r\n\r\nabc"
)
SECRET: Final = b"SecretThatTheServerQuotes"


def request(
    method: str = "POST",
    url: str = "http://css.example/v1.0/p?limit=1%2C2",
    body: bytes = b"{}",
    headers: dict[str, bytes] | None = None,
) -> httpx.Request:
    return httpx.Request(
        method,
        url,
        content=body,
        headers=[(name.encode(), value) for name, value in (headers or {}).items()],
    )


def read(*pieces: bytes, at_end: bool = False) -> ResponseReader:
    reader = ResponseReader()
    reader.expect()
    for piece in pieces:
        reader.feed(memoryview(piece))
    if at_end:
        reader.finish(announced=True)
    return reader


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


def test_a_request_is_sent_as_it_is() -> None:
    made = request(headers={"X-Odd": b"caf\xe9"})

    assert encode_request(made, b"{}") == (
        b"POST /v1.0/p?limit=1%2C2 HTTP/1.1\r\nHost: css.example\r\n"
        b"X-Odd: caf\xe9\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_every_character_of_a_token_is_sent_as_it_is() -> None:
    token = "!#$%&'*+-.^_`|~aZ09%b%%"

    made = request(token, headers={token: b"%b %s"})

    assert (
        encode_request(made, b"{}")
        == (
            f"{token.upper()} /v1.0/p?limit=1%2C2 HTTP/1.1\r\nHost: css.example\r\n"
            f"{token}: %b %s\r\nContent-Length: 2\r\n\r\n{{}}"
        ).encode()
    )


def test_requests_that_differ_in_method_or_names_are_told_apart() -> None:
    sent = [
        encode_request(request(method, headers={name: b"1"}), b"{}")
        for method in ("PUT", "POST")
        for name in ("X-A", "x-a")
    ]

    assert [data.split(b" ")[0] for data in sent] == [b"PUT"] * 2 + [b"POST"] * 2
    assert [b"\r\nx-a: 1" in data for data in sent] == [False, True] * 2


def test_a_request_without_headers_is_sent_as_it_is() -> None:
    made = httpx.Request("GET", "http://css.example/", stream=httpx.ByteStream(b""))

    assert encode_request(made, b"") == b"GET / HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_request_without_a_body_states_no_length(method: str) -> None:
    sent = encode_request(request(method, body=b""), b"")

    assert sent.startswith(method.encode())
    assert sent.endswith(b"\r\nHost: css.example\r\n\r\n")


@pytest.mark.parametrize("method", ["HEAD", "CONNECT"])
def test_methods_whose_responses_can_not_be_read_are_refused(method: str) -> None:
    with pytest.raises(httpx.LocalProtocolError, match="method is not supported"):
        encode_request(request(method, body=b""), b"")


def test_a_request_has_a_method() -> None:
    made = request()
    made.method = ""

    with pytest.raises(httpx.LocalProtocolError, match="a character"):
        encode_request(made, b"{}")


@pytest.mark.parametrize("junk", ["\r\nX-More: 1", "\n", "\r", "\0", "\x1f", "\x7f"])
@pytest.mark.parametrize("place", ["method", "name", "value"])
def test_what_would_break_out_of_its_place_is_refused_and_not_quoted(
    place: str, junk: str
) -> None:
    made = request()
    if place == "method":
        made.method = f"POST{junk}"
    elif place == "name":
        made.headers[f"X-Token{junk}"] = "secret"
    else:
        made.headers["X-Token"] = f"secret{junk}"

    with pytest.raises(httpx.LocalProtocolError) as caught:
        encode_request(made, b"{}")

    assert str(caught.value) == "a character where HTTP does not allow it"


@pytest.mark.parametrize("name", ["", "X Token", "X-Token:", "X\tToken", "X-T\xf6ken"])
def test_a_header_s_name_is_a_token(name: str) -> None:
    made = request()
    made.headers[name] = "1"

    with pytest.raises(httpx.LocalProtocolError, match="a character"):
        encode_request(made, b"{}")


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX-More: 1", "/\x7f"])
def test_a_target_has_nothing_but_visible_characters(target: str) -> None:
    made = request()
    parts = made.url._uri_reference
    made.url._uri_reference = parts._replace(path=target)

    with pytest.raises(httpx.LocalProtocolError, match="a character"):
        encode_request(made, b"{}")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {"Content-Length": "3"}),
        (b"{}", {"Content-Length": "+2"}),
        (b"", {"Content-Length": "2"}),
        (b"{}", {"Content-Length": "2", "Transfer-Encoding": "chunked"}),
        (b"{}", {"Transfer-Encoding": "chunked"}),
        (b"", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_headers_that_frame_another_body_are_refused(
    body: bytes, headers: dict[str, str]
) -> None:
    made = httpx.Request("POST", "http://css.example/", headers=headers)
    if "Content-Length" not in headers:
        made.headers.pop("Content-Length", None)

    with pytest.raises(httpx.LocalProtocolError, match="do not frame the body"):
        encode_request(made, body)


def test_whatever_is_allowed_in_its_place_is_sent() -> None:
    visible = bytes(range(0x21, 0x7F))
    token = bytes(c for c in visible if c not in b'"(),/:;<=>?@[\\]{}')
    value = b"a\t " + visible + bytes(range(0x80, 0x100))
    made = request(token.decode(), body=b"")
    made.method = token.decode()
    made.headers = httpx.Headers([(token, value)])
    parts = made.url._uri_reference
    made.url._uri_reference = parts._replace(path=visible.decode(), query=None)

    assert encode_request(made, b"") == (
        b"%b %b HTTP/1.1\r\n%b: %b\r\n\r\n" % (token, visible, token, value)
    )


def test_a_length_stated_twice_is_refused() -> None:
    made = request()
    made.headers = httpx.Headers([*made.headers.raw, (b"content-LENGTH", b"2")])

    with pytest.raises(httpx.LocalProtocolError, match="do not frame the body"):
        encode_request(made, b"{}")


def test_a_body_without_a_length_is_refused() -> None:
    made = request()
    del made.headers["Content-Length"]

    with pytest.raises(httpx.LocalProtocolError, match="do not frame the body"):
        encode_request(made, b"{}")


@pytest.mark.parametrize("prefix", [b"", INTERIM, b"\r\n"])
@pytest.mark.parametrize("response", [WHOLE, CHUNKED])
def test_a_response_is_read_whole_in_whatever_pieces_it_comes(
    prefix: bytes, response: bytes
) -> None:
    data = prefix + response
    splits = [[data], [*bytewise(data)]]
    splits += [[data[:n], data[n:]] for n in range(1, len(data))]

    readers = [read(*pieces) for pieces in splits]

    assert {reader.take() for reader in readers} == {b"hello"}
    assert all(reader.complete and reader.reusable for reader in readers)
    assert len({tuple(reader.headers) for reader in readers}) == 1
    assert len({reader.status for reader in readers}) == 1


def test_headers_are_those_of_the_final_head_without_whitespace() -> None:
    reader = read(INTERIM + WHOLE)

    assert reader.status == 201
    assert reader.headers == [(b"Content-Length", b"5"), (b"X-Odd", b"caf\xe9")]


def test_a_trailer_is_no_header() -> None:
    assert read(CHUNKED).headers == [(b"Transfer-Encoding", b"chunked")]


@pytest.mark.parametrize(
    "after",
    [WHOLE, WHOLE * 2, b"H", b"\r\n", b"\n", b"\0", b"junk\r\n\r\n", INTERIM, SECRET],
)
@pytest.mark.parametrize("response", [WHOLE, CHUNKED])
def test_what_is_left_over_joins_nothing_and_spoils_the_connection(
    response: bytes, after: bytes
) -> None:
    for pieces in (
        [response + after],
        [response, after],
        [*bytewise(response + after)],
    ):
        reader = read(*pieces)

        assert (reader.take(), reader.complete) == (b"hello", True)
        assert not reader.reusable


def test_the_next_response_is_read_like_the_first() -> None:
    reader = read(WHOLE)
    reader.expect()

    assert (reader.status, reader.headers, reader.take()) == (0, [], b"")
    reader.feed(memoryview(CHUNKED))

    assert (reader.status, reader.take(), reader.reusable) == (200, b"hello", True)


def test_what_comes_before_any_request_spoils_the_connection() -> None:
    reader = ResponseReader()
    assert reader.reusable

    reader.feed(memoryview(WHOLE))

    assert not reader.reusable


def test_what_ends_before_any_request_spoils_the_connection() -> None:
    reader = ResponseReader()

    reader.finish(announced=True)

    assert (reader.complete, reader.reusable, reader.take()) == (True, False, b"")


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_body_without_a_length_ends_with_the_connection(version: bytes) -> None:
    head = b"HTTP/%b 200 OK\r\n\r\n" % version
    reader = read(head, b"hel", b"lo")
    assert not reader.complete

    reader.finish(announced=True)

    assert (reader.take(), reader.complete, reader.reusable) == (b"hello", True, False)


def test_a_body_without_a_length_is_not_whole_if_something_may_be_cut_off() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nhello")

    with pytest.raises(httpx.RemoteProtocolError, match="before the end"):
        reader.finish(announced=False)

    assert not reader.complete


@pytest.mark.parametrize("response", [WHOLE, CHUNKED])
def test_nothing_can_be_cut_off_of_a_response_that_is_complete(response: bytes) -> None:
    reader = read(response)

    reader.finish(announced=False)

    assert (reader.take(), reader.complete, reader.reusable) == (b"hello", True, False)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_response_without_a_body_ends_with_its_head(head: bytes) -> None:
    reader = read(head)

    assert (reader.complete, reader.reusable, reader.take()) == (True, True, b"")
    reader.feed(memoryview(b"hello"))
    assert (reader.complete, reader.reusable, reader.take()) == (True, False, b"")


@pytest.mark.parametrize(
    ("version", "connection", "kept"),
    [
        ("1.1", "", True),
        ("1.1", "Connection: close\r\n", False),
        ("1.1", "connection:keep-alive,\tClOsE\r\n", False),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", False),
        ("1.1", "Connection: x-close\r\n", True),
        ("1.0", "", False),
        ("1.0", "Connection: keep-alive\r\n", True),
    ],
)
def test_a_connection_is_kept_as_the_server_says(
    version: str, connection: str, *, kept: bool
) -> None:
    head = f"HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{connection}\r\n"

    assert read(head.encode()).reusable is kept


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01 not HTTP\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 099 Early\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" + WHOLE,
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: 1\r2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: 1\nY: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \x01\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\xe9: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n X: 1\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n",
        SECRET + b": 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + SECRET + b"\0\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_not_quoted(data: bytes) -> None:
    reader = ResponseReader()
    reader.expect()

    with pytest.raises(httpx.RemoteProtocolError) as caught:
        reader.feed(memoryview(data))

    assert str(caught.value) == "the response is not HTTP/1.1"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert not reader.complete
    assert not reader.reusable


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 201 Created\r\nContent-Le",
        WHOLE[:-1],
        CHUNKED[:-1],
        INTERIM,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhello",
    ],
)
def test_what_ends_too_early_is_no_response(data: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="before the end"):
        read(*bytewise(data), at_end=True)


def _feed_all(reader: ResponseReader, pieces: Iterable[bytes | memoryview]) -> None:
    for piece in pieces:
        reader.feed(memoryview(piece))


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n"),
        (b"HTTP/1.1 200 ", b"O"),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        (b"", b"HTTP/1.1 104 Odd\r\nContent-Length: 3\r\n\r\nabc"),
        (b"", b"\r\n"),
        (CHUNKED[: CHUNKED.index(b"ext")], b"a"),
        (CHUNKED[: CHUNKED.index(b"Trailer")], b"a"),
        (CHUNKED[: CHUNKED.index(b"X-Trailer")], b"X: a\r\n"),
        (CHUNKED[: CHUNKED.index(b"2;")], b"0"),
    ],
)
def test_what_brings_no_content_for_too_long_is_refused(
    start: bytes, endless: bytes
) -> None:
    reader = read(start)
    piece = memoryview(endless * (4096 // len(endless)))

    with pytest.raises(httpx.RemoteProtocolError, match="goes on without content"):
        _feed_all(reader, [piece] * 20)


def test_a_head_may_take_64_kib() -> None:
    reader = read(b"")
    reader.feed(memoryview(b"HTTP/1.1 200 OK\r\nX: ".ljust(65536, b"a")))

    with pytest.raises(httpx.RemoteProtocolError, match="goes on without content"):
        reader.feed(memoryview(b"a"))


def test_chunks_that_do_bring_content_may_go_on() -> None:
    reader = read(CHUNKED[: CHUNKED.index(b"2;")])

    for _ in range(100):
        reader.feed(memoryview(b"1;" + b"a" * 4000 + b"\r\nx\r\n"))

    assert (reader.buffered, reader.take(), reader.buffered) == (100, b"x" * 100, 0)
    assert reader.take() == b""


def test_a_long_head_leaves_what_follows_all_its_room() -> None:
    start = CHUNKED[: CHUNKED.index(b"\r\n\r\n")]
    reader = read(start + b"\r\nX: ".ljust(60_000, b"a") + b"\r\n\r\n")

    reader.feed(memoryview(b"5;".ljust(60_000, b"a") + b"\r\nhello\r\n0\r\n\r\n"))

    assert (reader.take(), reader.complete) == (b"hello", True)


@st.composite
def pieces_of_something(draw: st.DrawFn) -> list[bytes]:
    """Draw bytes that begin like a response, or not, in pieces."""
    whole = draw(st.sampled_from([WHOLE, CHUNKED, INTERIM + WHOLE, b""]))
    data = bytearray(whole + draw(st.binary(max_size=60)))
    for position in draw(st.lists(st.integers(0, 10_000), max_size=6)):
        if data:
            data[position % len(data)] = draw(st.integers(0, 255))
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    edges = [0, *cuts, len(data)]
    return [bytes(data[a:b]) for a, b in itertools.pairwise(edges) if a < b]


def _outcome(pieces: Iterable[bytes], *, at_end: bool) -> tuple[object, ...]:
    reader = ResponseReader()
    reader.expect()
    try:
        _feed_all(reader, pieces)
        if at_end:
            reader.finish(announced=True)
    except httpx.RemoteProtocolError:
        # How much of it was read depends on the pieces.
        return ("refused", reader.reusable)
    return (reader.status, reader.headers, reader.take(), reader.complete)


@given(pieces=pieces_of_something(), at_end=st.booleans())
@settings(max_examples=examples(500))
def test_random_bytes_in_random_pieces_are_a_response_or_an_error(
    *, pieces: list[bytes], at_end: bool
) -> None:
    outcome = _outcome(pieces, at_end=at_end)

    assert outcome == _outcome(bytewise(b"".join(pieces)), at_end=at_end)
    assert outcome[0] != "refused" or outcome[1] is False
