"""What `ensure` and a run make of each wire fault, on the wire, over every transport.

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
        posts: How many creations the server read, for each of the two.
    """

    ensured: str
    run: str
    posts: tuple[int, int]


async def end_under(
    script: Script, transport: Transport, *, carried_out: bool, timeout: float
) -> End:
    """Call `ensure`, and a run, where the first creation meets a fault."""

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

    ensured, run = await asyncio.gather(called(Place.ensure), called(Place.run))
    return End(ensured[0], run[0], (ensured[1], run[1]))


def test_every_fault_is_accounted_for() -> None:
    assert {*ENDS, *ENDLESS, *UNREACHED} == {*WIRE}


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("fault", ENDS)
async def test_a_fault_makes_no_second_creation_and_no_false_report(
    fault: str, transport: Transport, *, carried_out: bool
) -> None:
    expected = ENDS[fault][not carried_out]

    end = await end_under(
        WIRE[fault], transport, carried_out=carried_out, timeout=PATIENT
    )

    assert end == End(expected, OUTCOMES[expected], (1, 1))


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

    expected = [ENDLESS[fault][not carried_out] for fault, carried_out in cases]
    assert ends == [End(one, OUTCOMES[one], (1, 1)) for one in expected]


@pytest.mark.parametrize("fault", UNREACHED)
async def test_where_the_first_look_does_not_get_through_it_is_repeated(
    fault: str, transport: Transport
) -> None:
    end = await end_under(WIRE[fault], transport, carried_out=False, timeout=HASTY / 6)

    assert end == End("created", "Created", (1, 1))


async def test_a_redirect_is_a_refusal_that_leads_nowhere(
    transport: Transport,
) -> None:
    async with FaultServer() as elsewhere:
        script = faults.redirect(f"{elsewhere.endpoint}/stolen")
        end = await end_under(script, transport, carried_out=False, timeout=PATIENT)

    assert end == End("UnexpectedStatusError", "Failed", (1, 1))
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

        ends = (await place.ensure(), await place.run())

    assert ends == ("ConnectFailedError", "Failed")
