"""The README does what it says: its code runs, its commands are whole."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from css_snapshot.emulator import EmulatedCluster, EmulatorServer, EmulatorState
from tests.support.api_table import written

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
FLAGS: Final = re.DOTALL | re.MULTILINE
BLOCK: Final = re.compile(r"^```python\n(.*?)^```$", FLAGS)
BLOCKS: Final = BLOCK.findall(README)
CLUSTER: Final = "ea244205-d641-45d9-9dcb-ab2236bcd07e"


@pytest.fixture
def emulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[EmulatorState]:
    """Put an emulator with the README's cluster where `from_env` looks."""
    monkeypatch.chdir(tmp_path)
    state = EmulatorState(clusters=[EmulatedCluster(id=CLUSTER)], build_seconds=0.0)
    with EmulatorServer(state).run_in_thread() as server:
        endpoint = server.endpoint
        monkeypatch.setenv("CSS_ENDPOINT", endpoint)
        monkeypatch.setattr(
            "css_snapshot.configuration.css_endpoint", lambda _: endpoint
        )
        monkeypatch.setenv("HUAWEICLOUD_SDK_AK", state.access_key)
        monkeypatch.setenv("HUAWEICLOUD_SDK_SK", state.secret_key)
        monkeypatch.setenv("HUAWEICLOUD_SDK_PROJECT_ID", state.project_id)
        yield state


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_block_of_code_runs(
    number: int, emulator: EmulatorState, capsys: pytest.CaptureFixture[str]
) -> None:
    code = BLOCKS[number]
    names: dict[str, object] = {"__name__": "__main__"}

    exec(compile(code, f"README block {number}", "exec"), names)  # noqa: S102  # that is the test

    if isinstance(app := names.get("app"), FastAPI):
        assert asyncio.run(_put_snapshots(app)) == [201, 200, 502]
    printed = capsys.readouterr().out
    assert ("print(" in code) <= bool(printed.strip())
    assert "Traceback" not in printed


def test_the_tables_are_those_that_the_code_makes() -> None:
    assert written(README) == README


def test_the_chinese_part_has_the_same_examples() -> None:
    english, _, chinese = README.partition("\n## 中文\n")

    examples = BLOCK.findall(chinese)

    assert len(examples) >= 3
    assert set(examples) <= set(BLOCK.findall(english))


def test_the_airflow_recipe_is_the_one_that_is_run_on_airflow() -> None:
    recipe = re.search(r"<!-- airflow -->\n```py\n(.*?)^```$", README, FLAGS)
    dag = (ROOT / "tests/airflow/dags/nightly_snapshots.py").read_text(encoding="utf-8")

    assert recipe is not None
    assert dag.endswith(recipe[1])


async def _put_snapshots(app: FastAPI) -> list[int]:
    good = f"/clusters/{CLUSTER}/snapshots/from-the-web"
    async with app.router.lifespan_context(app) as state:
        transport = httpx.ASGITransport(_with_state(app, state))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://app"
        ) as client:
            answers = [
                await client.put(path)
                for path in (good, good, "/clusters/elsewhere/snapshots/from-the-web")
            ]
    return [answer.status_code for answer in answers]


def _with_state(app: FastAPI, state: Mapping[str, object] | None) -> ASGIApp:
    """Do what a server does with what a lifespan yields."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": dict(state or {})}, receive, send)

    return serve
