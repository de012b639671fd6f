from datetime import UTC, datetime

import httpx
import pytest

from css_snapshot.auth import AkSkAuth, Credentials, sign
from css_snapshot.auth import headers as headers_module
from css_snapshot.auth.headers import all_headers, replace_headers

AT = datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)
URL = "https://css.example.com/v1.0/p/clusters"


def test_the_layout_of_the_installed_httpx_is_known() -> None:
    assert headers_module.LAYOUT_IS_KNOWN


@pytest.fixture(params=[True, False], ids=["known layout", "unknown layout"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers_module, "LAYOUT_IS_KNOWN", request.param)


@pytest.mark.usefixtures("layout")
def test_headers_are_read_and_replaced() -> None:
    request = httpx.Request("GET", URL, headers={"X-One": "1"})

    items = all_headers(request)
    replace_headers(request, [*items, (b"X-Two", b"x-two", b"2")])

    assert items == [
        (b"Host", b"host", b"css.example.com"),
        (b"X-One", b"x-one", b"1"),
    ]
    assert request.headers.raw == [
        (b"Host", b"css.example.com"),
        (b"X-One", b"1"),
        (b"X-Two", b"2"),
    ]
    assert request.headers["x-two"] == "2"


@pytest.mark.usefixtures("layout")
def test_a_signature_replaces_an_earlier_one() -> None:
    credentials = Credentials("AK01", "secret-key", "security-token")
    request = httpx.Request(
        "POST",
        URL,
        json={"name": "snap"},
        headers={
            "authorization": "old",
            "X-SDK-DATE": "20200101T000000Z",
            "x-security-token": "old",
        },
    )

    next(AkSkAuth(credentials, clock=lambda: AT).auth_flow(request))

    expected = sign(
        "POST",
        URL,
        {"Content-Type": "application/json"},
        request.content,
        credentials=credentials,
        at=AT,
    )
    assert {name: request.headers.get_list(name) for name in expected} == {
        name: [value] for name, value in expected.items()
    }
