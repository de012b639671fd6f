"""The arguments of the service, taken from its caller and the environment."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypedDict, get_args

import httpx

from css_snapshot.clock import Clock
from css_snapshot.endpoints import check_endpoint, css_endpoint
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import Observer
from css_snapshot.retry import RetryPolicy
from css_snapshot.transport.default import TransportKind
from css_snapshot.typing import PolicyApi, WireNames

if TYPE_CHECKING:
    from css_snapshot.auth import AkSkAuth, TokenAuth

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
    transport: httpx.AsyncBaseTransport | TransportKind | None
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
    """Return the checked endpoint; one that is given takes precedence over a region's.

    Args:
        region: For example `cn-north-4`.
        endpoint: The endpoint itself.
        allow_insecure: Accept `http` anywhere.

    Raises:
        ConfigurationError: If neither is given, or the endpoint is invalid.
    """
    if endpoint is None:
        if region is None:
            raise ConfigurationError(
                "region or endpoint: one of them is needed, such as by the variables"
                " HUAWEICLOUD_SDK_REGION or CSS_ENDPOINT"
            )
        endpoint = css_endpoint(region)
    return check_endpoint(endpoint, allow_insecure=allow_insecure)


def check_choices(**chosen: str) -> None:
    """Check the options that accept a few words only.

    Raises:
        ConfigurationError: If an option has another value.
    """
    for option, value in chosen.items():
        choices = _CHOICES[option]
        if value not in choices:
            raise ConfigurationError(f"{option}: must be one of {', '.join(choices)}")


def check_auth(auth: object) -> None:
    """Check that requests can be authenticated with a plugin.

    Raises:
        ConfigurationError: If the plugin is not an `httpx.Auth`.
    """
    if isinstance(auth, httpx.Auth):
        return
    hint = "such as TokenAuth"
    if any(kind.__module__ == "httpx2" for kind in type(auth).__mro__):
        hint = "for which AuthFromHttpx2 of css_snapshot.integrations.httpx2 takes it"
    raise ConfigurationError(f"auth: must be an httpx.Auth, {hint}")


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
        options["auth"] = auth_from(environ, options["region"])
    return options


def auth_from(environ: Mapping[str, str], region: str | None) -> "AkSkAuth | TokenAuth":
    """Return what authenticates: a token, or the first key pair that is found.

    Args:
        environ: The variables.
        region: Where a project is looked up, and the ID token of a workload exchanged.
    """
    # Here, as most callers pass a plugin and need none of these.
    from css_snapshot.auth import (  # noqa: PLC0415  # see above
        AkSkAuth,
        CredentialsChain,
        EnvironmentToken,
        TokenAuth,
    )

    token = EnvironmentToken(environ)
    if token.is_set:
        return TokenAuth(token)
    return AkSkAuth(CredentialsChain.of_machine(environ, region=region), region=region)
