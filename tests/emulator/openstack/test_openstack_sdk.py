"""openstacksdk with otcextensions, unchanged, drives the emulator.

Neither is part of the development environment: both bring a great deal along. In an
environment of their own, with `css-snapshot[emulator]` and pytest:

    pip install 'openstacksdk==4.10.0' 'otcextensions==0.34.8'
    python -m pytest -c tests/emulator/openstack/pytest.ini tests/emulator/openstack

otcextensions 0.34.8 does not work with the newest openstacksdk.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from css_snapshot.emulator import EmulatorServer, EmulatorState
from css_snapshot.emulator.cloud.state import PASSWORD, USER_NAME

_WHY = "openstacksdk and otcextensions have an environment of their own"
openstack: Any = pytest.importorskip("openstack.connection", reason=_WHY)
extensions: Any = pytest.importorskip("otcextensions.sdk", reason=_WHY)

DOMAIN = "emulator-domain"
DOMAIN_ID = "d0000000000000000000000000000001"
REGION = "cn-north-4"
Connect = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[EmulatorServer]:
    state = EmulatorState(
        clusters=5, site="otc", build_seconds=0.0, restore_seconds=0.0
    )
    with EmulatorServer(state).run_in_thread() as server:
        yield server


@pytest.fixture
def state(server: EmulatorServer) -> EmulatorState:
    return server.state


@pytest.fixture
def cluster_id(state: EmulatorState) -> str:
    return state.cluster_ids[0]


@pytest.fixture
def connect(
    server: EmulatorServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Connect]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made: list[Any] = []

    def connection(auth_type: str = "password", **auth: str) -> Any:
        made.append(
            openstack.Connection(
                auth_type=auth_type,
                auth={"auth_url": f"{server.endpoint}/v3", **auth},
                region_name=REGION,
                identity_api_version="3",
            )
        )
        extensions.register_otc_extensions(made[-1])
        return made[-1]

    yield connection
    for one in made:
        one.close()


@pytest.fixture
def css(connect: Connect) -> Any:
    return connect(
        username=USER_NAME,
        password=PASSWORD,
        user_domain_name=DOMAIN,
        project_name=REGION,
        project_domain_name=DOMAIN,
    ).css


@pytest.mark.parametrize(
    "person",
    [
        {"username": USER_NAME, "user_domain_name": DOMAIN},
        {"username": USER_NAME, "user_domain_id": DOMAIN_ID},
        {"user_id": USER_NAME},
    ],
    ids=["domain name", "domain id", "user id"],
)
@pytest.mark.parametrize(
    "scope",
    [
        {"project_name": REGION, "project_domain_name": DOMAIN},
        {"project_name": REGION, "project_domain_id": DOMAIN_ID},
        {"project_id": "0e000000000000000000000000000001"},
    ],
    ids=["name", "name and domain id", "id"],
)
def test_every_way_to_log_in_leads_to_the_clusters(
    connect: Connect,
    state: EmulatorState,
    person: dict[str, str],
    scope: dict[str, str],
) -> None:
    connection = connect(password=PASSWORD, **person, **scope)

    clusters = list(connection.css.clusters())

    assert connection.current_project_id == state.project_id
    assert {cluster.id for cluster in clusters} == set(state.cluster_ids)


def test_a_token_logs_in_again_and_for_a_project(
    connect: Connect, state: EmulatorState
) -> None:
    person = {"username": USER_NAME, "user_domain_name": DOMAIN}
    unscoped = connect(password=PASSWORD, **person)
    token = unscoped.session.get_token()

    connection = connect("token", token=token, project_id=state.project_id)

    assert connection.css.get_cluster(state.cluster_ids[0]).status == "AVAILABLE"
    assert unscoped.current_project_id is None


def test_a_limit_shows_what_the_default_page_leaves_out(
    css: Any, state: EmulatorState
) -> None:
    for _ in range(7):
        state.add_cluster()
    assert len(list(css.clusters())) == 10
    assert len(list(css.clusters(limit=100))) == 12


def test_a_cluster_is_found_by_name_and_by_id(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    name = state.cluster(cluster_id).name

    assert css.find_cluster(name).id == cluster_id
    assert css.find_cluster(cluster_id).name == name
    assert css.find_cluster("no-such-cluster") is None
    (node,) = css.get_cluster(cluster_id).nodes
    assert node.status == "200"


def test_a_snapshot_lives_its_life(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    target = state.cluster_ids[1]

    made = css.create_snapshot(cluster_id, name="nightly-1", indices="a,b")
    (listed,) = css.snapshots(cluster_id)
    found = css.find_snapshot(cluster_id, "nightly-1")
    css.restore_snapshot(cluster_id, made, targetCluster=target)
    css.wait_for_cluster(target, timeout=5, wait=1)
    css.delete_snapshot(cluster_id, made)

    assert (listed.id, listed.status, found.id) == (made.id, "COMPLETED", made.id)
    assert (listed.indices, listed.total_shards) == ("a,b", 6)
    assert list(css.snapshots(cluster_id)) == []
    assert css.find_snapshot(cluster_id, "nightly-1") is None


def test_settings_and_policy_are_made_and_read(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    css.set_snapshot_configuration(
        cluster_id, bucket="my-bucket", agency="css_obs_agency", backup_path="a/b"
    )
    # As its own command does it: a flag of its own would travel as a boolean.
    css.set_snapshot_policy(
        cluster_id,
        enable="true",
        prefix="auto",
        keepday=3,
        period="16:00 GMT+08:00",
        frequency="DAY",
    )
    policy = css.get_snapshot_policy(cluster_id)
    css.disable_snapshot_function(cluster_id)

    assert (policy.bucket_name, policy.backup_path) == ("my-bucket", "a/b")
    assert (policy.prefix, policy.backup_keep_days) == ("auto", 3)
    assert policy.is_enabled
    assert not css.get_cluster(cluster_id).is_backup_enabled
    assert not state.cluster(cluster_id).policy.enabled


def test_settings_may_be_left_to_the_service(
    css: Any, state: EmulatorState, cluster_id: str
) -> None:
    state.cluster(cluster_id).backup_available = False

    css.set_snapshot_configuration(cluster_id, auto_configure=True)

    assert css.get_cluster(cluster_id).is_backup_enabled
    assert state.counts["configure_automatically"] == 1


def test_settings_without_a_path_are_refused(css: Any, cluster_id: str) -> None:
    exceptions = importlib.import_module("openstack.exceptions")
    with pytest.raises(exceptions.BadRequestException, match="bath path is empty"):
        css.set_snapshot_configuration(
            cluster_id, bucket="my-bucket", agency="css_obs_agency"
        )


def test_the_identity_service_is_in_the_catalog(connect: Connect) -> None:
    connection = connect(
        username=USER_NAME,
        password=PASSWORD,
        user_domain_name=DOMAIN,
        project_name=REGION,
        project_domain_name=DOMAIN,
    )

    projects = list(connection.identity.projects())
    user = connection.identity.get_user(USER_NAME)
    domain = connection.identity.get_domain(DOMAIN_ID)

    assert [project.name for project in projects] == [REGION]
    assert (user.name, domain.name) == (USER_NAME, DOMAIN)
