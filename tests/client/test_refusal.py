import json
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from css_snapshot.api.error_body import read_error_body, stated_limit
from css_snapshot.client.refusal import error_for
from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClusterBusyError,
    ConflictError,
    ForbiddenError,
    GatewayError,
    InternalServerError,
    NotAcceptableError,
    NotFoundError,
    NotImplementedByServerError,
    QuotaExceededError,
    ServerError,
    SnapshotExistsError,
    ThrottledError,
    UnexpectedStatusError,
)
from tests.support.thoroughness import examples

NOON: Final = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
NOON_HTTP: Final = "Sat, 07 Mar 2026 12:00:00 GMT"
PATH: Final = "/v1.0/p/clusters/c/index_snapshot"
SECRET: Final = "MIIeT0ken/+=="


def _answer(
    status: int,
    body: bytes | str | dict[str, object] = b"",
    headers: dict[str, str] | None = None,
    sent: dict[str, str] | None = None,
) -> httpx.Response:
    if isinstance(body, dict):
        body = json.dumps(body)
    request = httpx.Request("POST", f"https://css.example{PATH}", headers=sent)
    return httpx.Response(status, headers=headers, content=body, request=request)


def _error(
    status: int,
    body: bytes | str | dict[str, object] = b"",
    headers: dict[str, str] | None = None,
    sent: dict[str, str] | None = None,
    now: datetime = NOON,
) -> APIError:
    response = _answer(status, body, headers, sent)
    return error_for(response, "POST", PATH, now=lambda: now)


