"""What commands write: for people, for programs, and for neither a secret."""

import pytest

from css_snapshot.cli.output.output import Output
from css_snapshot.cli.output.table import Column
from css_snapshot.cli.output.text import plain
from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from tests.support.command_line import run


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ([], "-"),
        (["a", "b"], "a,b"),
        ("two\nlines", "two lines"),
        ("\x1b[2Jgone", "\N{REPLACEMENT CHARACTER}[2Jgone"),
        ("搜索", "搜索"),
    ],
)
def test_a_value_is_shown_as_one_harmless_line(value: object, text: str) -> None:
    assert plain(value) == text


def test_what_the_service_answers_cannot_steer_a_terminal(
    cloud: EmulatorState, server: EmulatorServer
) -> None:
    cloud.add_cluster(EmulatedCluster(name="\x1b]0;evil\x07[red]x[/red]"))

    ended = run("clusters", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="200")

    assert "\x1b]0;" not in ended.stdout
    assert "[red]x[/red]" in ended.stdout


def test_colours_are_off_where_no_terminal_is(server: EmulatorServer) -> None:
    assert "\x1b" not in run("clusters").stdout


def test_colours_are_on_where_a_terminal_is(server: EmulatorServer) -> None:
    assert "\x1b[32mready" in run("clusters", FORCE_COLOR="1").stdout


def test_no_color_is_honoured(server: EmulatorServer) -> None:
    ended = run("clusters", FORCE_COLOR="1", NO_COLOR="1")

    assert "ready" in ended.stdout
    assert "\x1b[3" not in ended.stdout


def test_a_narrow_terminal_cuts_no_id(
    cloud: EmulatorState, server: EmulatorServer
) -> None:
    ended = run("clusters", FORCE_COLOR="1", NO_COLOR="1", COLUMNS="60")

    joined = "".join(line.strip() for line in ended.stdout.split())
    assert "…" not in joined


def test_lines_are_never_wrapped_where_no_terminal_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output()

    output.note("word " * 100)
    output.rows([{"a": "x" * 300}], [Column("A", "a")], empty="")

    written = capsys.readouterr()
    assert written.err.count("\n") == 1
    assert "x" * 300 in written.out


def test_a_warning_is_an_object_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(json=True).warning("take care")

    assert capsys.readouterr().err == '{"kind": "warning", "message": "take care"}\n'


def test_an_error_of_many_lines_is_told_in_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = Output().failure(OSError("disk\nfull"), "free some space")

    assert code == 1
    assert capsys.readouterr().err == "error: OSError: disk full; free some space\n"
