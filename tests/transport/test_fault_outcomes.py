"""What `ensure`, `ensure_restored` and a run make of each wire fault, on the wire.

What a plain call makes of them is tested in `test_wire_faults.py`.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import attrs
import httpx
import pytest

import tests.support.fault_server as faults
from tests.support.clock import ManualClock
from tests.support.fault_server import FaultServer, Script
from tests.support.fault_table import WIRE, Place, under

Transport = httpx.AsyncBaseTransport

PATIENT: Final = 30.0
HASTY: Final = 3.0
"""Seconds for an attempt that is to time out: long for all else, on a busy machine."""

UNCLEAR: Final = ("adopted", "IndeterminateCreateError")
UNHARMED: Final = ("created", "created")
ENDS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(
        (
            *("reset before the answer", "reset during the answer", "half-closed"),
            *("body cut short", "head cut short", "bad chunk", "headers without end"),
            *("garbage for a status line", "body of 64 MiB", "gzip bomb, 50 MiB"),
            *("bad gzip", "201 with a page", "201 with `{}`"),
        ),
        UNCLEAR,
    ),
    **dict.fromkeys(
        (
            *("wrong content type", "1xx, then the answer", "HTTP/1.0, then closed"),
            "kept, then closed",
        ),
        UNHARMED,
    ),
}
"""How `ensure` ends, by fault: if the service carried the creation out, and if not."""

ENDLESS: Final[Mapping[str, tuple[str, str]]] = dict.fromkeys(
    ("body dripped", "head dripped", "never answers", "102 without end"), UNCLEAR
)
"""The same for faults that only a time limit ends."""

UNREACHED: Final = ("reset at accept", "never reads")
"""The faults where not even the first look gets through."""

OUTCOMES: Final[Mapping[str, str]] = {
    "created": "Created",
    "adopted": "Adopted",
    "IndeterminateCreateError": "Indeterminate",
}
RESTORED: Final[Mapping[str, str]] = {
    "created": "started",
    "adopted": "found",
    "IndeterminateCreateError": "IndeterminateRestoreError",
}
"""How a run, and `ensure_restored`, end where `ensure` ends so."""

PROPER_TO_RESTORE: Final = ("201 with `{}`",)
"""What is no answer to a creation, and one to a restoration."""


@pytest.fixture
def transport(
    transport_kind: str, make_transport: Callable[..., Transport]
) -> Transport:
    """Make one transport for all calls of a test, as a TLS context takes its time."""
    return make_transport(transport_kind, trust_env=False)


@attrs.frozen
class End:
    """How calls ended, and what they cost.

    Attributes:
        ensured: How `ensure` ended.
        run: The outcome of a run of one target.
        restored: How `ensure_restored` ended.
        posts: How many changes the server read, for each of the three.
    """

    ensured: str
    run: str
    restored: str
    posts: tuple[int, int, int] = (1, 1, 1)


def expected_end(fault: str, ensured: str) -> End:
    restored = "started" if fault in PROPER_TO_RESTORE else RESTORED[ensured]
    return End(ensured, OUTCOMES[ensured], restored)


async def end_under(
    script: Script, transport: Transport, *, carried_out: bool, timeout: float
) -> End:
    """Make all three calls, each where its first change meets a fault."""

    async def called(call: Callable[[Place], Awaitable[str]]) -> tuple[str, int]:
        async with under(
            script,
            transport,
            carried_out=carried_out,
            timeout=timeout,
            clock=ManualClock().clock(),
        ) as (server, place):
            end = await call(place)
            return end, sum(sent.method == "POST" for sent in server.requests)

    ends = await asyncio.gather(
        called(Place.ensure), called(Place.run), called(Place.ensure_restored)
    )
    (ensured, _), (run, _), (restored, _) = ends
    first, second, third = (posts for _, posts in ends)
    return End(ensured, run, restored, (first, second, third))


def test_every_fault_is_accounted_for() -> None:
    assert {*ENDS, *ENDLESS, *UNREACHED} == {*WIRE}


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("fault", ENDS)
async def test_a_fault_makes_no_second_change_and_no_false_report(
    fault: str, transport: Transport, *, carried_out: bool
) -> None:
    expected = ENDS[fault][not carried_out]

    end = await end_under(
        WIRE[fault], transport, carried_out=carried_out, timeout=PATIENT
    )

    assert end == expected_end(fault, expected)


async def test_what_only_a_time_limit_ends_makes_none_either(
    transport: Transport,
) -> None:
    cases = [(fault, carried_out) for fault in ENDLESS for carried_out in (True, False)]

    ends = await asyncio.gather(
        *(
            end_under(WIRE[fault], transport, carried_out=carried_out, timeout=HASTY)
            for fault, carried_out in cases
        )
    )

    assert ends == [
        expected_end(fault, ENDLESS[fault][not carried_out])
        for fault, carried_out in cases
    ]


@pytest.mark.parametrize("fault", UNREACHED)
async def test_where_the_first_look_does_not_get_through_it_is_repeated(
    fault: str, transport: Transport
) -> None:
    end = await end_under(WIRE[fault], transport, carried_out=False, timeout=HASTY / 6)

    assert end == End("created", "Created", "started")


async def test_a_redirect_is_a_refusal_that_leads_nowhere(
    transport: Transport,
) -> None:
    async with FaultServer() as elsewhere:
        script = faults.redirect(f"{elsewhere.endpoint}/stolen")
        end = await end_under(script, transport, carried_out=False, timeout=PATIENT)

    assert end == End("UnexpectedStatusError", "Failed", "UnexpectedStatusError")
    assert elsewhere.connections == 0


async def test_a_refused_connection_is_a_failure_of_which_nothing_was_sent(
    transport: Transport,
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        place = Place(
            f"http://127.0.0.1:{port}", transport, clock=ManualClock().clock()
        )

        ends = (
            await place.ensure(),
            await place.run(),
            await place.ensure_restored(),
        )

    assert ends == ("ConnectFailedError", "Failed", "ConnectFailedError")
