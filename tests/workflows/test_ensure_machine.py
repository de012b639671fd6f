"""`ensure` against the emulator's state machine: faults in any order, virtual time.

What must hold, whatever happens: never two snapshots of one call while the list lags
no more than `settle`; never a second creation after a refusal; never "failed" or
"created" without proof; never an id that does not exist; never more creations sent
than the policy allows; and a cancellation ends the call there and then.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Final, Literal, TypeVar, get_args

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from css_snapshot import (
    CSSError,
    DuplicateSnapshotError,
    IndeterminateCreateError,
    RetryPolicy,
    SnapshotExistsError,
)
from css_snapshot.api.requests import CreateSnapshotRequest
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import VendorError
from css_snapshot.models import Ensured
from css_snapshot.workflows.ensure import EnsureOptions, Intent, ensure
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
    "502",
    "502 after commit",
    "lost",
    "lost after commit",
    "lost, commits later",
    "never answers",
    "never answers, commits later",
    "no id",
    "truncated",
    "202 busy",
    "400",
    "403",
    "404",
    "429",
    "501",
    "not sent",
]
ListFault = Literal["none", "500", "lost", "slow", "403"]

_REFUSALS: Final = frozenset({"400", "403", "404", "429", "501"})
POST_FAULTS: Final = st.one_of(
    st.lists(
        st.tuples(st.sampled_from(get_args(PostFault)), st.floats(0.0, TIMEOUT)),
        max_size=4,
    ),
    # What chance alone would try too rarely.
    st.just([("500", 0.0)] * (ATTEMPTS + 1)),
    st.just([("500 after commit", 0.0)]),
    st.tuples(st.just("lost, commits later"), st.floats(0.0, TIMEOUT)).map(
        lambda fault: [fault]
    ),
)
LIST_FAULTS: Final[st.SearchStrategy[list[ListFault]]] = st.one_of(
    st.just([]), st.lists(st.sampled_from(get_args(ListFault)), max_size=6)
)

_BUSY: Final = {"errCode": "CSS.0011", "externalMessage": "busy"}


class Service:
    """The emulator's state machine behind a transport that goes wrong on demand."""

    def __init__(self, state: EmulatorState) -> None:
        self.state = state
        self.post_faults: deque[tuple[PostFault, float]] = deque()
        self.list_faults: deque[ListFault] = deque()
        self.posts: list[str] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return await self._list()
        fault, delay = self.post_faults.popleft() if self.post_faults else ("none", 0.0)
        self.posts.append(fault)
        await asyncio.sleep(0.1)
        return await self._post(fault, delay, request)

    async def _list(self) -> httpx.Response:
        fault = self.list_faults.popleft() if self.list_faults else None
        await asyncio.sleep(0.1)
        match fault:
            case "500":
                return httpx.Response(500)
            case "403":
                return httpx.Response(403)
            case "lost":
                raise httpx.ReadError("lost")
            case "slow":
                await asyncio.sleep(TIMEOUT / 2)
        return httpx.Response(200, json=self.state.list_snapshots(self.cluster_id))

    @property
    def cluster_id(self) -> str:
        return self.state.cluster_ids[0]

    async def _post(
        self, fault: str, delay: float, request: httpx.Request
    ) -> httpx.Response:
        commit = self._committer(request)
        if fault == "not sent":
            raise httpx.PoolTimeout("no connection")
        if fault in _REFUSALS or fault in {"500", "502"}:
            return httpx.Response(int(fault))
        if fault == "lost":
            raise httpx.ReadError("lost")
        if fault == "202 busy":
            return httpx.Response(202, json=_BUSY)
        if fault == "never answers":
            await asyncio.sleep(10 * TIMEOUT)
        if fault.endswith("commits later"):
            asyncio.get_running_loop().call_later(delay, commit)
            if fault.startswith("never"):
                await asyncio.sleep(10 * TIMEOUT)
            raise httpx.ReadError("lost")
        answer = commit()
        return self._damaged(fault, answer)

    @staticmethod
    def _damaged(fault: str, answer: httpx.Response) -> httpx.Response:
        match fault:
            case "500 after commit":
                return httpx.Response(500)
            case "502 after commit":
                return httpx.Response(502)
            case "lost after commit":
                raise httpx.ReadError("lost")
            case "no id":
                return httpx.Response(201, json={"backup": {}})
            case "truncated":
                return httpx.Response(201, content=b'{"backup": {"id"')
        return answer

    def _committer(self, request: httpx.Request) -> Callable[[], httpx.Response]:
        body = httpx.Response(200, content=request.content).json()

        def commit() -> httpx.Response:
            try:
                answer = self.state.create_snapshot(self.cluster_id, body)
            except VendorError as refusal:
                document = {"errCode": refusal.code, "externalMessage": "refused"}
                return httpx.Response(refusal.status, json=document)
            return httpx.Response(201, json=answer)

        return commit


