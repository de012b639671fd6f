"""`ensure_restored` against the emulator: faults in any order, virtual time.

What must hold, whatever happens: never two restorations of one call, as long as one
shows no later than `settle`; never "started" or "found" where there was none; never
"failed" where there was one; never a second request after a refusal or a loss; never
more requests than the policy allows; and a cancellation ends the call there and then.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final, Literal, TypeVar, get_args

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from css_snapshot import (
    CSSError,
    IndeterminateRestoreError,
    Restored,
    RestoreSnapshotRequest,
    RetryPolicy,
)
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import VendorError
from css_snapshot.workflows.restore import Restoration, ensure_restored
from tests.support.clients import api_client
from tests.support.thoroughness import examples
from tests.support.virtual_time import VirtualTime, run

T = TypeVar("T")

TIMEOUT: Final = 30.0
SETTLE: Final = 15.0
ATTEMPTS: Final = 3

PostFault = Literal[
    "500",
    "500 after commit",
    "slow 500",
    "slow 500 after commit",
    "502",
    "502 after commit",
    "lost",
    "lost after commit",
    "lost, commits later",
    "never answers",
    "never answers, commits later",
    "page after commit",
    "202 busy",
    "400",
    "403",
    "429",
    "501",
    "not sent",
]
LookFault = Literal["none", "500", "lost", "slow", "403"]

_REFUSALS: Final = frozenset({"400", "403", "429", "501", "202 busy"})
_FINAL: Final = _REFUSALS | {
    fault for fault in get_args(PostFault) if fault.startswith(("502", "lost", "never"))
}
POST_FAULTS: Final = st.one_of(
    st.lists(
        st.tuples(st.sampled_from(get_args(PostFault)), st.floats(0.0, TIMEOUT)),
        max_size=4,
    ),
    # What chance alone would try too rarely.
    st.just([("500", 0.0)] * (ATTEMPTS + 1)),
    st.just([("500 after commit", 0.0)]),
    st.just([("slow 500 after commit", 0.0)]),
    st.just([("500", 0.0), ("500 after commit", 0.0)]),
    st.tuples(st.just("lost, commits later"), st.floats(0.0, TIMEOUT)).map(
        lambda fault: [fault]
    ),
)
LOOK_FAULTS: Final[st.SearchStrategy[list[LookFault]]] = st.one_of(
    st.just([]), st.lists(st.sampled_from(get_args(LookFault)), max_size=6)
)

_BUSY: Final = {"errCode": "CSS.0011", "externalMessage": "busy"}


class Service:
    """The emulator's state machine behind a transport that goes wrong on demand.

    What restorations do shows late by as many seconds as told.
    """

    def __init__(self, state: EmulatorState, lag: float) -> None:
        self.state = state
        self.lag = lag
        self.source, self.target, self.elsewhere = state.cluster_ids
        self.mine = state.add_snapshot(self.source, "nightly", age=9000.0)
        self.other = state.add_snapshot(self.source, "another", age=9000.0)
        self.post_faults: deque[tuple[PostFault, float]] = deque()
        self.look_faults: deque[LookFault] = deque()
        self.posts: list[str] = []
        self.begun = 0
        self._history: list[tuple[float, str, list[str]]] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.1)
        if request.method == "GET":
            return await self._look(request)
        fault, delay = self.post_faults.popleft() if self.post_faults else ("none", 0.0)
        self.posts.append(fault)
        return await self._post(fault, delay, request)

    def note(self) -> None:
        """Remember how things stand, for those who are shown it late."""
        now = self.state.clock()
        actions = self.state.cluster(self.target).actions
        self._history.append((now, self.mine.restore_status, actions))

    def restore_another(self) -> bool:
        """Let somebody else restore another snapshot into the target, if it is free."""
        return self._restore(self.other.id, self.target)

    def restore_elsewhere(self) -> bool:
        """Let somebody else restore the same snapshot into another cluster."""
        return self._restore(self.mine.id, self.elsewhere)

    @property
    def shows_each(self) -> bool:
        """Whether each restoration is seen going on by a call that looks."""
        return self.state.restore_seconds > 2 * TIMEOUT

    @property
    def shows_all(self) -> bool:
        """Whether a call that begins now would be shown how things stand."""
        actions = self.state.cluster(self.target).actions
        return self._shown() == (self.mine.restore_status, actions)

    def _restore(self, snapshot_id: str, target: str) -> bool:
        body = {"target_cluster": target, "indices": "*"}
        try:
            self.state.restore_snapshot(self.source, snapshot_id, body)
        except VendorError:
            return False
        return True

    def _shown(self) -> tuple[str, list[str]]:
        self.note()
        past = self.state.clock() - self.lag
        shown = [entry for entry in self._history if entry[0] <= past]
        _, status, actions = (shown or self._history[:1])[-1]
        return status, actions

    async def _look(self, request: httpx.Request) -> httpx.Response:
        fault = self.look_faults.popleft() if self.look_faults else None
        match fault:
            case "500" | "403":
                return httpx.Response(int(fault))
            case "lost":
                raise httpx.ReadError("lost")
            case "slow":
                await asyncio.sleep(TIMEOUT / 2)
        status, actions = self._shown()
        if request.url.path.endswith("index_snapshots"):
            listed = self.state.list_snapshots(self.source)
            rows = listed["backups"]
            assert isinstance(rows, list)
            for row in rows:
                if row["id"] == self.mine.id:
                    row["restoreStatus"] = status
            return httpx.Response(200, json=listed)
        row = self.state.get_cluster(self.target)
        return httpx.Response(200, json={**row, "actions": actions})

    async def _post(
        self, fault: str, delay: float, request: httpx.Request
    ) -> httpx.Response:
        commit = self._committer(request)
        if fault.endswith("commits later"):
            asyncio.get_running_loop().call_later(delay, commit)
        match fault.removesuffix(", commits later"):
            case "not sent":
                raise httpx.PoolTimeout("no connection")
            case "202 busy":
                return httpx.Response(202, json=_BUSY)
            case "slow 500":
                await asyncio.sleep(TIMEOUT / 2)
                return httpx.Response(500)
            case "lost":
                raise httpx.ReadError("lost")
            case "never answers":
                await asyncio.sleep(10 * TIMEOUT)
            case status if status.isdecimal():
                return httpx.Response(int(status))
        return await self._damaged(fault, commit())

    @staticmethod
    async def _damaged(fault: str, answer: httpx.Response) -> httpx.Response:
        match fault:
            case "500 after commit":
                return httpx.Response(500)
            case "slow 500 after commit":
                await asyncio.sleep(TIMEOUT / 2)
                return httpx.Response(500)
            case "502 after commit":
                return httpx.Response(502)
            case "lost after commit":
                raise httpx.ReadError("lost")
            case "page after commit" if answer.is_success:
                return httpx.Response(201, text="<html>welcome</html>")
        return answer

    def _committer(self, request: httpx.Request) -> Callable[[], httpx.Response]:
        body = httpx.Response(200, content=request.content).json()

        def commit() -> httpx.Response:
            try:
                self.state.restore_snapshot(self.source, self.mine.id, body)
            except VendorError as refusal:
                document = {"errCode": refusal.code, "externalMessage": "refused"}
                return httpx.Response(refusal.status, json=document)
            self.begun += 1
            return httpx.Response(201)

        return commit


class ExactlyOnce(RuleBasedStateMachine):
    """Queues faults, lets time pass, and checks each call when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 1_700_000_000.0
        self.time: VirtualTime | None = None

    def now(self) -> float:
        return self.passed + (0.0 if self.time is None else self.time.elapsed)

    @initialize(
        # One that shows late must take longer than the looks are apart.
        timing=st.sampled_from(
            [(0.0, 1.0), (0.0, 2.0), (0.0, 600.0), (3.0, 7.0), (9.9, 90.0)]
        ),
        busy_lock=st.booleans(),
        outcomes=st.lists(st.sampled_from(["success", "failed"]), max_size=5),
    )
    def start(
        self,
        timing: tuple[float, float],
        busy_lock: bool,
        outcomes: list[Literal["success", "failed"]],
    ) -> None:
        lag, seconds = timing
        state = EmulatorState(
            clusters=3, clock=self.now, busy_lock=busy_lock, restore_seconds=seconds
        )
        self.service = Service(state, lag)
        state.next_restore(self.service.source, *outcomes)
        self.budgetless = RetryPolicy(attempts=ATTEMPTS, random=lambda: 0.5)

    @rule(seconds=st.floats(0.0, 1000.0))
    def time_passes(self, seconds: float) -> None:
        self.passed += seconds
        self.service.note()
        self.passed += self.service.lag

    @rule()
    def somebody_restores_another(self) -> None:
        # While the snapshot is restored elsewhere, only the target tells of the call's.
        service = self.service
        is_alone = service.mine.restore_status != "restoring"
        if service.shows_all and (is_alone or not service.lag):
            service.restore_another()

    @rule()
    def somebody_restores_it_elsewhere(self) -> None:
        # One that shows late, and has ended by the next look, shows like the call's own.
        service = self.service
        if service.shows_all and (service.shows_each or not service.lag):
            service.restore_elsewhere()

    @rule(
        posts=POST_FAULTS,
        looks=LOOK_FAULTS,
        deadline=st.none() | st.floats(1.0, 60.0),
        another=st.none() | st.floats(0.0, 40.0),
        elsewhere=st.none() | st.floats(0.0, 40.0),
    )
    def a_call_ends(
        self,
        posts: list[tuple[PostFault, float]],
        looks: list[LookFault],
        deadline: float | None,
        another: float | None,
        elsewhere: float | None,
    ) -> None:
        self._prepare(posts, looks)

        async def scenario(time: VirtualTime) -> Restored | CSSError:
            self._begin(time)
            self._let_others_restore(another, elsewhere)
            try:
                return await self._ensure(time, deadline)
            except CSSError as error:
                return error
            finally:
                # What was still under way comes to its end before it is judged.
                await asyncio.sleep(2 * TIMEOUT)

        self._judge(self._run(scenario))

    def _let_others_restore(
        self, another: float | None, elsewhere: float | None
    ) -> None:
        """Let others begin restorations during the call, as far as they can be told."""
        loop, service = asyncio.get_running_loop(), self.service
        if elsewhere is not None:
            # One that has ended by the next look shows like the call's own, and so does
            # one elsewhere together with one of another snapshot in the target.
            if service.shows_each and service.shows_all:
                loop.call_later(elsewhere, service.restore_elsewhere)
        # While the snapshot is restored elsewhere, only the target tells of the call's.
        elif another is not None and service.mine.restore_status != "restoring":
            loop.call_later(another, service.restore_another)

    @rule(posts=POST_FAULTS, looks=LOOK_FAULTS, at=st.floats(0.0, 60.0))
    def a_call_is_cancelled(
        self,
        posts: list[tuple[PostFault, float]],
        looks: list[LookFault],
        at: float,
    ) -> None:
        self._prepare(posts, looks)

        async def scenario(time: VirtualTime) -> None:
            self._begin(time)
            call = asyncio.create_task(self._ensure(time, None))
            await asyncio.wait([call], timeout=at)
            sent = len(self.service.posts)
            if call.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await call
            else:
                call.exception()
            await asyncio.sleep(2 * TIMEOUT)
            assert len(self.service.posts) == sent

        self._run(scenario)
        assert self.service.begun <= 1

    def _prepare(
        self, posts: list[tuple[PostFault, float]], looks: list[LookFault]
    ) -> None:
        """Let the next call meet these faults."""
        self.service.post_faults = deque(posts)
        # The first look of a call only decides whether there is a call at all.
        self.service.look_faults = deque(["none", "none", *looks] if looks else [])
        self.service.posts.clear()
        self.service.begun = 0

    def _begin(self, time: VirtualTime) -> None:
        self.time = time
        self.noting = asyncio.create_task(self._note())

    async def _note(self) -> None:
        while True:
            self.service.note()
            await asyncio.sleep(0.5)

    def _run(
        self, scenario: Callable[[VirtualTime], Coroutine[object, object, T]]
    ) -> T:
        async def noted(time: VirtualTime) -> T:
            try:
                return await scenario(time)
            finally:
                self.noting.cancel()

        result = run(noted)
        assert self.time is not None
        self.passed += self.time.elapsed
        self.time = None
        return result

    async def _ensure(self, time: VirtualTime, deadline: float | None) -> Restored:
        client = api_client(
            httpx.MockTransport(self.service),
            time.clock,
            retry=self.budgetless,
            timeout=TIMEOUT,
            deadline=deadline,
        )
        restoration = Restoration(
            client,
            self.service.source,
            self.service.mine.id,
            RestoreSnapshotRequest(target_cluster_id=self.service.target),
            "both",
        )
        return await ensure_restored(restoration, settle=SETTLE)

    def _judge(self, result: object) -> None:
        begun, posts = self.service.begun, self.service.posts
        assert begun <= 1, "two restorations of one call"
        assert len(posts) <= ATTEMPTS, "more requests than the policy allows"
        assert not _FINAL & set(posts[:-1]), "asked again after a refusal or a loss"
        match result:
            case Restored(attempts=attempts):
                assert begun == 1, "it was not restored"
                assert attempts == len(posts)
            case IndeterminateRestoreError():
                assert posts
            case CSSError() as failure:
                assert not begun, f"failed, but it was restored: {failure!r}"
            case other:
                raise AssertionError(f"neither a result nor our error: {other!r}")


ExactlyOnce.TestCase.settings = settings(
    max_examples=examples(120),
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


TestExactlyOnce = ExactlyOnce.TestCase


def test_looks_that_are_far_apart_do_not_prove_that_nothing_began() -> None:
    state = ExactlyOnce()
    state.start(timing=(3.0, 7.0), busy_lock=False, outcomes=[])
    call = partial(state.a_call_ends, deadline=None, another=None, elsewhere=None)
    for _ in range(3):
        call(looks=[], posts=[])

    # The list shows late what takes seven seconds, and was not read for longer.
    call(looks=["none", "none", "slow"], posts=[("500 after commit", 0.0)])
