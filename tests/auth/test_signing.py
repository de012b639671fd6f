import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

import attrs
import httpx
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given, settings
from hypothesis import strategies as st

from css_snapshot.auth import AkSkAuth, Credentials, sign
from css_snapshot.auth.signing import canonical_path, canonical_query, timestamp
from css_snapshot.errors import ConfigurationError
from tests.support.thoroughness import examples

AK = "HPUA0FAKEFAKEFAKE001"
SK = "fakeSecretKeyForUnitTestsOnly0123456789A"
AT = datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)
STAMP = "20261123T101112Z"


@attrs.frozen
class Vector:
    """One case of the file: a request, and how the vendor's signer signs it."""

    name: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    credentials: Credentials
    at: datetime
    authorization: str


def read_vectors() -> list[Vector]:
    path = Path(__file__).parent.parent / "signing_vectors.json"
    cases = json.loads(path.read_text("utf-8"))["cases"]
    return [
        Vector(
            name=case["name"],
            method=case["method"],
            url=case["url"],
            headers=case["headers"]
            | ({"X-Project-Id": case["project_id"]} if case.get("project_id") else {}),
            body=(case["body"] or "").encode(),
            credentials=Credentials(case["ak"], case["sk"], case.get("security_token")),
            at=datetime.strptime(case["x_sdk_date"], "%Y%m%dT%H%M%SZ").replace(
                tzinfo=UTC
            ),
            authorization=case["authorization_min"],
        )
        for case in cases
        if case["algorithm"] == "SDK-HMAC-SHA256"
    ]


VECTORS = read_vectors()


def test_the_vectors_are_all_there() -> None:
    assert len(VECTORS) == 12


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_function_signs_each_vector_as_the_vendor_does(vector: Vector) -> None:
    added = sign(
        vector.method,
        vector.url,
        vector.headers,
        vector.body,
        credentials=vector.credentials,
        at=vector.at,
    )

    assert added["Authorization"] == vector.authorization


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
async def test_the_plugin_signs_each_vector_as_the_vendor_does(vector: Vector) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    request = httpx.Request(
        vector.method, vector.url, headers=vector.headers, content=vector.body or None
    )
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        await client.send(
            request, auth=AkSkAuth(vector.credentials, clock=lambda: vector.at)
        )

    assert [r.headers["authorization"] for r in sent] == [vector.authorization]


@attrs.frozen
class Sample:
    """A request that two signers are compared on."""

    method: str = "POST"
    host: str = "css.example.com"
    path: str = "/v1/x"
    query: list[tuple[str, str]] = attrs.field(factory=list)
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    @property
    def url(self) -> str:
        pairs = [f"{quote(name, '')}={quote(value, '')}" for name, value in self.query]
        return f"https://{self.host}{self.path}{'?' if pairs else ''}{'&'.join(pairs)}"


def vendor_signature(sample: Sample, secret_key: str = SK) -> str:
    """Sign with the vendor's signer, which signs just the headers it is given."""
    request = SdkRequest(
        method=sample.method,
        schema="https",
        host=sample.host,
        resource_path=sample.path,
        query_params=list(sample.query),
        header_params={"X-Sdk-Date": STAMP, **sample.headers},
        body=sample.body,
    )
    Signer(BasicCredentials(AK, secret_key)).sign(request)
    signed = request.header_params["Authorization"]
    assert isinstance(signed, str)
    return signed


def our_signature(sample: Sample) -> str:
    request = httpx.Request(
        sample.method, sample.url, headers=sample.headers, content=sample.body
    )
    # Had httpx normalised the path away, there would be nothing to compare.
    assert request.url.raw_path.partition(b"?")[0].decode() == sample.path
    credentials = Credentials(AK, SK)
    next(AkSkAuth(credentials, clock=lambda: AT).auth_flow(request))
    authorization = request.headers["authorization"]
    assert isinstance(authorization, str)
    pure = sign(
        sample.method,
        sample.url,
        sample.headers,
        sample.body,
        credentials=credentials,
        at=AT,
    )
    assert pure == {"X-Sdk-Date": STAMP, "Authorization": authorization}
    return authorization


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
unreserved = st.text(
    "ABCXYZabcxyz0189-_~", min_size=1, max_size=12
)  # no dot: httpx drops segments made of dots before it sends them
segments = unreserved | texts.map(lambda text: quote(text, safe="")).filter(
    lambda segment: segment not in {".", ".."}
)
paths = st.lists(segments, min_size=1, max_size=6).map(
    lambda parts: "/" + "/".join(parts)
)
bodies = st.just(b"") | st.dictionaries(texts, texts | st.integers(), max_size=4).map(
    lambda document: json.dumps(document, ensure_ascii=False).encode()
)
header_sets = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            ["application/json", "application/json;charset=utf8"]
        ),
        "X-Project-Id": unreserved,
        "X-Domain-Id": unreserved,
        "X-Security-Token": visible,
        "X-Sdk-Content-Sha256": st.just(""),
    },
)


samples = st.builds(
    Sample,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"]),
    host=st.sampled_from(["css.cn-north-4.myhuaweicloud.com", "127.0.0.1:8443"]),
    path=paths,
    query=st.lists(st.tuples(texts, texts), max_size=4),
    headers=header_sets,
    body=bodies,
)


