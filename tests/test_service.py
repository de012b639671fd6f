"""Each method of the service: what it sends, what it answers, and how it fails."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs
import httpx
import pytest
import respx

from css_snapshot import (
    APIError,
    AuthenticationError,
    Backup,
    BadRequestError,
    ClusterBusyError,
    ConfigurationError,
    ConflictError,
    CSSError,
    ForbiddenError,
    GatewayError,
    IndeterminateDeleteError,
    IndeterminateError,
    IndeterminateRestoreError,
    IndeterminateSettingsError,
    InternalServerError,
    InvalidResponseError,
    NotAcceptableError,
    NotFoundError,
    NotImplementedByServerError,
    QuotaExceededError,
    RequestTimeoutError,
    RequestValidationError,
    RetryPolicy,
    Snapshot,
    SnapshotNotFoundError,
    SnapshotPolicy,
    SnapshotService,
    SnapshotStatus,
    ThrottledError,
    UnexpectedStatusError,
)
from css_snapshot.fanout import fan_out
from css_snapshot.fanout.options import RunOptions
from tests.support.virtual_time import VirtualTime

MakeService = Callable[..., SnapshotService]
Call = Callable[[SnapshotService], Awaitable[object]]

ORIGIN: Final = "https://css.example"
PROJECT: Final = "6204a5bd270343b5885144cf9c8c158d"
CLUSTER: Final = f"/v1.0/{PROJECT}/clusters/c1"
CLUSTER_V2: Final = f"/v2.0/{PROJECT}/clusters/c1"
ROW: Final = {"id": "s1", "name": "nightly", "status": "COMPLETED"}
POLICY: Final = SnapshotPolicy(
    enabled=True, prefix="snapshot", period="16:00 GMT+08:00", keep=7
)
POLICY_BODY: Final = {
    "enable": "true",
    "prefix": "snapshot",
    "period": "16:00 GMT+08:00",
    "keepday": 7,
}
CLUSTER_ROW: Final = {"id": "c1", "name": "one", "status": "200"}


async def engines(service: SnapshotService) -> list[str]:
    return [cluster.id async for cluster in service.clusters(engine="opensearch")]


@attrs.frozen(kw_only=True)
class Row:
    """One vendor call, as a method makes it."""

    name: str
    call: Call
    method: str
    path: str
    body: dict[str, object] | None = None
    status: int = 200
    answer: object = None
    result: Callable[[Any], object] = lambda answer: answer
    expected: object = None


ENDPOINTS: Final = (
    Row(
        name="create",
        call=lambda service: service.create("c1", "nightly", indices=["a", "b"]),
        method="POST",
        path=f"{CLUSTER}/index_snapshot",
        body={"name": "nightly", "indices": "a,b"},
        status=201,
        answer={"backup": {"id": "s1", "name": "nightly"}},
        expected=Backup("s1", "nightly"),
    ),
    Row(
        name="list",
        call=lambda service: service.list("c1"),
        method="GET",
        path=f"{CLUSTER}/index_snapshots",
        answer={"backups": [ROW]},
        expected=(Snapshot(id="s1", name="nightly", status=SnapshotStatus.COMPLETED),),
    ),
    Row(
        name="get",
        call=lambda service: service.get("c1", "s1"),
        method="GET",
        path=f"{CLUSTER}/index_snapshots",
        answer={"backups": [{**ROW, "id": "s0"}, ROW]},
        result=lambda snapshot: snapshot.id,
        expected="s1",
    ),
    Row(
        name="find",
        call=lambda service: service.find("c1", "nightly"),
        method="GET",
        path=f"{CLUSTER}/index_snapshots",
        answer={
            "backups": [ROW, {**ROW, "id": "s2"}, {**ROW, "id": "s3", "name": "weekly"}]
        },
        result=lambda snapshots: [snapshot.id for snapshot in snapshots],
        expected=["s1", "s2"],
    ),
    Row(
        name="delete",
        call=lambda service: service.delete("c1", "s1"),
        method="DELETE",
        path=f"{CLUSTER}/index_snapshot/s1",
    ),
    Row(
        name="restore",
        call=lambda service: service.restore(
            "c1",
            "s1",
            target_cluster_id="c2",
            indices="a,b",
            rename_pattern="index_(.+)",
            rename_replacement="restored_$1",
            replace_existing=True,
        ),
        method="POST",
        path=f"{CLUSTER}/index_snapshot/s1/restore",
        body={
            "target_cluster": "c2",
            "targetCluster": "c2",
            "indices": "a,b",
            "rename_pattern": "index_(.+)",
            "renamePattern": "index_(.+)",
            "rename_replacement": "restored_$1",
            "renameReplacement": "restored_$1",
            "replace_exist_indices": True,
        },
        status=201,
    ),
    Row(
        name="get_policy",
        call=lambda service: service.get_policy("c1"),
        method="GET",
        path=f"{CLUSTER}/index_snapshot/policy",
        answer={**POLICY_BODY, "bucket": "es-backup", "basePath": "p"},
        expected=attrs.evolve(POLICY, bucket="es-backup", base_path="p"),
    ),
    Row(
        name="set_policy",
        call=lambda service: service.set_policy("c1", POLICY),
        method="POST",
        path=f"{CLUSTER}/index_snapshot/policy",
        body=POLICY_BODY,
    ),
    Row(
        name="set_policy off",
        call=lambda service: service.set_policy("c1", SnapshotPolicy(enabled=False)),
        method="POST",
        path=f"{CLUSTER}/index_snapshot/policy",
        body={"enable": "false"},
    ),
    Row(
        name="configure",
        call=lambda service: service.configure(
            "c1",
            bucket="es-backup",
            agency="css_obs_agency",
            base_path="css_repository/c1",
            max_snapshot_rate="40mb",
            max_restore_rate="0",
            cmk_id="k1",
            policy=POLICY,
        ),
        method="POST",
        path=f"{CLUSTER}/index_snapshot/setting",
        body={
            "bucket": "es-backup",
            "agency": "css_obs_agency",
            "base_path": "css_repository/c1",
            "basePath": "css_repository/c1",
            "max_snapshot_bytes_per_seconds": "40mb",
            "max_restore_bytes_per_seconds": "0",
            "snapshotCmkId": "k1",
            **POLICY_BODY,
        },
    ),
    Row(
        name="configure_automatically",
        call=lambda service: service.configure_automatically("c1"),
        method="POST",
        path=f"{CLUSTER}/index_snapshot/auto_setting",
    ),
    Row(
        name="disable_snapshots",
        call=lambda service: service.disable_snapshots("c1"),
        method="DELETE",
        path=f"{CLUSTER}/index_snapshots",
    ),
    Row(
        name="create_agency",
        call=lambda service: service.create_agency(domain_id="d1", domain_name="acme"),
        method="POST",
        path=f"/v1.0/{PROJECT}/agency/create",
        body={"domain_id": "d1", "domain_name": "acme", "type": "obs"},
        expected="css_obs_agency",
    ),
    Row(
        name="clusters",
        call=engines,
        method="GET",
        path=f"/v1.0/{PROJECT}/clusters?limit=1000&datastoreType=opensearch",
        answer={
            "clusters": [{**CLUSTER_ROW, "datastore": {"type": "openSearch"}}],
            "totalSize": 1,
        },
        expected=["c1"],
    ),
    Row(
        name="cluster",
        call=lambda service: service.cluster("c1"),
        method="GET",
        path=CLUSTER,
        answer=CLUSTER_ROW,
        result=lambda cluster: (cluster.id, str(cluster.snapshot_readiness)),
        expected=("c1", "ready"),
    ),
)
OVER_VERSION_2: Final = (
    Row(
        name="set_policy",
        call=lambda service: service.set_policy("c1", POLICY),
        method="POST",
        path=f"{CLUSTER_V2}/snapshots/policy/open",
        body={key: value for key, value in POLICY_BODY.items() if key != "enable"},
    ),
    Row(
        name="set_policy off",
        call=lambda service: service.set_policy("c1", SnapshotPolicy(enabled=False)),
        method="PUT",
        path=f"{CLUSTER_V2}/snapshots/policy/close",
    ),
    Row(
        name="disable_policy",
        call=lambda service: service.disable_policy("c1"),
        method="PUT",
        path=f"{CLUSTER_V2}/snapshots/policy/close",
    ),
)
by_name: Final = pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)
LOOKED_INTO: Final[dict[str, type[IndeterminateError]]] = {
    "delete": IndeterminateDeleteError,
    "restore": IndeterminateRestoreError,
    **dict.fromkeys(
        (
            *("set_policy", "set_policy off"),
            *("configure", "configure_automatically", "disable_snapshots"),
        ),
        IndeterminateSettingsError,
    ),
}
"""Calls that look, after an unclear answer, and say so if they can't see."""


