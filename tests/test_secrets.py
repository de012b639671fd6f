"""Whatever is called, however it ends: no secret in anything that could be kept.

With `CSS_SNAPSHOT_SOAK=1` every call, by every way to log in, meets every trouble, or
none, on every transport; without, all pairs of a call, a trouble and a transport meet,
and where there is no trouble, all pairs of a call, a way to log in and a transport.
"""

import asyncio
import inspect
import itertools
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

import tests.support.secret_flows as flows
from css_snapshot import RetryPolicy, SnapshotService
from css_snapshot.emulator import EmulatorServer, Fault
from css_snapshot.errors import AuthenticationError, ConfigurationError, CSSError
from tests.support.secret_flows import (
    FLOWS,
    LOGINS,
    TROUBLES,
    Flow,
    Listening,
    Login,
    Noting,
    Scene,
    Witness,
)
from tests.support.secret_refusals import AK as ACCESS_KEY
from tests.support.secret_refusals import PART, PLAIN, REFUSALS
from tests.support.thoroughness import SOAK

MakeService = Callable[..., SnapshotService]
WhereLeaked = Callable[[BaseException, Iterable[str]], list[str]]

HASTY: Final = 0.05
KINDS: Final = ("httpx", "fast")
NEVER_FAIL: Final = {
    *("wait", "wait_restored", "delete", "restore", "ensure_restored"),
}

LOUD_COMMANDS: Final = """
import json, logging, sys
logging.basicConfig(level=logging.DEBUG)
from css_snapshot.cli import main
for sys.argv[1:] in json.loads(sys.argv[1]):
    try:
        main()
    except SystemExit as ended:
        print("ended with", ended.code, flush=True)
"""
BROKEN_COMMAND: Final = """
from css_snapshot.client import api_client
def broken(*args, **options):
    raise RuntimeError("a bug")
api_client.attempt = broken
from css_snapshot.cli import main
main()
"""


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def listening(witness: Witness) -> Iterator[Listening]:
    """Let every logger there is say everything."""
    root = logging.getLogger()
    handler = Listening(witness)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(before)
    root.removeHandler(handler)


@pytest.fixture
async def server() -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(flows.cloud()) as server:
        yield server


@pytest.fixture
def transport(
    transport_kind: str,
    make_transport: Callable[..., httpx.AsyncBaseTransport],
    witness: Witness,
) -> httpx.AsyncBaseTransport:
    return Noting(make_transport(transport_kind), witness.secrets)


def made(folder: Path) -> Path:
    """Make a folder, with those that it is in."""
    folder.mkdir(parents=True)
    return folder


async def carry_out(
    flow: Flow,
    service: SnapshotService,
    witness: Witness,
    server: EmulatorServer,
    folder: Path,
    *,
    limit: float | None = None,
) -> BaseException | None:
    """Carry out a call, and take down what comes of it."""
    try:
        async with asyncio.timeout(limit):
            result = await flow(
                service, Scene(witness, server.state.cluster_ids, folder)
            )
    except Exception as error:  # noqa: BLE001  # any error is what is looked at
        witness.fail(error)
        return error
    witness.show("result", result)
    for part in result if isinstance(result, tuple | list) else ():
        witness.show("result", part)
    return None


def take_down(
    witness: Witness,
    server: EmulatorServer,
    events: Iterable[object],
    **objects: object,
) -> None:
    for place, thing in objects.items():
        witness.show(place, thing)
    for event in events:
        witness.show("event", event)
        error = getattr(event, "error", None)
        if isinstance(error, BaseException):
            witness.fail(error)
    # An emulated cloud has to hold its own secrets; only showing them would be wrong.
    witness.seen.append(("state", f"{server.state!r} {server.state.requests!r}"))
    witness.know(server.state)


def flows_of(way: str, transport_kind: str) -> dict[str, Flow]:
    """Choose all calls on one of the transports, and a creation on the others."""
    number = list(LOGINS).index(way) - KINDS.index(transport_kind)
    if SOAK or number % len(KINDS) == 0:
        return dict(FLOWS)
    return {"create": FLOWS["create"]}


def test_each_call_by_each_login_and_each_transport_meet_in_pairs() -> None:
    met = {
        (name, way, kind)
        for way in LOGINS
        for kind in KINDS
        for name in flows_of(way, kind)
    }

    assert {(name, way) for name, way, _ in met} == {*itertools.product(FLOWS, LOGINS)}
    assert {(name, kind) for name, _, kind in met} == {*itertools.product(FLOWS, KINDS)}
    assert {(way, kind) for _, way, kind in met} == {*itertools.product(LOGINS, KINDS)}


