import itertools
import socket
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest

from benchmarks import creation
from benchmarks.__main__ import main
from benchmarks.contenders import BASELINE, CONTENDERS, FLOOR, OURS, PLAIN_HTTPX
from benchmarks.effort import QUICK
from benchmarks.fan_out import fan_out
from benchmarks.markdown import table
from benchmarks.memory import memory
from benchmarks.plot import Line, plot
from benchmarks.processes import Worker, loopback_server
from benchmarks.rounds import Spread, interleaved

pytest.importorskip("httpx_aiohttp")


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

    with loopback_server(0.0) as endpoint:
        port = int(endpoint.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for cut in range(0, len(sent), 25):
                connection.sendall(sent[cut : cut + 25])
            while answers.count(creation.ANSWER) < 3:
                answers += connection.recv(65536)

    assert answers.count(b"HTTP/1.1 201 Created\r\n") == 3
    assert answers.count(b"HTTP/1.1") == 3


@pytest.mark.parametrize("name", [FLOOR, BASELINE, OURS["httpx"]])
def test_a_batch_costs_cpu_and_time(name: str) -> None:
    with loopback_server(0.0) as endpoint, Worker(name, endpoint) as worker:
        costs = [worker.batch(8, 4) for _ in range(2)]

    assert all(cost.cpu > 0 and cost.wall > 0 for cost in costs)


def test_everybody_takes_part_in_the_fan_out_and_in_the_picture(tmp_path: Path) -> None:
    effort = attrs.evolve(QUICK, rounds=1, in_flight=(2, 3), creates=4)
    picture = tmp_path / "plot.svg"

    text = fan_out(effort, picture)

    for name in CONTENDERS:
        assert f"| {name} | " in text
        assert name in picture.read_text()
    assert f"| {BASELINE} | 1.00 (1.00 to 1.00) | 1.00 (1.00 to 1.00) |" in text
    assert f"| {OURS['httpx']} / {PLAIN_HTTPX} | 0.30 | " in text


def test_a_report_is_printed_section_by_section(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sections = ("layers", "signing", "install-size")

    assert main(["--quick", *(f"--only={name}" for name in sections)]) == 0

    printed = capsys.readouterr().out
    titles = [line for line in printed.splitlines() if line.startswith("## ")]
    assert titles == ["## Layers", "## Signing", "## Install size"]
    assert "httpx 0." in printed.partition("##")[0]
    assert "cores" in printed.partition("##")[0]


def test_a_fleet_s_memory_is_measured_in_its_own_process() -> None:
    effort = attrs.evolve(QUICK, rounds=1, targets=(10, 20))

    text = memory(effort)

    assert "| `fan_out` | 15.0 | 0.0 | " in text
