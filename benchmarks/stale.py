"""What each transport says of requests that meet a connection just closed."""

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import Final

import attrs
import httpx

from benchmarks import creation
from benchmarks.contenders import OURS
from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import line_of, started
from benchmarks.rounds import Spread
from benchmarks.section import Section
from benchmarks.targets import STALE
from css_snapshot import ConfigurationError, RetryPolicy, SnapshotService
from css_snapshot.auth import AkSkAuth, Credentials
from css_snapshot.errors import TransportError
from css_snapshot.transport.default import TransportKind

_PATIENCE: Final = 0.004
_ROUNDS: Final = 3
_IN_FLIGHT: Final = (1, 10)
_KINDS: Final[tuple[TransportKind, ...]] = ("httpx", "fast")


@attrs.frozen
class Told:
    """What became of creations, by what was said of them and what was true.

    Attributes:
        fine: They succeeded.
        not_sent: "Nothing was sent", and nothing had arrived.
        false_alarms: "May have been sent", though nothing had arrived.
        lost: "May have been sent", and it had.
        lies: "Nothing was sent", though it had arrived.
        twice: They arrived more than once.
    """

    fine: int
    not_sent: int
    false_alarms: int
    lost: int
    lies: int
    twice: int

    @classmethod
    def of(cls, sent: Mapping[str, bool | None], arrived: Mapping[str, int]) -> "Told":
        """Sum up, by cluster: whether it was sent (`None`: unknown), and arrivals."""
        pairs = [(said, creation.path(one) in arrived) for one, said in sent.items()]
        return cls(
            pairs.count((True, True)),
            pairs.count((False, False)),
            pairs.count((None, False)),
            pairs.count((None, True)),
            pairs.count((False, True)),
            sum(times > 1 for times in arrived.values()),
        )


Runs = Mapping[TransportKind, list[Told]]


def stale(effort: Effort) -> Section:
    """Measure, and return the section."""
    rounds = min(_ROUNDS, effort.rounds)
    with started("benchmarks.stale_server", str(_PATIENCE)) as server:
        endpoint = f"http://127.0.0.1:{line_of(server)}"
        told: dict[int, Runs] = {
            in_flight: {
                kind: _rounds(kind, endpoint, (effort.stale, in_flight), rounds)
                for kind in _KINDS
            }
            for in_flight in _IN_FLIGHT
        }
    return Section(
        "Stale connections",
        f"{effort.stale:,} creations without retries, to a server that closes each"
        f" connection 0 to {_PATIENCE * 1000:.0f} ms after its answer, unannounced:"
        " what was said of them, and what had arrived at the server. Median of"
        f" {rounds} rounds (of the false alarms also lowest to highest).",
        [
            *(_table(in_flight, runs) for in_flight, runs in told.items()),
        ],
        {STALE: [figure for runs in told.values() for figure in _figures(runs)]},
    )


def _figures(told: Runs) -> list[float]:
    alarms = {kind: [one.false_alarms for one in runs] for kind, runs in told.items()}
    if not alarms["fast"] or 0 in alarms["httpx"]:
        return []
    return [Spread.of_ratios(alarms["fast"], alarms["httpx"]).median]


def _table(in_flight: int, told: Runs) -> str:
    return table(
        [
            *(f"{in_flight} in flight", "succeeded", '"nothing was sent"'),
            *('false "may have been sent"', "true", 'false "nothing was sent"'),
            "arrived twice",
        ],
        [_row(kind, runs) for kind, runs in told.items() if runs],
    )


def _row(kind: str, runs: list[Told]) -> list[object]:
    spreads = {
        name: Spread.of([getattr(run, name) for run in runs])
        for name in attrs.fields_dict(Told)
    }
    alarms = spreads["false_alarms"]
    shown = {name: f"{spread.median:.0f}" for name, spread in spreads.items()}
    shown["false_alarms"] += f" ({alarms.low:.0f} to {alarms.high:.0f})"
    return [OURS[kind], *shown.values()]


def _rounds(
    kind: TransportKind, endpoint: str, how_many: tuple[int, int], rounds: int
) -> list[Told]:
    try:
        return [asyncio.run(_round(kind, endpoint, *how_many)) for _ in range(rounds)]
    except ConfigurationError:
        return []  # its package is not installed


async def _round(
    kind: TransportKind, endpoint: str, creates: int, in_flight: int
) -> Told:
    sent: dict[str, bool | None] = {}
    left = islice(creation.clusters(), creates)
    async with SnapshotService(
        endpoint=endpoint,
        project_id=creation.PROJECT,
        auth=AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY)),
        transport=kind,
        retry=RetryPolicy.none(),
    ) as service:

        async def work() -> None:
            for cluster_id in left:
                sent[cluster_id] = await _create(service, cluster_id)

        await asyncio.gather(*(work() for _ in range(in_flight)))
    async with httpx.AsyncClient(trust_env=False) as client:
        arrived = (await client.get(endpoint)).json()
    return Told.of(sent, arrived)


async def _create(service: SnapshotService, cluster_id: str) -> bool | None:
    try:
        await service.create(cluster_id, creation.NAME, indices=creation.INDICES)
    except TransportError as exc:
        return exc.sent
    return True
