"""The service of a command: from its options and the environment."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Final, Literal, cast, get_args
from urllib.parse import urlsplit

import attrs
import httpx
import typer

from css_snapshot.cli.call_log import LoggedTransport
from css_snapshot.cli.output.output import Output
from css_snapshot.clock import Clock
from css_snapshot.configuration import auth_from
from css_snapshot.endpoints import css_endpoint, is_loopback
from css_snapshot.errors import ConfigurationError
from css_snapshot.events import log_to_stderr
from css_snapshot.retry import RetryPolicy
from css_snapshot.service import ServiceOptions, SnapshotService
from css_snapshot.transport.default import TransportKind, default_transport

_PANEL: Final = "Service"
_TRANSPORT: Final = "CSS_SNAPSHOT_TRANSPORT"

RetryChoice = Literal["none", "default", "gateway"]
_POLICIES: Final[Mapping[RetryChoice, Callable[[], RetryPolicy]]] = {
    "none": RetryPolicy.none,
    "default": RetryPolicy,
    "gateway": RetryPolicy.gateway,
}


@attrs.frozen(kw_only=True)
class Location:
    """Where the service is; `None` leaves it to the environment.

    Attributes:
        region: For example `cn-north-4`.
        endpoint: The service's address.
        project_id: The project.
    """

    region: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="Region, such as cn-north-4; otherwise HUAWEICLOUD_SDK_REGION.",
            show_default=False,
        ),
    ] = None
    endpoint: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="Address, instead of a region; otherwise CSS_ENDPOINT.",
            show_default=False,
        ),
    ] = None
    project_id: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="Project; otherwise HUAWEICLOUD_SDK_PROJECT_ID, or the region's own.",
            show_default=False,
        ),
    ] = None

    @property
    def address(self) -> str:
        """The service's address.

        Raises:
            ConfigurationError: If no option and no variable names it, its scheme is
                missing, or it is http on another machine.
        """
        source, endpoint = "--endpoint", self.endpoint
        region = self.region
        if endpoint is None and region is None:
            source, endpoint = "CSS_ENDPOINT", os.environ.get("CSS_ENDPOINT") or None
            region = os.environ.get("HUAWEICLOUD_SDK_REGION")
        if endpoint is not None:
            _check_scheme(source, endpoint)
            return endpoint
        if not region:
            raise ConfigurationError(
                "region: set HUAWEICLOUD_SDK_REGION (or CSS_ENDPOINT), or pass --region"
            )
        return css_endpoint(region)

    @property
    def project(self) -> str | None:
        """The project's id; `None` where only the credentials can tell it."""
        return self.project_id or os.environ.get("HUAWEICLOUD_SDK_PROJECT_ID") or None

    @property
    def known_region(self) -> str | None:
        """The region, also where an address takes its place; `None` if unknown."""
        return self.region or os.environ.get("HUAWEICLOUD_SDK_REGION") or None


@attrs.frozen(kw_only=True)
class Sending:
    """How requests are sent.

    Attributes:
        timeout: Limit of one attempt, in seconds.
        deadline: Limit of a call with all its retries, in seconds.
        retry: Which failures are repeated.
        transport: What carries them; `None` leaves it to the environment.
    """

    timeout: Annotated[
        float,
        typer.Option(
            "--attempt-timeout",
            rich_help_panel=_PANEL,
            metavar="SECONDS",
            help="Limit of one attempt.",
        ),
    ] = 30.0
    deadline: Annotated[
        float | None,
        typer.Option(
            rich_help_panel=_PANEL,
            metavar="SECONDS",
            help="Limit of a call with all its retries.",
            show_default="none",
        ),
    ] = None
    retry: Annotated[
        RetryChoice,
        typer.Option(
            rich_help_panel=_PANEL,
            help="What is repeated: nothing; 500 (default); 429, 500, 502-504 and"
            " failed connections (gateway).",
        ),
    ] = "default"
    transport: Annotated[
        TransportKind | None,
        typer.Option(
            rich_help_panel=_PANEL,
            help="What carries requests; otherwise CSS_SNAPSHOT_TRANSPORT. 'fast' is of"
            " the extra 'fast'.",
            show_default="httpx",
        ),
    ] = None

    @property
    def kind(self) -> TransportKind:
        """The kind of transport.

        Raises:
            ConfigurationError: If the variable names none that there is.
        """
        if self.transport is not None:
            return self.transport
        named = os.environ.get(_TRANSPORT) or "httpx"
        kinds = get_args(TransportKind)
        if named not in kinds:
            known = ", ".join(map(repr, kinds))
            raise ConfigurationError(f"{_TRANSPORT}: {named!r} is not one of {known}")
        return cast("TransportKind", named)


@asynccontextmanager
async def open_service(
    location: Location,
    sending: Sending,
    output: Output,
    *,
    auth: httpx.Auth | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[SnapshotService]:
    """Open the service; credentials come from the environment, never from options.

    `CSS_SNAPSHOT_LOG` is read as by `SnapshotService.from_env`.

    Args:
        location: Where it is.
        sending: How requests are sent.
        output: Where calls are shown if they are asked for.
        auth: Takes the place of the credentials in the environment.
        clock: Where time comes from.

    Raises:
        ConfigurationError: If something that is needed is missing or unusable.
        RequestValidationError: If the project's id breaks its rule.
    """
    log_to_stderr(os.environ)
    options = ServiceOptions(
        endpoint=location.address,
        project_id=location.project,
        auth=auth or auth_from(os.environ, location.known_region),
        timeout=sending.timeout,
        deadline=sending.deadline,
        retry=_POLICIES[sending.retry](),
        clock=clock or Clock(),
    )
    async with default_transport(sending.kind) as transport:
        options["transport"] = (
            LoggedTransport(transport, output) if output.verbose else transport
        )
        async with SnapshotService(**options) as service:
            yield service


def _check_scheme(source: str, endpoint: str) -> None:
    # The address is not quoted, as it may contain a password.
    if "://" not in endpoint:
        raise ConfigurationError(
            f"{source}: the scheme is missing; begin with https://"
        )
    insecure = endpoint.lower().startswith("http://")
    if insecure and not is_loopback(urlsplit(endpoint).hostname or ""):
        raise ConfigurationError(
            f"{source}: must begin with https://; http is for this machine alone, for"
            " example the end of a tunnel"
        )
