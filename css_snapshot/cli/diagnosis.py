"""Finding out, step by step, what keeps the service from being used."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import attrs

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.rules import check_id
from css_snapshot.auth import EnvironmentCredentials, TokenAuth
from css_snapshot.cli.remedies import remedy
from css_snapshot.cli.settings import Settings
from css_snapshot.endpoints import check_endpoint
from css_snapshot.errors import (
    APIError,
    CSSError,
    ForbiddenError,
    InvalidResponseError,
)

Result = Literal["ok", "warning", "failed", "skipped"]

_NOTICEABLE_SECONDS: Final = 30.0
_REFUSED_SECONDS: Final = 15 * 60.0
_PROBE: Final = "css-snapshot-doctor-without-credentials"


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
        settings: Where the service is said to be.
        cluster_id: A cluster to look at, too.
        now: Answers the wall-clock time, aware.
    """

    def __init__(
        self,
        settings: Settings,
        cluster_id: str | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._cluster_id = cluster_id
        self._now = now
        self._server_time: datetime | None = None
        self._refusal: ForbiddenError | None = None
        self._cluster: Cluster | None = None

    async def checks(self) -> AsyncIterator[Check]:
        """Yield the result of each step, as it is there."""
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
                check = Check(name, "failed", str(exc), remedy(exc))
            if check.result == "failed":
                failed.add(name)
            yield check

    def _steps(
        self,
    ) -> Mapping[str, tuple[tuple[str, ...], Callable[[], Awaitable[Check]]]]:
        steps: dict[str, tuple[tuple[str, ...], Callable[[], Awaitable[Check]]]] = {
            "endpoint": ((), self._endpoint),
            "connection": (("endpoint",), self._connection),
            "clock": (("connection",), self._clock),
            "credentials": ((), self._credentials),
            "project": ((), self._project),
            "login": (("connection", "credentials", "project"), self._login),
            "permissions": (("login",), self._permissions),
        }
        if self._cluster_id is not None:
            steps["cluster"] = (("login",), self._readiness)
        return steps

    async def _endpoint(self) -> Check:
        return Check("endpoint", "ok", check_endpoint(self._settings.address))

    async def _connection(self) -> Check:
        """Knock without credentials: being refused proves that someone is there."""
        probe = attrs.evolve(self._settings, project_id="doctor", retry="none")
        began = asyncio.get_running_loop().time()
        async with probe.service(auth=TokenAuth(_PROBE)) as service:
            try:
                await service.list("doctor")
            except APIError as exc:
                self._server_time = exc.server_time
            except InvalidResponseError as exc:
                advice = "a proxy or another service may be answering in its place"
                return Check("connection", "failed", str(exc), advice)
        took = asyncio.get_running_loop().time() - began
        return Check("connection", "ok", f"answered in {took * 1000:.0f} ms")

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
        credentials = EnvironmentCredentials().read()
        kind = "permanent" if credentials.security_token is None else "temporary"
        shown = f"{credentials.access_key[:4]}…"
        return Check("credentials", "ok", f"{kind} key {shown} in the environment")

    async def _project(self) -> Check:
        project = self._settings.project
        check_id("project_id", project)
        return Check("project", "ok", project)

    async def _login(self) -> Check:
        async with self._settings.service() as service:
            try:
                self._cluster = await anext(service.clusters(), None)
            except ForbiddenError as exc:
                if exc.code.endswith(".0310"):
                    raise
                self._refusal = exc
        return Check("login", "ok", "the keys are accepted")

    async def _permissions(self) -> Check:
        if self._refusal is not None:
            raise self._refusal
        cluster_id = self._cluster_id
        if cluster_id is None and self._cluster is not None:
            cluster_id = self._cluster.id
        if cluster_id is None:
            detail = "clusters can be listed, but the project has none"
            return Check(
                "permissions", "warning", detail, "create one, or check the project"
            )
        async with self._settings.service() as service:
            count = len(await service.list(cluster_id))
        detail = f"clusters and snapshots can be listed ({count} of {cluster_id})"
        return Check("permissions", "ok", detail)

    async def _readiness(self) -> Check:
        async with self._settings.service() as service:
            cluster = await service.cluster(self._cluster_id or "")
        readiness = cluster.snapshot_readiness
        if readiness:
            return Check("cluster", "ok", f"{cluster.name} can be snapshotted now")
        detail = f"{cluster.name}: {readiness}"
        if readiness.passes:
            return Check("cluster", "warning", detail, "wait until it is done")
        advice = "see the cluster's page in the console; configure its snapshots there"
        return Check("cluster", "failed", detail, advice)
