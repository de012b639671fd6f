"""What the README states: names, numbers, links, and the answers a newcomer looks for."""

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

import httpx
import pytest

import css_snapshot
from css_snapshot import (
    ConfigurationError,
    CSSError,
    RetryPolicy,
    SnapshotService,
    auth,
    emulator,
    events,
    fanout,
    service,
)
from css_snapshot.api import operations
from css_snapshot.auth import TokenAuth
from css_snapshot.cli.app import RootGroup
from css_snapshot.cli.exit_codes import ExitCode
from css_snapshot.emulator import EmulatorState, EmulatorTransport
from css_snapshot.emulator.emulated_time import EmulatedTime
from css_snapshot.endpoints import css_endpoint
from css_snapshot.fanout import Target
from css_snapshot.integrations import airflow, fastapi, opentelemetry
from css_snapshot.typing import Until
from tests.support import readme

SOURCE: Final = Path(css_snapshot.__file__).parent
ELSEWHERE: Final = {"CLUSTER…", "FILE", "Headers", "Last-Event-ID", "Retry-After"}

ANSWERS: Final = {
    "per-call timeout": (
        "Retries and time limits",
        "Per-call limits** are those of `with_options`",
    ),
    "retrying a 502": ("Retries and time limits", "RetryPolicy(statuses={500, 502})"),
    "a proxy with a password": (
        "Credentials and permissions",
        "HTTPS_PROXY=http://user:p%40ss@proxy.example:3128",
    ),
    "European, OTC and sister regions": (
        "Credentials and permissions",
        "`eu-west-101` among them; Open Telekom Cloud's (OTC) `eu-de`",
    ),
    "has it finished": ("A snapshot in ten lines", "`wait` returns the finished"),
    "from sync code": ("A snapshot in ten lines", "`asyncio.run(main())`"),
    "one index into another cluster": (
        "Restore, and rehearse it",
        "One index of a snapshot into another cluster",
    ),
    "which permissions": (
        "Credentials and permissions",
        "a nightly run and `check` need `css:cluster:list`, `css:snapshot:create`",
    ),
    "what a run costs": (
        "A fleet, complete by six",
        "What it costs in API calls**: for 300 clusters 601",
    ),
    "how to log requests": (
        "Logs, traces and metrics",
        "How to log requests**: `-v` on the command line",
    ),
}


@pytest.mark.parametrize("question", ANSWERS)
def test_a_question_is_answered_where_one_looks(question: str) -> None:
    heading, words = ANSWERS[question]

    assert words in readme.section(heading)


def test_the_contents_name_every_section() -> None:
    contents = readme.README.partition("\n## ")[0]
    linked = re.findall(r"\]\(#([^)]+)\)", contents)

    assert linked == [readme.anchor(heading) for heading in readme.headings()]


def test_links_within_the_page_lead_somewhere() -> None:
    links = set(re.findall(r"\]\(#([^)]+)\)", readme.README))

    assert links <= set(map(readme.anchor, readme.headings()))


def test_the_chinese_part_has_the_same_examples() -> None:
    chinese = readme.examples(readme.CHINESE)

    assert len(chinese) >= 3
    assert set(chinese) <= set(readme.examples(readme.ENGLISH))


def test_it_is_read_in_ten_minutes_and_in_any_window() -> None:
    lines = readme.README.splitlines()

    assert len(lines) <= 490
    assert max(map(len, lines)) <= 100


def test_links_to_files_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", readme.README)

    assert "tests/airflow/dags/nightly_fleet.py" in links
    assert [link for link in links if not (readme.ROOT / link).is_file()] == []


def test_examples_fit_into_a_terminal() -> None:
    lines = [
        line
        for example in readme.examples(readme.README)
        for line in example.splitlines()
    ]

    assert max(map(len, lines)) <= 80


def test_the_tree_shows_each_branch_of_the_errors_and_what_is_below() -> None:
    tree = readme.README.partition("\nCSSError  ")[2].partition("```")[0]
    branches = re.split(r"^[├└]─ ", tree, flags=re.MULTILINE)[1:]

    shown = {branch.split()[0]: branch for branch in branches}

    assert shown.keys() == {error.__name__ for error in public_children(CSSError)}
    for name, branch in shown.items():
        for leaf, status in re.findall(r"\b([A-Z]\w+Error)\b(?: (\d{3}))?", branch):
            error = getattr(css_snapshot, leaf)
            assert issubclass(error, getattr(css_snapshot, name))
            assert status in (error.__doc__ or "")


def public_children(error: type[CSSError]) -> list[type[CSSError]]:
    names = vars(css_snapshot)["__all__"]
    return [child for child in error.__subclasses__() if child.__name__ in names]


