"""Hypothesis looks for input that provokes anything but this package's own errors."""

import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import httpx
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import tests.support.virtual_time as vt
from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.api.decode import DecodeError, decode_backup, decode_snapshots
from css_snapshot.api.operations import MAX_BODY
from css_snapshot.api.rules import check_id, check_name, split_indices
from css_snapshot.auth import TokenAuth
from css_snapshot.endpoints import _DOMAINS, check_endpoint, css_endpoint
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    RequestValidationError,
)
from css_snapshot.models import Backup, Snapshot
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime

T = TypeVar("T")

Call = Callable[[SnapshotService], Awaitable[object]]

KEYS: Final = (
    *("backup", "backups", "id", "name", "status", "created", "updated", "startTime"),
    *("endTime", "indices", "totalShards", "failedShards", "datastore", "type"),
    *("version", "backupType", "restoreStatus", "errCode", "externalMessage", "error"),
    *("error_code", "error_msg", "request_id", "backupKeepDay", "code", "message"),
)
VALUES: Final = (
    *("BUILDING", "2018-03-07T07:34:47", "1520408087099", "0001-01-01T00:00:00"),
    *("9999-12-31T23:59:59+00:00", "-1", "1e400", "", "CSS.0011", "\ud800", "\x00"),
    *(10**18, -(10**18), 0, -1, 253402300800000, float("nan"), float("inf")),
)
documents: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(VALUES),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=8)
    ),
    max_leaves=25,
)
rows: Final = st.lists(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.sampled_from(VALUES) | st.text(max_size=12) | st.none() | st.integers(),
        max_size=12,
    ),
    max_size=4,
)
bodies: Final = (
    st.binary(max_size=200)
    | documents.map(lambda document: json.dumps(document).encode())
    | rows.map(lambda found: json.dumps({"backups": found}).encode())
    | st.integers(1, 60_000).map(lambda depth: b'{"backups":' + b"[" * depth)
    | st.integers(4000, 6000).map(lambda digits: b'{"backups":' + b"9" * digits + b"}")
)
headers: Final = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("Date", "Retry-After", "Location", "X-Request-Id", "Content-Type"),
                *("Content-Encoding", "Content-Length", "Transfer-Encoding", "X-Odd"),
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
        | st.sampled_from(
            ["gzip", "deflate", "identity", "chunked", "Sat, 07 Mar 2026 12:00:00 GMT"]
        ),
    ),
    max_size=5,
)


def _outcome(read: Callable[[bytes], T], body: bytes) -> T | DecodeError:
    try:
        return read(body)
    except DecodeError as exc:
        return exc


@settings(max_examples=examples(300), deadline=None)
@given(body=bodies)
def test_a_list_is_read_or_refused_with_a_reason(body: bytes) -> None:
    snapshots = _outcome(decode_snapshots, body)
    if isinstance(snapshots, DecodeError):
        assert 0 < len(str(snapshots)) <= 600
        return
    assert all(isinstance(snapshot, Snapshot) for snapshot in snapshots)
    moments = [snapshot.created for snapshot in snapshots if snapshot.created]
    assert all(moment.tzinfo is not None for moment in moments)


@settings(max_examples=examples(200), deadline=None)
@given(body=bodies | documents.map(lambda d: json.dumps({"backup": d}).encode()))
def test_a_creations_answer_is_read_or_refused_with_a_reason(body: bytes) -> None:
    backup = _outcome(decode_backup, body)
    if isinstance(backup, DecodeError):
        assert 0 < len(str(backup)) <= 600
        return
    assert isinstance(backup, Backup)
    assert isinstance(backup.id, str)
    assert backup.id


async def create(service: SnapshotService) -> object:
    return await service.create("c1", "snapshot_001")


async def list_all(service: SnapshotService) -> object:
    return await service.list("c1")


class Whatever(httpx.AsyncBaseTransport):
    """Answers anything, in raw form, as a server might."""

    def __init__(self, status: int, pairs: list[tuple[str, str]], body: bytes) -> None:
        self.requests = 0
        self._status = status
        self._headers = [(n.encode(), v.encode("latin-1")) for n, v in pairs]
        self._body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(
            self._status,
            headers=self._headers,
            stream=httpx.ByteStream(self._body),
            request=request,
        )