async def failure_of(row: "Row", service: SnapshotService) -> BaseException:
    """Return what a call fails with; an unclear answer may be the cause of that."""
    with pytest.raises(CSSError) as caught:
        await row.call(service)
    kind = LOOKED_INTO.get(row.name)
    if not isinstance(caught.value, IndeterminateError):
        return caught.value
    assert type(caught.value) is kind
    assert caught.value.__cause__ is not None
    return caught.value.__cause__


def is_unclear(row: "Row", status: int) -> bool:
    return row.name in LOOKED_INTO and (status < 300 or status in {500, 504})


def answering(answer: httpx.Response, sent: list[httpx.Request]) -> httpx.MockTransport:
    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answer

    return httpx.MockTransport(respond)


@pytest.fixture
def over_httpx(
    make_service: MakeService,
    make_transport: Callable[..., httpx.AsyncBaseTransport],
) -> MakeService:
    """Make services over the transport that respx can listen on."""

    def make(**options: Any) -> SnapshotService:
        return make_service(make_transport("httpx"), **options)

    return make


async def check(service: SnapshotService, row: Row) -> None:
    with respx.mock(assert_all_mocked=True) as router:
        route = router.request(row.method, f"{ORIGIN}{row.path}").respond(
            row.status, json=row.answer
        )
        if row.answer is None:
            route.respond(row.status)

        result = await row.call(service)

        assert row.result(result) == row.expected
        assert route.call_count == 1
        (call,) = route.calls
    sent = call.request.content
    assert (json.loads(sent) if sent else None) == row.body
    assert call.request.headers["content-type"] == "application/json"
    assert call.request.headers["x-auth-token"]


