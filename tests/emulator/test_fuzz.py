"""Whatever arrives, the emulator answers in a dialect of the vendor."""

import asyncio
import json

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from css_snapshot.emulator import (
    EmulatorServer,
    EmulatorState,
    EmulatorTransport,
    VendorError,
)
from css_snapshot.emulator.cloud.request import Request
from tests.support.emulated_cloud import START, started
from tests.support.signed import received, sign, vendor_date
from tests.support.thoroughness import examples

PATH = "/v1.0/0e000000000000000000000000000001/clusters"

_GARBAGE = st.binary(max_size=60)
_HEADER = st.tuples(
    st.sampled_from(
        [
            b"authorization",
            b"x-sdk-date",
            b"host",
            b"x-auth-token",
            b"x-project-id",
            b"x-sdk-content-sha256",
            b"",
        ]
    ),
    st.one_of(
        _GARBAGE,
        st.just(b"20260921T141320Z"),
        _GARBAGE.map(lambda noise: b"SDK-HMAC-SHA256 " + noise),
        st.builds(
            lambda names: (
                b"SDK-HMAC-SHA256 Access=EMULATORAK000000001A, SignedHeaders=%b, "
                b"Signature=%b" % (names, b"0" * 64)
            ),
            _GARBAGE.map(lambda noise: noise + b";x-sdk-date"),
        ),
    ),
)


@settings(max_examples=examples(300), deadline=None)
@given(
    headers=st.lists(_HEADER, max_size=6),
    raw_path=_GARBAGE,
    query=_GARBAGE,
    body=_GARBAGE,
)
def test_garbage_is_refused_and_never_breaks_the_verifier(
    headers: list[tuple[bytes, bytes]], raw_path: bytes, query: bytes, body: bytes
) -> None:
    cloud = EmulatorState(clock=started().timestamp)
    request = Request(
        method="GET", raw_path=raw_path, query=query, headers=headers, body=body
    )
    with pytest.raises(VendorError) as caught:
        cloud.access.check(request)
    assert caught.value.status == 401


_TEXT = st.text("abcXYZ019-_.~/ %+&=é:", max_size=8)


@settings(max_examples=examples(200), deadline=None)
@given(query=st.lists(st.tuples(_TEXT.filter(bool), _TEXT), max_size=4), body=_TEXT)
def test_whatever_the_vendors_signer_signs_verifies(
    query: list[tuple[str, str]], body: str
) -> None:
    cloud = EmulatorState(clock=started().timestamp)
    signed = sign(
        cloud.access_key,
        cloud.secret_key,
        method="POST",
        path=PATH,
        query=query,
        headers={"X-Sdk-Date": vendor_date(START)},
        body=body,
    )
    request = received(
        signed.header_params, method="POST", path=signed.uri, body=body.encode()
    )
    assert cloud.access.identify(request) == cloud.project_id


_IDS = st.text(
    st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1, max_size=8
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
_FIELDS = (
    *("name", "description", "indices", "enable", "prefix", "period", "keepday"),
    *("frequency", "delete_auto", "target_cluster", "targetCluster", "bucket"),
    *("agency", "base_path", "rename_pattern", "rename_replacement", "auth"),
    *("replace_exist_indices", "snapshotCmkId", "max_snapshot_bytes_per_seconds"),
    *("id_token", "type", "domain_id", "age", "outcome", "tags", "policy", "share"),
    *("build_seconds", "fault", "arguments", "count", "nodes", "aliases", "site"),
)
_BODIES = st.one_of(
    st.binary(max_size=40),
    _JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6).map(
        lambda value: json.dumps(value).encode()
    ),
)
_ROUTES = (
    "/v1.0/{project}/clusters/{cluster}/index_snapshot",
    "/v1.0/{project}/clusters/{cluster}/index_snapshots",
    "/v1.0/{project}/clusters/{cluster}/index_snapshot/{id}",
    "/v1.0/{project}/clusters/{cluster}/index_snapshot/{id}/restore",
    "/v1.0/{project}/clusters/{cluster}/index_snapshot/policy",
    "/v1.0/{project}/clusters/{cluster}/index_snapshot/setting",
    "/v1.0/{project}/clusters",
    "/v1.0/{project}/clusters/{id}",
    "/v2.0/{project}/clusters/{cluster}/snapshots/policy/open",
    "/v3/auth/tokens",
    "/v3.0/OS-CREDENTIAL/securitytokens",
    "/v3/projects",
    "/v3.0/OS-AUTH/id-token/tokens",
    "/v3/users/{id}",
    "/v3.0/OS-AGENCY/agencies",
    "/v3.0/OS-AGENCY/agencies/{id}",
    "/v1.0/{project}/agency/create",
    "/_emulator/faults",
    "/_emulator/rules",
    "/_emulator/options",
    "/_emulator/clusters/{cluster}",
    "/_emulator/clusters/{cluster}/snapshots",
    "/_emulator/clusters",
    "/_emulator/outcomes",
    "/{id}",
)


@settings(max_examples=examples(150), deadline=None)
@given(
    method=st.sampled_from(
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]
    ),
    route=st.sampled_from(_ROUTES),
    identifier=_IDS,
    query=st.dictionaries(
        st.sampled_from(["start", "offset", "limit", "datastoreType", "name"]),
        st.text(st.characters(codec="utf-8"), max_size=6),
        max_size=3,
    ),
    body=_BODIES,
)
async def test_any_request_gets_an_answer_in_a_dialect_of_the_vendor(
    method: str, route: str, identifier: str, query: dict[str, str], body: bytes
) -> None:
    state = EmulatorState(clock=started().timestamp, clusters=1)
    path = route.format(
        project=state.project_id,
        cluster=state.cluster_ids[0],
        id=httpx.QueryParams({"x": identifier}).__str__()[2:],
    )
    async with httpx.AsyncClient(
        transport=EmulatorTransport(state),
        base_url="http://emulator.invalid",
        headers={
            "X-Auth-Token": state.token,
            "X-Emulator-Token": state.admin_token,
            "Content-Type": "application/json",
        },
    ) as client:
        answer = await client.request(method, path, params=query, content=body)

    assert len(answer.headers["x-request-id"]) == 32
    if answer.status_code >= 400 and method != "HEAD":
        assert {"errCode", "error_code", "error"} & answer.json().keys()


async def _exchange(endpoint: str, data: bytes) -> bytes:
    url = httpx.URL(endpoint)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(data)
    writer.write_eof()
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@settings(max_examples=examples(60), deadline=None)
@given(data=st.binary(max_size=80) | st.text(max_size=40).map(str.encode))
@example(data=b"GET * HTTP/1.1\r\nHost: a\r\n\r\n")
@example(data=b"GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n")
@example(
    data=b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
)
@example(data=b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
@example(data=b"GET / HTTP/1.1\r\nHost: [\r\n\r\n")
@example(data=b"GET /%ff%00 HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
async def test_any_bytes_on_the_socket_are_refused_in_the_gateways_dialect(
    data: bytes,
) -> None:
    async with EmulatorServer(EmulatorState(clusters=0)) as server:
        answer = await _exchange(server.endpoint, data)
    if answer:
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
        assert b'"error_code":"APIGW.0' in answer.replace(b'": "', b'":"')