@pytest.mark.parametrize(
    ("body", "code", "message", "request_id"),
    [
        pytest.param(
            {
                "errCode": "CSS.0001",
                "externalMessage": "CSS.0001 : Incorrect parameters. (no such bucket)",
            },
            "CSS.0001",
            "Incorrect parameters. (no such bucket)",
            None,
            id="css",
        ),
        pytest.param(
            {
                "errCode": "CSS.0015",
                "externalMessage": "No resources are found or the access is denied.",
            },
            "CSS.0015",
            "No resources are found or the access is denied.",
            None,
            id="css-without-code-in-text",
        ),
        pytest.param(
            {
                "error_msg": "verify aksk signature fail",
                "error_code": "APIGW.0301",
                "request_id": "8080d3",
            },
            "APIGW.0301",
            "verify aksk signature fail",
            "8080d3",
            id="gateway",
        ),
        pytest.param(
            {"errorCode": "X.1", "errorMsg": "camel"}, "X.1", "camel", None, id="camel"
        ),
        pytest.param(
            {"code": "X.2", "message": "plain"}, "X.2", "plain", None, id="plain"
        ),
        pytest.param(
            {
                "error": {
                    "code": 401,
                    "message": "bad password",
                    "title": "Unauthorized",
                }
            },
            "401",
            "bad password",
            None,
            id="iam-nested",
        ),
        pytest.param(
            {"error_code": "IAM.0001", "error_msg": "new style"},
            "IAM.0001",
            "new style",
            None,
            id="iam-flat",
        ),
        pytest.param(
            {"errCode": None, "externalMessage": None}, "", "", None, id="nulls"
        ),
        pytest.param(
            {"errCode": ["CSS.0001"], "externalMessage": {}},
            "CSS.0001",
            "",
            None,
            id="types",
        ),
        pytest.param(
            {"externalMessage": "no code at all"}, "", "no code at all", None, id="text"
        ),
        pytest.param({"error": "just text"}, "", "just text", None, id="error-is-text"),
        pytest.param({"unrelated": 1}, "", '{"unrelated": 1}', None, id="unrelated"),
        pytest.param({}, "", "", None, id="empty"),
        pytest.param(
            {"badRequest": {"message": "Invalid input for field name", "code": 400}},
            "",
            "Invalid input for field name",
            None,
            id="openstack",
        ),
        pytest.param(
            {"errors": [{"error_code": "CSS.0001", "error_msg": "name is wrong"}]},
            "CSS.0001",
            "name is wrong",
            None,
            id="list-of-errors",
        ),
        pytest.param(
            {"errors": ["too long", {"message": "too odd"}]},
            "",
            "too long; too odd",
            None,
            id="list-of-texts",
        ),
        pytest.param(
            [{"error_code": "CSS.0001", "error_msg": "wrong"}],
            "CSS.0001",
            "wrong",
            None,
            id="bare-list",
        ),
        pytest.param(
            {"message": None, "detail": "indices too long"},
            "",
            "indices too long",
            None,
            id="detail",
        ),
        pytest.param(
            {
                "detail": [
                    {"loc": ["body", "name"], "msg": "Field required", "type": "x"},
                    {"loc": ["query", 0], "msg": "No", "type": "y"},
                ]
            },
            "",
            "body.name: Field required; query.0: No",
            None,
            id="fastapi",
        ),
        pytest.param(
            {
                "timestamp": "2026-03-07T12:00:00Z",
                "status": 400,
                "error": "Bad Request",
                "message": "name is wrong",
                "path": "/x",
            },
            "",
            "name is wrong",
            None,
            id="spring",
        ),
        pytest.param(
            {"timestamp": 1, "status": 404, "error": "Not Found", "message": ""},
            "",
            "Not Found",
            None,
            id="spring-without-text",
        ),
        pytest.param(
            {"error": {"code": 400, "title": "Bad Request"}},
            "",
            "Bad Request",
            None,
            id="title-alone",
        ),
        pytest.param(
            {"a": {"b": {"c": {"error_code": "CSS.0001", "requestId": "r"}}}},
            "CSS.0001",
            "",
            "r",
            id="deep",
        ),
        pytest.param(
            {"a": {"b": {"c": {"d": {"e": {"error_code": "CSS.0001"}}}}}},
            "CSS.0001",
            '{"a": {"b": {"c": {"d": {"e": {"error_code": "CSS.0001"}}}}}}',
            None,
            id="too-deep-to-be-read-but-not-to-be-seen",
        ),
        pytest.param(
            {"message": "CSS.0015 : No resources are found."},
            "CSS.0015",
            "No resources are found.",
            None,
            id="code-in-the-text",
        ),
        pytest.param(
            {"message": "It failed with CSS.0011: busy"},
            "CSS.0011",
            "It failed with CSS.0011: busy",
            None,
            id="code-within-the-text",
        ),
        pytest.param(
            {"error_code": "CSS.0001", "error_msg": "CSS.00012 is no code"},
            "CSS.0001",
            "CSS.00012 is no code",
            None,
            id="longer-code",
        ),
        pytest.param({"code": 400, "message": "x"}, "", "x", None, id="status"),
        pytest.param({"code": "400", "message": "x"}, "", "x", None, id="status-text"),
        pytest.param({"code": 0, "message": "x"}, "", "x", None, id="zero"),
        pytest.param({"code": 200, "message": "x"}, "", "x", None, id="success"),
        pytest.param({"code": True, "message": "x"}, "", "x", None, id="true"),
        pytest.param({"code": 499, "message": "x"}, "499", "x", None, id="number"),
        pytest.param({"code": "200.1"}, "200.1", "", None, id="no-success"),
        pytest.param({"message": "400 Bad Request"}, "", "Bad Request", None, id="400"),
        pytest.param({"message": "4000 rows"}, "", "4000 rows", None, id="4000"),
        pytest.param(
            {
                "error_code": "APIGW.0301",
                "error_msg": "verify aksk signature fail, canonicalRequest:GET|/|a|b",
            },
            "APIGW.0301",
            "verify aksk signature fail",
            None,
            id="canonical-request",
        ),
        pytest.param(
            {"error_msg": "wrong. String to sign: SDK-HMAC-SHA256|2026"},
            "",
            "wrong",
            None,
            id="string-to-sign",
        ),
        pytest.param(
            {"error_msg": "canonical request is malformed"},
            "",
            "canonical request is malformed",
            None,
            id="nothing-before-it",
        ),
    ],
)
def test_every_dialect_of_error_bodies_is_read(
    body: object, code: str, message: str, request_id: str | None
) -> None:
    read = read_error_body(json.dumps(body).encode(), 400)

    assert (read.code, read.message, read.request_id) == (code, message, request_id)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param(
            b"<html><head><title>HTTP Status 500 - CloudMiddleWareTomcat</title></head>"
            b"<body><h1>other</h1></body></html>",
            "HTTP Status 500 - CloudMiddleWareTomcat",
            id="title",
        ),
        pytest.param(b"<H1 class='x'>502 Bad Gateway</H1>", "502 Bad Gateway", id="h1"),
        pytest.param(b"<p>Nothing &amp; more</p>", "Nothing & more", id="no-heading"),
        pytest.param(
            b"<html><style>a{}</style><script>x()</script\n><!-- no -->Sorry</html>",
            "Sorry",
            id="scripts",
        ),
        pytest.param(b"<title>&lt;b&gt; 400</title>", "<b> 400", id="entities"),
        pytest.param(
            b"upstream connect error.\n  reset reason: connection failure\n",
            "upstream connect error. reset reason: connection failure",
            id="plain-text",
        ),
        pytest.param(b"x " * 1000, ("x " * 100), id="long-text"),
        pytest.param("Accès refusé à tous".encode(), "Accès refusé à tous", id="utf-8"),
        pytest.param(
            "Accès refusé à tous, hélas, Monsieur le Client".encode("latin-1"),
            "Acc\ufffds refus\ufffd \ufffd tous, h\ufffdlas, Monsieur le Client",
            id="latin-1",
        ),
        pytest.param("您没有权限".encode("gbk"), "", id="gbk"),
        pytest.param(b"503 Service Unavailable", "503 Service Unavailable", id="503"),
        pytest.param(b"12345 - 67", "", id="no-letter"),
        pytest.param(b"", "", id="empty"),
        pytest.param(b"\xff\xfe\x00garbage\x80", "", id="garbage"),
        pytest.param(b"[1, 2]", "", id="array"),
        pytest.param(b'"text"', "text", id="string"),
        pytest.param(b"null", "", id="null"),
        pytest.param(b"9" * 5000, "", id="huge-number"),
        pytest.param(b"[" * 100_000, "", id="deep-array"),
        pytest.param(b"<title" * 100_000, "", id="many-half-titles"),
    ],
)
def test_a_body_that_is_no_error_document_is_not_a_problem(
    body: bytes, message: str
) -> None:
    read = read_error_body(body)

    assert (read.code, read.message, read.request_id) == ("", message, None)


