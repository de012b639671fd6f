"""What becomes of a creation under each wire fault: ours, and the vendor's SDK.

    python -m tests.support.fault_table [httpx|fast]

Measures, one fault after the other, on the server of `fault_server.py`, and prints a
table in Markdown. The fault strikes the creation; whatever else is asked is answered
well. Time limits are short, so a machine under load may show timeouts.
"""

import asyncio
import json
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import trustme

import tests.support.fault_server as faults
from css_snapshot import Clock, CSSError, Ensured, RetryPolicy, SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.fanout import Target
from css_snapshot.transport.default import TransportKind, default_transport
from tests.support.fault_server import FaultServer, Received, Script, Wire, answer

PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"
CLUSTER: Final = "4f3deec3-efa8-4598-bf91-560aad1377a3"
NAME: Final = "snapshot_001"
ROW: Final = (
    b'{"backups":[{"id":"9dc4f5c9-33c0-45c7","name":"snapshot_001",'
    b'"status":"BUILDING","backupType":"1","created":"2099-01-01T00:00:00"}]}'
)
TARGET: Final = "ea244205-d641-45d9-9dcb-ab2236bcd07e"
TIMEOUT: Final = 0.25
SDK_TIMEOUT: Final = 1
SDK_PATIENCE: Final = 3.0

SNAPSHOT: Final = "9dc4f5c9-33c0-45c7"

Looked = Callable[[str], bytes]


@attrs.define(eq=False)
class Picky(Wire):
    """A connection on which reads are answered, and faults meet the change alone."""

    looked: Looked

    async def request(self) -> Received:
        while True:
            received = await super().request()
            if received.method != "GET":
                return received
            await self.send(answer(200, self.looked(received.target)))


def on_change(script: Script, looked: Looked) -> Script:
    """Make a script that lets a fault strike a change, and answers reads well."""

    async def picky(wire: Wire) -> None:
        await script(
            Picky(wire.number, wire.reader, wire.writer, wire.requests, looked)
        )

    return picky


async def flood(wire: Wire) -> None:
    """Send a body of 64 MiB: enough to see whether anybody stops reading."""
    await wire.request()
    await wire.send(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1024):
        await wire.send(b"10000\r\n" + b" " * 65536 + b"\r\n")
    await wire.send(b"0\r\n\r\n")


async def no_json(wire: Wire) -> None:
    """Answer 201 with a page instead of a backup, every time."""
    await wire.request()
    await wire.send(answer(201, b"<html><title>Welcome</title></html>"))
    await no_json(wire)


async def nothing_in_it(wire: Wire) -> None:
    """Answer 201 with JSON that holds no backup, every time."""
    await wire.request()
    await wire.send(answer(201, b"{}"))
    await nothing_in_it(wire)


WIRE: Final[Mapping[str, Script]] = {
    "reset at accept": faults.reset_at_accept,
    "reset before the answer": faults.reset_after_request,
    "reset during the answer": faults.reset_during_answer,
    "half-closed": faults.half_closed,
    "body cut short": faults.truncated_body,
    "head cut short": faults.truncated_head,
    "bad chunk": faults.bad_chunk,
    "garbage for a status line": faults.garbage,
    "headers without end": faults.oversized_headers,
    "body dripped": faults.drip_body,
    "head dripped": faults.drip_head,
    "never answers": faults.silent,
    "never reads": faults.deaf,
    "102 without end": faults.endless_interim,
    "body of 64 MiB": flood,
    "gzip bomb, 50 MiB": faults.gzip_bomb,
    "bad gzip": faults.bad_gzip,
    "201 with a page": no_json,
    "201 with `{}`": nothing_in_it,
    "wrong content type": faults.mislabelled,
    "1xx, then the answer": faults.interim_then_answer,
    "HTTP/1.0, then closed": faults.http_1_0,
    "kept, then closed": faults.close_after_answer,
}
TLS: Final = ("TLS: unknown authority", "TLS: another host", "TLS: expired")
REFUSED: Final = "refused"
NO_NAME: Final = "no such name"
REDIRECT: Final = "redirect elsewhere"


@attrs.define(kw_only=True)
class Row:
    """What became of the calls under one fault.

    Attributes:
        fault: Its name.
        create: Our error class, or `created`.
        sent: Its `.sent`, or nothing.
        posts: Creations that the server read whole for that one call.
        carried_out: What `ensure` makes of it if the service did carry it out.
        not_carried_out: What it makes of it if the service did not.
        run: What a run of one target makes of it if the service did.
        restored: What `ensure_restored` makes of it if the service did.
        not_restored: What it makes of it if the service did not.
        sdk: What the vendor's SDK makes of it.
        followed: Whether anybody followed a redirect; no column of the table.
    """

    fault: str
    create: str = ""
    sent: str = ""
    posts: int = 0
    carried_out: str = ""
    not_carried_out: str = ""
    run: str = ""
    restored: str = ""
    not_restored: str = ""
    sdk: str = ""
    followed: bool = False


