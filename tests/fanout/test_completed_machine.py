"""Runs to completion, killed and resumed in any order, in virtual time.

What must hold, whatever happens: `Completed` only for what is usable, and for all that
is once the last run has ended; never a creation of a name that exists; each target in
exactly one outcome of a run that was not killed.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar, get_args

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from css_snapshot.clock import Clock
from css_snapshot.fanout import (
    Completed,
    FanOut,
    Late,
    Outcome,
    Skipped,
    Spoiled,
    Target,
)
from css_snapshot.models import Ensured
from tests.support.clients import api_client
from tests.support.fanout_bench import NAME, outcomes_of, snapshots_of
from tests.support.fanout_bench import follow as collect
from tests.support.site import Ending, Site
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime, run

T = TypeVar("T")

CLUSTERS: Final = 6
FAULTS: Final = st.lists(
    st.tuples(
        st.sampled_from(["GET", "POST"]),
        st.sampled_from(
            ["before lost", "after lost", "before 500", "after 500", "before 503"]
        ),
    ),
    max_size=6,
)


class Watchful(Site):
    """A site that notices a creation of what exists already."""

    def _create(self, cluster: str, name: str) -> httpx.Response:
        assert all(truth.name != name for truth in self.truths.get(cluster, ())), (
            "a creation of what exists"
        )
        return super()._create(cluster, name)


class ToCompletion(RuleBasedStateMachine):
    """Runs that are killed, time that passes, and a last run that is judged."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.time: VirtualTime | None = None
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "nightly.db"

    def teardown(self) -> None:
        self.folder.cleanup()

    def now(self) -> float:
        return self.passed + (0.0 if self.time is None else self.time.elapsed)

    @initialize(
        shows=st.booleans(),
        endings=st.lists(
            st.sampled_from(get_args(Ending)), min_size=CLUSTERS, max_size=CLUSTERS
        ),
        seconds=st.lists(st.floats(0.0, 900.0), min_size=CLUSTERS, max_size=CLUSTERS),
    )
    def start(self, shows: bool, endings: list[Ending], seconds: list[float]) -> None:
        names = [f"c{number}" for number in range(CLUSTERS)]
        self.site = Watchful(
            names,
            self.now,
            shows=shows,
            endings={c: [e] for c, e in zip(names, endings, strict=True)},
            seconds=dict(zip(names, seconds, strict=True)),
        )

    @rule(seconds=st.floats(0.0, 2000.0))
    def time_passes(self, seconds: float) -> None:
        self.passed += seconds

    @rule(faults=FAULTS)
    def something_goes_wrong(self, faults: list[tuple[str, str]]) -> None:
        self.site.faults.extend(faults)

    @rule(after=st.floats(0.05, 5.0) | st.floats(0.05, 1000.0))
    def a_run_is_killed(self, after: float) -> None:
        async def scenario(time: VirtualTime) -> list[Outcome[Ensured]]:
            seen: list[Outcome[Ensured]] = []

            async def follow() -> None:
                async with self._run(time) as going:
                    await collect(going, seen)

            task = asyncio.create_task(follow())
            await asyncio.wait([task], timeout=after)
            task.cancel()
            await asyncio.wait([task])
            return seen

        self._judge(self._play(scenario))

    @rule()
    def a_run_goes_to_its_end(self) -> None:
        async def scenario(time: VirtualTime) -> list[Outcome[Ensured]]:
            return await outcomes_of(self._run(time))

        outcomes = self._play(scenario)
        self._judge(outcomes)
        counted = Counter(outcome.target.cluster_id for outcome in outcomes)
        assert counted == dict.fromkeys(self.site.clusters, 1), "one outcome each"
        for outcome in outcomes:
            self._judge_the_end(outcome)

    def _run(self, time: VirtualTime) -> FanOut[Ensured]:
        start = time.clock.now() - timedelta(seconds=time.elapsed)
        clock = Clock(
            now=lambda: start + timedelta(seconds=self.now()),
            monotonic=time.monotonic,
            sleep=time.clock.sleep,
        )
        client = api_client(self.site, clock)
        wanted = [Target(cluster, NAME) for cluster in self.site.clusters]
        return snapshots_of(
            client,
            wanted,
            until="completed",
            journal=self.path,
            settle=5.0,
            finish_by=clock.now() + timedelta(hours=1),
        )

    def _play(
        self, scenario: Callable[[VirtualTime], Coroutine[object, object, T]]
    ) -> T:
        async def played(time: VirtualTime) -> T:
            self.time = time
            return await scenario(time)

        result = run(played)
        assert self.time is not None
        self.passed += self.time.elapsed
        self.time = None
        return result

    def _judge(self, outcomes: list[Outcome[Ensured]]) -> None:
        for outcome in outcomes:
            cluster = outcome.target.cluster_id
            if isinstance(outcome, Completed):
                assert self.site.is_usable(cluster, NAME), "not complete"
            if isinstance(outcome, Spoiled):
                assert not self.site.is_usable(cluster, NAME), "it is good"

    def _judge_the_end(self, outcome: Outcome[Ensured]) -> None:
        if not self.site.is_usable(outcome.target.cluster_id, NAME):
            return
        good = isinstance(outcome, Completed) or (
            isinstance(outcome, Skipped) and outcome.is_good
        )
        # Faults may keep it from being seen; then it is said, and seen by the next.
        unseen = not isinstance(outcome, Spoiled | Late | Skipped)
        assert good or unseen, f"complete, but told as {outcome}"


ToCompletion.TestCase.settings = settings(
    max_examples=examples(80),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

TestToCompletion = ToCompletion.TestCase