def test_a_body_deeper_than_an_interpreter_can_read_is_not_a_problem() -> None:
    body = b'{"a":' * 50_000 + b"1" + b"}" * 50_000

    read = read_error_body(body)

    # Python 3.14 reads it, older ones give up; nobody could do anything with it.
    assert read.message in {"", body[:200].decode()}
    assert (read.code, read.request_id) == ("", None)


def test_half_a_document_still_shows_its_code() -> None:
    read = read_error_body(b'{"errCode": "CSS.0001", "externalMess')

    assert read.code == "CSS.0001"
    assert read.message == '{"errCode": "CSS.0001", "externalMess'


def test_a_byte_order_mark_hides_nothing() -> None:
    read = read_error_body(b'\xef\xbb\xbf{"errCode":"CSS.0001"}')

    assert (read.code, read.message) == ("CSS.0001", "")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (401, {"error": {"code": 401, "message": "Bad.", "title": "No"}}, "401 Bad."),
        (502, "<h1>502 Bad Gateway</h1>", "502 Bad Gateway"),
        (503, "upstream connect error", "503 upstream connect error"),
        (400, {"errCode": "CSS.0001", "externalMessage": ""}, "400 CSS.0001"),
    ],
)
def test_the_message_says_each_thing_once(
    status: int, body: str | dict[str, object], text: str
) -> None:
    assert str(_error(status, body)) == f"POST {PATH}: {text}"


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"X-IAM-Trace-Id": "t-1"}, "t-1"),
        ({"X-IAM-Trace-Id": "t-1", "X-Request-Id": "r-1"}, "r-1"),
        ({"X-Request-Id": ""}, "of-body"),
        ({}, "of-body"),
    ],
)
def test_iam_tells_the_request_by_a_header_of_its_own(
    headers: dict[str, str], request_id: str
) -> None:
    assert _error(401, {"request_id": "of-body"}, headers).request_id == request_id


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (202, "CSS.0011", ClusterBusyError),
        (409, "CSS.0011", ClusterBusyError),
        (200, "CSS.0011", ClusterBusyError),
        (201, "CSS.0011", ClusterBusyError),
        (409, "CSS.0012", ClusterBusyError),
        (409, "CSS.0029", ClusterBusyError),
        (409, "CSS.3004", ClusterBusyError),
        (409, "CSS.0043", SnapshotExistsError),
        (400, "CSS.0043", SnapshotExistsError),
        (409, "CSS.0031", SnapshotExistsError),
        (409, "CSS.1102", ConflictError),
        (413, "CSS.0030", QuotaExceededError),
        (400, "CSS.0001", BadRequestError),
        (400, "CSS.0006", BadRequestError),
        (400, "CSS.0021", BadRequestError),
        (400, "CSS.0036", BadRequestError),
        (400, "CSS.0047", NotFoundError),
        (404, "CSS.0022", NotFoundError),
        (404, "CSS.3027", NotFoundError),
        (403, "CSS.0015", ForbiddenError),
        (403, "CSS.0010", ForbiddenError),
        (403, "CSS.5045", ForbiddenError),
        (400, "CSS.0045", AuthenticationError),
        (400, "CSS.0048", BadRequestError),
        (412, "CSS.5130", UnexpectedStatusError),
        (400, "CSS.0051", BadRequestError),
        (400, "CSS.3016", BadRequestError),
        (400, "CSS.3026", NotFoundError),
        (400, "CSS.5111", NotFoundError),
        (400, "CSS.5090", BadRequestError),
        (415, "CSS.0004", UnexpectedStatusError),
        (422, "CSS.0040", UnexpectedStatusError),
        (500, "CSS.0005", InternalServerError),
        (500, "CSS.9999", InternalServerError),
        (404, "APIGW.0101", NotFoundError),
        (401, "APIGW.0301", AuthenticationError),
        (400, "APIGW.0301", AuthenticationError),
        (400, "APIG.0307", AuthenticationError),
        (401, "APIG.0303", AuthenticationError),
        (403, "APIGW.0302", ForbiddenError),
        (403, "APIG.0306", ForbiddenError),
        (401, "APIG.0307", AuthenticationError),
        (429, "APIG.0308", ThrottledError),
        (500, "APIGW.0601", InternalServerError),
        (504, "APIGW.0203", GatewayError),
        (406, "", NotAcceptableError),
        (501, "", NotImplementedByServerError),
        (502, "", GatewayError),
        (503, "", GatewayError),
        (507, "", ServerError),
        (418, "", UnexpectedStatusError),
    ],
)
def test_the_code_decides_before_the_status(
    status: int, code: str, kind: type[APIError]
) -> None:
    error = _error(status, {"errCode": code, "externalMessage": "why"})

    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, code, "why")


