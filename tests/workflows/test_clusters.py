"""Clusters: as they are read, whether they are ready, and the walk over all of them."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from css_snapshot import (
    APIError,
    BadRequestError,
    Cluster,
    ClusterInstance,
    ClusterStatus,
    Datastore,
    FailedReason,
    InvalidResponseError,
    PolicySummary,
    RequestValidationError,
    RetryPolicy,
    SnapshotService,
)
from css_snapshot.api.clusters import NotReadyReason, SnapshotReadiness
from css_snapshot.api.decode import decode_cluster, decode_clusters
from css_snapshot.api.operations import MAX_BODY
from css_snapshot.auth import TokenAuth
from css_snapshot.events import Event, FieldUnreadable, ListIncomplete

MakeService = Callable[..., SnapshotService]

OTC26: Final[dict[str, object]] = {
    "id": "4f3deec3-efa8-4598-bf91-560aad1377a3",
    "name": "css-8bc5",
    "status": "200",
    "datastore": {
        "type": "elasticsearch",
        "version": "7.10.2",
        "subVersion": "7.10.2_24.3.0_0827",
        "isEosCluster": False,
        "supportSecuritymode": False,
    },
    "backupAvailable": False,
    "actionProgress": {},
    "actions": [],
    "enterpriseProjectId": "0",
    "tags": [],
    "created": "2023-10-09T02:07:13",
    "updated": "2023-10-09T02:07:13",
    "endpoint": "192.168.0.122:9200",
    "httpsEnable": True,
    "authorityEnable": True,
    "period": True,
    "instances": [
        {
            "status": "200",
            "type": "ess",
            "id": "i-1",
            "name": "css-8bc5-ess-esn-1-1",
            "specCode": "ess.spec-4u8g",
            "azCode": "az-1",
        }
    ],
}


def shown(**changes: object) -> Cluster:
    return decode_cluster(json.dumps({**OTC26, **changes}).encode())


def nodes(*statuses: str) -> tuple[ClusterInstance, ...]:
    return tuple(ClusterInstance(status=ClusterStatus(each)) for each in statuses)


def ready(**changes: Any) -> Cluster:
    plain = Cluster(
        id="c1",
        name="one",
        status=ClusterStatus.AVAILABLE,
        datastore=Datastore(type="elasticsearch", version="7.10.2"),
        backup_available=True,
    )
    return attrs.evolve(plain, **changes)


def test_the_sample_of_the_document_is_read() -> None:
    cluster = shown()

    assert cluster.id == "4f3deec3-efa8-4598-bf91-560aad1377a3"
    assert cluster.engine == "elasticsearch"
    assert cluster.backup_available is False
    assert cluster.actions == ()
    assert cluster.tags == {}
    assert cluster.enterprise_project_id == "0"
    assert (cluster.https_enabled, cluster.authority_enabled) == (True, True)
    assert cluster.created is not None
    assert cluster.created.isoformat() == "2023-10-09T02:07:13+00:00"
    assert cluster.instances == (
        ClusterInstance(
            id="i-1",
            name="css-8bc5-ess-esn-1-1",
            type="ess",
            status=ClusterStatus.AVAILABLE,
            spec_code="ess.spec-4u8g",
            az_code="az-1",
        ),
    )


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"authorityEnable": "true"}, "authority_enabled", True),
        ({"authorityEnable": "False"}, "authority_enabled", False),
        ({"authorityEnable": None}, "authority_enabled", None),
        ({"status": 200}, "status", ClusterStatus.AVAILABLE),
        ({"status": "304"}, "status", ClusterStatus("304")),
        ({"actions": None}, "actions", ()),
        ({"actions": ["SNAPSHOTTING"]}, "actions", ("SNAPSHOTTING",)),
        ({"instances": None}, "instances", None),
        ({"instances": []}, "instances", ()),
        ({"actionProgress": None}, "action_progress", {}),
        (
            {"actionProgress": {"CREATING": "5%", "GROWING": 7}},
            "action_progress",
            {"CREATING": "5%", "GROWING": "7"},
        ),
        ({"tags": None}, "tags", {}),
        (
            {"tags": [{"key": "env", "value": "prod"}, {"key": "k", "value": None}]},
            "tags",
            {"env": "prod", "k": ""},
        ),
        (
            {"enterpriseProjectId": None, "enterprise_project_id": "ep"},
            "enterprise_project_id",
            "ep",
        ),
        (
            {"failedReason": {"errorCode": "CSS.6000", "errorMsg": "m"}},
            "failed_reason",
            FailedReason(error_code="CSS.6000", error_msg="m"),
        ),
        (
            {"failed_reasons": {"error_code": "CSS.6000", "error_msg": "m"}},
            "failed_reason",
            FailedReason(error_code="CSS.6000", error_msg="m"),
        ),
        (
            {
                "snapshotPolicy": {
                    "backupEnable": "true",
                    "bakPeriod": "00:00 GMT+08:00",
                    "bakFrequency": "DAY",
                    "bakKeepDay": 7,
                }
            },
            "snapshot_policy",
            PolicySummary(
                enabled=True, period="00:00 GMT+08:00", frequency="DAY", keep=7
            ),
        ),
        ({"datastore": None}, "engine", None),
        ({"datastore": {"type": "openSearch"}}, "engine", "opensearch"),
        ({"desc": "mine"}, "description", "mine"),
        ({"vpcId": "v", "somethingNew": [1]}, "vpc_id", "v"),
    ],
)
def test_drift_is_taken_in(
    changes: dict[str, object], name: str, expected: object
) -> None:
    assert getattr(shown(**changes), name) == expected


@pytest.mark.parametrize("total", [None, 1, "1"], ids=repr)
def test_a_page_may_or_may_not_state_the_total(total: object) -> None:
    page = decode_clusters(
        json.dumps({"clusters": [OTC26], "totalSize": total}).encode()
    )

    assert page.clusters == (shown(),)
    assert page.total == (None if total is None else 1)


def test_a_cluster_has_a_hash_although_its_tags_have_none() -> None:
    cluster = ready(tags={"a": "b"})

    assert hash(cluster) == hash(ready(tags={"a": "b"}))
    assert cluster != ready(tags={"a": "c"})


def test_an_idle_cluster_with_snapshots_switched_on_is_ready() -> None:
    readiness = ready().snapshot_readiness

    assert readiness
    assert str(readiness) == "ready"
    assert not readiness.passes


def test_a_site_that_does_not_say_whether_they_are_on_is_given_the_chance() -> None:
    assert ready(backup_available=None).snapshot_readiness
    assert ready(instances=None).snapshot_readiness
    assert ready(instances=(ClusterInstance(id="i1"),)).snapshot_readiness
    assert ready(instances=nodes("200", "200")).snapshot_readiness
    assert ready(datastore=None).snapshot_readiness


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"datastore": Datastore(type="logstash")},
            NotReadyReason("engine", "logstash clusters have no snapshots"),
        ),
        (
            {"status": ClusterStatus.CHANGING},
            NotReadyReason(
                "status", "being created or changed (status 100)", passes=True
            ),
        ),
        (
            {"status": ClusterStatus.UNAVAILABLE},
            NotReadyReason("status", "unavailable (status 303)"),
        ),
        (
            {"status": ClusterStatus.FAULTY},
            NotReadyReason("status", "unavailable (status 300)"),
        ),
        (
            {"status": ClusterStatus("304")},
            NotReadyReason("status", "not available (status 304)"),
        ),
        (
            {"backup_available": False},
            NotReadyReason("switched off", "its snapshot function is switched off"),
        ),
        (
            {"instances": nodes("200", "303", "200")},
            NotReadyReason("nodes", "1 of its 3 nodes unavailable (status 303)"),
        ),
        (
            {"instances": nodes("200", "100")},
            NotReadyReason(
                "nodes",
                "1 of its 2 nodes being created or changed (status 100)",
                passes=True,
            ),
        ),
        (
            {"instances": nodes("100", "300", "304", "300")},
            NotReadyReason(
                "nodes",
                "4 of its 4 nodes being created or changed (status 100), not"
                " available (status 304), unavailable (status 300)",
            ),
        ),
        ({"instances": ()}, NotReadyReason("nodes", "it has no nodes")),
        (
            {"action_progress": {"GROWING": "5%"}},
            NotReadyReason("busy", "busy with GROWING", passes=True),
        ),
        (
            {"actions": ("GROWING",), "action_progress": {"GROWING": "5%"}},
            NotReadyReason("busy", "busy with GROWING", passes=True),
        ),
        (
            {"actions": ("SNAPSHOTTING", "GROWING")},
            NotReadyReason("busy", "busy with SNAPSHOTTING, GROWING", passes=True),
        ),
    ],
)
def test_a_cluster_says_why_it_is_not_ready(
    changes: dict[str, object], reason: NotReadyReason
) -> None:
    readiness = ready(**changes).snapshot_readiness

    assert not readiness
    assert readiness == SnapshotReadiness((reason,))
    assert readiness.passes is reason.passes


def test_a_cluster_being_created_has_no_nodes_yet() -> None:
    being_created = ready(status=ClusterStatus.CHANGING, instances=())

    assert being_created.snapshot_readiness.passes
    assert str(being_created.snapshot_readiness) == (
        "being created or changed (status 100); it has no nodes"
    )


def test_all_reasons_are_given_and_waiting_must_help_all_of_them() -> None:
    busy_and_off = ready(backup_available=False, actions=("GROWING",))
    readiness = busy_and_off.snapshot_readiness

    assert [reason.obstacle for reason in readiness.reasons] == ["switched off", "busy"]
    assert not readiness.passes
    assert str(readiness) == (
        "its snapshot function is switched off; busy with GROWING"
    )


def _is_above(value: int, most: int | None) -> bool:
    return most is not None and value > most


class Site(httpx.AsyncBaseTransport):
    """A list of clusters that honours some paging parameters and ignores others."""

    def __init__(
        self,
        count: int = 0,
        *,
        honours: Sequence[str] = ("start", "offset"),
        states_total: bool = True,
        most: int = 1000,
        padding: int = 0,
        before_page: Callable[["Site"], None] = lambda _: None,
        extra: Mapping[str, object] | None = None,
        total: object = ...,
        refuses_above: int | None = None,
        refuses_from: int | None = None,
        empty_above: int | None = None,
        repeats_above: int | None = None,
        fails_at: int | None = None,
        fails_with: int = 500,
    ) -> None:
        self.ids = [f"c{number}" for number in range(count)]
        self.honours = honours
        self.states_total = states_total
        self.most = most
        self.padding = padding
        self.before_page = before_page
        self.extra = extra or {}
        self.total = total
        self.refuses_above = refuses_above
        self.refuses_from = refuses_from
        self.empty_above = empty_above
        self.repeats_above = repeats_above
        self.fails_at = fails_at
        self.fails_with = fails_with
        self.queries: list[dict[str, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.before_page(self)
        query = dict(request.url.params)
        self.queries.append(query)
        firsts = [int(query[name]) for name in self.honours if name in query]
        first = firsts[0] if firsts else 1
        asked = int(query["limit"])
        if len(self.queries) == self.fails_at:
            return httpx.Response(self.fails_with)
        if _is_above(asked, self.refuses_above) or _is_above(first, self.refuses_from):
            return httpx.Response(400, json={"errCode": "CSS.0001"})
        limit = 0 if _is_above(asked, self.empty_above) else min(self.most, asked)
        if _is_above(asked, self.repeats_above):
            first = 1
        rows: list[dict[str, object]] = [
            {
                "id": id_,
                "name": id_ + "x" * self.padding,
                "status": "200",
                "datastore": {"type": "openSearch" if id_ == "c1" else "elasticsearch"},
                **self.extra,
            }
            for id_ in self.ids[first - 1 : first - 1 + limit]
        ]
        document: dict[str, object] = {"clusters": rows}
        if self.states_total:
            document["totalSize"] = len(self.ids) if self.total is ... else self.total
        return httpx.Response(200, json=document)


async def walked(service: SnapshotService, **options: Any) -> list[str]:
    return [cluster.id async for cluster in service.clusters(**options)]


async def test_one_request_is_enough_for_a_thousand(make_service: MakeService) -> None:
    site = Site(1000)

    ids = await walked(make_service(site))

    assert ids == site.ids
    assert site.queries == [{"limit": "1000"}]


async def test_no_clusters_are_no_error(make_service: MakeService) -> None:
    site = Site(0)

    assert await walked(make_service(site)) == []
    assert len(site.queries) == 1


@pytest.mark.parametrize("honours", [("start",), ("offset",), ("offset", "start")])
async def test_pages_are_asked_for_so_that_each_site_understands(
    make_service: MakeService, honours: Sequence[str]
) -> None:
    site = Site(25, honours=honours, most=10)

    assert await walked(make_service(site)) == site.ids
    assert site.queries == [
        {"limit": "1000"},
        {"limit": "1000", "start": "11", "offset": "11"},
        {"limit": "1000", "start": "21", "offset": "21"},
    ]


def incomplete(events: list[Event]) -> list[tuple[int | None, int]]:
    return [
        (event.stated, event.shown)
        for event in events
        if isinstance(event, ListIncomplete)
    ]


async def test_of_a_site_that_gives_the_same_page_for_ever_comes_what_it_has(
    make_service: MakeService,
) -> None:
    site = Site(25, honours=(), most=10)
    events: list[Event] = []

    ids = await walked(make_service(site, on_event=events.append))

    assert ids == site.ids[:10]
    assert incomplete(events) == [(25, 10)]
    assert [query["limit"] for query in site.queries] == [
        *("1000", "1000", "100", "100", "10", "10")
    ]


async def test_a_total_above_what_there_is_ends_with_a_warning(
    make_service: MakeService, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(25, total=27, most=10)
    events: list[Event] = []

    ids = await walked(make_service(site, on_event=events.append))

    assert ids == site.ids
    assert incomplete(events) == [(27, 25)]
    assert "the service counts 27, and shows 25" in caplog.text
    # A second walk, with smaller pages, and no third: the second brought nothing new.
    assert [query["limit"] for query in site.queries] == ["1000"] * 4 + ["100"] * 4


@pytest.mark.parametrize("total", ["25", 25.0, 24, 0, -1, "many", None, [], True])
async def test_whatever_the_total_is_all_that_can_be_had_comes(
    make_service: MakeService, total: object
) -> None:
    site = Site(25, total=total, most=10)
    events: list[Event] = []

    assert await walked(make_service(site, on_event=events.append)) == site.ids
    assert incomplete(events) == []


@pytest.mark.parametrize("largest", [999, 100, 99, 10])
@pytest.mark.parametrize("states_total", [True, False])
async def test_a_site_that_refuses_large_pages_is_asked_for_smaller_ones(
    make_service: MakeService, largest: int, states_total: bool
) -> None:
    site = Site(120, refuses_above=largest, states_total=states_total)
    events: list[Event] = []

    assert await walked(make_service(site, on_event=events.append)) == site.ids
    assert incomplete(events) == []


@pytest.mark.parametrize("largest", [500, 50])
async def test_a_site_that_shows_less_on_large_pages_is_asked_for_smaller_ones(
    make_service: MakeService, largest: int
) -> None:
    site = Site(60, empty_above=largest)
    events: list[Event] = []

    assert await walked(make_service(site, on_event=events.append)) == site.ids
    assert incomplete(events) == []


@pytest.mark.parametrize("largest", [500, 50])
async def test_a_site_that_repeats_large_pages_is_asked_for_smaller_ones(
    make_service: MakeService, largest: int
) -> None:
    site = Site(60, most=10, repeats_above=largest)
    events: list[Event] = []

    assert await walked(make_service(site, on_event=events.append)) == site.ids
    assert incomplete(events) == []


async def test_a_refusal_of_any_page_is_an_error(make_service: MakeService) -> None:
    site = Site(25, refuses_above=0)

    with pytest.raises(BadRequestError):
        await walked(make_service(site))

    assert [query["limit"] for query in site.queries] == ["1000", "100", "10"]


@pytest.mark.parametrize(("most", "served"), [(20, 40), (1, 1)])
async def test_a_page_refused_after_others_ends_with_a_warning(
    make_service: MakeService, most: int, served: int
) -> None:
    site = Site(60, most=most, refuses_from=served)
    events: list[Event] = []

    ids = await walked(make_service(site, on_event=events.append))

    assert ids == site.ids[:served]
    assert incomplete(events) == [(60, served)]


@pytest.mark.parametrize("status", [403, 500, 503])
async def test_a_page_that_fails_is_an_error(
    make_service: MakeService, status: int
) -> None:
    site = Site(60, most=20, fails_at=2, fails_with=status)

    with pytest.raises(APIError):
        await walked(make_service(site, retry=RetryPolicy.none()))

    assert len(site.queries) == 2


async def test_a_page_that_is_lost_is_read_again(make_service: MakeService) -> None:
    def lose_the_second(site: Site) -> None:
        if len(site.queries) == 1 and not lost:
            lost.append("second page")
            raise httpx.ReadError("reset")

    lost: list[str] = []
    site = Site(60, most=20, before_page=lose_the_second)

    assert await walked(make_service(site, retry=RetryPolicy.none())) == site.ids
    assert lost == ["second page"]


async def test_a_failure_while_looking_for_more_takes_nothing_away(
    make_service: MakeService,
) -> None:
    site = Site(25, total=27, fails_at=3, fails_with=503)
    events: list[Event] = []
    service = make_service(site, retry=RetryPolicy.none(), on_event=events.append)

    assert await walked(service) == site.ids
    assert incomplete(events) == [(27, 25)]
    assert len(site.queries) == 3


async def test_rows_that_can_not_be_read_are_told_and_hold_nothing_up(
    make_service: MakeService,
) -> None:
    site = Site(25, most=10)
    site.ids[3] = site.ids[14] = ""
    events: list[Event] = []

    ids = await walked(make_service(site, on_event=events.append))

    assert ids == [id_ for id_ in site.ids if id_]
    assert incomplete(events) == []
    assert [event for event in events if isinstance(event, FieldUnreadable)] == [
        FieldUnreadable(
            method="GET",
            path="/v1.0/{project_id}/clusters",
            field="clusters[]",
            problem="a row is left out: its id is empty",
        )
    ]


@pytest.mark.parametrize("states_total", [True, False])
async def test_pages_of_nothing_that_can_be_read_come_to_an_end(
    make_service: MakeService, states_total: bool
) -> None:
    site = Site(25, most=10, states_total=states_total)
    site.ids[:10] = [""] * 10

    ids = await walked(make_service(site))

    assert ids == (site.ids[10:] if states_total else [])


async def test_a_field_that_can_not_be_read_is_told_once(
    make_service: MakeService, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(5, extra={"endpoint": {"secret": "value"}, "created": "soon"})
    events: list[Event] = []
    service = make_service(site, on_event=events.append)

    assert await walked(service) == await walked(service) == site.ids
    assert [
        (event.field, event.problem)
        for event in events
        if isinstance(event, FieldUnreadable)
    ] == [
        ("clusters[].created", "expected a time, got other text"),
        ("clusters[].endpoint", "expected text, got an object"),
    ]
    assert "clusters[].endpoint can't be read: expected text" in caplog.text
    assert "value" not in caplog.text


async def test_without_a_total_pages_are_read_until_one_brings_nothing_new(
    make_service: MakeService,
) -> None:
    site = Site(25, states_total=False, most=10)

    assert await walked(make_service(site)) == site.ids
    assert len(site.queries) == 4


async def test_without_a_total_a_repeated_page_ends_the_walk(
    make_service: MakeService,
) -> None:
    site = Site(25, honours=(), states_total=False, most=10)

    assert await walked(make_service(site)) == site.ids[:10]
    assert len(site.queries) == 2


async def test_a_cluster_created_meanwhile_comes_too_and_brings_no_duplicate(
    make_service: MakeService,
) -> None:
    def one_more(site: Site) -> None:
        if len(site.queries) == 1:
            site.ids.insert(0, "new")

    site = Site(25, most=10, before_page=one_more)
    ids = await walked(make_service(site))

    assert sorted(ids) == sorted(site.ids)


async def test_one_created_and_one_deleted_meanwhile_hide_none(
    make_service: MakeService,
) -> None:
    def exchange(site: Site) -> None:
        if len(site.queries) == 1:
            site.ids.insert(0, "new")
            site.ids.remove("c24")

    site = Site(25, most=10, before_page=exchange)
    ids = await walked(make_service(site))

    assert sorted(ids) == sorted(site.ids)


async def test_a_cluster_deleted_meanwhile_hides_none(
    make_service: MakeService,
) -> None:
    def one_less(site: Site) -> None:
        if len(site.queries) == 1:
            site.ids.remove("c3")

    site = Site(25, most=10, before_page=one_less)
    ids = await walked(make_service(site))

    assert set(ids) >= set(site.ids)
    assert len(ids) == len(set(ids))


async def test_a_list_that_keeps_shrinking_ends_with_a_warning(
    make_service: MakeService,
) -> None:
    def one_less(site: Site) -> None:
        del site.ids[0]

    site = Site(90, most=10, before_page=one_less)
    events: list[Event] = []

    ids = await walked(make_service(site, on_event=events.append))

    assert set(ids) >= set(site.ids)
    assert len(ids) == len(set(ids))
    ((stated, shown),) = incomplete(events)
    assert stated is not None
    assert stated < shown == len(ids)


async def test_pages_too_large_to_be_read_are_asked_for_smaller(
    make_service: MakeService,
) -> None:
    site = Site(250, padding=MAX_BODY // 200)

    assert await walked(make_service(site)) == site.ids
    assert [query["limit"] for query in site.queries] == ["1000", "100", "100", "100"]


async def test_clusters_too_large_for_any_page_are_an_error(
    make_service: MakeService,
) -> None:
    site = Site(10, padding=MAX_BODY)

    with pytest.raises(InvalidResponseError) as caught:
        await walked(make_service(site))

    assert caught.value.oversized
    assert [query["limit"] for query in site.queries] == ["1000", "100", "10"]


async def test_an_answer_that_is_none_is_not_asked_for_again(
    make_service: MakeService,
) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"clusters": 7})

    service = make_service(httpx.MockTransport(answer))

    with pytest.raises(InvalidResponseError, match="clusters is not a list"):
        await walked(service)

    assert len(requests) == 1


async def test_an_engine_is_asked_for_and_looked_for(
    make_service: MakeService,
) -> None:
    site = Site(3)

    assert await walked(make_service(site), engine="opensearch") == ["c1"]
    assert site.queries == [{"limit": "1000", "datastoreType": "opensearch"}]


async def test_a_wrong_engine_is_refused_at_once(make_service: MakeService) -> None:
    site = Site(3)

    with pytest.raises(RequestValidationError, match=r"^engine: "):
        make_service(site).clusters(engine="kibana")

    assert site.queries == []


async def test_whoever_stops_early_causes_no_further_request(
    make_service: MakeService,
) -> None:
    site = Site(25, most=10)

    async for cluster in make_service(site).clusters():
        assert cluster.id == "c0"
        break

    assert len(site.queries) == 1


@given(
    count=st.integers(0, 60),
    most=st.integers(1, 25),
    honours=st.sampled_from([("start",), ("offset",), ("start", "offset"), ()]),
    states_total=st.booleans(),
)
def test_every_walk_is_whole_or_says_so(
    count: int, most: int, honours: Sequence[str], states_total: bool
) -> None:
    site = Site(count, most=most, honours=honours, states_total=states_total)
    events: list[Event] = []

    async def scenario() -> list[str]:
        async with SnapshotService(
            project_id="p",
            auth=TokenAuth("t"),
            endpoint="https://css.example",
            transport=site,
            on_event=events.append,
        ) as service:
            return await walked(service)

    ids = asyncio.run(scenario())

    is_whole = ids == site.ids
    assert is_whole or not honours
    assert bool(incomplete(events)) == (states_total and not is_whole)
    assert len(set(ids)) == len(ids) >= min(count, most)
    assert len(site.queries) <= max(6, count // most + 2)


@pytest.mark.parametrize("engine", ["elasticsearch", "opensearch", "openSearch"])
def test_a_cluster_of_each_engine_with_snapshots_can_be_ready(engine: str) -> None:
    cluster = Cluster(
        id="c1",
        name="one",
        status=ClusterStatus.AVAILABLE,
        datastore=Datastore(type=engine),
    )

    assert cluster.snapshot_readiness.is_ready
