"""The pictures of the README: made from real runs, and nothing in them from elsewhere."""

import re
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from benchmarks.pictures import main
from benchmarks.screen import capture, shown
from tests.support import readme

KEPT: Final = sorted((readme.ROOT / "benchmarks/pictures").glob("*.svg"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of a small run."""
    folder = tmp_path_factory.mktemp("pictures")
    assert main(["--quick", "--folder", str(folder)]) == 0
    return folder


def test_the_command_makes_every_picture_that_is_kept(made: Path) -> None:
    assert [file.name for file in sorted(made.iterdir())] == [f.name for f in KEPT]


def test_the_demonstration_is_shown_to_its_end(made: Path) -> None:
    lines = text(made / "demo.svg")

    assert lines[0] == "css-snapshot demo --clusters 3"
    assert lines[-1] == "3 completed, 0 duplicated"


def test_a_run_is_shown_on_its_way(made: Path) -> None:
    title, due, bar, *_, pace = text(made / "fan-out.svg")

    assert title.startswith("css-snapshot fan-out --all-clusters")
    assert due.startswith("due by ")
    assert "0/3" in bar
    assert re.search(r"in flight, at most 40/s, due 06:00 UTC$", pace)


def test_the_calendar_is_shown_with_its_legend(made: Path) -> None:
    lines = text(made / "check.svg")

    assert any(re.match(r"orders +fresh +\+{14} ", line) for line in lines)
    assert any(re.match(r"customers +stale +\+{12}xx ", line) for line in lines)
    assert lines[-2].endswith("+ good, > building, ~ partial, x failed, . none")


@pytest.mark.parametrize("picture", KEPT, ids=lambda file: file.stem)
def test_a_kept_picture_is_shown_and_asks_nobody_for_anything(picture: Path) -> None:
    source = picture.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[\w.]+", source))

    assert f"](benchmarks/pictures/{picture.name})" in readme.README
    assert addresses <= {"http://www.w3.org", "http://127.0.0.1"}
    assert "@font-face" not in source
    assert "url(" not in source.replace("url(#", "")
    assert not re.search(r"/(home|root|tmp|work|Users)/", source)


def test_lines_that_were_drawn_over_are_not_shown() -> None:
    bar = "\x1b[?25lone\r\n50 %\r\x1b[2K\x1b[1A\x1b[2Ktwo\r\n100 %\r\n\x1b[?25h"

    assert shown(f"before\r\n{bar}after\r\n") == "before\ntwo\n100 %\nafter"


def test_a_command_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.screen._PATIENCE", 0.0)

    with pytest.raises(TimeoutError, match="css-snapshot --version came to no end"):
        capture(["--version"], {})


def text(picture: Path) -> list[str]:
    """Return the lines that a picture shows, its title first."""
    lines: dict[float, str] = {}
    for element in ET.parse(picture).iter():  # noqa: S314  # made here
        written = (element.text or "").replace("\xa0", " ")
        if element.tag.endswith("}text") and written.strip():
            is_title = element.get("class", "").endswith("-title")
            row = 0.0 if is_title else float(element.get("y", ""))
            lines[row] = lines.get(row, "") + written
    return [lines[row].rstrip() for row in sorted(lines)]
