"""Which requests a fault strikes, without HTTP."""

from collections.abc import Callable

import pytest

from css_snapshot.emulator import Fault, Faults
from css_snapshot.emulator.cloud.response import Response
from css_snapshot.emulator.cloud.vendor_errors import VendorError


def test_a_fault_strikes_once_unless_told_otherwise() -> None:
    faults, fault = Faults(), Fault.drop()
    faults.add(fault)
    assert [faults.choose("create"), faults.choose("create")] == [fault, None]


def test_a_fault_may_strike_several_times_or_for_ever() -> None:
    faults, twice, always = Faults(), Fault.drop(), Fault.reset()
    faults.add(twice, times=2)
    faults.add(always, times=None)
    assert [faults.choose("list") for _ in range(5)] == [twice] * 2 + [always] * 3


def test_a_fault_strikes_only_its_operation_and_cluster() -> None:
    faults, fault = Faults(), Fault.drop()
    faults.add(fault, operation="create", cluster_id="a")
    assert faults.choose("list", "a") is None
    assert faults.choose("create", "b") is None
    assert faults.choose("create") is None
    assert faults.choose("create", "a") is fault


def test_a_fault_may_strike_only_the_nth_request_that_matches() -> None:
    faults, fault = Faults(), Fault.drop()
    faults.add(fault, operation="create", nth=3)
    struck = [
        faults.choose(operation)
        for operation in ("create", "list", "create", "create", "create")
    ]
    assert struck == [None, None, None, fault, None]


def test_every_rule_counts_every_request_that_matches_it() -> None:
    faults, first, second = Faults(), Fault.drop(), Fault.reset()
    faults.add(first, times=1)
    rule = faults.add(second, nth=2)
    assert [faults.choose("create"), faults.choose("create")] == [first, second]
    assert rule.matched == 2


def test_a_rule_that_loses_keeps_its_times() -> None:
    faults, first, second = Faults(), Fault.drop(), Fault.reset()
    faults.add(first)
    faults.add(second)
    struck = [faults.choose("create") for _ in range(3)]
    assert struck == [first, second, None]


def test_chance_is_seeded() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault.drop(), times=None, probability=0.5)
        return [faults.choose("create") is not None for _ in range(64)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 16 < sum(run(1)) < 48


def test_faults_can_be_taken_back() -> None:
    faults, kept = Faults(), Fault.reset()
    removed = faults.add(Fault.drop(), times=None)
    faults.add(kept, times=None)

    faults.remove(removed)
    faults.remove(removed)
    struck = faults.choose("create")
    faults.clear()

    assert struck is kept
    assert faults.choose("create") is None


@pytest.mark.parametrize(
    ("fault", "commits"),
    [
        (Fault.status(500), False),
        (Fault.status_after_commit(500), True),
        (Fault.delay(1.0), True),
        (Fault.delay_after_commit(1.0), True),
        (Fault.drop(), False),
        (Fault.drop_after_commit(), True),
        (Fault.reset(), False),
        (Fault.reset_after_commit(), True),
        (Fault.truncate(), True),
        (Fault.drip(), True),
        (Fault.garbage(), True),
        (Fault.redirect("https://elsewhere.invalid"), False),
        (Fault.throttle(), False),
        (Fault.body(201, "{"), True),
        (Fault.body(500, "<html>"), False),
    ],
)
def test_each_fault_knows_whether_the_request_is_carried_out(
    fault: Fault, commits: bool
) -> None:
    assert fault.commits is commits


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.status(500), "CSS.0005"),
        (Fault.status(202), "CSS.0011"),
        (Fault.status(400), "CSS.0001"),
        (Fault.status(403), "CSS.0015"),
        (Fault.status(404), "CSS.0022"),
        (Fault.status(409), "CSS.0011"),
        (Fault.status(413), "CSS.0030"),
        (Fault.status(415), "CSS.0004"),
        (Fault.status(422), "CSS.0040"),
        (Fault.status(409, code="CSS.0043"), "CSS.0043"),
        (Fault.status(401, dialect="gateway"), "APIGW.0301"),
        (Fault.status(403, dialect="gateway"), "APIGW.0302"),
        (Fault.status(404, dialect="gateway"), "APIGW.0101"),
        (Fault.status(429, dialect="gateway"), "APIGW.0308"),
        (Fault.status(502, dialect="gateway"), "APIGW.0201"),
        (Fault.status(429, dialect="iam"), "IAM.0012"),
        (Fault.status(503, dialect="plain"), ""),
        (Fault.status(503, dialect="iam"), ""),
        (Fault.status(500, dialect="html"), ""),
    ],
)
def test_an_injected_error_has_a_code_that_fits(fault: Fault, code: str) -> None:
    assert isinstance(fault.instead, VendorError)
    assert fault.instead.code == code


def test_an_injected_error_says_what_it_is_told() -> None:
    fault = Fault.status_after_commit(500, message="CSS.0005 : Try again.")
    assert isinstance(fault.instead, VendorError)
    assert fault.instead.message == "CSS.0005 : Try again."


def test_a_body_may_be_bytes_of_any_type() -> None:
    fault = Fault.body(200, b"\xff", "application/octet-stream")
    headers = {"Content-Type": "application/octet-stream"}
    assert fault.instead == Response(200, b"\xff", headers)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fault.status(99),
        lambda: Fault.status(600),
        lambda: Fault.status(500.0),  # type: ignore[arg-type]  # what JSON may hold
        lambda: Fault.status(500, dialect="klingon"),  # type: ignore[arg-type]  # likewise
        lambda: Fault.body(100, ""),
        lambda: Fault.body(200, "", "text/html\r\nX-Evil: 1"),
        lambda: Fault.redirect("https://a\r\nX-Evil: 1"),
        lambda: Fault.redirect("https://ä"),
        lambda: Fault.delay(-1.0),
        lambda: Fault.delay(float("nan")),
        lambda: Fault.delay_after_commit(float("inf")),
        lambda: Fault.drip(-0.1),
    ],
    ids=[
        *("status 99", "status 600", "float status", "dialect", "body status"),
        *("header in type", "header in location", "location", "delay", "nan"),
        *("infinite", "drip"),
    ],
)
def test_a_fault_that_cannot_be_carried_out_is_refused(
    make: Callable[[], Fault],
) -> None:
    with pytest.raises(ValueError, match=r"status|dialect|ASCII|seconds"):
        make()


def test_chance_starts_at_zero_unless_it_is_told_where() -> None:
    plain, told, other = Faults(), Faults(0), Faults(1)
    for faults in (plain, told, other):
        faults.add(Fault.drop(), times=None, probability=0.5)
    struck = [
        [faults.choose("create") is not None for _ in range(50)]
        for faults in (plain, told, other)
    ]
    assert struck[0] == struck[1] != struck[2]
