"""Targets as people write them, and the list they become."""

import codecs
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot.cli.fleet.target_lines import (
    Defaults,
    name_at,
    read_targets,
    targets_in,
)
from css_snapshot.cli.fleet.target_list import (
    RunOptions,
    TargetList,
    list_path,
    read_kept,
)
from css_snapshot.errors import (
    ConfigurationError,
    JournalError,
    RequestValidationError,
)
from css_snapshot.fanout import Target

NIGHTLY = Defaults(name="nightly", indices="logs-*", description="of all")
OPTIONS = RunOptions(
    endpoint="https://css.example", project_id="p1", on_exists="adopt", settle=1.5
)


def read(*lines: str, defaults: Defaults = NIGHTLY) -> list[Target]:
    return list(targets_in(lines, "targets.txt", defaults))


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("c1", Target("c1", "nightly", "logs-*", "of all")),
        ("  c1   special \n", Target("c1", "special", "logs-*", "of all")),
        ("c1 special a,b", Target("c1", "special", "a,b", "of all")),
        ("\ufeffc1", Target("c1", "nightly", "logs-*", "of all")),
        (
            '{"cluster_id": "c1", "indices": ["a", "b"]}',
            Target("c1", "nightly", "a,b", "of all"),
        ),
        (
            '{"cluster_id": "c1", "name": "special", "description": "this one"}',
            Target("c1", "special", "logs-*", "this one"),
        ),
        (
            '{"cluster_id": "c1", "indices": "a,b"}',
            Target("c1", "nightly", "a,b", "of all"),
        ),
    ],
)
def test_a_line_says_as_much_as_it_likes(line: str, target: Target) -> None:
    assert read(line) == [target]


def test_empty_lines_and_comments_do_not_count() -> None:
    assert [target.cluster_id for target in read("# all", "", "c1", "  ", "c2")] == [
        *("c1", "c2")
    ]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("c1 Special", "name"),
        ("c1/../c2", "cluster_id"),
        ("c1 special A", "indices"),
        ("c1 special a b", "target"),
        ("{", "target"),
        ('{"name": "special"}', "cluster_id"),
        ('{"cluster_id": 1}', "cluster_id"),
        ('{"cluster_id": "c1", "indexes": "a"}', "indexes"),
        ('{"cluster_id": "c1", "Name": "special"}', "Name"),
        ('{"cluster_id": "c1", "indices": ""}', "indices"),
        ('{"cluster_id": "c1", "indices": " "}', "indices"),
        ('{"cluster_id": "c1", "indices": []}', "indices"),
        ('{"cluster_id": "c1", "indices": [""]}', "indices"),
        ('{"cluster_id": "c1", "indices": ["a", ""]}', "indices"),
        ('{"cluster_id": "c1", "indices": null}', "indices"),
        ('{"cluster_id": "c1", "indices": [["a"]]}', "indices"),
        ('{"cluster_id": "c1", "indices": {"a": 1}}', "indices"),
        ('{"cluster_id": "c1", "indices": [1]}', "indices"),
        ('{"cluster_id": "c1", "name": ""}', "name"),
        ('{"cluster_id": "c1", "name": null}', "name"),
        ('{"cluster_id": "c1", "description": ""}', "description"),
        ('{"cluster_id": "c1", "description": "\\ud800"}', "description"),
        ('{"cluster_id": "", "name": "special"}', "cluster_id"),
        ('{"cluster_id": "c1", "indices": "a", "indices": "b"}', "target"),
        ('{"cluster_id": "c1", "indices": ' + "[" * 100_000, "target"),
        ('{"cluster_id": ' + "[" * 100_000 + "]" * 100_000 + "}", "target"),
        ("{}", "cluster_id"),
        ('["c1"]', "cluster_id"),
    ],
)
def test_a_mistake_is_named_with_its_line(line: str, field: str) -> None:
    with pytest.raises(
        RequestValidationError, match=rf"^targets\.txt, line 2, {field}: "
    ):
        read("c0", line)


@pytest.mark.parametrize("indices", ["", " ", ","])
def test_indices_for_all_targets_must_not_be_empty(indices: str) -> None:
    with pytest.raises(RequestValidationError, match="indices"):
        read("c1", defaults=Defaults(name="nightly", indices=indices))


