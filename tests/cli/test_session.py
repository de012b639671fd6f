"""How a command ends: every way out has its exit code, and one line."""

import asyncio

import httpx
import pytest
import typer

from css_snapshot import default_transport
from css_snapshot.cli import connection
from css_snapshot.cli.command import command, finish
from css_snapshot.cli.connection import Location
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.cli.output.output import Output
from css_snapshot.errors import ConfigurationError
from css_snapshot.transport.default import TransportKind
from tests.support.command_line import run


async def fails_with(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigurationError("x: is wrong"), 2, "error: x: is wrong\n"),
        (FileNotFoundError("nowhere"), 1, "error: FileNotFoundError: nowhere\n"),
        (
            KeyError("x"),
            1,
            "error: KeyError: 'x'; this is a bug: --debug shows where\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_every_error_ends_in_its_code_and_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit) as ended:
        finish(Output(), fails_with(error))

    assert ended.value.exit_code == code
    assert capsys.readouterr().err == line


def test_a_command_that_ends_without_a_code_is_done() -> None:
    async def work() -> None:
        await asyncio.sleep(0)

    with pytest.raises(typer.Exit) as ended:
        finish(Output(), work())

    assert ended.value.exit_code == ExitCode.DONE


def test_a_reader_that_leaves_is_told_by_the_exit_code_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(typer.Exit) as ended:
        finish(Output(), fails_with(BrokenPipeError()))

    assert ended.value.exit_code == ExitCode.CLOSED_PIPE
    assert capsys.readouterr() == ("", "")


def test_a_command_must_say_where_it_writes_to() -> None:
    async def work(number: int) -> None: ...

    with pytest.raises(TypeError, match="Session or an Output"):
        command(work)(number=1)


@pytest.mark.parametrize(
    ("environment", "location", "address"),
    [
        ({"CSS_ENDPOINT": "https://a"}, Location(), "https://a"),
        ({"CSS_ENDPOINT": "https://a"}, Location(endpoint="https://b"), "https://b"),
        (
            {"CSS_ENDPOINT": "https://a"},
            Location(region="cn-north-4"),
            "https://css.cn-north-4.myhuaweicloud.com",
        ),
        (
            {"HUAWEICLOUD_SDK_REGION": "cn-north-1"},
            Location(),
            "https://es.cn-north-1.myhuaweicloud.com",
        ),
        (
            {"HUAWEICLOUD_SDK_REGION": "cn-north-1", "CSS_ENDPOINT": "https://a"},
            Location(),
            "https://a",
        ),
    ],
)
def test_options_come_before_the_environment(
    environment: dict[str, str],
    location: Location,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert location.address == address


@pytest.mark.parametrize(
    ("variable", "options", "kind"),
    [
        (None, (), "httpx"),
        ("fast", (), "fast"),
        (None, ("--transport", "fast"), "fast"),
        ("fast", ("--transport", "httpx"), "httpx"),
    ],
)
def test_the_transport_is_the_one_asked_for(
    cluster: str,
    monkeypatch: pytest.MonkeyPatch,
    variable: str | None,
    options: tuple[str, ...],
    kind: str,
) -> None:
    pytest.importorskip("httptools")
    made: list[str] = []

    def noting(kind: TransportKind) -> httpx.AsyncBaseTransport:
        made.append(kind)
        return default_transport(kind)

    monkeypatch.setattr(connection, "default_transport", noting)
    if variable is not None:
        monkeypatch.setenv("CSS_SNAPSHOT_TRANSPORT", variable)

    assert run("list", cluster, *options).exit_code == 0
    assert made == [kind]


def test_a_variable_that_names_no_transport_is_refused(
    cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSS_SNAPSHOT_TRANSPORT", "carrier pigeon")

    refused = run("list", cluster)

    assert refused.exit_code == 2
    assert "error: CSS_SNAPSHOT_TRANSPORT: 'carrier pigeon' is not" in refused.stderr


def test_an_option_that_names_no_transport_is_refused(cluster: str) -> None:
    refused = run("list", cluster, "--transport", "pigeon")

    assert refused.exit_code == 2
    assert "'--transport': 'pigeon' is not one of" in refused.stderr


def test_a_choice_that_there_is_not_is_refused_in_the_words_of_the_command() -> None:
    refused = run("list", "c1", "--retry", "always")

    assert refused.exit_code == 2
    assert "'--retry': 'always' is not one of" in refused.stderr