class Place:
    """Where calls go, over one transport of ours.

    Args:
        endpoint: The address.
        transport: What carries our calls.
        certificates: A file of the authority to trust, for the SDK.
        timeout: Seconds an attempt of ours may take.
        clock: Where our calls have their time from.
    """

    def __init__(
        self,
        endpoint: str,
        transport: httpx.AsyncBaseTransport,
        certificates: str = "",
        *,
        timeout: float = TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._certificates = certificates
        self.service = SnapshotService(
            endpoint=endpoint,
            project_id=PROJECT,
            auth=TokenAuth("a-token-of-the-table"),
            transport=transport,
            timeout=timeout,
            retry=RetryPolicy(random=lambda: 0.0),
            clock=clock,
        )

    async def create(self) -> tuple[str, str]:
        """Return how `create` ends, and `.sent`."""
        try:
            await self.service.create(CLUSTER, NAME)
        except CSSError as error:
            return type(error).__name__, repr(error.sent)
        return "created", ""

    async def ensure(self) -> str:
        """Return how `ensure` ends."""
        try:
            ensured: Ensured = await self.service.ensure(CLUSTER, NAME, settle=0.05)
        except CSSError as error:
            return type(error).__name__
        return ensured.how

    async def ensure_restored(self) -> str:
        """Return how `ensure_restored` ends."""
        try:
            restored = await self.service.ensure_restored(
                CLUSTER, SNAPSHOT, target_cluster_id=TARGET, settle=0.05
            )
        except CSSError as error:
            return type(error).__name__
        return restored.how

    async def run(self) -> str:
        """Return how a run of one target ends."""
        async with self.service.fan_out([Target(CLUSTER, NAME)], settle=0.05) as run:
            outcomes = [outcome async for outcome in run]
        return ", ".join(type(outcome).__name__ for outcome in outcomes)

    async def sdk(self) -> str:
        """Return how the SDK's call ends, in a thread that is not waited for."""
        executor = ThreadPoolExecutor(1)
        loop = asyncio.get_running_loop()
        call = loop.run_in_executor(executor, self._call_sdk)
        await asyncio.wait([call], timeout=SDK_PATIENCE)
        executor.shutdown(wait=False)
        if call.done():
            return call.result()
        call.add_done_callback(lambda done: done.exception())
        return f"goes on waiting ({SDK_PATIENCE:g} s; its timeout is {SDK_TIMEOUT} s)"

    def _call_sdk(self) -> str:
        import huaweicloudsdkcss.v1 as sdk  # noqa: PLC0415  # slow to import
        from huaweicloudsdkcore.auth.credentials import (  # noqa: PLC0415  # likewise
            BasicCredentials,
        )
        from huaweicloudsdkcore.http.http_config import (  # noqa: PLC0415  # likewise
            HttpConfig,
        )

        config = HttpConfig.get_default_config()
        config.timeout = SDK_TIMEOUT
        config.ssl_ca_cert = self._certificates
        client: Any = (
            sdk.CssClient.new_builder()
            .with_http_config(config)
            .with_credentials(BasicCredentials("AK", "SK", PROJECT))
            .with_endpoint(self.endpoint)
            .build()
        )
        request = sdk.CreateSnapshotRequest(
            cluster_id=CLUSTER, body=sdk.CreateSnapshotReq(name=NAME)
        )
        try:
            backup = client.create_snapshot(request).backup
        except Exception as error:  # noqa: BLE001  # whichever it is, is the result
            kind = type(error)
            return f"`{kind.__module__.partition('.')[0]}` {kind.__name__}"
        if backup is None:
            return "**success without a backup**"
        return f"success ({backup.id})"


@contextmanager
def authority() -> Iterator[tuple[trustme.CA, str]]:
    """Make an authority, and a file with its certificate."""
    made = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "authority.pem")
        made.cert_pem.write_to_path(str(file))
        yield made, str(file)


@asynccontextmanager
async def under(
    script: Script,
    over: TransportKind | httpx.AsyncBaseTransport,
    *,
    carried_out: bool = True,
    tls: ssl.SSLContext | None = None,
    trusted: tuple[trustme.CA, str] | None = None,
    timeout: float = TIMEOUT,
    clock: Clock | None = None,
) -> AsyncIterator[tuple[FaultServer, Place]]:
    """Serve a fault, and make the place where it is.

    Args:
        script: The fault.
        over: Our transport, which stays the caller's to close, or its kind.
        carried_out: Whether reads show the change once the request for it was read.
        tls: Makes the server speak TLS.
        trusted: The authority that both clients trust.
        timeout: Seconds an attempt of ours may take.
        clock: Where our calls have their time from.
    """
    async with FaultServer(tls=tls) as server:

        def looked(path: str) -> bytes:
            posted = any(request.method == "POST" for request in server.requests)
            shows = posted and carried_out
            if path.endswith("index_snapshots"):
                return ROW if shows else faults.BACKUPS
            actions = ["RESTORING"] if shows else []
            cluster = {"id": TARGET, "name": "test", "status": "200"}
            return json.dumps(cluster | {"actions": actions}).encode()

        fault = on_change(script, looked)
        healthy = on_change(faults.serve, looked)
        server.plan(fault, *[healthy] * 200)
        transport = _trusting(over, trusted) if isinstance(over, str) else over
        place = Place(
            server.endpoint,
            transport,
            trusted[1] if trusted else "",
            timeout=timeout,
            clock=clock,
        )
        try:
            yield server, place
        finally:
            if transport is not over:
                await transport.aclose()


