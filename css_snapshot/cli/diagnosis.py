"""Step by step: what keeps the service from being used."""

import asyncio
import os
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import urlsplit

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.rules import check_id
from css_snapshot.auth import (
    CredentialsChain,
    EnvironmentCredentials,
    EnvironmentToken,
    TokenAuth,
)
from css_snapshot.auth.hints import TOKEN
from css_snapshot.cli.advice import advice_for, is_not_tls
from css_snapshot.cli.command import Session
from css_snapshot.cli.connection import open_service
from css_snapshot.configuration import auth_from
from css_snapshot.endpoints import check_endpoint
from css_snapshot.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConnectFailedError,
    CredentialsNotFoundError,
    CSSError,
    ForbiddenError,
    InvalidResponseError,
    ThrottledError,
    TransportError,
)
from css_snapshot.transport.default import check_tls_environment
from css_snapshot.transport.proxies import EnvironmentProxies

Result = Literal["ok", "warning", "failed", "skipped"]
Step = Callable[[], Awaitable["Check"]]

_NOTICEABLE_SECONDS: Final = 30.0
_REFUSED_SECONDS: Final = 15 * 60.0
_PROBE: Final = "css-snapshot-doctor-without-credentials"
_REASON_LENGTH: Final = 160
_SOMEBODY_ELSE: Final = "a proxy or another service may be answering in its place"


@attrs.frozen
class Check:
    """What one step found.

    Attributes:
        name: The step.
        result: How it went; `"skipped"` if it could not be looked at.
        detail: What was found.
        advice: What to do about it.
    """

    name: str
    result: Result
    detail: str
    advice: str = ""


