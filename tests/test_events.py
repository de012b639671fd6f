import contextlib
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Final

import attrs
import httpx
import pytest

from css_snapshot import SnapshotService, events
from css_snapshot.errors import InternalServerError
from css_snapshot.events import (
    BudgetEmpty,
    Call,
    Event,
    OperationFinished,
    OperationStarted,
    Reconciled,
    RetryScheduled,
    Workflow,
    WorkflowFinished,
    WorkflowStarted,
    notify,
    telling,
    telling_workflow,
)

RETRY = RetryScheduled(
    method="POST",
    path="/x",
    attempt=1,
    attempts=3,
    pause=0.25,
    error=InternalServerError("POST /x: 500", status=500),
)
CALL = Call(method="GET", path="/x", ids={}, endpoint="https://css.example")
EMPTY = BudgetEmpty(method="POST", path="/x", attempt=2)
FOUND = Reconciled(cluster_id="c1", name="nightly", found=1, looks=2)


def test_an_observer_gets_the_event_itself_once() -> None:
    seen: list[Event] = []

    notify(seen.append, FOUND)

    assert seen == [FOUND]
    assert seen[0] is FOUND


def test_without_an_observer_events_are_logged_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    notify(None, RETRY)
    notify(None, EMPTY)

    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        (
            "css_snapshot",
            "WARNING",
            "POST /x: attempt 1 of 3 failed (POST /x: 500), next in 0.2 s",
        ),
        (
            "css_snapshot",
            "WARNING",
            "POST /x: attempt 2 failed, no retry: the retry budget is spent",
        ),
    ]


def test_what_needs_no_attention_is_for_debugging(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "css_snapshot")

    notify(None, FOUND)

    (record,) = caplog.records
    assert record.levelno == logging.DEBUG
    assert "nightly" in record.getMessage()


def test_what_an_observer_raises_is_logged_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def observer(event: Event) -> None:
        raise LookupError("no such dashboard")

    notify(observer, FOUND)

    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "observer failed on Reconciled" in record.getMessage()
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_observer_can_not_hold_up_the_end_of_the_program(
    stop: type[BaseException],
) -> None:
    def observer(event: Event) -> None:
        raise stop

    with pytest.raises(stop):
        notify(observer, FOUND)


@pytest.mark.parametrize("error", [None, LookupError("no"), KeyboardInterrupt()])
def test_a_workflow_is_told_of_from_its_start_to_its_end(
    error: BaseException | None,
) -> None:
    seen: list[Event] = []
    seconds = iter([10.0, 12.5])
    workflow = Workflow(name="ensure", cluster_id="c1")

    with (
        pytest.raises(type(error)) if error else contextlib.nullcontext(),
        telling_workflow(seen.append, workflow, lambda: next(seconds)),
    ):
        assert seen == [WorkflowStarted(workflow=workflow)]
        if error is not None:
            raise error

    started, finished = seen
    assert isinstance(started, WorkflowStarted)
    assert started.workflow is workflow
    assert isinstance(finished, WorkflowFinished)
    assert finished.workflow is workflow
    assert (finished.elapsed, finished.error) == (2.5, error)


def test_an_operation_is_told_of_from_its_start_to_its_end() -> None:
    seen: list[Event] = []
    seconds = iter([10.0, 12.5])

    with telling(seen.append, CALL, lambda: next(seconds)):
        pass

    assert seen == [
        OperationStarted(call=CALL),
        OperationFinished(call=CALL, elapsed=2.5, error=None),
    ]


@pytest.mark.parametrize("event", [RETRY, EMPTY])
def test_whose_event_it_is_neither_shows_nor_counts(
    event: RetryScheduled | BudgetEmpty,
) -> None:
    with_call = attrs.evolve(event, call=CALL)

    assert with_call == event
    assert repr(with_call) == repr(event)


def test_two_workflows_of_the_same_name_are_not_the_same() -> None:
    assert Workflow(name="wait") != Workflow(name="wait")


