import select
import socket
from collections.abc import Iterator

import pytest

from css_snapshot.transport.kept import readability_check


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture(params=["poll", "select"])
def ours_and_theirs(
    request: pytest.FixtureRequest,
    ends: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[socket.socket, socket.socket]:
    if request.param == "select":
        monkeypatch.delattr(select, "poll", raising=False)
    return ends


def test_a_connection_on_which_nothing_is_said_is_quiet(
    ours_and_theirs: tuple[socket.socket, socket.socket],
) -> None:
    assert readability_check(ours_and_theirs[0])() is False


def test_a_connection_with_something_to_read_is_not(
    ours_and_theirs: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ours_and_theirs
    theirs.send(b"H")

    assert readability_check(ours)() is True


def test_nor_is_one_that_the_other_side_has_closed(
    ours_and_theirs: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ours_and_theirs
    theirs.close()

    assert readability_check(ours)() is True


def test_a_quiet_connection_is_not_waited_for(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    class Poll:
        def register(self, sock: socket.socket, events: int) -> None:
            assert (sock, events) == (ends[0], select.POLLIN)

        def poll(self, limit: float) -> list[tuple[int, int]]:
            limits.append(limit)
            return []

    def select_(*args: object) -> tuple[list[object], list[object], list[object]]:
        assert args[:3] == ([ends[0]], [], [])
        limits.append(args[3])  # type: ignore[arg-type]  # the limit
        return [], [], []

    monkeypatch.setattr(select, "poll", Poll)
    assert readability_check(ends[0])() is False
    monkeypatch.delattr(select, "poll")
    monkeypatch.setattr(select, "select", select_)
    assert readability_check(ends[0])() is False

    assert limits == [0, 0]
