"""Creations over https: on connections that are kept, and each on a new one."""

from typing import Final

from benchmarks.batches import measure
from benchmarks.certificates import certificates
from benchmarks.contenders import BASELINE, FLOOR, OURS, PLAIN_HTTPX, SDK
from benchmarks.effort import Effort
from benchmarks.section import Section
from benchmarks.server import Behaviour

_NAMES: Final = (FLOOR, BASELINE, *OURS.values(), SDK, PLAIN_HTTPX)
_IN_FLIGHT: Final = 50


def tls(effort: Effort) -> Section:
    """Measure, and return the section."""
    with certificates() as made:
        warm, cold = (
            measure(
                _NAMES,
                [_IN_FLIGHT],
                effort,
                server=server,
                behaviour=Behaviour(certificate=made.server, closes=closes),
                trust=made.environment,
            )
            for server, closes in (
                ("https, connections are kept", False),
                ("https, each creation on a new connection", True),
            )
        )
    return Section(
        "TLS",
        "Client CPU per creation over https on loopback, relative to"
        f" {BASELINE} in the same round: median of {effort.rounds} rounds of"
        f" {effort.creates} creations (lowest to highest). The certificate is the"
        " run's own; a new connection is made because the server closes each one"
        " after its answer, and says so. No contender resumes sessions.",
        [
            warm.table(BASELINE),
            cold.table(BASELINE),
        ],
    )
