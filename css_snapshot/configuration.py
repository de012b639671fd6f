"""Where a service's arguments come from: arguments, then the environment."""

from collections.abc import Mapping
from typing import Final, TypedDict, get_args

import httpx

from css_snapshot.auth import AkSkAuth, EnvironmentCredentials
from css_snapshot.clock import Clock
from css_snapshot.endpoints import check_endpoint, css_endpoint
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Observer
from css_snapshot.retry import RetryPolicy
from css_snapshot.typing import PolicyApi, WireNames

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
    application: str | None
    on_event: Observer | None
    clock: Clock


def address(region: str | None, endpoint: str | None, *, allow_insecure: bool) -> str:
    """Return the address to use: `endpoint`, or else that of `region`.

    Args:
        region: For example `cn-north-4`.
        endpoint: The address itself.
        allow_insecure: Accept `http` anywhere.

    Raises:
        ConfigurationError: If there is no address, or it can't be used.
    """
    if endpoint is None:
        if region is None:
            raise ConfigurationError("region or endpoint: one of them is needed")
        endpoint = css_endpoint(region)
    return check_endpoint(endpoint, allow_insecure=allow_insecure)


def check_choices(**chosen: str) -> None:
    """Check options of which each is one of a few words.

    Raises:
        ConfigurationError: If an option has another value.
    """
    for option, value in chosen.items():
        choices = _CHOICES[option]
        if value not in choices:
            raise ConfigurationError(f"{option}: must be one of {', '.join(choices)}")


def check_auth(auth: httpx.Auth) -> None:
    """Check that requests can be authenticated with it.

    Raises:
        ConfigurationError: If `auth` is not an `httpx.Auth`.
    """
    if not isinstance(auth, httpx.Auth):
        raise ConfigurationError("auth: must be an httpx.Auth, such as TokenAuth")


def options_from(
    environ: Mapping[str, str], overrides: ServiceOptions
) -> ServiceOptions:
    """Return what the environment says, where the overrides don't.

    Raises:
        ConfigurationError: If a variable that is needed is missing or unusable.
    """
    options = ServiceOptions()
    if "auth" not in overrides:
        options["auth"] = AkSkAuth(EnvironmentCredentials(environ))
    options["project_id"] = environ.get("HUAWEICLOUD_SDK_PROJECT_ID") or None
    if overrides.get("region") is None:
        options["endpoint"] = environ.get("CSS_ENDPOINT") or None
    options["region"] = environ.get("HUAWEICLOUD_SDK_REGION") or None
    options.update(overrides)
    return options
