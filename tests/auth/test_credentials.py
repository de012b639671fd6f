from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from css_snapshot.auth import (
    AccessToken,
    AkSkAuth,
    Credentials,
    CredentialsChain,
    CredentialsNotFoundError,
    CredentialsProvider,
    EnvironmentCredentials,
    ProfileCredentials,
    Secret,
    TokenAuth,
)
from css_snapshot.errors import ConfigurationError, InternalServerError

AK = "HPUA0FAKEFAKEFAKE001"
SK = "fakeSecretKeyForUnitTestsOnly0123456789A"
TOKEN = "gAAFAKEsecurityToken=="

COMPLETE = {
    "HUAWEICLOUD_SDK_AK": AK,
    "HUAWEICLOUD_SDK_SK": SK,
    "HUAWEICLOUD_SDK_SECURITY_TOKEN": TOKEN,
    "HUAWEICLOUD_SDK_PROJECT_ID": "p1",
}


async def nowhere(*, force_refresh: bool = False) -> Credentials:
    raise CredentialsNotFoundError("nowhere: looked under the carpet")


async def broken(*, force_refresh: bool = False) -> Credentials:
    raise InternalServerError("it is down", status=500)


def test_credentials_wrap_their_secrets() -> None:
    credentials = Credentials(f" {AK} ", SK, TOKEN)

    assert credentials.access_key == AK
    assert credentials.secret_key == Secret(SK)
    assert credentials.security_token == Secret(TOKEN)


@pytest.mark.parametrize(
    "holder",
    [Credentials(AK, SK, TOKEN), AccessToken(SK), AkSkAuth(Credentials(AK, SK))],
)
def test_no_repr_shows_a_secret_or_a_whole_access_key(holder: object) -> None:
    shown = f"{holder!r} {holder}"

    assert SK not in shown
    assert TOKEN not in shown
    assert AK not in shown


def test_credentials_do_not_change() -> None:
    credentials = Credentials(AK, SK)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        credentials.access_key = "other"  # type: ignore[misc]  # the mistake under test


def test_an_end_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

    with pytest.raises(ConfigurationError, match=r"^expires_at: must have a time zone"):
        Credentials(AK, SK, expires_at=naive)
    with pytest.raises(ConfigurationError, match=r"^expires_at: must have a time zone"):
        AccessToken(SK, expires_at=naive)


@pytest.mark.parametrize("wrong", [None, 5, ("ak", "sk")])
def test_a_plugin_refuses_what_is_neither_value_nor_provider(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^credentials: "):
        AkSkAuth(wrong)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ConfigurationError, match=r"^token: "):
        TokenAuth(wrong)  # type: ignore[arg-type]  # the mistake under test


async def test_the_environment_gives_all_four() -> None:
    credentials = await EnvironmentCredentials(COMPLETE)()

    assert credentials == Credentials(AK, SK, TOKEN, project_id="p1")


async def test_the_environment_is_the_process_own_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in COMPLETE:
        monkeypatch.delenv(name, raising=False)
    provider = EnvironmentCredentials()
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", AK)
    monkeypatch.setenv("HUAWEICLOUD_SDK_SK", SK)

    assert await provider() == Credentials(AK, SK)
    assert repr(provider) == "EnvironmentCredentials()"


@pytest.mark.parametrize(
    ("unset", "named"),
    [
        (["HUAWEICLOUD_SDK_SK"], "HUAWEICLOUD_SDK_SK not set"),
        (["HUAWEICLOUD_SDK_AK"], "HUAWEICLOUD_SDK_AK not set"),
        (
            ["HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"],
            "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK not set",
        ),
    ],
)
def test_a_half_set_environment_names_what_is_missing(
    unset: list[str], named: str
) -> None:
    environ = COMPLETE | dict.fromkeys(unset, " ")

    with pytest.raises(ConfigurationError) as caught:
        EnvironmentCredentials(environ).read()

    assert str(caught.value) == f"environment: {named}"
    assert not isinstance(caught.value, CredentialsNotFoundError)


@pytest.mark.parametrize("environ", [{}, {"HUAWEICLOUD_SDK_PROJECT_ID": "p1"}])
def test_an_environment_without_keys_has_none(environ: dict[str, str]) -> None:
    with pytest.raises(CredentialsNotFoundError, match=r"HUAWEICLOUD_SDK_AK"):
        EnvironmentCredentials(environ).read()


def write(path: Path, text: str) -> ProfileCredentials:
    path.write_text(text, "utf-8")
    return ProfileCredentials(path)


async def test_the_profile_gives_what_its_section_holds(tmp_path: Path) -> None:
    provider = write(
        tmp_path / "credentials",
        "[global]\nak = other\nsk = other\n"
        f"[basic]\nak = {AK}\nsk = {SK}%\nsecurity_token = {TOKEN}\nproject_id = p1\n",
    )

    assert await provider() == Credentials(AK, f"{SK}%", TOKEN, project_id="p1")


