import itertools
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest

from benchmarks import creation, report
from benchmarks.__main__ import main
from benchmarks.batches import Batches, Measured
from benchmarks.certificates import certificates
from benchmarks.contenders import (
    BASELINE,
    CONTENDERS,
    FLOOR,
    OURS,
    PLAIN_HTTPX,
    SDK,
)
from benchmarks.effort import QUICK
from benchmarks.fan_out import fan_out
from benchmarks.installation import installation, requirements_of
from benchmarks.journal import journal, million
from benchmarks.largest_list import bodies
from benchmarks.markdown import table
from benchmarks.memory import memory
from benchmarks.plot import Line, plot
from benchmarks.processes import (
    Cost,
    GaveUpError,
    MissingPackageError,
    Worker,
    figures_of,
    loopback_server,
)
from benchmarks.report import MEASUREMENTS, USUAL
from benchmarks.request_counts import coverage
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import CannotMeasureError, Section
from benchmarks.server import Behaviour
from benchmarks.signing import instructions_of
from benchmarks.stale import Told, stale
from benchmarks.targets import (
    COVERAGE,
    COVERAGE_AT_ONCE,
    JOURNAL,
    MEMORY_ACCEPTED,
    MEMORY_COMPLETED,
    STALE,
    TARGETS,
    Target,
    target_table,
)
from css_snapshot.api.operations import LIST_SNAPSHOTS
from tests.support.thoroughness import AT_LENGTH


def test_a_spread_is_the_middle_and_the_ends() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert str(Spread.of([3.0, 1.0, 2.0])) == "2.00 (1.00 to 3.00)"
    assert Spread.of([3.0, 1.0, 2.0]).scaled(10) == Spread(20.0, 10.0, 30.0)


def test_ratios_are_taken_within_a_round_not_between_middles() -> None:
    assert Spread.of_ratios([10.0, 1.0, 2.0], [5.0, 1.0, 4.0]) == Spread(1.0, 0.5, 2.0)


def test_a_round_lacking_on_one_side_is_no_ratio() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        Spread.of_ratios([1.0, 2.0], [1.0])


def test_rounds_are_interleaved_and_each_begins_with_another() -> None:
    order: list[str] = []

    def step(name: str) -> float:
        order.append(name)
        return float(len(order))

    samples = interleaved({"a": lambda: step("a"), "b": lambda: step("b")}, 3)

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert samples == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_a_table_is_markdown() -> None:
    assert table(["", "x"], [["a", 1]]) == "|  | x |\n| --- | ---: |\n| a | 1 |"


def test_a_plot_shows_every_line_with_every_point() -> None:
    lines = [Line("<one>", {10: 5.0, 50: 70.0}), Line("two", {10: 900.0, 50: 8.0})]

    root = ET.fromstring(plot(lines, title="t", across="x", up="y"))  # noqa: S314 - ours

    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    curves = [
        curve.attrib["points"].split()
        for curve in root.iter("{http://www.w3.org/2000/svg}polyline")
        if curve.attrib["stroke-width"] == "2"
    ]
    assert {"<one>", "two", "t", "x", "y", "10", "50"} <= set(texts)
    assert [len(points) for points in curves] == [2, 2]
    assert {"10", "100", "500"} <= set(texts)


def test_no_fleet_snapshots_a_cluster_twice() -> None:
    assert len(set(itertools.islice(creation.clusters(), 1000))) == 1000