def test_the_table_of_calls_has_every_call_and_every_method() -> None:
    table = service.__doc__ or ""
    calls = set(re.findall(r"^([A-Z]+) …(/\S+)", table, re.MULTILINE))
    named = set(re.findall(r"\w+", table))
    methods = {name for name in vars(SnapshotService) if not name.startswith("_")}
    not_calls = {"from_env", "aclose", "with_options"}

    assert calls == {
        (call.method, shortened(call.template))
        for call in vars(operations).values()
        if isinstance(call, operations.VendorCall)
    }
    assert methods - not_calls - named == set()


def test_the_permissions_are_those_of_the_table_of_calls() -> None:
    text = readme.section("Credentials and permissions")
    actions = set(re.findall(r"`(css:\w+:\w+)`", text))

    assert len(actions) == 6
    assert [name for name in actions if name not in (service.__doc__ or "")] == []


def shortened(template: str) -> str:
    """Return a path as the table has it, without what all paths begin with."""
    inner = re.sub(r"^/v[\d.]+/{project_id}", "", template)
    below = inner.removeprefix("/clusters/{cluster_id}")
    return below or inner


def test_each_name_in_the_text_exists() -> None:
    names = {word for word in readme.code_words() if re.fullmatch(r"[A-Z]\w+", word)}
    places = (
        *(css_snapshot, auth, events, fanout, emulator, fastapi, opentelemetry),
        SnapshotService,
    )
    constants = {name for name in names if name.isupper()}

    unknown = {
        name
        for name in names - constants - ELSEWHERE
        if not any(hasattr(place, name) for place in places)
        and name not in vars(airflow)["__all__"]  # without Airflow
    }

    assert unknown == set()


def test_each_variable_in_the_text_is_read_somewhere() -> None:
    variables = set(re.findall(r"\b(?:HUAWEICLOUD_SDK|CSS)_[A-Z_]+\b", readme.README))
    code = "".join(file.read_text("utf-8") for file in SOURCE.rglob("*.py"))

    assert len(variables) >= 10
    assert {name for name in variables if name not in code} == set()


def test_each_region_in_the_text_is_known() -> None:
    for region in re.findall(
        r"`([a-z]{2}-[a-z]+-?\d*)`", readme.section("Credentials and permissions")
    ):
        assert css_endpoint(region).startswith("https://")


def test_the_extras_are_those_that_there_are() -> None:
    project = tomllib.loads((readme.ROOT / "pyproject.toml").read_text("utf-8"))
    extras = set(project["project"]["optional-dependencies"])
    told = readme.section("Status and install").partition("Extras:")[2]
    named = set(re.findall(r"`([a-z0-9]+)`", told))

    assert named == extras


def test_the_verbs_and_exit_codes_of_the_command_are_told() -> None:
    text = readme.section("On the command line")
    codes = text.partition("Exit codes:")[2].partition("read.")[0]

    assert {verb for verb in RootGroup.entries if f"`{verb}`" not in text} == set()
    assert {int(code) for code in re.findall(r"\b\d+\b", codes)} == set(ExitCode)


def test_what_is_never_repeated_can_not_be_made_to_be() -> None:
    text = readme.section("Retries and time limits")
    statuses = re.findall(r"\b\d{3}\b", text.partition(" never are.")[0][-60:])

    assert len(statuses) == 7
    for status in map(int, statuses):
        with pytest.raises(ConfigurationError):
            RetryPolicy(statuses=frozenset({status}))


@pytest.mark.parametrize(
    ("until", "operation", "shown", "requests"),
    [
        ("accepted", "ensure", True, "601"),
        ("accepted", "create", True, "301"),
        ("completed", "ensure", True, "925"),
        ("completed", "ensure", False, "5,664"),
    ],
)
async def test_a_run_costs_what_the_text_says(
    until: Until, operation: fanout.SnapshotOperation, shown: bool, requests: str
) -> None:
    time = EmulatedTime(began=1_770_000_000.0)
    state = EmulatorState(
        clusters=300,
        build_seconds=300.0,
        show_snapshotting=shown,
        clock=time.timestamp,
    )
    counted = Counted(state)
    service = SnapshotService(
        endpoint="https://css.emulator.invalid",
        project_id=state.project_id,
        auth=TokenAuth(state.token),
        transport=counted,
        clock=time.clock(),
    )

    targets = [Target.of(cluster, "nightly") async for cluster in service.clusters()]
    async with service.fan_out(
        targets, until=until, operation=operation, limit=50
    ) as run:
        summary = await run.finish()

    assert (summary.good, summary.bad) == (300, 0)
    assert f"{counted.requests.total():,}" == requests
    assert requests in readme.section("A fleet, complete by six")


class Counted(httpx.AsyncBaseTransport):
    """Counts the requests to an emulator, by method."""

    def __init__(self, state: EmulatorState) -> None:
        self._emulator = EmulatorTransport(state)
        self.requests: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests[request.method] += 1
        return await self._emulator.handle_async_request(request)
