"""The arguments of the service, and where the environment says what they are."""

from collections.abc import Mapping
from typing import Final, TypedDict, get_args

import httpx

from css_snapshot.api.encode import WireNames
from css_snapshot.auth import (
    AkSkAuth,
    CredentialsChain,
    EnvironmentToken,
    TokenAuth,
)
from css_snapshot.clock import Clock
from css_snapshot.endpoints import check_endpoint, css_endpoint
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Observer
from css_snapshot.retry import RetryPolicy
from css_snapshot.workflows.policy import PolicyApi

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "language": ("en-us", "zh-cn"),
    "policy_api": get_args(PolicyApi),
    "wire_names": get_args(WireNames),
}


class ServiceOptions(TypedDict, total=False):
    """The arguments of `SnapshotService`, for `from_env`."""

    project_id: str | None
    auth: httpx.Auth
    region: str | None
    endpoint: str | None
    transport: httpx.AsyncBaseTransport | None
    retry: RetryPolicy | None
    timeout: float
    deadline: float | None
    language: str
    wire_names: WireNames
    policy_api: PolicyApi
    allow_insecure: bool
    on_event: Observer | None
    clock: Clock


def address(region: str | None, endpoint: str | None, *, allow_insecure: bool) -> str:
    """Answer the address to use, of which the explicit one goes first.

    Args:
        region: For example `cn-north-4`.
        endpoint: The address itself.
        allow_insecure: Accept `http` anywhere.

    Raises:
        ConfigurationError: There is none, or it can't be used.
    """
    if endpoint is None:
        if region is None:
            raise ConfigurationError("region or endpoint: one of them is needed")
        endpoint = css_endpoint(region)
    return check_endpoint(endpoint, allow_insecure=allow_insecure)


def check_choices(**chosen: str) -> None:
    """Check options of which each is one of a few words.

    Raises:
        ConfigurationError: One is none of them.
    """
    for option, value in chosen.items():
        choices = _CHOICES[option]
        if value not in choices:
            raise ConfigurationError(f"{option}: must be one of {', '.join(choices)}")


def check_auth(auth: httpx.Auth) -> None:
    """Check that requests can be authenticated with it.

    Raises:
        ConfigurationError: They can't.
    """
    if not isinstance(auth, httpx.Auth):
        raise ConfigurationError("auth: must be an httpx.Auth, such as TokenAuth")


def options_from(
    environ: Mapping[str, str], overrides: ServiceOptions
) -> ServiceOptions:
    """Return the arguments that the environment tells, where the overrides don't.

    Nothing here raises, as the variables would be shown in the traceback.
    """
    options = ServiceOptions()
    options["project_id"] = environ.get("HUAWEICLOUD_SDK_PROJECT_ID") or None
    if overrides.get("region") is None:
        options["endpoint"] = environ.get("CSS_ENDPOINT") or None
    options["region"] = environ.get("HUAWEICLOUD_SDK_REGION") or None
    options.update(overrides)
    if "auth" not in overrides:
        options["auth"] = _auth_from(environ, options["region"])
    return options


def _auth_from(environ: Mapping[str, str], region: str | None) -> httpx.Auth:
    token = EnvironmentToken(environ)
    if token.is_set:
        return TokenAuth(token)
    return AkSkAuth(CredentialsChain.of_machine(environ, region=region), region=region)
