"""Faults that are answers: what a client reads when one strikes."""

import httpx
import pytest

from css_snapshot.emulator import EmulatorState, Fault

CREATE = {"name": "snapshot_001"}


@pytest.mark.parametrize("commits", [True, False])
async def test_an_injected_error_may_come_before_or_after_the_work(
    state: EmulatorState,
    client: httpx.AsyncClient,
    cluster_path: str,
    commits: bool,
) -> None:
    make = Fault.status_after_commit if commits else Fault.status
    state.faults.add(make(500), operation="create")
    answer = await client.post(f"{cluster_path}/index_snapshot", json=CREATE)
    assert answer.status_code == 500
    assert answer.json()["errCode"] == "CSS.0005"
    assert state.creations == int(commits)


async def test_an_html_page_of_the_server_behind_is_no_json(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    state.faults.add(Fault.status(500, dialect="html"))
    answer = await client.get(cluster_path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "CloudMiddleWareTomcat" in answer.text


async def test_a_gateway_may_say_no_more_than_a_line_of_text(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    text = "upstream connect error or disconnect/reset before headers"
    state.faults.add(Fault.status(503, message=text, dialect="plain"))
    answer = await client.get(cluster_path)
    assert answer.headers["content-type"].startswith("text/plain")
    assert (answer.status_code, answer.text) == (503, text)


async def test_a_status_without_a_name_still_gets_a_title_from_iam(
    state: EmulatorState, client: httpx.AsyncClient
) -> None:
    state.faults.add(Fault.status(599, dialect="iam"))
    answer = await client.get("/v3/projects")
    assert answer.json() == {
        "error": {"code": 599, "message": "Injected fault.", "title": "Error"}
    }


async def test_a_redirect_and_a_throttle_and_a_body_come_as_told(
    state: EmulatorState, client: httpx.AsyncClient, cluster_path: str
) -> None:
    state.faults.add(Fault.redirect("https://elsewhere.invalid/x", 302))
    state.faults.add(Fault.throttle(60, 60.0))
    state.faults.add(Fault.body(201, '{"backup": {}}', "text/plain"))

    redirect = await client.get(cluster_path)
    throttle = await client.get(cluster_path)
    body = await client.get(cluster_path)

    assert (redirect.status_code, redirect.headers["location"]) == (
        302,
        "https://elsewhere.invalid/x",
    )
    assert throttle.status_code == 429
    assert "limit:60,time:60 second" in throttle.json()["error_msg"]
    assert (body.status_code, body.text) == (201, '{"backup": {}}')
    assert body.headers["content-type"] == "text/plain"
