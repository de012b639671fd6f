"""Lanes: one job per lane, in order, and nobody waits for another lane."""

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from css_snapshot.fanout.lanes import Lanes
from tests.support.thoroughness import examples


@attrs.frozen
class Job:
    lane: str
    number: int


class LanesMachine(RuleBasedStateMachine):
    """Compares `Lanes` with lists that are searched the slow way."""

    def __init__(self) -> None:
        super().__init__()
        self.lanes: Lanes[Job] = Lanes()
        self.admitted = 0
        self.waiting: list[Job] = []
        self.running: list[Job] = []
        self.aside: list[Job] = []

    @rule(lane=st.sampled_from("abc"))
    def admit(self, lane: str) -> None:
        job = Job(lane, self.admitted)
        self.admitted += 1
        self.waiting.append(job)
        self.lanes.admit(job)

    @rule()
    def start(self) -> None:
        job = self.lanes.next()
        occupied = {other.lane for other in self.running + self.aside}
        free = [other for other in self.waiting if other.lane not in occupied]
        if job is None:
            assert not free
            return
        assert job.lane not in occupied
        first_of_lane = next(j for j in self.waiting if j.lane == job.lane)
        assert job == first_of_lane
        self.waiting.remove(job)
        self.running.append(job)

    @precondition(lambda self: self.running)
    @rule(choice=st.randoms(use_true_random=False))
    def end(self, choice: "st.random_module") -> None:  # type: ignore[valid-type]  # a Random
        job = choice.choice(self.running)  # type: ignore[attr-defined]  # a Random
        self.running.remove(job)
        self.lanes.release(job)

    @precondition(lambda self: self.running)
    @rule()
    def set_aside(self) -> None:
        self.aside.append(self.running.pop())
        self.lanes.set_aside()

    @precondition(lambda self: self.aside)
    @rule()
    def bring_back(self) -> None:
        job = self.aside.pop()
        self.waiting.insert(0, job)
        self.lanes.bring_back(job)

    @invariant()
    def held_counts_those_who_can_not_start(self) -> None:
        occupied = {job.lane for job in self.running + self.aside}
        behind = len(self.waiting) - len(
            {job.lane for job in self.waiting if job.lane not in occupied}
        )
        assert self.lanes.held == behind + len(self.aside)

    @invariant()
    def it_knows_whether_one_may_start(self) -> None:
        occupied = {job.lane for job in self.running + self.aside}
        free = any(job.lane not in occupied for job in self.waiting)
        assert self.lanes.any_ready is free


TestLanes = LanesMachine.TestCase
TestLanes.settings = settings(
    max_examples=examples(60), stateful_step_count=40, deadline=None
)


def test_a_cleared_lane_can_still_be_released() -> None:
    lanes: Lanes[Job] = Lanes()
    running = Job("a", 0)
    lanes.admit(running)
    lanes.admit(Job("a", 1))
    lanes.admit(Job("b", 2))
    assert lanes.next() is running

    assert lanes.clear() == [Job("b", 2)]
    lanes.release(running)

    assert lanes.next() is None
    assert lanes.held == 0
    assert not lanes.any_ready
