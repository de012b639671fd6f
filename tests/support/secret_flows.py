"""Every call of a service, every way to authenticate it, and what is seen of them.

`FLOWS` are the calls, `LOGINS` the plugins, `TROUBLES` what may go wrong on the wire.
A `Witness` takes down whatever a program could print, log, store or send of a call,
and tells afterwards whether one of the secrets used is in it.
"""

import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import attrs
import httpx

from css_snapshot import Retention, SnapshotPolicy, SnapshotService
from css_snapshot.auth import (
    AgencyAuth,
    AkSkAuth,
    Credentials,
    MetadataCredentials,
    PasswordAuth,
    TokenAuth,
)
from css_snapshot.emulator import EmulatorServer, EmulatorState, Fault
from css_snapshot.fanout import Target
from tests.support.leaks import leaks

USER: Final = "emulator-user"
DOMAIN: Final = "emulator-domain"
AGENCY: Final = "css_obs_agency"
PROJECT: Final = "cn-north-4"
PASSWORD: Final = "P4ssw0rdThatMustNotBeSeen"
SECRET_KEY: Final = "S3cretKeyThatMustNotBeSeen00000000000001"
TOKEN: Final = "T0kenThatMustNotBeSeen+/="
POLICY: Final = SnapshotPolicy(
    enabled=True, prefix="automatic", period="16:00 GMT+08:00", keep=7
)

OTHER: Final = attrs.evolve(POLICY, keep=8)


def cloud() -> EmulatorState:
    """Make a cloud whose secrets are like no other text."""
    state = EmulatorState(
        clusters=3,
        build_seconds=0.0,
        restore_seconds=0.0,
        secret_key=SECRET_KEY,
        token=TOKEN,
    )
    state.users.add(DOMAIN, USER, PASSWORD)
    return state


@attrs.define(eq=False)
class Witness:
    """What was to be seen, and the secrets that must not be in it.

    Attributes:
        seen: Texts by the place where they were seen.
        errors: Everything that was raised or handed out as an error.
        secrets: What was used so far.
    """

    # Not shown: it is a local variable of frames that tracebacks go through.
    seen: list[tuple[str, str]] = attrs.field(factory=list, repr=False)
    errors: list[BaseException] = attrs.field(factory=list, repr=False)
    secrets: set[str] = attrs.field(
        factory=lambda: {PASSWORD, SECRET_KEY, TOKEN}, repr=False
    )

    def show(self, place: str, thing: object) -> None:
        """Take down what a program can print or store of an object."""
        self.seen.append((f"repr of {place}", repr(thing)))
        self.seen.append((f"str of {place}", str(thing)))
        self.seen.append((f"attributes of {place}", repr(_attributes(thing))))
        try:
            pickled = pickle.dumps(thing).decode("latin-1")
        except (AttributeError, TypeError, pickle.PicklingError) as refusal:
            pickled = str(refusal)
        self.seen.append((f"pickle of {place}", pickled))

    def fail(self, error: BaseException) -> None:
        """Take down an error, with those in it if it is a group."""
        self.errors.append(error)
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                self.fail(inner)

    def read(self, folder: Path) -> None:
        """Take down the bytes of a folder's files."""
        for file in folder.iterdir():
            text = file.read_bytes().decode("latin-1")
            self.seen.append((f"file {file.name}", text))

    def know(self, state: EmulatorState) -> None:
        """Learn what an emulated cloud has given out."""
        for pair in state.credentials._pairs.values():
            self.secrets.update({pair.secret_key, pair.security_token or PASSWORD})
        self.secrets.update(state.credentials._tokens)
        self.secrets.update(state.metadata._tokens)

    def leaks(self) -> list[str]:
        """Tell where a secret was to be seen."""
        found = [
            f"{place}: {secret}"
            for place, text in self.seen
            for secret in self.secrets
            if secret in text
        ]
        return found + leaks(self.errors, self.secrets)


def _attributes(thing: object) -> dict[str, object]:
    names = [*getattr(thing, "__dict__", ()), *getattr(type(thing), "__slots__", ())]
    return {
        name: getattr(thing, name)
        for name in names
        if not name.startswith("__") and hasattr(thing, name)
    }