MIXED = "c1 nightly\n# 每晚\nc2 nightly\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_file_is_read_in_the_encodings_that_can_be_told(
    encoding: str, mark: bytes, line_end: str, tmp_path: Path
) -> None:
    path = tmp_path / "targets.txt"
    path.write_bytes(mark + MIXED.replace("\n", line_end).encode(encoding))

    assert list(read_targets(path, Defaults())) == [
        *(Target("c1", "nightly"), Target("c2", "nightly"))
    ]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (MIXED.encode("gbk"), 2),
        ("c1 nightly\nc2 \xe4\xf6\xfc\n".encode("latin-1"), 2),
        (b"\xff", 1),
        (codecs.BOM_UTF16_LE + "c1 nightly\nc2".encode("utf-16-le") + b"\x00\xdc", 2),
        (codecs.BOM_UTF16_LE + "c1 nightly\n".encode("utf-16-le") + b"x", 2),
        (codecs.BOM_UTF16_BE + b"\xdc\x00", 1),
    ],
)
def test_another_encoding_is_refused_with_its_line(
    data: bytes, line: int, tmp_path: Path
) -> None:
    path = tmp_path / "targets.txt"
    path.write_bytes(data)

    with pytest.raises(
        RequestValidationError, match=rf"^targets\.txt, line {line}: is not UTF-8"
    ):
        list(read_targets(path, NIGHTLY))


@pytest.mark.parametrize("data", [b"", b"\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_a_file_with_nothing_in_it_has_no_targets(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "targets.txt"
    path.write_bytes(data)

    assert list(read_targets(path, NIGHTLY)) == []


@given(st.binary())
def test_no_file_at_all_ends_in_anything_but_targets_or_a_named_mistake(
    data: bytes,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "targets.txt"
        path.write_bytes(data)
        with suppress(RequestValidationError):
            for target in read_targets(path, NIGHTLY):
                target.request()


def test_a_key_that_stands_twice_is_told_as_such() -> None:
    with pytest.raises(RequestValidationError, match="has a key twice"):
        read('{"cluster_id": "c1", "cluster_id": "c2"}')


def test_a_target_without_a_name_anywhere_is_a_mistake() -> None:
    with pytest.raises(RequestValidationError, match="--snapshot"):
        read("c1", defaults=Defaults())


def test_date_and_time_are_filled_into_a_name() -> None:
    moment = datetime(2026, 11, 24, 2, 3, 4, tzinfo=UTC)

    assert name_at("nightly-{date}-{time}", moment) == "nightly-20261124-020304"
    assert name_at("{other}") == "{other}"


def test_a_list_can_be_gone_through_more_than_once() -> None:
    targets = [Target("c1", "nightly"), Target("c2", "nightly", "a,b", "both")]

    with TargetList.of(targets) as listed:
        assert (listed.count, list(listed), list(listed)) == (2, targets, targets)


def test_a_list_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="there are none"):
        TargetList.of([])


def test_a_mistake_in_the_last_line_is_told_before_the_first_is_used() -> None:
    with pytest.raises(RequestValidationError, match="line 2"):
        TargetList.of(targets_in(["c1", "C 2 3 4"], "x", NIGHTLY))


def test_a_list_is_kept_beside_its_journal_for_its_owner_alone(tmp_path: Path) -> None:
    journal = tmp_path / "nightly.db"
    targets = [Target("c1", "nightly", "a,b"), Target("c2", "nightly")]

    with TargetList.of(targets) as listed, listed.beside(journal, OPTIONS) as keep:
        keep()
    options, again = read_kept(journal)

    with again:
        assert (options, list(again)) == (OPTIONS, targets)
    assert list_path(journal).stat().st_mode & 0o077 == 0
    assert {path.name for path in tmp_path.iterdir()} == {"nightly.db.targets"}


def test_a_later_list_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    journal = tmp_path / "nightly.db"
    for targets in ([Target("c1", "n-1"), Target("c2", "n-1")], [Target("c3", "n-3")]):
        with TargetList.of(targets) as listed, listed.beside(journal, OPTIONS) as keep:
            keep()

    _, again = read_kept(journal)

    with again:
        assert list(again) == [Target("c3", "n-3")]


def test_a_list_that_is_not_kept_leaves_nothing(tmp_path: Path) -> None:
    with (
        TargetList.of([Target("c1", "nightly")]) as listed,
        listed.beside(tmp_path / "nightly.db", OPTIONS),
    ):
        pass

    assert not list(tmp_path.iterdir())


def test_a_journal_needs_a_directory(tmp_path: Path) -> None:
    with (
        TargetList.of([Target("c1", "nightly")]) as listed,
        pytest.raises(ConfigurationError, match="is not a directory"),
        listed.beside(tmp_path / "nowhere" / "nightly.db", OPTIONS),
    ):
        pass


def test_a_missing_list_of_no_journal_says_that_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="missing"):
        read_kept(tmp_path / "nightly.db")


@pytest.mark.parametrize("lines", [[], ["{}"], ["no json"], [OPTIONS], [OPTIONS, "{"]])
def test_a_damaged_list_is_refused(lines: Iterable[object], tmp_path: Path) -> None:
    good = (
        '{"endpoint": "https://a", "project_id": "p", "on_exists": "adopt",'
        ' "settle": 1}'
    )
    text = "\n".join(good if line is OPTIONS else str(line) for line in lines)
    list_path(tmp_path / "nightly.db").write_text(text)

    with pytest.raises(ConfigurationError, match="is not a list of targets"):
        read_kept(tmp_path / "nightly.db")