async def test_a_rewritten_profile_is_read_again(tmp_path: Path) -> None:
    provider = write(tmp_path / "credentials", f"[basic]\nak={AK}\nsk={SK}\n")
    before = await provider()
    write(tmp_path / "credentials", f"[basic]\nak={AK}2\nsk={SK}2\n")

    after = await provider(force_refresh=True)

    assert (before.access_key, after.access_key) == (AK, f"{AK}2")


def test_the_profile_is_where_the_environment_says(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere"
    write(path, f"[basic]\nak={AK}\nsk={SK}\n")

    provider = ProfileCredentials(
        environ={"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(path)}
    )

    assert provider.read() == Credentials(AK, SK)
    assert repr(provider) == f"ProfileCredentials({path.as_posix()!r})"


def test_the_profile_is_in_the_home_directory_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / ".huaweicloud").mkdir()
    write(tmp_path / ".huaweicloud" / "credentials", f"[basic]\nak={AK}\nsk={SK}\n")

    assert ProfileCredentials(environ={}).read() == Credentials(AK, SK)


def test_no_file_in_the_default_place_means_no_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    with pytest.raises(CredentialsNotFoundError, match=r"there is no"):
        ProfileCredentials(environ={}).read()


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"can't read .*No such file"
    ) as caught:
        ProfileCredentials(tmp_path / "missing").read()

    assert not isinstance(caught.value, CredentialsNotFoundError)


@pytest.mark.parametrize(
    "text", ["", "[global]\nak=a\nsk=b\n", "[basic]\nproject_id=p"]
)
def test_a_file_without_keys_has_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(CredentialsNotFoundError, match=r"\[basic\]"):
        write(tmp_path / "credentials", text).read()


@pytest.mark.parametrize(
    ("text", "missing"),
    [(f"[basic]\nak={AK}\n", "sk"), (f"[basic]\nsk={SK}\nak=\n", "ak")],
)
def test_a_half_filled_profile_names_what_is_missing(
    tmp_path: Path, text: str, missing: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"profile: {missing} missing") as told:
        write(tmp_path / "credentials", text).read()

    assert not isinstance(told.value, CredentialsNotFoundError)


@pytest.mark.parametrize(
    "content",
    [
        f"ak = {AK}\nsk = {SK}\n".encode(),
        f"[basic]\n{SK}\n".encode(),
        f"[basic]\nsk={SK}\nsk={SK}\n".encode(),
        b"[basic]\nsk=" + SK.encode() + b"\xff\n",
    ],
    ids=["no section", "no key", "twice", "not UTF-8"],
)
def test_a_broken_file_is_not_quoted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "credentials"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"not an INI file") as caught:
        ProfileCredentials(path).read()

    assert SK not in str(caught.value)
    assert caught.value.__context__ is None


async def test_the_chain_takes_the_first_that_has_some() -> None:
    chain = CredentialsChain(nowhere, EnvironmentCredentials(COMPLETE), broken)

    assert (await chain()).access_key == AK


async def test_the_chain_passes_a_forced_renewal_on() -> None:
    forced: list[bool] = []

    async def provider(*, force_refresh: bool = False) -> Credentials:
        forced.append(force_refresh)
        return Credentials(AK, SK)

    await CredentialsChain(nowhere, provider)(force_refresh=True)

    assert forced == [True]


@pytest.mark.parametrize(
    ("faulty", "error"),
    [
        (broken, InternalServerError),
        (EnvironmentCredentials({"HUAWEICLOUD_SDK_AK": AK}), ConfigurationError),
    ],
)
async def test_the_chain_does_not_go_past_a_faulty_one(
    faulty: CredentialsProvider, error: type[Exception]
) -> None:
    chain = CredentialsChain(faulty, EnvironmentCredentials(COMPLETE))

    with pytest.raises(error):
        await chain()


async def test_an_empty_chain_of_places_names_them_all(tmp_path: Path) -> None:
    chain = CredentialsChain(
        EnvironmentCredentials({}),
        write(tmp_path / "credentials", ""),
        nowhere,
    )

    with pytest.raises(CredentialsNotFoundError) as caught:
        await chain()

    assert "HUAWEICLOUD_SDK_AK" in str(caught.value)
    assert str(tmp_path / "credentials") in str(caught.value)
    assert "under the carpet" in str(caught.value)


def test_a_chain_of_nothing_named_is_environment_then_profile() -> None:
    shown = repr(CredentialsChain())

    assert shown.startswith("CredentialsChain(EnvironmentCredentials(), Profile")
    assert "Metadata" not in shown
