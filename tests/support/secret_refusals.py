"""Ways to set up authentication wrongly, with a secret among what is wrong.

Each of `REFUSALS` fails: when it is called, or when what it returns is awaited. `PLAIN`
is the secret, which has a blank in it or is given to the wrong thing; `PART` is in all
spellings of it.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from css_snapshot.auth import (
    AccessToken,
    AgencyAuth,
    AkSkAuth,
    Credentials,
    CredentialsChain,
    EnvironmentCredentials,
    EnvironmentToken,
    MetadataCredentials,
    PasswordAuth,
    ProfileCredentials,
    Secret,
    TokenAuth,
    WorkloadIdentityCredentials,
    sign,
)

PART: Final = "S3cretThatIsSetUpWrongly"
PLAIN: Final = f"{PART} 0123456789"
WHOLE: Final = f"{PART}0123456789"

AK: Final = "HPUA0FAKEFAKEFAKE001"
NAIVE: Final = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)

# What is tried are mistakes, of types too.
wrong: Final[Any] = PLAIN
wrong_bytes: Final[Any] = WHOLE.encode()
wrong_pair: Final[Any] = (AK, WHOLE)
options: Final[Any] = {"secret": WHOLE}


def environment(**variables: str) -> Callable[[Path], object]:
    """Read credentials from variables."""
    named = {f"HUAWEICLOUD_SDK_{name}": value for name, value in variables.items()}
    return lambda _: EnvironmentCredentials(named).read()


def profile(text: str) -> Callable[[Path], object]:
    """Read credentials from a profile file."""

    def read(folder: Path) -> object:
        (folder / "credentials").write_text(text, "utf-8")
        return ProfileCredentials(folder / "credentials").read()

    return read


def chain(folder: Path) -> Awaitable[object]:
    (folder / "credentials").write_text(f"[basic]\nsk = {WHOLE}\n", "utf-8")
    return CredentialsChain(
        EnvironmentCredentials({}), ProfileCredentials(folder / "credentials")
    )()


def workload(folder: Path) -> Awaitable[object]:
    (folder / "token").write_text(PLAIN, "utf-8")
    return WorkloadIdentityCredentials("idp", folder / "token")()


def metadata(folder: Path) -> Awaitable[object]:
    key = {"access": AK, "secret": PLAIN, "securitytoken": WHOLE, "expires_at": "2030"}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(200, text=WHOLE)
        return httpx.Response(200, json={"credential": key})

    return MetadataCredentials(transport=httpx.MockTransport(answer))()


def session(folder: Path) -> Awaitable[object]:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text=PLAIN))
    return MetadataCredentials(transport=transport)()


def issued(folder: Path) -> Awaitable[object]:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            201,
            headers={"X-Subject-Token": PLAIN},
            json={"token": {"expires_at": "2030-01-01T00:00:00Z"}},
        )

    transport = httpx.MockTransport(answer)
    return PasswordAuth("u", WHOLE, "d", "cn-north-4", transport=transport).project_id()


def provided(value: Any) -> Callable[[Path], Awaitable[object]]:
    """Take what is neither credentials nor a token from a provider."""

    async def provider(*, force_refresh: bool = False) -> Any:
        return value

    return lambda _: TokenAuth(provider).access_token()


def at_once(folder: Path) -> Awaitable[object]:
    def provider(*, force_refresh: bool = False) -> Any:
        return wrong

    return AkSkAuth(provider).project_id()


REFUSALS: Final[Mapping[str, Callable[[Path], object]]] = {
    "secret": lambda _: Secret(PLAIN),
    "secret in quotes": lambda _: Secret(f'"{WHOLE}"'),
    "secret in bytes": lambda _: Secret(wrong_bytes),
    "secret of bytes as it is": lambda _: Secret.verbatim(wrong_bytes),
    "secret key": lambda _: Credentials(AK, PLAIN),
    "access key": lambda _: Credentials(PLAIN, WHOLE),
    "security token": lambda _: Credentials(AK, WHOLE, PLAIN),
    "naive end of a key": lambda _: Credentials(AK, WHOLE, expires_at=NAIVE),
    "unknown field of a key": lambda _: Credentials(AK, **options),
    "missing secret key": lambda _: Credentials(wrong),  # type: ignore[call-arg]  # the mistake under test
    "token": lambda _: AccessToken(PLAIN),
    "naive end of a token": lambda _: AccessToken(WHOLE, expires_at=NAIVE),
    "plugin of a token": lambda _: TokenAuth(PLAIN),
    "plugin of bytes": lambda _: TokenAuth(wrong_bytes),
    "plugin of a pair": lambda _: AkSkAuth(wrong_pair),
    "plugin with an unsafe address": lambda _: AkSkAuth(
        Credentials(AK, WHOLE), iam_endpoint=f"http://{WHOLE}@iam.example"
    ),
    "password in bytes": lambda _: PasswordAuth("u", wrong_bytes, "d", "cn-north-4"),
    "password for nowhere": lambda _: PasswordAuth("u", WHOLE, "d", "team"),
    "password over http": lambda _: PasswordAuth(
        "u", WHOLE, "d", "p", iam_endpoint="http://iam.example"
    ),
    "passcode": lambda _: PasswordAuth("u", "p", "d", "cn-north-4", totp=PLAIN),
    "passcode with a blank": lambda _: PasswordAuth(
        "u", WHOLE, "d", "cn-north-4", totp=PLAIN, user_id="7"
    ),
    "agency for nowhere": lambda _: AgencyAuth(
        TokenAuth(WHOLE), agency_name="a", domain="d", project="team"
    ),
    "agency of bytes": lambda _: AgencyAuth(
        wrong_bytes, agency_name="a", domain="d", project="cn-north-4"
    ),
    "variables without AK": environment(SK=WHOLE),
    "variables without SK": environment(AK=AK, SECURITY_TOKEN=WHOLE),
    "variable with a blank": environment(AK=AK, SK=PLAIN),
    "variable in quotes": environment(AK=AK, SK=f"'{WHOLE}'"),
    "variables the wrong way round": environment(AK=PLAIN, SK=AK),
    "variable of a token": lambda _: EnvironmentToken(
        {"HUAWEICLOUD_SDK_TOKEN": PLAIN}
    )(),
    "profile without ak": profile(f"[basic]\nsk = {WHOLE}\n"),
    "profile with a blank": profile(f"[basic]\nak = {AK}\nsk = {PLAIN}\n"),
    "profile with a project of its own": profile(
        f"[basic]\nak = {AK}\nsk = {WHOLE}\nproject_id = p q\n"
    ),
    "profile without a section": profile(f"sk = {WHOLE}\n"),
    "profile with a key twice": profile(f"[basic]\nsk={WHOLE}\nsk={WHOLE}\n"),
    "chain": chain,
    "workload identity": workload,
    "metadata": metadata,
    "metadata's session": session,
    "token that IAM issued": issued,
    "provider of a text": provided(WHOLE),
    "provider of a pair": provided(wrong_pair),
    "provider that is not async": at_once,
    "signature by a naive time": lambda _: sign(
        *("GET", "https://css.example", {}, b""),
        credentials=Credentials(AK, WHOLE),
        at=NAIVE,
    ),
}