@pytest.mark.soak
@pytest.mark.parametrize("way", LOGINS)
async def test_no_call_that_succeeds_shows_a_secret(
    *,
    server: EmulatorServer,
    transport: httpx.AsyncBaseTransport,
    transport_kind: str,
    make_service: MakeService,
    way: str,
    witness: Witness,
    listening: Listening,
    tmp_path: Path,
) -> None:
    events: list[object] = []
    chosen = flows_of(way, transport_kind)
    async with flows.logged_in(server, LOGINS[way], transport) as auth:
        service = make_service(
            transport,
            endpoint=server.endpoint,
            project_id=server.state.project_id,
            auth=auth,
            on_event=events.append,
        )
        failed = {
            name
            for name, flow in chosen.items()
            if await carry_out(flow, service, witness, server, made(tmp_path / name))
        }

        take_down(witness, server, events, service=service, auth=auth)

    assert failed == NEVER_FAIL & chosen.keys()
    assert server.state.creations == (6 if failed else 1)
    assert "css_snapshot" in listening.heard
    assert witness.leaks() == []


def logins_for(trouble: str, transport_kind: str) -> list[Login]:
    """Choose a way to log in, another one for each trouble and transport."""
    ways = list(LOGINS.values())
    if SOAK:
        return ways
    number = list(TROUBLES).index(trouble) + 2 * KINDS.index(transport_kind)
    return [ways[number % len(ways)]]


def flows_for(trouble: str, transport_kind: str) -> dict[str, Flow]:
    """Choose some of the calls, so that each meets every trouble on one transport."""
    if SOAK:
        return dict(FLOWS)
    number = list(TROUBLES).index(trouble) + KINDS.index(transport_kind)
    return dict(list(FLOWS.items())[number % len(KINDS) :: len(KINDS)])


def test_each_call_meets_each_trouble_and_each_transport() -> None:
    met = {
        (name, trouble, kind)
        for trouble in TROUBLES
        for kind in KINDS
        for name in flows_for(trouble, kind)
    }

    assert {(name, trouble) for name, trouble, _ in met} == {
        *itertools.product(FLOWS, TROUBLES)
    }
    assert {(name, kind) for name, _, kind in met} == {*itertools.product(FLOWS, KINDS)}


@pytest.mark.soak
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_no_call_that_fails_shows_a_secret(
    *,
    server: EmulatorServer,
    transport: httpx.AsyncBaseTransport,
    transport_kind: str,
    make_service: MakeService,
    trouble: str,
    witness: Witness,
    listening: Listening,
    tmp_path: Path,
) -> None:
    events: list[object] = []
    faults = server.state.faults
    answered: set[str] = set()
    for login in logins_for(trouble, transport_kind):
        folder = tmp_path / login.__name__
        async with flows.logged_in(server, login, transport) as auth:
            service = make_service(
                transport,
                endpoint=server.endpoint,
                project_id=server.state.project_id,
                auth=auth,
                on_event=events.append,
                timeout=HASTY,
                deadline=HASTY,
                retry=RetryPolicy(attempts=2, random=lambda: 0.0),
            )
            for operation in ("tokens", "metadata_token", "metadata_keys"):
                faults.add(TROUBLES[trouble], operation=operation)
            await carry_out(
                FLOWS["list"], service, witness, server, made(folder / "cold")
            )
            faults.clear()
            await carry_out(
                FLOWS["list"], service, witness, server, made(folder / "warm")
            )
            faults.add(TROUBLES[trouble], times=None)
            for name, flow in flows_for(trouble, transport_kind).items():
                if not await carry_out(
                    flow, service, witness, server, made(folder / name), limit=HASTY
                ):
                    answered.add(name)
            faults.clear()
            take_down(witness, server, events, service=service, auth=auth)

    assert answered <= {"fan_out"}
    assert witness.leaks() == []


async def test_a_wrong_key_is_refused_without_a_word_about_it(
    *,
    server: EmulatorServer,
    transport: httpx.AsyncBaseTransport,
    make_service: MakeService,
    witness: Witness,
    listening: Listening,
    tmp_path: Path,
) -> None:
    auth = flows.by_wrong_key(server, transport)
    service = make_service(
        transport,
        endpoint=server.endpoint,
        project_id=server.state.project_id,
        auth=auth,
    )

    error = await carry_out(FLOWS["create"], service, witness, server, tmp_path)

    assert isinstance(error, AuthenticationError)
    take_down(witness, server, [], service=service, auth=auth)
    assert witness.leaks() == []


async def test_a_cancelled_call_shows_no_secret_in_what_the_caller_gets(
    *,
    transport: httpx.AsyncBaseTransport,
    make_service: MakeService,
    witness: Witness,
    listening: Listening,
) -> None:
    arrived = asyncio.Event()

    async def lie(seconds: float) -> None:
        arrived.set()
        await asyncio.sleep(seconds)

    state = flows.cloud()
    state.faults.add(Fault.delay(60.0), times=None)
    async with EmulatorServer(state, sleep=lie) as server:
        await cancel_a_call(server, transport, make_service, witness, arrived)

    assert len(witness.errors) == 1
    assert witness.leaks() == []


