import re
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
    EnvironmentToken,
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


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("HUAWEICLOUD_SDK_SK", f'"{SK}"', "begins or ends with a quotation mark"),
        ("HUAWEICLOUD_SDK_AK", f"'{AK}'", "begins or ends with a quotation mark"),
        ("HUAWEICLOUD_SDK_SK", f'{SK}"', "begins or ends with a quotation mark"),
        ("HUAWEICLOUD_SDK_SECURITY_TOKEN", f"'{TOKEN}", "begins or ends"),
        ("HUAWEICLOUD_SDK_SK", f"{SK} x", "must not contain whitespace"),
        ("HUAWEICLOUD_SDK_SK", f"“{SK}”", "must be visible ASCII"),
    ],
)
def test_a_variable_that_can_not_be_a_key_is_named(
    variable: str, value: str, fault: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{variable}: .*{fault}"):
        EnvironmentCredentials(COMPLETE | {variable: value}).read()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("HW_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        ("HW_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
        ("HW_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
        ("HUAWEICLOUD_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        ("HUAWEICLOUD_SECRET_KEY", "HUAWEICLOUD_SDK_SK"),
        ("HUAWEI_CLOUD_SDK_AK", "HUAWEICLOUD_SDK_AK"),
        ("HUAWEICLOUD_SDK_ACCESS_KEY_ID", "HUAWEICLOUD_SDK_AK"),
        ("HUAWEICLOUD_SDK_SECRET_ACCESS_KEY", "HUAWEICLOUD_SDK_SK"),
        ("huaweicloud_sdk_ak", "HUAWEICLOUD_SDK_AK"),
        ("CLOUD_SDK_SK", "HUAWEICLOUD_SDK_SK"),
        ("OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK"),
        ("OS_SK", "HUAWEICLOUD_SDK_SK"),
        ("OTC_SECRETKEY", "HUAWEICLOUD_SDK_SK"),
        ("HW_AUTH_TOKEN", "HUAWEICLOUD_SDK_TOKEN"),
        ("OS_TOKEN", "HUAWEICLOUD_SDK_TOKEN"),
    ],
)
def test_a_key_under_another_tool_s_name_is_noticed(name: str, read: str) -> None:
    with pytest.raises(CredentialsNotFoundError) as caught:
        EnvironmentCredentials({name: SK}).read()

    assert str(caught.value) == (
        "environment: neither HUAWEICLOUD_SDK_AK nor HUAWEICLOUD_SDK_SK is set"
        f"; {name} is set, but {read} is what is read"
    )


def test_the_half_under_another_name_is_noticed() -> None:
    environ = {"HUAWEICLOUD_SDK_AK": AK, "HUAWEICLOUD_SDK_SECRET_KEY": SK}

    with pytest.raises(ConfigurationError) as caught:
        EnvironmentCredentials(environ).read()

    assert str(caught.value) == (
        "environment: HUAWEICLOUD_SDK_SK not set; HUAWEICLOUD_SDK_SECRET_KEY is set,"
        " but HUAWEICLOUD_SDK_SK is what is read"
    )


@pytest.mark.parametrize(
    "name",
    ["SECRET_KEY", "AWS_SECRET_ACCESS_KEY", "AK", "OS_TYPE", "TASK", "HUAWEICLOUD_"],
)
def test_what_others_call_a_key_is_none_of_ours(name: str) -> None:
    with pytest.raises(CredentialsNotFoundError, match=r"is set$"):
        EnvironmentCredentials({name: SK}).read()


async def test_the_environment_gives_a_token() -> None:
    provider = EnvironmentToken(
        {"HUAWEICLOUD_SDK_TOKEN": f" {TOKEN}\n", "HUAWEICLOUD_SDK_PROJECT_ID": "p1"}
    )

    assert provider.is_set
    assert await provider() == AccessToken(TOKEN, project_id="p1")
    assert await TokenAuth(provider).project_id() == "p1"
    assert repr(provider) == "EnvironmentToken()"


@pytest.mark.parametrize("environ", [{}, {"HUAWEICLOUD_SDK_TOKEN": " "}])
async def test_an_environment_without_a_token_has_none(environ: dict[str, str]) -> None:
    assert not EnvironmentToken(environ).is_set
    with pytest.raises(
        CredentialsNotFoundError, match="HUAWEICLOUD_SDK_TOKEN is not set"
    ):
        await EnvironmentToken(environ)()


async def test_a_token_in_quotes_is_noticed() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^HUAWEICLOUD_SDK_TOKEN: begins or ends with"
    ):
        await EnvironmentToken({"HUAWEICLOUD_SDK_TOKEN": f"'{TOKEN}'"})()


async def test_the_token_is_the_process_own_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_TOKEN", TOKEN)

    assert await EnvironmentToken()() == AccessToken(TOKEN)


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


@pytest.mark.parametrize(
    ("text", "key", "fault"),
    [
        (f"[basic]\nak={AK}\nsk='{SK}'\n", "sk", "begins or ends with a quotation"),
        (f"[basic]\nak={AK}\nsk={SK} x\n", "sk", "must not contain whitespace"),
        (f"[basic]\nak=é\nsk={SK}\n", "ak", "must be visible ASCII"),
    ],
)
def test_a_key_that_can_not_be_one_is_named_with_its_file(
    tmp_path: Path, text: str, key: str, fault: str
) -> None:
    path = tmp_path / "credentials"

    with pytest.raises(ConfigurationError) as caught:
        write(path, text).read()

    assert str(caught.value).startswith(f"profile: {key} in {path}: ")
    assert fault in str(caught.value)


async def test_the_chain_takes_the_first_that_has_some() -> None:
    chain = CredentialsChain(nowhere, EnvironmentCredentials(COMPLETE), broken)

    assert (await chain()).access_key == AK


async def test_the_chain_passes_on_whether_renewal_is_forced() -> None:
    forced: list[bool] = []

    async def provider(*, force_refresh: bool = False) -> Credentials:
        forced.append(force_refresh)
        return Credentials(AK, SK)

    chain = CredentialsChain(nowhere, provider)
    await chain()
    await chain(force_refresh=True)

    assert forced == [False, True]


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


def test_the_chain_of_a_machine_looks_everywhere() -> None:
    shown = repr(CredentialsChain.of_machine({}))

    assert re.findall(r"\w+(?=\()", shown) == [
        "CredentialsChain",
        "WorkloadIdentityCredentials",
        "EnvironmentCredentials",
        "ProfileCredentials",
        "MetadataCredentials",
    ]


async def test_the_chain_of_a_machine_reads_the_variables_it_is_given(
    tmp_path: Path,
) -> None:
    write(tmp_path / "credentials", f"[basic]\nak={AK}2\nsk={SK}\n")
    file = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(tmp_path / "credentials")}

    assert (await CredentialsChain.of_machine(COMPLETE | file)()).access_key == AK
    assert (await CredentialsChain.of_machine(file)()).access_key == f"{AK}2"
    with pytest.raises(ConfigurationError, match="HUAWEICLOUD_SDK_ID_TOKEN_FILE"):
        await CredentialsChain.of_machine(COMPLETE | {"HUAWEICLOUD_SDK_IDP_ID": "i"})()