@by_name
async def test_each_method_is_the_vendors_call(
    over_httpx: MakeService, row: Row
) -> None:
    await check(over_httpx(), row)


@pytest.mark.parametrize("row", OVER_VERSION_2, ids=lambda row: row.name)
async def test_policies_may_be_switched_by_version_2(
    over_httpx: MakeService, row: Row
) -> None:
    await check(over_httpx(policy_api="v2"), row)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "CSS.0001", BadRequestError),
        (400, "CSS.0045", AuthenticationError),
        (400, "CSS.3026", NotFoundError),
        (401, "APIGW.0301", AuthenticationError),
        (403, "CSS.0015", ForbiddenError),
        (404, "APIGW.0101", NotFoundError),
        (406, "", NotAcceptableError),
        (409, "CSS.0011", ClusterBusyError),
        (409, "CSS.9998", ConflictError),
        (412, "CSS.5130", UnexpectedStatusError),
        (413, "CSS.0030", QuotaExceededError),
        (415, "CSS.0004", UnexpectedStatusError),
        (429, "APIGW.0308", ThrottledError),
        (501, "", NotImplementedByServerError),
        (504, "APIGW.0203", GatewayError),
    ],
)
@by_name
async def test_each_method_fails_with_the_typed_error_at_once(
    *,
    make_service: MakeService,
    virtual_time: VirtualTime,
    row: Row,
    status: int,
    code: str,
    kind: type[APIError],
) -> None:
    sent: list[httpx.Request] = []
    body = {"errCode": code, "externalMessage": "no"} if code else {}
    service = make_service(
        answering(httpx.Response(status, json=body), sent), clock=virtual_time.clock
    )

    if (row.name, status) == ("disable_snapshots", 415):
        # They are switched off already.
        assert await row.call(service) is None
        return
    error = await failure_of(row, service)

    assert isinstance(error, APIError)
    assert type(error) is kind
    assert (error.status, error.code) == (status, code)
    if row.name == "clusters" and kind is BadRequestError:
        # A site may refuse pages of a size, so smaller ones are asked for.
        assert len(sent) == 3
        return
    assert sum(request.method == row.method for request in sent) == 1
    assert (len(sent) > 1) is is_unclear(row, status)


@by_name
async def test_each_method_repeats_a_500_alone(
    make_service: MakeService, row: Row
) -> None:
    sent: list[httpx.Request] = []
    service = make_service(answering(httpx.Response(500), sent))

    error = await failure_of(row, service)

    assert isinstance(error, InternalServerError)
    repeated = [request for request in sent if request.method == row.method]
    assert len(repeated) == 3
    assert len(error.earlier) == 2
    assert (len(sent) > 3) is is_unclear(row, 500)


@pytest.mark.parametrize(
    "content", [b"<html>Sign in</html>", b'{"broken'], ids=["html", "broken"]
)
@by_name
async def test_a_success_that_is_no_answer_is_an_error(
    make_service: MakeService, row: Row, content: bytes
) -> None:
    sent: list[httpx.Request] = []
    answer = httpx.Response(row.status, content=content)

    error = await failure_of(row, make_service(answering(answer, sent)))

    assert isinstance(error, InvalidResponseError)
    assert sum(request.method == row.method for request in sent) == 1
    assert (len(sent) > 1) is is_unclear(row, row.status)


