"""The set-up of a service: its options, where they come from, and what it owns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from css_snapshot import ConfigurationError, RequestValidationError, SnapshotService
from css_snapshot.auth import AkSkAuth, TokenAuth
from css_snapshot.configuration import options_from
from css_snapshot.service import ServiceOptions
from tests.support.service_double import ServiceDouble

MakeService = Callable[..., SnapshotService]

ORIGIN: Final = "https://css.example"
PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"auth": "token"}, "auth"),
        ({"language": "de-de"}, "language"),
        ({"wire_names": "kebab"}, "wire_names"),
        ({"policy_api": "v3"}, "policy_api"),
        ({"endpoint": "http://css.example"}, "endpoint"),
        ({"endpoint": None}, "region or endpoint"),
        ({"endpoint": None, "region": "nowhere"}, "region"),
        ({"timeout": 0}, "timeout"),
        ({"project_id": "../x"}, "project_id"),
    ],
)
def test_a_wrong_option_is_refused_at_once(options: dict[str, Any], match: str) -> None:
    chosen = {
        "project_id": PROJECT,
        "auth": TokenAuth("t"),
        "endpoint": ORIGIN,
        **options,
    }

    with pytest.raises((ConfigurationError, RequestValidationError), match=match):
        SnapshotService(**chosen)


async def test_a_region_says_where_the_service_is(make_service: MakeService) -> None:
    service = make_service(endpoint=None, region="cn-north-1")

    assert "https://es.cn-north-1.myhuaweicloud.com" in repr(service)


async def test_an_endpoint_goes_before_a_region(make_service: MakeService) -> None:
    assert ORIGIN in repr(make_service(endpoint=ORIGIN, region="cn-north-4"))


async def test_a_transport_passed_in_stays_open(make_service: MakeService) -> None:
    transport = ServiceDouble()

    async with make_service(transport) as service:
        assert isinstance(service, SnapshotService)

    assert transport.closed == 0


async def test_a_transport_of_its_own_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport = ServiceDouble()
    monkeypatch.setattr("css_snapshot.service.default_transport", lambda: transport)

    async with SnapshotService(
        project_id=PROJECT, auth=TokenAuth("t"), endpoint=ORIGIN
    ):
        pass

    assert transport.closed == 1


KEYS: Final = {"HUAWEICLOUD_SDK_AK": "ak", "HUAWEICLOUD_SDK_SK": "sk"}


async def test_the_environment_makes_a_whole_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT)
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION", "cn-north-4")
    transport = ServiceDouble(httpx.Response(200, json={"backups": []}))

    async with SnapshotService.from_env(transport=transport) as service:
        await service.list("c1")

    (request,) = transport.requests
    assert str(request.url) == (
        "https://css.cn-north-4.myhuaweicloud.com"
        f"/v1.0/{PROJECT}/clusters/c1/index_snapshots"
    )
    assert "Access=ak" in request.headers["authorization"]


@pytest.mark.parametrize(
    ("environ", "overrides", "expected"),
    [
        ({}, {}, (None, None, None)),
        (
            {"HUAWEICLOUD_SDK_REGION": "r-1", "CSS_ENDPOINT": "https://e"},
            {},
            (None, "r-1", "https://e"),
        ),
        ({"CSS_ENDPOINT": "https://e"}, {"region": "r-2"}, (None, "r-2", None)),
        (
            {"CSS_ENDPOINT": "https://e", "HUAWEICLOUD_SDK_PROJECT_ID": "p1"},
            {"endpoint": "https://o", "project_id": "p2"},
            ("p2", None, "https://o"),
        ),
        (
            {"CSS_ENDPOINT": "", "HUAWEICLOUD_SDK_PROJECT_ID": ""},
            {},
            (None, None, None),
        ),
    ],
)
def test_overrides_go_before_the_environment(
    environ: dict[str, str],
    overrides: ServiceOptions,
    expected: tuple[str | None, ...],
) -> None:
    chosen = options_from({**KEYS, **environ}, overrides)

    assert (
        chosen.get("project_id"),
        chosen.get("region"),
        chosen.get("endpoint"),
    ) == expected


def test_keys_from_the_environment_sign_unless_told_otherwise() -> None:
    assert isinstance(options_from(KEYS, {}).get("auth"), AkSkAuth)

    given = TokenAuth("t")
    assert options_from(KEYS, {"auth": given}).get("auth") is given


async def test_a_token_from_the_environment_is_sent_in_place_of_a_signature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HUAWEICLOUD_SDK_TOKEN", "a-token")
    monkeypatch.setenv("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT)
    monkeypatch.setenv("CSS_ENDPOINT", ORIGIN)
    transport = ServiceDouble(httpx.Response(200, json={"backups": []}))

    async with SnapshotService.from_env(transport=transport) as service:
        await service.list("c1")

    (request,) = transport.requests
    assert request.headers["x-auth-token"] == "a-token"
    assert "authorization" not in request.headers


async def test_a_profile_file_is_looked_into_where_no_variable_has_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "credentials"
    profile = f"[basic]\nak = ak-of-the-file\nsk = sk\nproject_id = {PROJECT}\n"
    file.write_text(profile, "utf-8")
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("CSS_ENDPOINT", ORIGIN)
    transport = ServiceDouble(httpx.Response(200, json={"backups": []}))

    async with SnapshotService.from_env(transport=transport) as service:
        await service.list("c1")

    (request,) = transport.requests
    assert "Access=ak-of-the-file" in request.headers["authorization"]
    assert request.url.path.startswith(f"/v1.0/{PROJECT}/")


@pytest.mark.parametrize("region", [None, "cn-east-3"])
async def test_the_project_is_looked_up_in_the_region_of_the_service(
    monkeypatch: pytest.MonkeyPatch, region: str | None
) -> None:
    asked: list[str] = []

    async def look_up(name: str, **options: object) -> str:
        asked.append(name)
        return PROJECT

    monkeypatch.setattr("css_snapshot.auth.aksk.look_up_project", look_up)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION", "cn-north-4")
    overrides = ServiceOptions(
        transport=ServiceDouble(httpx.Response(200, json={"backups": []}))
    )
    if region is not None:
        overrides["region"] = region

    async with SnapshotService.from_env(**overrides) as service:
        await service.list("c1")

    assert asked == [region or "cn-north-4"]