def test_the_log_goes_nowhere_unless_the_program_says_where(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = (
        "from css_snapshot.events import BudgetEmpty, notify\n"
        "notify(None, BudgetEmpty(method='POST', path='/x', attempt=2))\n"
        "import css_snapshot.auth, logging\n"
        "logging.getLogger('css_snapshot.auth').warning('expired')\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  # our own

    assert capfd.readouterr() == ("", "")


LOGGED: Final = """
import asyncio, logging, sys
from css_snapshot import SnapshotService
from css_snapshot.auth import TokenAuth
from css_snapshot.emulator import EmulatorState, EmulatorTransport, Fault

async def main():
    state = EmulatorState(clusters=1)
    state.faults.add(Fault.drop(), operation="list")
    (cluster_id,) = state.cluster_ids
    transport = EmulatorTransport(state)
    for _ in range(2):
        service = SnapshotService.from_env(
            endpoint="https://css.example",
            project_id=state.project_id,
            auth=TokenAuth(state.token),
            transport=transport,
        )
    await service.ensure(cluster_id, "nightly")

if sys.argv[1:]:
    logging.basicConfig(format=sys.argv[1], level=logging.WARNING)
if sys.argv[2:]:
    logger = logging.getLogger("css_snapshot")
    logger.addHandler(logging.root.handlers.pop())
    logger.setLevel(sys.argv[2])
asyncio.run(main())
"""


def logged(level: str, *arguments: str) -> list[str]:
    """Return the lines that a program with `CSS_SNAPSHOT_LOG` writes of its calls."""
    ran = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-c", LOGGED, *arguments],
        env={**os.environ, "CSS_SNAPSHOT_LOG": level},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout == ""
    return ran.stderr.splitlines()


def test_the_log_shows_each_answer_once_where_a_variable_asks_for_it() -> None:
    lost, listed, created = (
        line for line in logged("info") if " INFO css_snapshot: " in line
    )

    assert ": ConnectionLostError in " in lost
    assert ", cluster_id " in lost
    assert "index_snapshots: 200 in " in listed
    assert re.search(
        r"^\d{4}-\d\d-\d\d \S+ INFO css_snapshot: POST \S+/index_snapshot: 201 in"
        r" \d\.\d{3} s, cluster_id [0-9a-f-]{36}, request [0-9a-f]{32}$",
        created,
    )


def test_the_log_shows_everything_where_a_variable_asks_for_it() -> None:
    lines = logged("DEBUG")

    assert [line for line in lines if "WorkflowStarted" in line]
    assert len([line for line in lines if " INFO css_snapshot: POST " in line]) == 1


@pytest.mark.parametrize("level", ["", "warning"])
def test_the_log_shows_no_answer_unless_asked_for_it(level: str) -> None:
    assert not [line for line in logged(level) if " INFO " in line]


def test_the_log_goes_where_the_program_sends_all_others() -> None:
    lines = logged("info", "mine: %(levelname)s %(message)s")

    assert [line.split(" /")[0] for line in lines if "INFO" in line] == [
        *("mine: INFO GET", "mine: INFO GET", "mine: INFO POST")
    ]
    assert not [line for line in lines if not line.startswith("mine: ")]


def test_the_log_goes_where_the_program_sends_this_package_s_alone() -> None:
    lines = logged("info", "mine: %(levelname)s %(message)s", "NOTSET")

    assert [line.split(" /")[0] for line in lines if "INFO" in line] == [
        *("mine: INFO GET", "mine: INFO GET", "mine: INFO POST")
    ]
    assert not [line for line in lines if not line.startswith("mine: ")]


def test_a_level_that_the_program_has_set_stays() -> None:
    lines = logged("debug", "mine: %(levelname)s %(message)s", "WARNING")

    assert {line.split()[1] for line in lines} == {"WARNING"}


def test_a_service_that_is_made_by_hand_leaves_the_log_alone(
    make_service: Callable[..., SnapshotService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSS_SNAPSHOT_LOG", "debug")
    logger = logging.getLogger("css_snapshot")
    before = logger.level, list(logger.handlers)

    make_service(httpx.MockTransport(lambda _: httpx.Response(200)))

    assert (logger.level, list(logger.handlers)) == before


def test_a_level_that_is_none_is_refused() -> None:
    *_, last = logged("loud")

    assert last.endswith(
        "ConfigurationError: CSS_SNAPSHOT_LOG: must be debug, info, warning or error"
    )


def _event_classes() -> list[type[attrs.AttrsInstance]]:
    return [
        value
        for name, value in vars(events).items()
        if not name.startswith("_")
        and isinstance(value, type)
        and attrs.has(value)
        and value.__module__ == events.__name__
    ]


@pytest.mark.parametrize("kind", _event_classes())
def test_events_are_frozen_values_with_named_fields(
    kind: type[attrs.AttrsInstance],
) -> None:
    fields = attrs.fields(kind)
    make: Callable[..., attrs.AttrsInstance] = kind
    values = {field.name: None for field in fields if field.init}

    event = make(**values)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(event, fields[0].name, 1)
    assert not hasattr(event, "__dict__")
    with pytest.raises(TypeError):
        make(*values.values())


@pytest.mark.parametrize("kind", _event_classes())
def test_every_field_of_an_event_is_documented(
    kind: type[attrs.AttrsInstance],
) -> None:
    text = kind.__doc__ or ""

    assert [f.name for f in attrs.fields(kind) if f"{f.name}:" not in text] == []