async def cancel_a_call(
    server: EmulatorServer,
    transport: httpx.AsyncBaseTransport,
    make_service: MakeService,
    witness: Witness,
    arrived: asyncio.Event,
) -> None:
    service = make_service(
        transport,
        endpoint=server.endpoint,
        project_id=server.state.project_id,
        auth=flows.by_temporary_key(server, transport),
    )
    call = asyncio.ensure_future(service.create(server.state.cluster_ids[0], "nightly"))
    await asyncio.wait_for(arrived.wait(), 10.0)

    call.cancel()
    try:
        await call
    except asyncio.CancelledError as cancelled:
        witness.fail(cancelled)

    witness.know(server.state)


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_what_is_set_up_wrongly_shows_no_secret(
    refusal: Callable[[Path], object], where_leaked: WhereLeaked, tmp_path: Path
) -> None:
    async def set_up() -> None:
        made = refusal(tmp_path)
        if inspect.isawaitable(made):
            await made

    with pytest.raises((CSSError, TypeError)) as caught:
        await set_up()

    assert where_leaked(caught.value, [PART]) == []


@pytest.mark.parametrize("variable", ["HUAWEICLOUD_SDK_SK", "HUAWEICLOUD_SDK_TOKEN"])
async def test_a_service_of_a_wrong_environment_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, where_leaked: WhereLeaked, variable: str
) -> None:
    monkeypatch.setenv("HUAWEICLOUD_SDK_AK", ACCESS_KEY)
    monkeypatch.setenv("HUAWEICLOUD_SDK_REGION", "cn-north-4")
    monkeypatch.setenv(variable, PLAIN)

    with pytest.raises(ConfigurationError, match=variable) as caught:
        async with SnapshotService.from_env() as service:
            await service.list("c1")

    assert where_leaked(caught.value, [PART]) == []


def commanded(code: str, server: EmulatorServer, *args: str) -> tuple[int, str]:
    """Run a command in a process of its own, and answer how it ended and all it wrote."""
    finished = subprocess.run(  # noqa: S603  # our own interpreter and code
        [sys.executable, "-c", code, *args],
        env={
            **os.environ,
            "CSS_ENDPOINT": server.endpoint,
            "HUAWEICLOUD_SDK_AK": server.state.access_key,
            "HUAWEICLOUD_SDK_SK": flows.SECRET_KEY,
            "HUAWEICLOUD_SDK_PROJECT_ID": server.state.project_id,
        },
        check=False,
        capture_output=True,
        text=True,
    )
    return finished.returncode, finished.stdout + finished.stderr


@pytest.fixture
def served() -> Iterator[EmulatorServer]:
    with EmulatorServer(flows.cloud()).run_in_thread() as server:
        yield server


@pytest.mark.parametrize(
    ("trouble", "codes"),
    [(None, (0, 0)), ("403", (1, 1)), ("lost", (3, 0)), ("401", (1, 1))],
    ids=["well", "403", "lost", "401"],
)
def test_the_commands_write_no_secret_anywhere(
    *,
    served: EmulatorServer,
    witness: Witness,
    tmp_path: Path,
    trouble: str | None,
    codes: tuple[int, int],
) -> None:
    cluster, *_ = served.state.cluster_ids
    if trouble is not None:
        served.state.faults.add(TROUBLES[trouble], operation="create", times=None)
        served.state.faults.add(Fault.body(200, '{"backups": []}'), operation="list")
    journal = tmp_path / "nightly.db"

    code, output = commanded(
        LOUD_COMMANDS,
        served,
        json.dumps(
            [
                ["create", cluster, "nightly", "--retry", "none"],
                [
                    *("fan-out", "--all-clusters", "--snapshot", "weekly"),
                    *("--journal", str(journal), "--settle", "0.1", "--deadline", "2"),
                ],
            ]
        ),
    )

    witness.seen.append(("create and fan-out", output))
    witness.read(tmp_path)
    assert "DEBUG:css_snapshot" in output
    assert journal.exists()
    assert code == 0
    assert (
        tuple(map(int, re.findall(r"^ended with (\d+)$", output, re.MULTILINE)))
        == codes
    )
    assert witness.leaks() == []


def test_not_even_a_bug_makes_a_command_show_a_secret(
    served: EmulatorServer, witness: Witness
) -> None:
    cluster, *_ = served.state.cluster_ids

    code, output = commanded(BROKEN_COMMAND, served, "create", cluster, "nightly")

    witness.seen.append(("create", output))
    assert code == 1
    assert "a bug" in output
    assert witness.leaks() == []