@settings(max_examples=examples(300), deadline=None)
@given(sample=samples)
def test_random_requests_are_signed_as_the_vendor_signs_them(sample: Sample) -> None:
    assert our_signature(sample) == vendor_signature(sample)


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(
            Sample(headers={"Content-Type": "text/plain"}, body=b"text"),
            id="the vendor leaves bodies that are not JSON unsigned; CSS takes JSON only",
        ),
        pytest.param(
            Sample(headers={"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}),
            id="the vendor's Python SDK overlooks this header without a body; its Go and"
            " Java SDKs, and the document, do not",
        ),
        pytest.param(
            Sample(path="/v1/%FF"),
            id="the vendor signs U+FFFD in place of bytes that are not UTF-8",
        ),
    ],
)
def test_known_differences_from_the_vendor_are_still_there(sample: Sample) -> None:
    assert our_signature(sample) != vendor_signature(sample)


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize("body", [b"", b'{"name": "snap"}'])
def test_an_empty_payload_hash_states_nothing(empty: str, body: bytes) -> None:
    sample = Sample(headers={"X-Sdk-Content-Sha256": empty}, body=body)

    assert our_signature(sample) == vendor_signature(sample)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_keys_of_any_length_sign_as_the_vendor_signs(length: int) -> None:
    secret_key = "k" * length
    sample = Sample(body=b"{}")

    ours = sign(
        *(sample.method, sample.url, {}, sample.body),
        credentials=Credentials(AK, secret_key),
        at=AT,
    )

    assert ours["Authorization"] == vendor_signature(sample, secret_key)


def test_a_payload_hash_that_is_sent_is_what_is_signed() -> None:
    sample = Sample(headers={"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}, body=b"{}")

    assert our_signature(sample) == vendor_signature(sample)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        (b"/", b"/"),
        (b"/v1.0/abc-_~", b"/v1.0/abc-_~/"),
        (b"/v1.0/abc/", b"/v1.0/abc/"),
        (b"/a//b", b"/a//b/"),
        (b"/urn:fss:x", b"/urn%3Afss%3Ax/"),
        (b"/%c3%a9%7e", b"/%C3%A9~/"),
        (b"/a+b", b"/a%2Bb/"),
    ],
)
def test_a_path_has_one_canonical_form(path: bytes, canonical: bytes) -> None:
    assert canonical_path(path) == canonical


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        (b"b=2&a=1", b"a=1&b=2"),
        (b"id=c&id=a", b"id=a&id=c"),
        (b"b=&a", b"a=&b="),
        (b"a=x+y", b"a=x%20y"),
        (b"a=x%20y", b"a=x%20y"),
        (b"a=1=2", b"a=1%3D2"),
        (b"a=b/c", b"a=b%2Fc"),
        (b"a=%ff", b"a=%FF"),
    ],
)
def test_a_query_has_one_canonical_form(query: bytes, canonical: bytes) -> None:
    assert canonical_query(query) == canonical


def test_what_the_way_may_change_is_not_signed() -> None:
    plain = {"Content-Type": "application/json"}
    decorated = plain | {
        "User-Agent": "x",
        "Accept": "*/*",
        "traceparent": "00-1-2-03",
        "Content-Length": "2",
        "X-Language": "en-us",
    }

    first, second = (
        sign(
            "POST",
            "https://css.example.com/x",
            headers,
            b"{}",
            credentials=Credentials(AK, SK),
            at=AT,
        )
        for headers in (plain, decorated)
    )

    assert first == second
    assert "SignedHeaders=content-type;host;x-sdk-date," in first["Authorization"]


def test_stale_headers_of_an_earlier_signature_do_not_count() -> None:
    def signed(headers: dict[str, str]) -> dict[str, str]:
        return sign(
            "get",
            "https://css.example.com/x?b=1&a=2",
            headers,
            b"",
            credentials=Credentials(AK, SK, "token"),
            at=AT,
        )

    fresh = signed({})

    assert (
        signed({"x-sdk-date": "20200101T000000Z", "X-SECURITY-TOKEN": "old"}) == fresh
    )
    assert signed(fresh) == fresh
    assert fresh["X-Security-Token"] == "token"


def test_the_stamp_is_in_utc_whatever_the_zone() -> None:
    assert timestamp(AT.astimezone(timezone(timedelta(hours=8)))) == STAMP


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^clock: "):
        timestamp(AT.replace(tzinfo=None))


def test_one_plugin_signs_for_several_services_at_once() -> None:
    credentials = Credentials(AK, SK)
    auth = AkSkAuth(credentials, clock=lambda: AT)
    urls = [f"https://css.region-{number}.example.com/v1/x" for number in range(4)]

    def signature(url: str) -> str:
        request = next(auth.sync_auth_flow(httpx.Request("GET", url)))
        return request.headers["authorization"]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            signatures = list(threads.map(signature, urls * 500))
    finally:
        sys.setswitchinterval(before)

    expected = [
        sign("GET", url, {}, b"", credentials=credentials, at=AT)["Authorization"]
        for url in urls
    ]
    assert signatures == expected * 500


def test_one_plugin_signs_other_bodies_within_the_same_second() -> None:
    credentials = Credentials(AK, SK)
    auth = AkSkAuth(credentials, clock=lambda: AT)
    url = "https://css.example.com/v1/x"
    headers = {"Host": "css.example.com", "Content-Type": "application/json"}
    bodies = [b"", b"{}", b"{}", b"[]", b"", b"{}"]

    signatures = []
    for body in bodies:
        stream = httpx.ByteStream(body)
        request = httpx.Request("POST", url, headers=headers, stream=stream)
        signed = next(auth.sync_auth_flow(request))
        signatures.append(signed.headers["authorization"])

    assert signatures == [
        sign("POST", url, headers, body, credentials=credentials, at=AT)[
            "Authorization"
        ]
        for body in bodies
    ]