class Examination:
    """One look at everything that a call needs; sends nothing that changes anything.

    Args:
        session: Says where the service is.
        cluster: Id or name of a cluster to look at as well.
        now: Returns the wall-clock time, aware.
    """

    def __init__(
        self,
        session: Session,
        cluster: str | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session = session
        self._wanted = cluster
        self._now = now
        self._server_time: datetime | None = None
        self._refusal: ForbiddenError | None = None
        self._cluster: Cluster | None = None

    async def checks(self) -> AsyncIterator[Check]:
        """Iterate over the results of all steps, as they come."""
        failed: set[str] = set()
        for name, (needs, step) in self._steps().items():
            missing = [needed for needed in needs if needed in failed]
            if missing:
                failed.add(name)
                yield Check(name, "skipped", f"needs {', '.join(missing)}")
                continue
            try:
                check = await step()
            except CSSError as exc:
                check = Check(name, "failed", _reason(exc), advice_for(exc))
            if check.result == "failed":
                failed.add(name)
            yield check

    def _steps(self) -> Mapping[str, tuple[tuple[str, ...], Step]]:
        # One that is not given is that of the credentials.
        project_needs = () if self._session.location.project else ("credentials",)
        steps: dict[str, tuple[tuple[str, ...], Step]] = {
            "endpoint": ((), self._endpoint),
            "certificates": ((), self._certificates),
            "connection": (("endpoint", "certificates"), self._connection),
            "clock": (("connection",), self._clock),
            "credentials": ((), self._credentials),
            "project": (project_needs, self._project),
            "login": (("connection", "credentials", "project"), self._login),
            "permissions": (("login",), self._permissions),
        }
        if self._wanted is not None:
            steps["cluster"] = (("login",), self._readiness)
        return steps

    async def _endpoint(self) -> Check:
        address = self._session.location.address
        return Check("endpoint", "ok", check_endpoint(address))

    async def _certificates(self) -> Check:
        check_tls_environment()
        return Check("certificates", "ok", "those that are trusted can be read")

    async def _connection(self) -> Check:
        """Knock without credentials: being refused proves that someone is there."""
        began = asyncio.get_running_loop().time()
        try:
            await self._knock()
        except APIError as exc:
            self._server_time = exc.server_time
            advice = _if_not_from_the_service(exc)
            if advice:
                return Check("connection", "failed", _reason(exc), advice)
        except InvalidResponseError as exc:
            return Check("connection", "failed", str(exc), _SOMEBODY_ELSE)
        except TransportError as exc:
            return self._unreachable(exc)
        took = asyncio.get_running_loop().time() - began
        return Check("connection", "ok", f"it responded in {took * 1000:.0f} ms")

    async def _knock(self) -> None:
        async with open_service(
            attrs.evolve(self._session.location, project_id="doctor"),
            attrs.evolve(self._session.sending, retry="none"),
            self._session.output,
            auth=TokenAuth(_PROBE),
        ) as service:
            await service.list("doctor")

    def _unreachable(self, error: TransportError) -> Check:
        variable = _proxy_variable(self._session.location.address)
        if variable:
            detail = f"the proxy in {variable} leads nowhere: {error}"
            advice = f"check {variable}, or name the host in NO_PROXY"
            return Check("connection", "failed", detail, advice)
        detail = str(error)
        if isinstance(error, ConnectFailedError) and is_not_tls(error):
            detail = (
                "https was asked for, but that port speaks http or another protocol"
            )
        return Check("connection", "failed", detail, advice_for(error))

    async def _clock(self) -> Check:
        if self._server_time is None:
            return Check("clock", "skipped", "the service did not tell its time")
        ahead = (self._now() - self._server_time).total_seconds()
        detail = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} theirs"
        if abs(ahead) < _NOTICEABLE_SECONDS:
            return Check("clock", "ok", detail)
        refused = abs(ahead) >= _REFUSED_SECONDS
        advice = "set this machine's clock: 15 minutes off, signatures are refused"
        return Check("clock", "failed" if refused else "warning", detail, advice)

    async def _credentials(self) -> Check:
        if EnvironmentToken().is_set:
            return Check("credentials", "ok", f"a token in {TOKEN}")
        place = "in the environment"
        try:
            credentials = EnvironmentCredentials().read()
        except CredentialsNotFoundError:
            place = "of a workload, in the profile file or of the ECS instance"
            region = self._session.location.known_region
            credentials = await CredentialsChain.of_machine(region=region)()
        kind = "permanent" if credentials.security_token is None else "temporary"
        shown = f"{credentials.access_key[:4]}…"
        return Check("credentials", "ok", f"{kind} key {shown} {place}")

    async def _project(self) -> Check:
        location = self._session.location
        project = location.project or await self._project_of_credentials()
        check_id("project_id", project)
        return Check("project", "ok", project)

    async def _project_of_credentials(self) -> str:
        region = self._session.location.known_region
        return await auth_from(os.environ, region).project_id()

    async def _login(self) -> Check:
        async with self._session.service() as service:
            try:
                self._cluster = await anext(service.clusters(), None)
            except ForbiddenError as exc:
                if exc.code.endswith(".0310"):
                    raise
                self._refusal = exc
        return Check("login", "ok", "the credentials are accepted")

    async def _permissions(self) -> Check:
        if self._refusal is not None:
            raise self._refusal
        if self._cluster is None:
            detail = "clusters can be listed, but the project has none"
            return Check(
                "permissions", "warning", detail, "create one, or check the project"
            )
        async with self._session.service() as service:
            count = len(await service.list(self._cluster.id))
        detail = f"clusters and snapshots can be listed: {self._cluster.id} has {count}"
        return Check("permissions", "ok", detail)

    async def _readiness(self) -> Check:
        wanted = self._wanted or ""
        check_id("cluster_id", wanted)
        found = await self._find(wanted)
        if len(found) != 1:
            count = "no cluster" if not found else f"{len(found)} clusters"
            detail = f"{count} of the id or the name {wanted} in this project"
            advice = "css-snapshot clusters shows them with their ids"
            return Check("cluster", "failed", detail, advice)
        return _readiness_of(found[0])

    async def _find(self, wanted: str) -> list[Cluster]:
        async with self._session.service() as service:
            if self._refusal is not None:
                return [await service.cluster(wanted)]
            return [
                cluster
                async for cluster in service.clusters()
                if wanted in {cluster.id, cluster.name}
            ]


def _readiness_of(cluster: Cluster) -> Check:
    readiness = cluster.snapshot_readiness
    if readiness:
        return Check("cluster", "ok", f"{cluster.name} can be snapshotted now")
    detail = f"{cluster.name}: {readiness}"
    if readiness.passes:
        return Check("cluster", "warning", detail, "wait until it is done")
    advice = "see the cluster's page in the console; configure its snapshots there"
    return Check("cluster", "failed", detail, advice)


def _if_not_from_the_service(error: APIError) -> str:
    """Return what to do if something else answered; empty if the service did."""
    known = AuthenticationError | ForbiddenError | BadRequestError | ThrottledError
    if isinstance(error, known):
        return "" if error.code else _SOMEBODY_ELSE
    return advice_for(error) or _SOMEBODY_ELSE


def _reason(error: CSSError) -> str:
    """Return a short reason: a gateway may quote the whole request that was signed."""
    if not isinstance(error, APIError):
        return str(error)
    words = f"{error.status} {error.code} {error.message}"
    return textwrap.shorten(words, _REASON_LENGTH, placeholder=" …")


def _proxy_variable(address: str) -> str:
    """Return the variable whose proxy leads to an address, empty if none does."""
    parts = urlsplit(address)
    origin = (parts.scheme, parts.hostname or "", parts.port)
    proxy = EnvironmentProxies.from_env().for_origin(origin)
    return "" if proxy is None else proxy.variable