@pytest.mark.parametrize("code", ["CSS.0011", "CSS.0043", "CSS.0045", "APIGW.0308"])
def test_a_code_can_not_turn_a_500_into_something_else(code: str) -> None:
    error = _error(500, {"errCode": code, "externalMessage": "why"})

    assert type(error) is InternalServerError


def test_a_404_of_the_gateway_is_not_taken_for_a_busy_cluster() -> None:
    assert type(_error(404, {"errCode": "CSS.0011"})) is NotFoundError


def test_the_message_says_method_path_status_code_text_and_request() -> None:
    error = _error(
        409,
        {"errCode": "CSS.0043", "externalMessage": "CSS.0043 : Exists."},
        {"X-Request-Id": "r-77"},
    )

    assert str(error) == f"POST {PATH}: 409 CSS.0043 Exists. [request r-77]"
    assert (error.method, error.path, error.request_id) == ("POST", PATH, "r-77")


def test_the_request_id_of_the_header_comes_before_that_of_the_body() -> None:
    body: dict[str, object] = {"error_code": "APIGW.0101", "request_id": "of-body"}

    assert _error(404, body, {"X-Request-Id": "of-header"}).request_id == "of-header"
    assert _error(404, body).request_id == "of-body"


def test_a_missing_cluster_and_a_missing_permission_look_the_same_and_it_says_so() -> (
    None
):
    error = _error(403, {"errCode": "CSS.0015", "externalMessage": "denied"})

    assert "no such cluster, or no permission for it" in str(error)


