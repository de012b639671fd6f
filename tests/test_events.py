import contextlib
import logging
import subprocess
import sys
from collections.abc import Callable

import attrs
import pytest

from css_snapshot import events
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