@by_name
async def test_busy_in_a_202_is_an_error(make_service: MakeService, row: Row) -> None:
    sent: list[httpx.Request] = []
    body = {"errCode": "CSS.0011", "externalMessage": "busy"}

    with pytest.raises(ClusterBusyError):
        await row.call(make_service(answering(httpx.Response(202, json=body), sent)))

    assert len(sent) == 1


WRONG: Final[dict[str, Any]] = {
    "create without a cluster": lambda service: service.create("", "nightly"),
    "ensure out of the path": lambda service: service.ensure("../c", "nightly"),
    "list with a slash": lambda service: service.list("c/1"),
    "get without a cluster": lambda service: service.get("", "s1"),
    "get without an id": lambda service: service.get("c1", ""),
    "find without a cluster": lambda service: service.find("", "nightly"),
    "find without a name": lambda service: service.find("c1", None),
    "wait without an id": lambda service: service.wait("c1", ""),
    "wait_restored without a cluster": lambda service: service.wait_restored("", "s1"),
    "delete without an id": lambda service: service.delete("c1", ""),
    "delete without a cluster": lambda service: service.delete("", "s1"),
    "delete out of the path": lambda service: service.delete("c1", ".."),
    "restore without an id": lambda service: service.restore(
        "c1", "", target_cluster_id="c2"
    ),
    "restore without a target": lambda service: service.restore(
        "c1", "s1", target_cluster_id=""
    ),
    "ensure_restored without an id": lambda service: service.ensure_restored(
        "c1", "", target_cluster_id="c2"
    ),
    "ensure_restored without a target": lambda service: service.ensure_restored(
        "c1", "s1", target_cluster_id=""
    ),
    "ensure_restored with half a renaming": lambda service: service.ensure_restored(
        "c1", "s1", target_cluster_id="c2", rename_pattern="(.+)"
    ),
    "ensure_restored before it settles": lambda service: service.ensure_restored(
        "c1", "s1", target_cluster_id="c2", settle=-1.0
    ),
    "plan_policy that is not whole": lambda service: service.plan_policy(
        "c1", SnapshotPolicy(enabled=True)
    ),
    "apply_policy that is not whole": lambda service: service.apply_policy(
        "c1", SnapshotPolicy(enabled=True)
    ),
    "plan_policy without a cluster": lambda service: service.plan_policy("", POLICY),
    "apply_policy without a cluster": lambda service: service.apply_policy("", POLICY),
    "create_agency of nobody": lambda service: service.create_agency(
        domain_id="", domain_name="acme"
    ),
    "create_agency without a name": lambda service: service.create_agency(
        domain_id="d1", domain_name=""
    ),
    "get_policy without a cluster": lambda service: service.get_policy(""),
    "set_policy without a cluster": lambda service: service.set_policy("", POLICY),
    "set_policy that is not whole": lambda service: service.set_policy(
        "c1", SnapshotPolicy(enabled=True)
    ),
    "disable_policy without a cluster": lambda service: service.disable_policy(""),
    "configure without a bucket": lambda service: service.configure(
        "c1", bucket="", agency="a"
    ),
    "configure without a cluster": lambda service: service.configure(
        "", bucket="es-backup", agency="a"
    ),
    "configure_automatically without a cluster": lambda service: (
        service.configure_automatically("")
    ),
    "disable_snapshots without a cluster": lambda service: service.disable_snapshots(
        ""
    ),
    "disable_snapshots out of the path": lambda service: service.disable_snapshots(
        "c1/.."
    ),
    "cluster without an id": lambda service: service.cluster(""),
    "prune without a cluster": lambda service: service.prune("", keep=1),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_argument_is_refused_before_anything_is_sent(
    make_service: MakeService, call: Call
) -> None:
    sent: list[httpx.Request] = []

    with pytest.raises(RequestValidationError):
        await call(make_service(answering(httpx.Response(200), sent)))

    assert sent == []


async def test_a_snapshot_that_is_not_listed_is_an_error(
    make_service: MakeService,
) -> None:
    answer = httpx.Response(200, json={"backups": [ROW]})

    with pytest.raises(SnapshotNotFoundError) as caught:
        await make_service(answering(answer, [])).get("c1", "s2")

    assert (caught.value.cluster_id, caught.value.snapshot_id) == ("c1", "s2")


async def test_a_name_that_is_not_listed_is_no_error(
    make_service: MakeService,
) -> None:
    answer = httpx.Response(200, json={"backups": [ROW]})

    assert await make_service(answering(answer, [])).find("c1", "other") == ()


@pytest.mark.parametrize(
    ("names", "drifted"),
    [
        ("snake", {"delete_auto"}),
        ("camel", {"deleteAuto"}),
        ("both", {"delete_auto", "deleteAuto"}),
    ],
)
async def test_a_policy_goes_back_as_it_came_to_be_switched_off(
    over_httpx: MakeService, names: str, drifted: set[str]
) -> None:
    stored = {**POLICY_BODY, "prefix": "An Old One", "keepday": 365, "bucket": "b"}
    with respx.mock(base_url=ORIGIN) as router:
        path = f"{CLUSTER}/index_snapshot/policy"
        router.get(path).respond(200, json=stored)
        setting = router.post(path).respond(200)

        await over_httpx(wire_names=names).disable_policy("c1", delete_automatic=True)

        (call,) = setting.calls
    assert json.loads(call.request.content) == {
        **POLICY_BODY,
        "prefix": "An Old One",
        "keepday": 365,
        "enable": "false",
        **dict.fromkeys(drifted, "true"),
    }


async def test_automatic_ones_stay_unless_it_is_asked_for(
    over_httpx: MakeService,
) -> None:
    with respx.mock(base_url=ORIGIN) as router:
        path = f"{CLUSTER}/index_snapshot/policy"
        router.get(path).respond(200, json=POLICY_BODY)
        setting = router.post(path).respond(200)

        await over_httpx().disable_policy("c1")

        (call,) = setting.calls
    assert json.loads(call.request.content) == {**POLICY_BODY, "enable": "false"}


async def test_version_2_can_delete_no_automatic_ones(
    make_service: MakeService,
) -> None:
    sent: list[httpx.Request] = []
    service = make_service(answering(httpx.Response(200), sent), policy_api="v2")

    with pytest.raises(RequestValidationError, match="policy_api"):
        await service.disable_policy("c1", delete_automatic=True)

    assert sent == []


@respx.mock
async def test_a_list_of_many_snapshots_of_many_indices_is_read(
    make_service: MakeService,
) -> None:
    indices = ",".join(f"logs-{number:04}" for number in range(500))
    rows = [ROW | {"id": f"s{number}", "indices": indices} for number in range(1000)]
    answer = httpx.Response(200, json={"backups": rows})
    respx.get(f"{ORIGIN}{CLUSTER}/index_snapshots").mock(return_value=answer)

    snapshots = await make_service().list("c1")

    assert len(answer.content) > 4 * 1024 * 1024
    assert [snapshot.id for snapshot in snapshots] == [row["id"] for row in rows]
    assert {len(snapshot.indices) for snapshot in snapshots} == {500}


@respx.mock
async def test_a_list_that_does_not_end_is_no_answer(make_service: MakeService) -> None:
    endless = httpx.Response(200, content=b" " * (16 * 1024 * 1024 + 1))
    respx.get(f"{ORIGIN}{CLUSTER}/index_snapshots").mock(return_value=endless)

    with pytest.raises(InvalidResponseError, match="larger than 16 MiB"):
        await make_service().list("c1")


async def test_other_limits_are_of_a_service_that_shares_the_rest(
    make_service: MakeService, virtual_time: VirtualTime
) -> None:
    async def slowly(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(10.0)
        return httpx.Response(200, json={"backups": []})

    service = make_service(httpx.MockTransport(slowly), clock=virtual_time.clock)
    hasty = service.with_options(timeout=1.0, deadline=5.0)

    with pytest.raises(RequestTimeoutError):
        await hasty.list("c1")
    assert virtual_time.elapsed == 1.0
    await hasty.aclose()
    assert await service.list("c1") == ()
    assert hasty._client.limits.retry is service._client.limits.retry
    assert hasty._watch is service._watch
    patient = hasty.with_options(deadline=None, retry=RetryPolicy.none())
    assert patient._client.limits == attrs.evolve(
        hasty._client.limits, deadline=None, retry=patient._client.limits.retry
    )
    with pytest.raises(ConfigurationError, match="timeout"):
        service.with_options(timeout=0)


def test_every_way_to_start_a_run_has_the_same_defaults() -> None:
    # The service spells them out, as it loads the fan-out only when one is wanted.
    standard = RunOptions()
    spelled = [
        (name, parameter.default, getattr(standard, name))
        for start in (SnapshotService.fan_out, fan_out)
        for name, parameter in inspect.signature(start).parameters.items()
        if hasattr(standard, name)
    ]

    assert len(spelled) == 18
    assert [found for _, found, _ in spelled] == [wanted for *_, wanted in spelled]