@settings(max_examples=examples(400), deadline=None)
@given(
    status=st.integers(100, 599) | st.sampled_from([200, 201, 202, 400, 409, 429, 500]),
    pairs=headers,
    body=bodies,
    packed=st.booleans(),
    call=st.sampled_from([create, list_all]),
)
@example(
    status=401,
    pairs=[("Date", "Sat, 07 Mar 99999999999999999999 12:00:00 GMT")],
    body=b"",
    packed=False,
    call=create,
)
def test_no_answer_provokes_anything_but_our_own_errors(
    status: int,
    pairs: list[tuple[str, str]],
    body: bytes,
    packed: bool,
    call: Call,
) -> None:
    transport = Whatever(status, pairs, zlib.compress(body) if packed else body)

    async def scenario(time: VirtualTime) -> str:
        service = SnapshotService(
            project_id="p1",
            endpoint="https://css.example",
            auth=TokenAuth("t"),
            transport=transport,
            retry=RetryPolicy(random=lambda: 0.0),
            clock=time.clock,
        )
        try:
            await call(service)
        except CSSError as exc:
            return str(exc)
        return "none"

    message = vt.run(scenario)

    assert len(message) < 1500
    assert message.splitlines() == [message]
    assert transport.requests == (3 if status == 500 else 1) or status == 500


@settings(max_examples=examples(300), deadline=None)
@given(value=st.text(max_size=80) | st.binary(max_size=5) | st.integers() | st.none())
def test_an_id_that_passes_is_a_plain_part_of_a_path(value: str) -> None:
    try:
        check_id("cluster_id", value)
    except RequestValidationError:
        return
    url = httpx.URL(f"https://css.example/v1.0/p/clusters/{value}/index_snapshots")
    assert url.raw_path == f"/v1.0/p/clusters/{value}/index_snapshots".encode()


@settings(max_examples=examples(300), deadline=None)
@given(value=st.text(max_size=80) | st.from_regex(r"[a-z][a-z0-9_-]{0,70}\s?"))
def test_a_name_that_passes_survives_the_way_to_the_server(value: str) -> None:
    try:
        check_name(value)
    except RequestValidationError:
        return
    assert value.isascii()
    assert 4 <= len(value) <= 64
    assert json.loads(json.dumps(value)) == value


@settings(max_examples=examples(300), deadline=None)
@given(value=st.text(max_size=40) | st.lists(st.text(max_size=10), max_size=5))
def test_indices_that_pass_can_be_joined_and_split_again(
    value: str | list[str],
) -> None:
    try:
        items = split_indices(value)
    except RequestValidationError:
        return
    assert items
    assert tuple(",".join(items).split(",")) == items


@settings(max_examples=examples(400), deadline=None)
@given(
    value=st.text(max_size=60)
    | st.text(max_size=30).map(lambda text: f"https://{text}")
    | st.from_regex(r"https?://[a-z0-9.@:/\\\[\]%?#-]{0,40}")
)
def test_an_endpoint_that_passes_leads_where_it_says(value: str) -> None:
    try:
        endpoint = check_endpoint(value)
    except ConfigurationError:
        return
    url = httpx.URL(endpoint)
    assert url.host
    assert url.userinfo == b""
    assert url.raw_path == b"/"
    assert (
        url.scheme == "https"
        or url.host in {"localhost", "::1"}
        or (url.host.startswith("127.") or url.host.endswith(".localhost"))
    )


@settings(max_examples=examples(200), deadline=None)
@given(value=st.text(max_size=40) | st.integers() | st.none())
def test_any_other_region_than_a_known_one_is_refused_in_one_line(value: str) -> None:
    # hypothesis also tries the texts that it finds in what it tests.
    assume(value not in _DOMAINS)
    with pytest.raises(ConfigurationError) as caught:
        css_endpoint(value)

    assert str(caught.value).splitlines() == [str(caught.value)]
    assert str(caught.value).isprintable()


def test_the_cap_on_bodies_is_one_mebibyte() -> None:
    assert MAX_BODY == 1024 * 1024