def test_the_server_answers_each_request_of_a_connection_however_it_is_cut() -> None:
    head = f"POST {creation.path('c1')} HTTP/1.1\r\nContent-Length: 4\r\n\r\n".encode()
    sent = (head + b"body") * 3
    answers = b""

    with loopback_server() as endpoint:
        port = int(endpoint.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for cut in range(0, len(sent), 25):
                connection.sendall(sent[cut : cut + 25])
            while answers.count(creation.ANSWER) < 3:
                answers += connection.recv(65536)

    assert answers.count(b"HTTP/1.1 201 Created\r\n") == 3
    assert answers.count(b"HTTP/1.1") == 3


def test_a_batch_costs_cpu_and_time() -> None:
    with loopback_server() as endpoint, Worker(OURS["fast"], endpoint) as worker:
        costs = [worker.batch(8, 4) for _ in range(2)]

    assert all(cost.cpu > 0 and cost.wall > 0 for cost in costs)


def test_a_contender_that_lacks_its_package_says_so(tmp_path: Path) -> None:
    (tmp_path / "httptools.py").write_text("raise ImportError")

    with pytest.raises(MissingPackageError):
        Worker(OURS["fast"], "http://127.0.0.1:1", {"PYTHONPATH": str(tmp_path)})


@pytest.fixture(scope="module")
def certified() -> Iterator[tuple[str, Mapping[str, str]]]:
    """Serve with a certificate, and yield the address and what makes one trust it."""
    with (
        certificates() as made,
        loopback_server(Behaviour(certificate=made.server, closes=True)) as endpoint,
    ):
        yield endpoint, made.environment


@pytest.mark.parametrize("name", [FLOOR, BASELINE, OURS["fast"], SDK])
def test_everybody_trusts_the_certificate_of_the_run(
    name: str, certified: tuple[str, Mapping[str, str]]
) -> None:
    with Worker(name, *certified) as worker:
        cost = worker.batch(8, 4)

    assert cost.cpu > 0


@pytest.mark.soak
@AT_LENGTH
def test_everybody_takes_part_in_the_fan_out_and_in_the_picture(tmp_path: Path) -> None:
    effort = attrs.evolve(QUICK, rounds=1, in_flight=(3, 50), creates=4)
    picture = tmp_path / "plot.svg"

    section = fan_out(effort, picture)

    for name in CONTENDERS:
        assert f"| {name} | " in str(section)
        assert name in picture.read_text()
    assert f"| {BASELINE} | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) |" in str(section)
    assert f"| {OURS['httpx']} / {PLAIN_HTTPX} | " in str(section)
    assert set(section.figures) == set(MEASUREMENTS["fan-out"].targets)
    assert all(len(figures) == 1 for figures in section.figures.values())


def test_a_target_is_met_by_the_worst_of_its_figures() -> None:
    target = Target("what", 100, "ms", 0)

    assert (target.wanted, target.measured([99.6, 12])) == (
        "≤ 100 ms",
        "12 ms to 100 ms",
    )
    assert target.verdict([99.6, 12]) == "met"
    assert target.verdict([100.0]) == "met"
    assert target.verdict([12, 100.1]) == "missed"


def test_the_first_table_has_every_target_and_why_one_has_no_figure() -> None:
    measured, lacking, *others = TARGETS

    lines = target_table({measured: [0.5]}, {lacking: "no valgrind"}).splitlines()[2:]

    assert len(lines) == len(TARGETS)
    assert lines[0].endswith("| 0.50 | met |")
    assert lines[1].endswith("|  | not measured: no valgrind |")
    assert all(
        line.endswith("|  | not measured: not asked for |") for line in lines[2:]
    )
    assert len(lines[2:]) == len(others)


def test_each_target_is_measured_by_one_section() -> None:
    about = [target for one in MEASUREMENTS.values() for target in one.targets]

    assert len(about) == len(TARGETS)
    assert set(about) == set(TARGETS)


def test_a_run_of_a_million_is_made_only_when_asked_for() -> None:
    assert set(MEASUREMENTS) - set(USUAL) == {"million"}
    assert "| 300 | " in str(million(300))


def test_a_report_begins_with_the_targets_and_goes_on_section_by_section(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    sections = ("layers", "signing", "instructions", "install-size")

    assert main(["--quick", *(f"--only={name}" for name in sections)]) == 0

    printed = capsys.readouterr().out
    head, *rest = printed.split("## ")
    assert "httpx 0." in head
    assert "cores" in head
    assert "it shows that it runs, not how fast" in head
    titles = [text.partition("\n")[0] for text in rest]
    assert titles == ["Targets", "Layers", "Signing", "instructions", "Install size"]
    assert rest[0].count("not measured: valgrind is not installed") == 1
    assert "Not measured: valgrind is not installed." in rest[3]


def test_what_was_measured_is_not_lost_over_what_fails_after_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Section:
        raise RuntimeError("the server gave up")

    stale = attrs.evolve(MEASUREMENTS["stale"], measure=fail)
    broken = {**MEASUREMENTS, "stale": stale}
    monkeypatch.setattr(report, "MEASUREMENTS", broken)

    with pytest.raises(RuntimeError, match="gave up"):
        main(["--quick", "--only=install-size", "--only=stale"])

    printed = capsys.readouterr().out
    assert "## Install size" in printed
    assert printed.count("not measured: the run ended before it") == 1


@pytest.mark.soak
@AT_LENGTH
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="no valgrind")
def test_instructions_are_those_of_the_signatures_alone() -> None:
    # Those of the whole process would be millions for each of so few.
    assert 10_000 < instructions_of("bare", 50) < 500_000


def test_memory_is_that_of_each_way_and_size(monkeypatch: pytest.MonkeyPatch) -> None:
    effort = attrs.evolve(QUICK, rounds=1, targets=(10, 20))
    known: dict[str, Mapping[str, float]] = {}

    def first_of(module: str, way: str, size: str) -> Mapping[str, float]:
        if way not in known:
            known[way] = figures_of(module, way, size)
        return known[way]

    # Each way is run once; the next test has figures that differ by the size.
    monkeypatch.setattr("benchmarks.memory.figures_of", first_of)

    section = memory(effort)

    assert "| | 10 targets | 20 targets |" in str(section).replace("|  |", "| |")
    assert '| `fan_out`, until="completed" | 0.0 | ' in str(section)
    assert section.figures == {}
    assert section.lacking == "only 20 targets were tried"


def test_memory_is_compared_with_that_of_the_least_fleet_in_mebibytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    peaks = {"accepted": 1024, "completed": 2048, "gathered": 4096}
    monkeypatch.setattr(
        "benchmarks.memory.figures_of",
        lambda _, way, size: {"peak": peaks[way] * (1 + int(size) // 100_000)},
    )

    section = memory(attrs.evolve(QUICK, targets=(1_000, 100_000)))

    assert section.figures == {MEMORY_ACCEPTED: [1.0], MEMORY_COMPLETED: [2.0]}


def test_the_journal_s_part_is_what_a_run_takes_more_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def figures(_: str, way: str, number: str, *journals: str) -> dict[str, float]:
        assert number == "200"
        for file in journals:
            Path(file).touch()
        return {"cpu": 0.04 if way == "one-by-one" else 0.03 + 0.01 * len(journals)}

    monkeypatch.setattr("benchmarks.journal.figures_of", figures)

    section = journal(attrs.evolve(QUICK, rounds=1, journalled=200))

    assert set(section.figures) == {JOURNAL}
    assert section.figures[JOURNAL][0] == pytest.approx(0.25)
    assert "| the journal's part | 50.00 (50.00 to 50.00) | 0.25 " in str(section)


def test_creations_one_after_the_other_cost_something() -> None:
    assert figures_of("benchmarks.fleet", "one-by-one", "20")["cpu"] > 0.0


def test_what_was_said_of_creations_is_compared_with_what_arrived() -> None:
    sent = {"a": True, "b": False, "c": None, "d": None, "e": False}
    arrived = {creation.path("a"): 2, creation.path("d"): 1, creation.path("e"): 1}

    told = Told.of(sent, arrived)

    assert told == Told(fine=1, not_sent=1, false_alarms=1, lost=1, lies=1, twice=1)


def test_a_stale_connection_alarms_httpx_more_often_than_our_own_transport() -> None:
    section = stale(attrs.evolve(QUICK, rounds=1, stale=200))

    rows = [line for line in section.tables[1].splitlines() if "css_snapshot" in line]
    assert len(rows) == 2
    assert max(section.figures[STALE]) < 0.5


def test_an_installation_has_what_it_needs_and_nothing_else() -> None:
    code = "import css_snapshot, httptools; css_snapshot.SnapshotService"

    with installation("css-snapshot[fast]") as python:
        subprocess.run([python, "-P", "-c", code], check=True)  # noqa: S603  # ours
        rest = subprocess.run(  # noqa: S603  # ours
            [python, "-P", "-c", "import rich"], check=False, capture_output=True
        )

    assert b"No module named 'rich'" in rest.stderr


def test_an_installation_that_is_not_here_can_t_be_measured() -> None:
    with pytest.raises(CannotMeasureError, match="no-such-package is not installed"):
        requirements_of("no-such-package")


def test_the_largest_list_is_as_large_as_a_list_may_be() -> None:
    for body in bodies().values():
        size = len(json.dumps(body, separators=(",", ":")))
        assert 0.99 * LIST_SNAPSHOTS.most < size <= LIST_SNAPSHOTS.most


def test_requests_are_counted_for_a_whole_fleet() -> None:
    section = coverage(QUICK)

    assert section.figures == {COVERAGE: [0], COVERAGE_AT_ONCE: [16]}
    assert "| requests | 1000 | 1 | 0 | 16 |" in str(section)


def test_who_gives_up_is_left_out_of_that_column_and_told() -> None:
    cost = Cost(cpu=2.0, wall=4.0)
    measured = Measured(
        "server",
        {
            10: Batches({"a": [cost], "b": [attrs.evolve(cost, cpu=1.0)]}),
            50: Batches({"b": [cost]}),
        },
    )

    assert measured.table("b").splitlines()[2:] == [
        "| a | 2.00 (2.00 to 2.00) | gave up |",
        "| b | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) |",
        "| b, µs | 1000000 | 2000000 |",
    ]
    assert measured.medians("a", "b") == [2.0]
    assert measured.medians("b", "a") == [0.5]


def test_a_contender_that_ends_over_a_batch_gave_up() -> None:
    with Worker(OURS["httpx"], "http://127.0.0.1:1") as worker:
        for _ in range(2):
            with pytest.raises(GaveUpError):
                worker.batch(1, 1)
