import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import httpx
import pytest

from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.auth import (
    AccessToken,
    AkSkAuth,
    Credentials,
    TokenAuth,
)
from css_snapshot.errors import (
    ConfigurationError,
    CSSError,
    RequestValidationError,
)

MakeService = Callable[..., SnapshotService]
Call = Callable[[SnapshotService, str], Awaitable[object]]

HUGE: Final = 10 * 1024 * 1024
POISONS: Final[Mapping[str, object]] = {
    "empty": "",
    "dot": ".",
    "dots": "..",
    "dots-slash": "../x",
    "slash": "a/b",
    "backslash": "a\\b",
    "encoded-slash": "a%2fb",
    "encoded-dots": "%2e%2e",
    "percent": "a%",
    "query": "a?b=c",
    "fragment": "a#b",
    "semicolon": "a;b",
    "at": "a@b",
    "colon": "a:b",
    "blank": "a b",
    "leading-blank": " a",
    "line-feed": "a\n",
    "crlf": "a\r\nX-Evil: 1",
    "nul": "a\x00b",
    "delete": "a\x7fb",
    "braces": "{project_id}",
    "umlaut": "ä",
    "full-width": "\uff41\uff42\uff43\uff44",
    "arabic-digit": "a\u0663bc",
    "kelvin-sign": "abc\u212a",
    "surrogate": "a\ud800bc",
    "long": "a" * 65,
    "huge": "a" * HUGE,
    "huge-dots": "../" * (HUGE // 3),
    "none": None,
    "number": 7,
    "bytes": b"abcd",
    "list": ["abcd"],
    "dict": {"a": 1},
    "true": True,
}


class Nowhere(httpx.AsyncBaseTransport):
    """Fails the test that sends anything."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"sent {request.method} {request.url!s:.200}")


async def create_in(service: SnapshotService, value: str) -> object:
    return await service.create(value, "snapshot_001")


async def ensure_in(service: SnapshotService, value: str) -> object:
    return await service.ensure(value, "snapshot_001")


async def list_in(service: SnapshotService, value: str) -> object:
    return await service.list(value)


async def get_in(service: SnapshotService, value: str) -> object:
    return await service.get(value, "s1")


async def delete_in(service: SnapshotService, value: str) -> None:
    await service.delete(value, "s1")


async def delete_that(service: SnapshotService, value: str) -> None:
    await service.delete("c1", value)


async def restore_that(service: SnapshotService, value: str) -> None:
    await service.restore("c1", value, target_cluster_id="c2")


async def restore_to(service: SnapshotService, value: str) -> None:
    await service.restore("c1", "s1", target_cluster_id=value)


async def create_as(service: SnapshotService, value: str) -> object:
    return await service.create("c1", value)


async def ensure_as(service: SnapshotService, value: str) -> object:
    return await service.ensure("c1", value)


IDS: Final[tuple[Call, ...]] = (
    *(create_in, ensure_in, list_in, get_in, delete_in),
    *(delete_that, restore_that, restore_to),
)
NAMES: Final[tuple[Call, ...]] = (create_as, ensure_as)


async def _refusal(call: Call, value: object) -> RequestValidationError:
    service = SnapshotService(
        project_id="p1",
        endpoint="https://css.example",
        auth=TokenAuth("t"),
        transport=Nowhere(),
        retry=RetryPolicy.none(),
    )
    with pytest.raises(RequestValidationError) as caught:
        await call(service, value)  # type: ignore[arg-type]  # what a caller may pass
    return caught.value


def _assert_modest(error: CSSError) -> None:
    assert error.sent is False
    assert len(str(error)) < 300
    assert str(error).splitlines() == [str(error)]
    assert str(error).encode()
    assert len(repr(vars(error))) < 600


@pytest.mark.parametrize("call", IDS, ids=lambda call: call.__name__)
async def test_an_id_that_is_none_is_refused_before_anything_is_sent(
    call: Call,
) -> None:
    for value in POISONS.values():
        error = await _refusal(call, value)

        assert error.field.endswith("_id")
        _assert_modest(error)


@pytest.mark.parametrize("call", NAMES, ids=lambda call: call.__name__)
async def test_a_name_that_is_none_is_refused_before_anything_is_sent(
    call: Call,
) -> None:
    for value in POISONS.values():
        error = await _refusal(call, value)

        assert error.field == "name"
        _assert_modest(error)


@pytest.mark.parametrize("poison", sorted(POISONS.keys() - {"none"}))
def test_a_project_that_is_none_is_refused_at_construction(poison: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        SnapshotService(
            project_id=POISONS[poison],  # type: ignore[arg-type]  # what a caller may pass
            endpoint="https://css.example",
            auth=TokenAuth("t"),
            transport=Nowhere(),
        )

    assert caught.value.field == "project_id"
    _assert_modest(caught.value)


@pytest.mark.parametrize(
    "indices",
    [
        *(
            "",
            ",",
            "a,,b",
            "a b",
            "A",
            "a/b",
            'a"b',
            "a\\b",
            "a<b",
            "a|b",
            "a>b",
            "a?b",
        ),
        *("a\nb", "a\x00b", "a\u2028b", "a" * HUGE, "a," * 50_000),
        *([], [""], ["a,b"], ["a", 7], [None], ["x"] * 5000, 7, b"a", object()),
    ],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:12]!a}",
)
async def test_indices_that_are_none_are_refused_before_anything_is_sent(
    indices: object,
) -> None:
    async def create(service: SnapshotService, value: str) -> object:
        return await service.create("c1", "snapshot_001", indices=value)

    _assert_modest(await _refusal(create, indices))


@pytest.mark.parametrize(
    "description",
    ["<", ">", "a" * 257, "a" * HUGE, "<" * HUGE, 7, b"a", ["a"], object()],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:12]!a}-{len(str(value))}",
)
async def test_a_description_that_is_none_is_refused_before_anything_is_sent(
    description: object,
) -> None:
    async def create(service: SnapshotService, value: str) -> object:
        return await service.create("c1", "snapshot_001", description=value)

    error = await _refusal(create, description)

    assert error.field == "description"
    _assert_modest(error)


@pytest.mark.parametrize(
    "endpoint",
    [
        *("", "css.example", "ftp://css.example", "https://", "https:///x", "//x"),
        *("https://u:P4ssword@css.example", "https://css.example/x", "https://x?y"),
        *("https://x#y", "https://x:port", "https://x:99999", "http://css.example"),
        *("https://cs s.example", "https://css.example\r\nX-Evil: 1", "https://\x00"),
        *("https://ä.example", "https://css.example\\@evil.example", "https://[::"),
        *("https://" + "a" * HUGE, 7, None, b"https://css.example"),
    ],
    ids=lambda value: f"{str(value)[:40]!a}",
)
def test_an_endpoint_that_is_not_safe_to_sign_for_is_refused(endpoint: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SnapshotService(
            project_id="p1",
            endpoint=endpoint,  # type: ignore[arg-type]  # what a caller may pass
            auth=TokenAuth("t"),
            transport=Nowhere(),
        )

    assert "P4ssword" not in str(caught.value)
    _assert_modest(caught.value)


BAD_CREDENTIALS: Final = {
    "crlf": "T0kenUnseen\r\nX-Evil: 1",
    "line-feed": "T0kenUnseen\nmore",
    "nul": "T0kenUnseen\x00",
    "umlaut": "T0kenUnseenä",
    "blank": "T0kenUnseen more",
    "surrogate": "T0kenUnseen\ud800",
    "empty": "",
    "huge": "T0kenUnseen\n" * (HUGE // 12),
}


@pytest.mark.parametrize("name", BAD_CREDENTIALS)
@pytest.mark.parametrize(
    "make",
    [
        TokenAuth,
        AccessToken,
        lambda text: Credentials(access_key=text, secret_key="s"),
        lambda text: Credentials(access_key="a", secret_key=text),
        lambda text: AkSkAuth(
            Credentials(access_key="a", secret_key="s", security_token=text)
        ),
    ],
    ids=["token", "access-token", "access-key", "secret-key", "security-token"],
)
def test_a_credential_that_would_break_a_header_is_refused_and_not_quoted(
    make: Callable[[str], object], name: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(BAD_CREDENTIALS[name])

    assert "T0kenUnseen" not in str(caught.value)
    assert caught.value.__context__ is None
    _assert_modest(caught.value)


async def test_a_refusal_costs_no_more_for_a_longer_id() -> None:
    """Count the work in characters looked at, not in seconds."""

    class Counting(str):
        looked_at = 0

        __slots__ = ()

        def __iter__(self):  # type: ignore[no-untyped-def]  # as str has it
            for character in str.__iter__(self):
                Counting.looked_at += 1
                yield character

    for call in (*IDS, *NAMES):
        await _refusal(call, Counting("a" * HUGE))

    assert Counting.looked_at < 100_000


async def test_nothing_is_sent_by_many_refusals_at_once() -> None:
    errors = await asyncio.gather(*(_refusal(create_in, "../x") for _ in range(50)))

    assert len(errors) == 50