@pytest.mark.parametrize(("status", "code"), [(403, "CSS.0001"), (500, "CSS.0015")])
def test_no_other_refusal_is_said_to_be_about_the_cluster(
    status: int, code: str
) -> None:
    error = _error(status, {"errCode": code, "externalMessage": "no"})

    assert "no such cluster" not in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        ("Sat, 07 Mar 2026 12:01:30 GMT", 90.0),
        ("Sat, 07 Mar 2026 11:00:00 GMT", 0.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("9" * 30, None),
        ("Sat, 07 Mar 99999999999999999999 12:00:00 GMT", None),
        ("Sat, 07 Mar 2026 12:01:30", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(
    value: str, seconds: float | None
) -> None:
    response = _answer(429, b"", {"Date": NOON_HTTP})
    response.headers["Retry-After"] = value

    error = error_for(response, "POST", PATH, now=lambda: NOON + timedelta(days=1))

    assert isinstance(error, ThrottledError)
    assert error.retry_after == seconds


def test_a_retry_after_date_counts_from_our_clock_when_the_server_tells_no_time() -> (
    None
):
    error = _error(429, headers={"Retry-After": "Sat, 07 Mar 2026 12:00:10 GMT"})

    assert isinstance(error, ThrottledError)
    assert error.retry_after == 10.0


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("policy user over ratelimit,limit:60,time:1 minute", (60, 60.0)),
        ("policy user over ratelimit,limit:200,time:5 minutes", (200, 300.0)),
        ("... policy ip over ratelimit,limit:5,time:1 second", (5, 1.0)),
        ("LIMIT: 2000, TIME: 1 HOUR", (2000, 3600.0)),
        ("limit:1,time:1 day", (1, 86400.0)),
        ("limit:10,time:0 second", None),
        ("limit:0,time:1 second", (0, 1.0)),
        ("limit:ten,time:1 second", None),
        ("too many requests", None),
        ("", None),
    ],
)
def test_the_limit_in_the_gateways_text_is_read(
    text: str, limit: tuple[int, float] | None
) -> None:
    error = _error(429, {"error_code": "APIGW.0308", "error_msg": text})

    assert stated_limit(text) == limit
    assert isinstance(error, ThrottledError)
    assert error.limit == limit


@pytest.mark.parametrize(
    "header", ["X-Auth-Token", "X-Security-Token", "Authorization"]
)
@pytest.mark.parametrize(
    "text",
    [
        "bad header {header}: {secret}|host:css.example",
        "bad header {header} :{secret}",
        "canonicalRequest:POST|/|{lower}:{secret}|host:css",
        "{secret} is not a token",
        "{{'{header}': '{secret}'}}",
        '"{lower}":"{secret}"',
        "{header}={secret}",
    ],
)
def test_a_credential_quoted_by_the_server_is_taken_out(header: str, text: str) -> None:
    message = text.format(header=header, lower=header.lower(), secret=SECRET)

    error = _error(401, {"error_msg": message}, sent={header: SECRET})

    assert SECRET not in str(error)
    assert SECRET not in repr(vars(error))
    assert "[secret]" in error.message


@pytest.mark.parametrize(
    "text",
    ["x-auth-token: {cut}", '"x-security-token": "{cut}"', "Authorization={cut}"],
)
def test_a_credential_that_the_server_cut_short_is_taken_out_too(text: str) -> None:
    cut = SECRET[:8]

    error = _error(
        401, {"error_msg": text.format(cut=cut)}, sent={"X-Auth-Token": SECRET}
    )

    assert cut not in str(error)


def test_a_credential_in_code_or_request_id_is_taken_out_too() -> None:
    error = _error(
        401,
        {"error_code": SECRET, "error_msg": "no", "request_id": f"r-{SECRET}"},
        sent={"X-Auth-Token": SECRET},
    )

    assert SECRET not in str(error)
    assert SECRET not in repr(vars(error))


def test_a_credential_in_the_title_of_a_page_is_taken_out() -> None:
    error = _error(
        500, f"<title>bad token {SECRET}</title>", sent={"X-Auth-Token": SECRET}
    )

    assert error.message == "bad token [secret]"


@pytest.mark.parametrize(
    "body",
    [
        {"error_code": "A.1\nB", "error_msg": "x"},
        {"error_code": "A.1", "error_msg": "first\r\nsecond\u2028third\x00"},
        {"error_code": "A.1", "error_msg": "x", "request_id": "r\n1"},
        {"error_code": "\ud800", "error_msg": "\ud800 \u202e", "request_id": "\ud800"},
    ],
    ids=["code", "message", "request-id", "surrogates"],
)
def test_what_the_server_says_stays_on_one_printable_line(
    body: dict[str, object],
) -> None:
    error = _error(400, body)

    assert str(error).splitlines() == [str(error)]
    assert str(error).isprintable()
    assert str(error).encode()


def test_a_long_text_is_cut() -> None:
    error = _error(
        400,
        {"error_code": "A" * 900, "error_msg": "b" * 60_000, "request_id": "c" * 900},
    )

    assert len(error.message) == 500
    assert len(str(error)) < 1000


@pytest.mark.parametrize(
    ("off", "hint"),
    [
        (timedelta(seconds=301), "this machine's clock is 301 s ahead of the server's"),
        (timedelta(hours=-1), "this machine's clock is 3600 s behind the server's"),
        (timedelta(seconds=300), ""),
        (timedelta(), ""),
    ],
)
def test_a_401_for_a_clock_over_five_minutes_off_says_so(
    off: timedelta, hint: str
) -> None:
    error = _error(401, b"", {"Date": NOON_HTTP}, now=NOON + off)

    assert hint in str(error)
    assert ("clock" in str(error)) is bool(hint)
    assert error.server_time == NOON


