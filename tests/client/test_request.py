import httpx
import pytest

from css_snapshot.api.decode import decode_nothing
from css_snapshot.api.operations import Operation, VendorCall
from css_snapshot.client import request
from css_snapshot.client.request import RequestBuilder
from css_snapshot.errors import ConfigurationError

PROJECT = "6204a5bd270343b5885144cf9c8c158d"
ENDPOINTS = ["https://css.example", "http://127.0.0.1:8080", "https://[::1]:8443"]
TARGETS = [
    "/v1.0/p/clusters/c/index_snapshot",
    "/v1.0/p/clusters?start=1&limit=100&datastoreType=elasticsearch",
    "/v1.0/p/clusters?name=a%20b",
    "/",
    "/a/../b",
    "/a/./b?c",
    "/a b",
    "/%2e%2e/b",
    "/a?b c",
    "/a?",
    "/ä",
]


def operation(method: str, template: str, body: bytes | None = None) -> Operation[None]:
    return Operation(
        VendorCall(method, template, frozenset({200}), decode_nothing), {}, body
    )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("target", TARGETS)
def test_an_address_is_what_parsing_it_would_give(endpoint: str, target: str) -> None:
    method, template = "GET", target.replace("{", "{{").replace("}", "}}")
    parsed = httpx.URL(endpoint + target)
    builder = RequestBuilder(endpoint, language="en-us")
    if parsed.raw_path != target.encode():
        with pytest.raises(ConfigurationError, match="would not be requested as it is"):
            builder.build(operation(method, template), PROJECT, 30.0)
        return

    made = builder.build(operation(method, template), PROJECT, 30.0).url

    assert made == parsed
    assert made.raw_path == parsed.raw_path
    assert (made.scheme, made.host, made.port) == (
        parsed.scheme,
        parsed.host,
        parsed.port,
    )


@pytest.mark.parametrize("missing", [AttributeError, TypeError])
def test_addresses_are_parsed_where_their_layout_is_not_the_known_one(
    monkeypatch: pytest.MonkeyPatch, missing: type[Exception]
) -> None:
    def changed(*_: object) -> httpx.URL:
        raise missing("_uri_reference")

    monkeypatch.setattr(request, "_placed", changed)

    builder = RequestBuilder("https://css.example", language="en-us")
    made = builder.build(operation("GET", "/v1.0/p/clusters"), PROJECT, 30.0)

    assert made.url == httpx.URL("https://css.example/v1.0/p/clusters")


@pytest.mark.parametrize("template", ["/a/../b", "/a b", "/a/./b", "/ä", "/a?b c"])
def test_a_path_that_would_change_on_the_way_is_refused(template: str) -> None:
    builder = RequestBuilder("https://css.example", language="en-us")

    with pytest.raises(ConfigurationError, match="would not be requested as it is"):
        builder.build(operation("GET", template), PROJECT, 30.0)


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", None, None),
        ("DELETE", None, None),
        ("POST", None, "0"),
        ("PUT", None, "0"),
        ("POST", b'{"a":1}', "7"),
        ("DELETE", b"{}", "2"),
    ],
)
def test_the_length_of_a_body_is_said_as_httpx_says_it(
    method: str, body: bytes | None, length: str | None
) -> None:
    builder = RequestBuilder("https://css.example", language="en-us")
    request = builder.build(operation(method, "/x", body), PROJECT, 30.0)

    assert request.headers.get("content-length") == length
    assert request.content == (body or b"")
    assert "transfer-encoding" not in request.headers


def test_what_one_request_is_given_does_not_get_into_the_next() -> None:
    builder = RequestBuilder("https://css.example", language="en-us")
    first = builder.build(operation("GET", "/x"), PROJECT, 30.0)
    first.headers["X-Auth-Token"] = "secret"

    second = builder.build(operation("GET", "/x"), PROJECT, 30.0)

    assert "x-auth-token" not in second.headers
    assert second.headers["host"] == "css.example"


@pytest.mark.parametrize("application", ["my-app/1.2", "backup"])
def test_the_user_agent_begins_with_the_application(application: str) -> None:
    builder = RequestBuilder(
        "https://css.example", language="en-us", application=application
    )

    request = builder.build(operation("GET", "/x"), PROJECT, 30.0)

    assert request.headers["user-agent"].startswith(f"{application} css-snapshot/")


@pytest.mark.parametrize("application", ["", "a b", "a/b/c", "a\r\nX: 1", "ä", 7])
def test_an_application_that_would_not_fit_into_the_header_is_refused(
    application: str,
) -> None:
    with pytest.raises(ConfigurationError, match="application"):
        RequestBuilder("https://css.example", language="en-us", application=application)


def test_a_plugin_that_changes_one_request_changes_no_other() -> None:
    builder = RequestBuilder("https://css.example", language="en-us")
    creation = operation("POST", "/v1.0/p", b"{}")

    first = builder.build(creation, PROJECT, 30.0)
    first.headers["X-Auth-Token"] = "a-token"
    del first.headers["Content-Length"]
    second = builder.build(creation, PROJECT, 30.0)

    assert "x-auth-token" not in second.headers
    assert second.headers["content-length"] == "2"


def test_each_request_states_its_own_project_and_length() -> None:
    builder = RequestBuilder("https://css.example", language="en-us")

    made = [
        builder.build(operation("POST", "/v1.0/p", body), project_id, 30.0).headers
        for project_id in ("p1", "p2")
        for body in (b"{}", b"{ }", None)
    ]

    assert [(one["x-project-id"], one["content-length"]) for one in made] == [
        *(("p1", "2"), ("p1", "3"), ("p1", "0")),
        *(("p2", "2"), ("p2", "3"), ("p2", "0")),
    ]
