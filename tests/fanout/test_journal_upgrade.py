"""Journals of release 1, and the plans that journals belong to."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from css_snapshot.errors import ConfigurationError
from css_snapshot.fanout import (
    Created,
    FanOut,
    Skipped,
    State,
    Target,
    fan_out,
    read_status,
)
from css_snapshot.fanout.targets import digest
from css_snapshot.models import Backup, Ensured
from tests.support.clients import api_client
from tests.support.fanout_bench import (
    NAME,
    Cloud,
    outcomes_of,
    snapshots_of,
    targets,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nightly.db"


async def answer(target: Target) -> Backup:
    return Backup(f"id-of-{target.cluster_id}", target.name)


VERSION_1: Final = (
    """
    CREATE TABLE header (
      plan TEXT NOT NULL, digest BLOB NOT NULL, created TEXT NOT NULL,
      run TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE targets (
      cluster_id TEXT NOT NULL, name TEXT NOT NULL, digest BLOB NOT NULL,
      state TEXT NOT NULL, since TEXT, attempts INTEGER NOT NULL, how TEXT,
      backup_id TEXT, error TEXT, updated TEXT NOT NULL,
      PRIMARY KEY (cluster_id, name)
    ) WITHOUT ROWID
    """,
    f"PRAGMA application_id = {0x43535346}",
    "PRAGMA user_version = 1",
)


def version_1(path: Path, plan: str, *states: str) -> None:
    """Write a journal as release 1 did, with a target per state, `c0` first."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in VERSION_1:
            connection.execute(statement)
        connection.execute(
            "INSERT INTO header VALUES (?, ?, ?, ?)",
            (plan, b"", "2026-11-24T02:00:00+00:00", "r"),
        )
        for number, state in enumerate(states):
            target = Target(f"c{number}", NAME)
            since = "2026-11-24T02:00:01+00:00"
            connection.execute(
                "INSERT INTO targets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    target.cluster_id,
                    NAME,
                    digest(target.cluster_id, target.request()),
                    state,
                    since if state != "failed" else None,
                    1,
                    "created" if state == "done" else None,
                    f"id-of-c{number}" if state == "done" else None,
                    None,
                    since,
                ),
            )
        connection.commit()


async def test_a_journal_of_release_1_is_read_and_gone_on_with(path: Path) -> None:
    version_1(path, "p", "done", "failed", "intent")

    before = read_status(path)
    assert (before.counts[State.ACCEPTED], before.counts[State.INTENT]) == (1, 1)
    assert [e.cluster_id for e in before.entries(State.ACCEPTED)] == ["c0"]

    run = fan_out(answer, targets(3), journal=path, plan="p", reconcile=answer)
    outcomes = {o.target.cluster_id: o for o in await outcomes_of(run)}

    assert isinstance(outcomes["c0"], Skipped)
    assert isinstance(outcomes["c1"], Created)
    assert isinstance(outcomes["c2"], Created)
    assert read_status(path).counts[State.ACCEPTED] == 3
    assert run.summary.is_success


@pytest.mark.parametrize(
    "plan",
    [
        "ensure on_exists=adopt https://css.example.com project",
        "ensure on_exists=adopt https://css.example.com",
    ],
    ids=["with the project", "without it"],
)
async def test_the_plan_of_release_1_is_recognised(path: Path, plan: str) -> None:
    version_1(path, plan, "done")

    run = snapshots_of(Cloud().client(), targets(1), journal=path)
    await outcomes_of(run)

    assert run.summary.skipped == 1
    assert "until=accepted https://css.example.com project" in read_status(path).plan


@pytest.mark.parametrize(
    ("plan", "options"),
    [
        ("ensure on_exists=adopt https://css.example.com elsewhere", {}),
        (
            "ensure on_exists=adopt https://css.example.com project",
            {"until": "completed"},
        ),
    ],
    ids=["another project", "another end"],
)
async def test_another_plan_of_release_1_is_refused_and_left_as_it_is(
    path: Path, plan: str, options: dict[str, Any]
) -> None:
    version_1(path, plan, "done")

    with pytest.raises(ConfigurationError, match="another plan"):
        await outcomes_of(
            snapshots_of(Cloud().client(), targets(1), journal=path, **options)
        )
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


class Told(httpx.Auth):
    """An authentication that tells the project by itself."""

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id

    async def project_id(self) -> str:
        return self._project_id


async def test_two_projects_that_auth_tells_are_two_plans(path: Path) -> None:
    def run(project_id: str) -> FanOut[Ensured]:
        client = api_client(Cloud(), auth=Told(project_id), project_id=None)
        return snapshots_of(client, targets(1), journal=path)

    await outcomes_of(run("first"))

    with pytest.raises(ConfigurationError, match="another plan"):
        await outcomes_of(run("second"))
    again = run("first")
    await outcomes_of(again)
    assert again.summary.skipped == 1