def test_a_wrong_clock_is_no_news_when_the_credentials_were_accepted() -> None:
    error = _error(404, b"", {"Date": NOON_HTTP}, now=NOON + timedelta(days=1))

    assert "clock" not in str(error)


@pytest.mark.parametrize(
    "date",
    [
        "Sat, 07 Mar 99999999999999999999 12:00:00 GMT",
        "Sat, 07 Mar 2026 12:00:00 -9999999999999999999999",
        "yesterday",
        "",
        "Sat, 07 Mar 2026 12:00:00 -0000",
    ],
)
def test_a_date_that_is_none_is_no_problem(date: str) -> None:
    error = _error(401, b"", {"Date": date})

    assert error.server_time is None
    assert type(error) is AuthenticationError


@pytest.mark.parametrize(
    ("location", "hint"),
    [
        ("https://evil.example:8443/x?token=abc#y", "redirect to evil.example, not"),
        ("/elsewhere", "redirect to the same host, not followed"),
        ("http://[half", "redirect to an unreadable address, not followed"),
    ],
)
def test_a_redirect_is_named_by_its_host_alone(location: str, hint: str) -> None:
    error = _error(307, b"", {"Location": location})

    assert type(error) is UnexpectedStatusError
    assert hint in str(error)
    assert "token=abc" not in str(error)


def test_a_3xx_without_a_location_is_not_called_a_redirect() -> None:
    assert str(_error(304)) == f"POST {PATH}: 304"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("errCode", "externalMessage", "error_code", "error_msg", "code"),
                    *("message", "errorCode", "errorMsg", "request_id", "error", "x"),
                    *("detail", "errors", "loc", "msg", "title", "badRequest"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
_bodies = (
    st.binary(max_size=300)
    | _json.map(lambda value: json.dumps(value).encode())
    | st.text(max_size=60).map(lambda text: f"<title>{text}</title>".encode())
)
_header_values = (
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)
    | st.tuples(st.integers(0), st.integers(0), st.integers()).map(
        lambda number: f"Sat, {number[0]} Mar {number[1]} 12:00:00 {number[2]:+}"
    )
    | st.sampled_from([NOON_HTTP, "https://x/", "http://[", "//", "\\\\x", "60"])
)


@settings(max_examples=examples(200), deadline=None)
@given(
    status=st.integers(100, 599),
    body=_bodies,
    headers=st.dictionaries(
        st.sampled_from(["Date", "Retry-After", "Location", "X-Request-Id"]),
        _header_values,
    ),
)
def test_whatever_the_answer_holds_it_becomes_one_line_of_error(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    error = _error(status, body, headers, {"X-Auth-Token": SECRET})

    assert error.status == status
    assert str(error).splitlines() == [str(error)]
    assert len(str(error)) < 1200
    assert len(error.code) <= 64
    if isinstance(error, ThrottledError):
        assert error.retry_after is None or error.retry_after >= 0


@settings(max_examples=examples(150), deadline=None)
@given(
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    header=st.sampled_from(["x-auth-token", "x-security-token", "authorization"]),
    secret=st.text("abzAZ09+/=-_", min_size=9, max_size=40),
)
def test_a_credential_never_survives_wherever_it_is_quoted(
    before: str, after: str, header: str, secret: str
) -> None:
    body = {"error_msg": f"{before}{secret}{after}"}

    error = _error(401, json.dumps(body), sent={header: secret})

    assert secret not in str(error)
    assert secret not in error.message


def test_a_secret_that_contains_another_is_taken_out_whole() -> None:
    sent = {"X-Auth-Token": "abc", "X-Security-Token": "abc-whole"}

    error = _error(401, json.dumps({"error_msg": "bad abc-whole, abc"}), sent=sent)

    assert error.message == "bad [secret], [secret]"


def test_each_of_several_secrets_under_one_name_is_taken_out() -> None:
    headers = [("X-Auth-Token", "first-token"), ("x-auth-token", "second-token")]
    request = httpx.Request("POST", "https://css.example/x", headers=headers)
    body = {"errCode": "CSS.0001", "externalMessage": "first-token, second-token"}
    response = httpx.Response(400, json=body, request=request)

    error = error_for(response, "POST", PATH)

    assert error.message == "[secret], [secret]"