class ExactlyOnce(RuleBasedStateMachine):
    """Queues faults, lets time pass, and checks each call when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 1_700_000_000.0
        self.time: VirtualTime | None = None
        self.calls = 0

    def now(self) -> float:
        return self.passed + (0.0 if self.time is None else self.time.elapsed)

    @initialize(
        unique=st.booleans(),
        busy_lock=st.booleans(),
        lag=st.sampled_from([0.0, 0.3, 3.0, 9.9, SETTLE]),
        build=st.sampled_from([0.0, 5.0, 600.0]),
    )
    def start(self, unique: bool, busy_lock: bool, lag: float, build: float) -> None:
        self.service = Service(
            EmulatorState(
                clusters=1,
                clock=self.now,
                unique_names=unique,
                busy_lock=busy_lock,
                list_lag=lag,
                build_seconds=build,
            )
        )
        self.budgetless = RetryPolicy(attempts=ATTEMPTS, random=lambda: 0.5)

    @rule(seconds=st.floats(0.0, 1000.0))
    def time_passes(self, seconds: float) -> None:
        self.passed += seconds

    @rule(
        posts=POST_FAULTS,
        lists=LIST_FAULTS,
        deadline=st.none() | st.floats(1.0, 60.0),
        on_exists=st.sampled_from(["adopt", "fail"]),
        again=st.booleans(),
    )
    def a_call_ends(
        self,
        posts: list[tuple[PostFault, float]],
        lists: list[ListFault],
        deadline: float | None,
        on_exists: Literal["adopt", "fail"],
        again: bool,
    ) -> None:
        name = self._prepare(posts, lists)
        result = self._call(name, deadline, on_exists)
        self._judge(name, result)
        if again and not isinstance(result, DuplicateSnapshotError):
            # Asking for the same name again is safe, whatever came of it before.
            self._judge(name, self._call(name, None, "adopt"))

    @rule(posts=POST_FAULTS, lists=LIST_FAULTS, at=st.floats(0.0, 60.0))
    def a_call_is_cancelled(
        self,
        posts: list[tuple[PostFault, float]],
        lists: list[ListFault],
        at: float,
    ) -> None:
        name = self._prepare(posts, lists)

        async def scenario(time: VirtualTime) -> None:
            self.time = time
            call = asyncio.create_task(self._ensure(time, name, None, "adopt"))
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
        assert self._made(name) <= 1

    @rule(
        posts=POST_FAULTS,
        at=st.floats(0.1, 0.3) | st.floats(0.0, 60.0),
        pause=st.floats(0.0, 5.0) | st.floats(0.0, 100.0),
    )
    def a_run_dies_and_is_resumed(
        self, posts: list[tuple[PostFault, float]], at: float, pause: float
    ) -> None:
        name = self._prepare(posts, [])

        async def scenario(time: VirtualTime) -> Ensured | CSSError | None:
            self.time = time
            intents: list[Intent] = []

            async def note() -> None:
                intents.append(Intent(since=time.now()))

            call = asyncio.create_task(
                self._ensure(time, name, None, "adopt", on_intent=note)
            )
            await asyncio.wait([call], timeout=at)
            died = call.cancel()
            await asyncio.wait([call])
            if not (died and intents):
                return None
            await asyncio.sleep(pause)
            self.service.posts.clear()
            try:
                return await self._ensure(
                    time, name, None, "adopt", previous=intents[-1]
                )
            except CSSError as error:
                return error
            finally:
                await asyncio.sleep(2 * TIMEOUT)

        result = self._run(scenario)
        if result is not None:
            self._judge(name, result)

    def _prepare(
        self, posts: list[tuple[PostFault, float]], lists: list[ListFault]
    ) -> str:
        """Let the next call meet these faults, and answer a name for it."""
        self.calls += 1
        self.service.post_faults = deque(posts)
        # The first list of a call only decides whether there is a call at all.
        self.service.list_faults = deque(["none", *lists] if lists else [])
        self.service.posts.clear()
        return f"snapshot_{self.calls}"

    def _call(
        self, name: str, deadline: float | None, on_exists: Literal["adopt", "fail"]
    ) -> Ensured | CSSError:
        self.service.posts.clear()

        async def scenario(time: VirtualTime) -> Ensured | CSSError:
            self.time = time
            try:
                return await self._ensure(time, name, deadline, on_exists)
            except CSSError as error:
                return error
            finally:
                # What was still under way comes to its end before it is judged.
                await asyncio.sleep(2 * TIMEOUT)

        return self._run(scenario)

    def _run(
        self, scenario: Callable[[VirtualTime], Coroutine[object, object, T]]
    ) -> T:
        result = run(scenario)
        assert self.time is not None
        self.passed += self.time.elapsed
        self.time = None
        return result

    async def _ensure(
        self,
        time: VirtualTime,
        name: str,
        deadline: float | None,
        on_exists: Literal["adopt", "fail"],
        **options: object,
    ) -> Ensured:
        client = api_client(
            httpx.MockTransport(self.service),
            time.clock,
            retry=self.budgetless,
            timeout=TIMEOUT,
            deadline=deadline,
        )
        return await ensure(
            client,
            self.service.cluster_id,
            CreateSnapshotRequest(name),
            EnsureOptions(on_exists=on_exists, settle=SETTLE),
            **options,  # type: ignore[arg-type]  # on_intent and previous
        )

    def _made(self, name: str) -> int:
        return len(self._ids(name))

    def _ids(self, name: str) -> set[str]:
        snapshots = self.service.state.snapshots(self.service.cluster_id)
        return {snapshot.id for snapshot in snapshots if snapshot.name == name}

    def _judge(self, name: str, result: object) -> None:
        ids = self._ids(name)
        posts = self.service.posts
        assert len(ids) <= 1, "two snapshots of one call"
        assert len(posts) <= ATTEMPTS, "more creations than the policy allows"
        assert not _REFUSALS & set(posts[:-1]), "sent again after a refusal"
        match result:
            case Ensured(backup=backup):
                assert backup.id in ids, "an id that does not exist"
            case IndeterminateCreateError() | SnapshotExistsError():
                pass
            case CSSError() as failure:
                assert not (posts and ids), f"failed, but it exists: {failure!r}"
            case other:
                raise AssertionError(f"neither an answer nor our error: {other!r}")


ExactlyOnce.TestCase.settings = settings(
    max_examples=examples(120),
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


TestExactlyOnce = ExactlyOnce.TestCase
