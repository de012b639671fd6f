"""The verifier of AK/SK signatures against the vendor's signer, and against fools."""

import json
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import pytest

from css_snapshot.emulator import EmulatorState, VendorError
from css_snapshot.emulator.cloud.request import Request
from tests.support.clock import ManualClock
from tests.support.emulated_cloud import START
from tests.support.signed import HOST, received, signed_headers, vendor_date

PATH = "/v1.0/0e000000000000000000000000000001/clusters"
SECURITY_TOKEN = "x-security-token"


class Vector(TypedDict):
    name: str
    category: str
    algorithm: str
    ak: str
    sk: str
    method: str
    wire_url: str
    body: str | None
    x_sdk_date: str
    signed_headers: dict[str, str]
    authorization: str
    authorization_min: str


def _vectors() -> list[Vector]:
    text = (Path(__file__).parent.parent / "signing_vectors.json").read_text()
    cases: list[Vector] = json.loads(text)["cases"]
    return [
        case
        for case in cases
        if (case["category"], case["algorithm"]) == ("portable", "SDK-HMAC-SHA256")
    ]


def _cloud(vector: Vector) -> EmulatorState:
    signed_at = datetime.strptime(vector["x_sdk_date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    clock = ManualClock(signed_at)
    return EmulatorState(
        access_key=vector["ak"], secret_key=vector["sk"], clock=clock.timestamp
    )


def _request(vector: Vector, authorization: str) -> Request:
    path = vector["wire_url"].split("/", 3)[3]
    headers = {**vector["signed_headers"], "authorization": authorization}
    body = (vector["body"] or "").encode()
    return received(headers, method=vector["method"], path=f"/{path}", body=body)


@pytest.fixture
def cloud(clock: ManualClock) -> EmulatorState:
    return EmulatorState(clock=clock.timestamp)


def _sign(cloud: EmulatorState, *, secret_key: str | None = None) -> dict[str, str]:
    secret_key = cloud.secret_key if secret_key is None else secret_key
    return signed_headers(cloud.access_key, secret_key, at=cloud.clock(), path=PATH)


def _reason(cloud: EmulatorState, request: Request) -> str:
    with pytest.raises(VendorError) as caught:
        cloud.access.identify(request)
    error = caught.value
    assert (error.status, error.code) == (401, "APIGW.0301")
    assert error.dialect == "gateway"
    prefix = "Incorrect IAM authentication information: "
    assert error.message.startswith(prefix)
    return error.message.removeprefix(prefix)


@pytest.mark.parametrize("vector", _vectors(), ids=lambda vector: vector["name"])
@pytest.mark.parametrize("kind", ["authorization", "authorization_min"])
def test_a_vector_of_the_vendors_signer_verifies(vector: Vector, kind: str) -> None:
    cloud = _cloud(vector)
    authorization = (
        vector["authorization"]
        if kind == "authorization"
        else vector["authorization_min"]
    )
    project = cloud.access.identify(_request(vector, authorization))
    assert project == cloud.project_id


@pytest.mark.parametrize("vector", _vectors(), ids=lambda vector: vector["name"])
@pytest.mark.parametrize("part", ["body", "path", "query", "method", "header"])
def test_a_vector_with_one_part_changed_does_not_verify(
    vector: Vector, part: str
) -> None:
    cloud = _cloud(vector)
    good = _request(vector, vector["authorization"])
    changes: dict[str, Request] = {
        "body": _with(good, body=good.body + b" "),
        "path": _with(good, raw_path=good.raw_path + b"x"),
        "query": _with(good, query=good.query + b"&z=1"),
        "method": _with(good, method="PATCH"),
        "header": _with(good, host=b"css.other"),
    }
    reason = _reason(cloud, changes[part])
    assert reason.startswith("verify aksk signature fail, canonicalRequest:")


def _with(request: Request, **changes: bytes | str) -> Request:
    host = changes.pop("host", None)
    headers = [
        (name, host if name == b"host" and isinstance(host, bytes) else value)
        for name, value in request.headers
    ]
    fields: dict[str, object] = {
        "method": request.method,
        "raw_path": request.raw_path,
        "query": request.query,
        "headers": headers,
        "body": request.body,
        **changes,
    }
    return Request(**fields)  # type: ignore[arg-type]  # the fields' own types


def test_the_refusal_shows_the_canonical_request_as_the_gateway_does(
    cloud: EmulatorState,
) -> None:
    headers = _sign(cloud)
    reason = _reason(cloud, received(headers, path=f"{PATH}?b=2&a=%2F+x"))
    date = vendor_date(START)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert reason == (
        f"verify aksk signature fail, canonicalRequest:GET|{PATH}/|a=%2F%20x&b=2|"
        f"host:{HOST}|x-sdk-date:{date}||host;x-sdk-date|{empty}"
    )


@pytest.mark.parametrize("seconds", [-900.0, 900.0])
def test_a_signature_holds_for_fifteen_minutes_either_way(
    cloud: EmulatorState, clock: ManualClock, seconds: float
) -> None:
    headers = _sign(cloud)
    clock.advance(seconds)
    assert cloud.access.identify(received(headers, path=PATH)) == cloud.project_id


@pytest.mark.parametrize("seconds", [-901.0, 901.0])
def test_a_signature_of_another_time_names_both_clocks(
    cloud: EmulatorState, clock: ManualClock, seconds: float
) -> None:
    headers = _sign(cloud)
    clock.advance(seconds)
    reason = _reason(cloud, received(headers, path=PATH))
    assert reason == (
        "calc aksk signature fail:signature expired, signature time:"
        f"{vendor_date(START)},server time:{vendor_date(START + seconds)}"
    )


@pytest.mark.parametrize(
    "date", ["", "20261323T000000Z", "yesterday", "٢" * 8 + "T000000Z"]
)
def test_a_date_that_is_none_is_refused(cloud: EmulatorState, date: str) -> None:
    headers = {**_sign(cloud), "X-Sdk-Date": date}
    reason = _reason(cloud, received(headers, path=PATH))
    assert reason == "calc aksk signature fail:invalid x-sdk-date"


def test_an_unknown_key_is_named(cloud: EmulatorState) -> None:
    headers = signed_headers("STRANGER", "secret", at=START, path=PATH)
    assert _reason(cloud, received(headers, path=PATH)) == "ak STRANGER not exist"


def test_the_date_must_be_signed(cloud: EmulatorState) -> None:
    signature = f"SignedHeaders=host, Signature={'0' * 64}"
    value = f"SDK-HMAC-SHA256 Access={cloud.access_key}, {signature}"
    reason = _reason(cloud, received({"authorization": value}))
    assert reason == "x-sdk-date is not signed"


@pytest.mark.parametrize(
    "value",
    [
        "SDK-HMAC-SHA256",
        "SDK-HMAC-SHA256 Access=a",
        "SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=xyz",
        f"SDK-HMAC-SHA256 Access=a SignedHeaders=x-sdk-date Signature={'0' * 64}",
    ],
)
def test_a_malformed_header_is_refused(cloud: EmulatorState, value: str) -> None:
    reason = _reason(cloud, received({"authorization": value}))
    assert reason == "authorization header format is invalid"


def test_an_unsigned_payload_is_taken_as_such(cloud: EmulatorState) -> None:
    headers = signed_headers(
        cloud.access_key,
        cloud.secret_key,
        at=START,
        method="POST",
        path=PATH,
        headers={"Content-Type": "application/octet-stream"},
        body="x",
    )
    request = received(headers, method="POST", path=PATH, body=b"something else")
    assert cloud.access.identify(request) == cloud.project_id


def test_more_than_five_failures_in_a_row_lock_the_key_for_five_minutes(
    cloud: EmulatorState,
    clock: ManualClock,
) -> None:
    bad = received(_sign(cloud, secret_key="wrong"), path=PATH)
    good = received(_sign(cloud), path=PATH)

    reasons = [_reason(cloud, bad) for _ in range(6)]
    locked = _reason(cloud, good)
    clock.advance(299.9)
    still_locked = _reason(cloud, good)
    clock.advance(0.1)

    assert all(reason.startswith("verify aksk") for reason in reasons)
    assert locked == "AK access failed to reach the limit,forbidden"
    assert still_locked == locked
    assert cloud.access.identify(good) == cloud.project_id


def test_a_good_signature_forgives_the_bad_ones_before_it(
    cloud: EmulatorState,
) -> None:
    bad = received(_sign(cloud, secret_key="wrong"), path=PATH)
    good = received(_sign(cloud), path=PATH)
    for _ in range(2):
        for _ in range(5):
            assert _reason(cloud, bad).startswith("verify aksk")
        assert cloud.access.identify(good) == cloud.project_id


def test_expired_signatures_do_not_lock_the_key(
    cloud: EmulatorState, clock: ManualClock
) -> None:
    old = received(_sign(cloud), path=PATH)
    clock.advance(3600.0)
    for _ in range(10):
        assert "signature expired" in _reason(cloud, old)
    fresh = received(_sign(cloud), path=PATH)
    assert cloud.access.identify(fresh) == cloud.project_id


@pytest.mark.parametrize("signed", [True, False])
def test_temporary_keys_send_their_token_signed_or_not(
    cloud: EmulatorState, signed: bool
) -> None:
    pair = cloud.credentials.temporary_pair(900)
    token = {SECURITY_TOKEN: str(pair.security_token)}
    headers = signed_headers(
        pair.access_key,
        pair.secret_key,
        at=START,
        path=PATH,
        headers=token if signed else None,
    )
    assert (SECURITY_TOKEN in headers["Authorization"]) is signed
    request = received({**token, **headers}, path=PATH)
    assert cloud.access.identify(request) == cloud.project_id


def test_temporary_keys_need_their_own_token_and_end(
    cloud: EmulatorState, clock: ManualClock
) -> None:
    pair = cloud.credentials.temporary_pair(900)
    token = {SECURITY_TOKEN: str(pair.security_token)}
    headers = signed_headers(pair.access_key, pair.secret_key, at=START, path=PATH)

    missing = _reason(cloud, received(headers, path=PATH))
    other = {**headers, SECURITY_TOKEN: "other"}
    wrong = _reason(cloud, received(other, path=PATH))
    clock.advance(900.0)
    expired = _reason(cloud, received({**headers, **token}, path=PATH))

    assert missing == wrong == "securityToken is invalid"
    assert expired == "securityToken expired"


def test_a_revoked_pair_does_not_exist(cloud: EmulatorState) -> None:
    cloud.credentials.revoke_pair(cloud.access_key)
    reason = _reason(cloud, received(_sign(cloud), path=PATH))
    assert reason == f"ak {cloud.access_key} not exist"