class Listening(logging.Handler):
    """Takes down every record, with its arguments and the traceback it carries.

    Args:
        witness: Where to.
    """

    def __init__(self, witness: Witness) -> None:
        super().__init__(logging.DEBUG)
        self._witness = witness
        self.heard: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.add(record.name)
        text = f"{record.getMessage()} {vars(record)!r}"
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._witness.fail(record.exc_info[1])
            text += "".join(traceback.format_exception(record.exc_info[1]))
        self._witness.seen.append((f"log of {record.name}", text))


class Noting(httpx.AsyncBaseTransport):
    """Sends through another transport, and notes the credentials it is given.

    Args:
        transport: What sends.
        secrets: Where to note them.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, secrets: set[str]) -> None:
        self._transport = transport
        self._secrets = secrets

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for name in ("X-Auth-Token", "X-Security-Token", "X-Metadata-Token"):
            if name in request.headers:
                self._secrets.add(request.headers[name])
        if "Authorization" in request.headers:
            signature = request.headers["Authorization"].rpartition("Signature=")[2]
            self._secrets.add(signature)
        return await self._transport.handle_async_request(request)


Login = Callable[[EmulatorServer, httpx.AsyncBaseTransport], httpx.Auth]


def by_password(
    server: EmulatorServer, transport: httpx.AsyncBaseTransport
) -> PasswordAuth:
    return PasswordAuth(
        USER,
        PASSWORD,
        DOMAIN,
        PROJECT,
        iam_endpoint=server.endpoint,
        transport=transport,
    )


def by_agency(
    server: EmulatorServer, transport: httpx.AsyncBaseTransport
) -> AgencyAuth:
    return AgencyAuth(
        by_password(server, transport),
        agency_name=AGENCY,
        domain=DOMAIN,
        project=PROJECT,
        iam_endpoint=server.endpoint,
        transport=transport,
    )


def by_key(server: EmulatorServer, transport: httpx.AsyncBaseTransport) -> AkSkAuth:
    return AkSkAuth(Credentials(server.state.access_key, SECRET_KEY))


def by_temporary_key(
    server: EmulatorServer, transport: httpx.AsyncBaseTransport
) -> AkSkAuth:
    pair = server.state.credentials.temporary_pair(3600.0)
    return AkSkAuth(Credentials(pair.access_key, pair.secret_key, pair.security_token))


def by_wrong_key(
    server: EmulatorServer, transport: httpx.AsyncBaseTransport
) -> AkSkAuth:
    pair = server.state.credentials.temporary_pair(3600.0)
    return AkSkAuth(
        Credentials(pair.access_key, f"{SECRET_KEY}wrong", pair.security_token)
    )


def by_token(server: EmulatorServer, transport: httpx.AsyncBaseTransport) -> TokenAuth:
    return TokenAuth(TOKEN)


def by_metadata(
    server: EmulatorServer, transport: httpx.AsyncBaseTransport
) -> AkSkAuth:
    return AkSkAuth(MetadataCredentials(endpoint=server.endpoint, transport=transport))


LOGINS: Final[Mapping[str, Login]] = {
    "password": by_password,
    "agency": by_agency,
    "key": by_key,
    "temporary-key": by_temporary_key,
    "token": by_token,
    "metadata": by_metadata,
}

TROUBLES: Final[Mapping[str, Fault]] = {
    "401": Fault.status(401, dialect="gateway"),
    "400-token": Fault.status(400, code="CSS.0045"),
    "403": Fault.status(403),
    "500": Fault.status(500),
    "500-page": Fault.status(500, dialect="html"),
    "throttled": Fault.throttle(),
    "lost": Fault.drop_after_commit(),
    "reset": Fault.reset(),
    "truncated": Fault.truncate(),
    "garbage": Fault.garbage(),
    "redirect": Fault.redirect("https://elsewhere.invalid/stolen"),
    "no-json": Fault.body(201, "<html>fine</html>"),
    "timeout": Fault.delay(60.0),
}


@attrs.frozen
class Scene:
    """What calls are made in.

    Attributes:
        witness: Whom they are shown to.
        clusters: Ids of three clusters.
        folder: An empty folder for files.
    """

    witness: Witness
    clusters: tuple[str, ...]
    folder: Path


Flow = Callable[[SnapshotService, Scene], Awaitable[object]]


async def live(service: SnapshotService, scene: Scene) -> object:
    """Create a snapshot, wait for it, look it up, restore it and delete it."""
    first, second, _ = scene.clusters
    backup = await service.create(first, "snapshot_001", indices="logs-*")
    finished = await service.wait(first, backup.id, timeout=5.0, poll=0.01)
    found = await service.find(first, "snapshot_001")
    got = await service.get(first, backup.id)
    await service.restore(first, backup.id, target_cluster_id=second)
    await service.delete(first, backup.id)
    return backup, finished, found, got


async def list_clusters(service: SnapshotService, scene: Scene) -> object:
    """List all clusters."""
    return [cluster async for cluster in service.clusters()]


async def cover(service: SnapshotService, scene: Scene) -> object:
    """Assess all clusters."""
    return [covered async for covered in service.coverage(max_age=1.0)]


async def fan_out(service: SnapshotService, scene: Scene) -> object:
    """Run over all clusters with a journal, and show its files while it runs, too."""
    witness = scene.witness
    run = service.fan_out(
        [Target(cluster_id, "snapshot_004") for cluster_id in scene.clusters],
        journal=scene.folder / "nightly.db",
        settle=0.01,
    )
    outcomes: list[object] = []
    try:
        async with run:
            async for outcome in run:
                outcomes.append(outcome)
                witness.show("outcome", outcome)
                error = getattr(outcome, "error", None)
                if isinstance(error, BaseException):
                    witness.fail(error)
            witness.read(scene.folder)
    finally:
        witness.show("run", run)
        witness.show("progress", run.progress)
        witness.read(scene.folder)
    return outcomes, run.summary, run.stopped_by


NONE: Final = "no-such-snapshot"
FLOWS: Final[Mapping[str, Flow]] = {
    "configure": lambda service, at: service.configure(
        at.clusters[2], bucket="css-snapshots", agency=AGENCY, base_path="snapshots/3"
    ),
    "set_policy": lambda service, at: service.set_policy(at.clusters[2], POLICY),
    "plan_policy": lambda service, at: service.plan_policy(at.clusters[2], OTHER),
    "apply_policy": lambda service, at: service.apply_policy(at.clusters[2], OTHER),
    "coverage": cover,
    "get_policy": lambda service, at: service.get_policy(at.clusters[2]),
    "disable_policy": lambda service, at: service.disable_policy(at.clusters[2]),
    "clusters": list_clusters,
    "cluster": lambda service, at: service.cluster(at.clusters[0]),
    "life": live,
    "create": lambda service, at: service.create(at.clusters[0], "snapshot_002"),
    "list": lambda service, at: service.list(at.clusters[0]),
    "ensure": lambda service, at: service.ensure(
        at.clusters[0], "snapshot_003", settle=0.01
    ),
    "fan_out": fan_out,
    "wait": lambda service, at: service.wait(
        at.clusters[0], NONE, timeout=0.05, poll=0.01
    ),
    "wait_restored": lambda service, at: service.wait_restored(
        at.clusters[0], NONE, timeout=0.05, poll=0.01
    ),
    "delete": lambda service, at: service.delete(at.clusters[0], NONE),
    "restore": lambda service, at: service.restore(
        at.clusters[0], NONE, target_cluster_id=at.clusters[1]
    ),
    "ensure_restored": lambda service, at: service.ensure_restored(
        at.clusters[0], NONE, target_cluster_id=at.clusters[1], settle=0.01
    ),
    "prune": lambda service, at: service.prune(
        at.clusters[0], retention=Retention(at_least=0)
    ),
    "disable_snapshots": lambda service, at: service.disable_snapshots(at.clusters[2]),
    "configure_automatically": lambda service, at: service.configure_automatically(
        at.clusters[2]
    ),
}


@asynccontextmanager
async def logged_in(
    server: EmulatorServer, login: Login, transport: httpx.AsyncBaseTransport
) -> AsyncIterator[httpx.Auth]:
    """Make a plugin, and close it if it has to be."""
    async with AsyncExitStack() as stack:
        auth = login(server, transport)
        if isinstance(auth, TokenAuth):
            await stack.enter_async_context(auth)
        yield auth