def _trusting(
    kind: TransportKind, trusted: tuple[trustme.CA, str] | None
) -> httpx.AsyncBaseTransport:
    if trusted is None:
        return default_transport(kind, trust_env=False)
    context = ssl.create_default_context()
    trusted[0].configure_trust(context)
    return default_transport("httpx", trust_env=False, ssl_context=context)


async def measure_wire(name: str, kind: TransportKind, *, sdk: bool = True) -> Row:
    """Measure one fault of `WIRE`.

    Args:
        name: Which.
        kind: Our transport.
        sdk: Whether to measure the SDK too.
    """
    script = WIRE[name]
    row = Row(fault=name)
    async with under(script, kind) as (server, place):
        row.create, row.sent = await place.create()
        row.posts = len(server.requests)
    async with under(script, kind) as (_, place):
        row.carried_out = await place.ensure()
    async with under(script, kind, carried_out=False) as (_, place):
        row.not_carried_out = await place.ensure()
    async with under(script, kind) as (_, place):
        row.run = await place.run()
    async with under(script, kind) as (_, place):
        row.restored = await place.ensure_restored()
    async with under(script, kind, carried_out=False) as (_, place):
        row.not_restored = await place.ensure_restored()
    if sdk:
        async with under(script, kind) as (_, place):
            row.sdk = await place.sdk()
    return row


async def measure_redirect(kind: TransportKind, *, sdk: bool = True) -> Row:
    """Measure a redirect, and whether anybody follows it.

    Args:
        kind: Our transport.
        sdk: Whether to measure the SDK too.
    """
    row = Row(fault=REDIRECT)
    async with FaultServer() as elsewhere:
        script = faults.redirect(f"{elsewhere.endpoint}/stolen")
        async with under(script, kind) as (server, place):
            row.create, row.sent = await place.create()
            row.posts = len(server.requests)
        async with under(script, kind) as (_, place):
            row.carried_out = row.not_carried_out = await place.ensure()
        async with under(script, kind) as (_, place):
            row.run = await place.run()
        async with under(script, kind) as (_, place):
            row.restored = row.not_restored = await place.ensure_restored()
        if sdk:
            async with under(script, kind) as (_, place):
                row.sdk = await place.sdk()
        row.followed = elsewhere.connections > 0
    return row


async def measure_place(name: str, place: Place, *, posts: int = 0) -> Row:
    """Measure calls to a place that no connection can be made to."""
    row = Row(fault=name, posts=posts)
    row.create, row.sent = await place.create()
    row.carried_out = row.not_carried_out = await place.ensure()
    row.run = await place.run()
    row.restored = row.not_restored = await place.ensure_restored()
    row.sdk = await place.sdk()
    return row


async def measure_tls(trusted: tuple[trustme.CA, str]) -> list[Row]:
    """Measure certificates that must not be accepted."""
    import datetime as dt  # noqa: PLC0415  # for the one that has expired

    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    leaves = (
        trustme.CA().issue_cert("localhost"),
        trusted[0].issue_cert("css.example"),
        trusted[0].issue_cert("localhost", not_after=yesterday),
    )
    rows: list[Row] = []
    for name, leaf in zip(TLS, leaves, strict=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        async with under(faults.serve, "httpx", tls=context, trusted=trusted) as (
            server,
            place,
        ):
            row = await measure_place(name, place)
            row.posts = len(server.requests)
            rows.append(row)
    return rows


async def measure(kind: TransportKind = "httpx") -> list[Row]:
    """Measure all faults over one of our transports."""
    # Packing it takes longer than an attempt may.
    faults.bomb()
    async with FaultServer() as server:
        port = server.port
    transport = default_transport(kind, trust_env=False)
    try:
        rows = [
            await measure_place(REFUSED, Place(f"http://127.0.0.1:{port}", transport)),
            await measure_place(NO_NAME, Place("https://css.invalid", transport)),
        ]
    finally:
        await transport.aclose()
    rows += [await measure_wire(name, kind) for name in WIRE]
    rows.append(await measure_redirect(kind))
    with authority() as trusted:
        rows += await measure_tls(trusted)
    return rows


def markdown(rows: list[Row]) -> str:
    """Write rows as a table."""
    heads = (
        *("Fault", "`create`", "`.sent`", "POSTs read"),
        *("`ensure`, if carried out", "`ensure`, if not", "run, if carried out"),
        *("`ensure_restored`, if carried out", "`ensure_restored`, if not"),
        "Vendor SDK",
    )
    lines = [heads, ("---",) * len(heads)]
    lines += [tuple(map(str, attrs.astuple(row)[: len(heads)])) for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    chosen: TransportKind = sys.argv[1] if len(sys.argv) > 1 else "httpx"  # type: ignore[assignment]  # checked below
    print(markdown(asyncio.run(measure(chosen))))  # noqa: T201  # for whoever started it
