"""How a command gets its service: from the environment and its options."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Final, Literal

import attrs
import typer

from css_snapshot.auth import TokenAuth
from css_snapshot.endpoints import css_endpoint
from css_snapshot.errors import ConfigurationError
from css_snapshot.retry import RetryPolicy
from css_snapshot.service import ServiceOptions, SnapshotService
from css_snapshot.transport.default import default_transport

_PANEL: Final = "Service"

RetryChoice = Literal["none", "default", "gateway"]
_POLICIES: Final[Mapping[RetryChoice, Callable[[], RetryPolicy]]] = {
    "none": RetryPolicy.none,
    "default": RetryPolicy,
    "gateway": RetryPolicy.gateway,
}


@attrs.frozen(kw_only=True)
class Settings:
    """What options say about the service; `None` leaves it to the environment.

    Attributes:
        region: For example `cn-north-4`.
        endpoint: The service's address.
        project_id: The project.
        timeout: Limit of one attempt, in seconds.
        deadline: Limit of a call with all its retries, in seconds.
        retry: Which failures are repeated.
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
            help="Project; otherwise HUAWEICLOUD_SDK_PROJECT_ID.",
            show_default=False,
        ),
    ] = None
    timeout: Annotated[
        float,
        typer.Option(
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

    @property
    def address(self) -> str:
        """The service's address.

        Raises:
            ConfigurationError: Nothing says where it is.
        """
        region = self.region
        if region is None:
            endpoint = self.endpoint or os.environ.get("CSS_ENDPOINT")
            region = os.environ.get("HUAWEICLOUD_SDK_REGION")
        else:
            endpoint = self.endpoint
        if endpoint:
            return endpoint
        if not region:
            raise ConfigurationError(
                "region: set HUAWEICLOUD_SDK_REGION (or CSS_ENDPOINT), or pass --region"
            )
        return css_endpoint(region)

    @property
    def project(self) -> str:
        """The project's id.

        Raises:
            ConfigurationError: Nothing says which.
        """
        project = self.project_id or os.environ.get("HUAWEICLOUD_SDK_PROJECT_ID")
        if not project:
            raise ConfigurationError(
                "project_id: set HUAWEICLOUD_SDK_PROJECT_ID, or pass --project-id"
            )
        return project

    def at(self, endpoint: str, project_id: str) -> "Settings":
        """Answer the same for another address and project.

        Args:
            endpoint: The service's address.
            project_id: The project.
        """
        return attrs.evolve(self, region=None, endpoint=endpoint, project_id=project_id)

    def service(
        self, *, auth: TokenAuth | None = None
    ) -> AbstractAsyncContextManager[SnapshotService]:
        """Make the service; the keys come from the environment alone.

        Args:
            auth: Takes the place of the keys in the environment.

        Raises:
            ConfigurationError: Something that is needed is missing or unusable.
            RequestValidationError: The project's id is not one.
        """
        options = ServiceOptions(
            endpoint=self.address,
            project_id=self.project,
            timeout=self.timeout,
            deadline=self.deadline,
            retry=_POLICIES[self.retry](),
        )
        if auth is not None:
            options["auth"] = auth
        return service_of(options)


@asynccontextmanager
async def service_of(options: ServiceOptions) -> AsyncIterator[SnapshotService]:
    """Open a service, with a transport that is closed after it.

    Args:
        options: Its arguments; the others come from the environment.

    Raises:
        ConfigurationError: Something that is needed is missing or unusable.
        RequestValidationError: The project's id is not one.
    """
    transport = default_transport()
    try:
        options["transport"] = transport
        async with SnapshotService.from_env(**options) as service:
            yield service
    finally:
        await transport.aclose()
