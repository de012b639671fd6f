"""SnapshotService: one thin method per call.

The vendor's calls, the IAM action that each needs, and the methods that make it:

POST …/index_snapshot                          css:snapshot:create
    create, ensure, fan_out
GET …/index_snapshots                          css:snapshot:list
    list, get, find, wait, watch, wait_restored, coverage; also ensure, fan_out, prune,
    and what restores
DELETE …/index_snapshot/{snapshot_id}          css:snapshot:delete
    delete, prune
POST …/index_snapshot/{snapshot_id}/restore    css:snapshot:restore
    restore, ensure_restored, drill
GET …/index_snapshot/policy                    css:snapshot:getSnapshotPolicy
    get_policy, plan_policy
POST …/index_snapshot/policy                   css:snapshot:setSnapshotPolicy
    set_policy, apply_policy, disable_policy
POST …/index_snapshot/setting                  css:snapshot:setSnapshotContiguration
    configure
POST …/index_snapshot/auto_setting             css:snapshot:enableAtomaticSnapsot
    configure_automatically
DELETE …/index_snapshots                       css:snapshot:disableSnapshotFuction
    disable_snapshots
GET …/clusters                                 css:cluster:list
    clusters, each, coverage, fan_out until completed
GET …/clusters/{cluster_id}                    css:cluster:get
    cluster; also what restores
POST …/agency/create                           not documented
    create_agency

With `policy_api="v2"`, it is these in place of POST …/policy:

POST …/snapshots/policy/open
PUT …/snapshots/policy/close

The actions are spelt as the vendor's table has them:
https://support.huaweicloud.com/intl/en-us/api-css/css_03_0065.html. To find the
project of a region takes iam:projects:listProjects.
"""

import copy
import os
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
)
from datetime import datetime
from types import EllipsisType, TracebackType
from typing import Any, Self, TypeVar, Unpack, overload

import attrs
import httpx

# In quotes, its names are hints that load what they name when they are read.
import css_snapshot
from css_snapshot import workflows
from css_snapshot.api.clusters import Cluster
from css_snapshot.api.operations import (
    GET_POLICY,
    LIST_SNAPSHOTS,
    SHOW_CLUSTER,
)
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.requests import (
    RestoreSnapshotRequest,
    SnapshotSettings,
    creation_request,
)
from css_snapshot.api.rules import check_id, check_text, split_indices
from css_snapshot.client.api_client import ApiClient, Limits
from css_snapshot.client.request import RequestBuilder
from css_snapshot.clock import Clock
from css_snapshot.configuration import (
    ServiceOptions,
    address,
    check_auth,
    check_choices,
    options_from,
)
from css_snapshot.errors import SnapshotNotFoundError
from css_snapshot.events import Observer, log_to_stderr
from css_snapshot.models import Backup, DrillReport, Ensured, Restored, Snapshot
from css_snapshot.retry import RetryPolicy
from css_snapshot.transport.default import TransportKind, default_transport
from css_snapshot.typing import (
    Applied,
    DrillCheck,
    DrillCleanup,
    Indices,
    OnBusy,
    OnDeleted,
    OnError,
    OnExists,
    OnSpoiled,
    PolicyApi,
    Progress,
    SnapshotOperation,
    StrPath,
    Until,
    WireNames,
)
from css_snapshot.workflows.defaults import (
    CLEANUP_SECONDS,
    POLL_SECONDS,
    RENAME_PREFIX,
    RESTORE_SECONDS,
    SETTLE_SECONDS,
    STUCK_SECONDS,
    TIMEOUT_SECONDS,
)
from css_snapshot.workflows.wait import SnapshotWatch

T = TypeVar("T")

__all__ = ["ServiceOptions", "SnapshotService"]


class SnapshotService:
    """Snapshots of the CSS clusters of one project.

    Use it as `async with`, or call `aclose` when done. It belongs to the event loop
    it is first used in; any number of tasks may share it.

    Args:
        project_id: The project's id; may be left out if `auth` can tell it.
        auth: Any `httpx.Auth`; see `css_snapshot.auth`.
        region: For example `cn-north-4`. Either this or `endpoint` is needed.
        endpoint: The service's address, for example to reach an emulator.
        transport: Carries requests. One passed in may be shared between services and
            stays the caller's to close. A kind that `default_transport` knows, such as
            `"fast"`, makes one that this service closes.
        retry: Which failures are repeated; 500 alone by default.
        timeout: Wall-clock limit of one attempt, in seconds.
        deadline: Wall-clock limit of a call with all its retries, in seconds.
        language: Language of the vendor's error texts, `en-us` or `zh-cn`.
        wire_names: How to spell the names that changed over the years, in what is
            sent to restore, to set a policy and to configure: `"both"` ways at once,
            which every site understands that ignores names it does not know, or
            `"snake"` alone (newer sites), or `"camel"` alone (older ones). A site
            drops a name that it does not know silently, so one spelling has to be
            the right one: a restoration without its renaming would go over the
            indices it was to be kept apart from. A site that refuses unknown names
            answers 400 to `"both"`, and does nothing.
        policy_api: How to switch automatic snapshots on and off: by the one call of
            the vendor's `"v1"`, or by the pair of `"v2"`, for sites where the first
            is not served. Reading a policy is `v1` in any case.
        allow_insecure: Accept an `http` endpoint that is not on this machine.
        application: The program that uses the service, such as `my-app/1.2`, which
            the user agent then begins with.
        on_event: Called with what happens; see `css_snapshot.events`.
        clock: Where time comes from.

    Raises:
        ConfigurationError: If an argument can't work.
        RequestValidationError: If `project_id` breaks the rule for ids.
    """

    def __init__(
        self,
        *,
        project_id: str | None = None,
        auth: httpx.Auth,
        region: str | None = None,
        endpoint: str | None = None,
        transport: httpx.AsyncBaseTransport | TransportKind | None = None,
        retry: RetryPolicy | None = None,
        timeout: float = 30.0,
        deadline: float | None = None,
        language: str = "en-us",
        wire_names: WireNames = "both",
        policy_api: PolicyApi = "v1",
        allow_insecure: bool = False,
        application: str | None = None,
        on_event: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_auth(auth)
        check_choices(language=language, wire_names=wire_names, policy_api=policy_api)
        checked = address(region, endpoint, allow_insecure=allow_insecure)
        requests = RequestBuilder(checked, language=language, application=application)
        limits = Limits(
            timeout=timeout, deadline=deadline, retry=retry or RetryPolicy()
        )
        self._own_transport: httpx.AsyncBaseTransport | None = None
        if transport is None:
            transport = self._own_transport = default_transport()
        elif isinstance(transport, str):
            transport = self._own_transport = default_transport(transport)
        self._client = ApiClient(
            auth=auth,
            transport=transport,
            requests=requests,
            project_id=project_id,
            limits=limits,
            on_event=on_event,
            clock=clock or Clock(),
        )
        self._names: WireNames = wire_names
        self._policy_api: PolicyApi = policy_api
        self._watch = SnapshotWatch(self._client)

    @classmethod
    def from_env(cls, **overrides: Unpack[ServiceOptions]) -> Self:
        """Create a service from environment variables.

        `HUAWEICLOUD_SDK_AK`, `HUAWEICLOUD_SDK_SK` and, for temporary credentials,
        `HUAWEICLOUD_SDK_SECURITY_TOKEN` sign requests; `HUAWEICLOUD_SDK_PROJECT_ID`
        names the project; `CSS_ENDPOINT`, or else `HUAWEICLOUD_SDK_REGION`, says
        where the service is. Where `CSS_SNAPSHOT_LOG` is `info` or `debug`, the log of
        this package goes to the error output, unless the program sends it somewhere
        already.

        Args:
            **overrides: Arguments of `SnapshotService` that come before what the
                environment says.

        Raises:
            ConfigurationError: If a variable that is needed is missing or unusable.
        """
        log_to_stderr(os.environ)
        return cls(**options_from(os.environ, overrides))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client!r})"

    async def aclose(self) -> None:
        """Close the connections, unless the transport was passed in."""
        if self._own_transport is not None:
            await self._own_transport.aclose()

    def with_options(
        self,
        *,
        timeout: float | EllipsisType = ...,
        deadline: float | EllipsisType | None = ...,
        retry: RetryPolicy | EllipsisType = ...,
    ) -> Self:
        """Return the same service with other limits.

        It shares the connections, the list calls of those who wait, and the retry
        budget unless `retry` brings its own. Closing it closes nothing.

        Args:
            timeout: Wall-clock limit of one attempt, in seconds; as it is if left out.
            deadline: Wall-clock limit of a call with all its retries, in seconds, or
                `None` for none; as it is if left out.
            retry: Which failures are repeated; as it is if left out.

        Raises:
            ConfigurationError: If a limit is not a number above 0.
        """
        changes: dict[str, object] = {
            name: value
            for name, value in (
                ("timeout", timeout),
                ("deadline", deadline),
                ("retry", retry),
            )
            if value is not ...
        }
        other = copy.copy(self)
        limits = attrs.evolve(self._client.limits, **changes)  # type: ignore[arg-type]  # the three above
        other._borrow(self._client.with_limits(limits))  # noqa: SLF001 - of this class
        return other

    def _borrow(self, client: ApiClient) -> None:
        """Use a client whose transport is another's to close."""
        self._client = client
        self._own_transport = None

    def _policies(self) -> "workflows.policy.PolicySwitch":
        return workflows.policy.PolicySwitch(
            self._client, self._policy_api, self._names
        )

    async def create(
        self,
        cluster_id: str,
        name: str,
        *,
        indices: Indices = None,
        description: str | None = None,
        strict: bool = True,
    ) -> Backup:
        r"""Start a snapshot of one cluster.

        The service works in the background: what comes back is accepted, not done.
        If an attempt of this call was answered by a 500 and a repeated one finds the
        name taken or the cluster busy, the list is looked at once, and a snapshot
        that this call created is returned.

        Args:
            cluster_id: The cluster's id.
            name: 4 to 64 characters: a lower-case letter, then lower-case letters,
                digits, hyphens or underscores; unique in the cluster.
            indices: Names or patterns, as a sequence or joined by commas; all
                indices if left out. Joined at most 1,024 characters.
            description: At most 256 characters, none of `!<>=&"'\`.
            strict: `False` refuses only `<` and `>` in the description.

        Returns:
            Id and name, as the service stored them.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            BadRequestError: If the service answers 400; sent once.
            AuthenticationError: If the credentials were not accepted; sent once.
            ForbiddenError: If the service answers 403: not allowed, or no such
                cluster; sent once.
            NotAcceptableError: If the service answers 406; sent once.
            SnapshotExistsError: If the name is taken.
            ClusterBusyError: If another operation is running on the cluster.
            InternalServerError: If each attempt is answered by 500; the snapshot may
                exist all the same.
            NotImplementedByServerError: If the service answers 501; sent once.
            InvalidResponseError: If a success status comes without a backup.
            TransportError: If no answer came; `.sent` says whether the request may
                have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateSnapshot.html
        """
        request = creation_request(
            name, indices=indices, description=description, strict=strict
        )
        return await workflows.create.create(self._client, cluster_id, request)

    async def ensure(
        self,
        cluster_id: str,
        name: str,
        *,
        indices: Indices = None,
        description: str | None = None,
        strict: bool = True,
        on_exists: OnExists = "adopt",
        on_spoiled: OnSpoiled = "fail",
        settle: float = SETTLE_SECONDS,
    ) -> Ensured:
        r"""Start a snapshot of one cluster exactly once.

        Looks before it creates, and looks again where an answer leaves open what was
        done: after a 500, a lost connection, a timeout or a busy cluster. Calling it
        again with the same name is safe.

        Args:
            cluster_id: The cluster's id.
            name: 4 to 64 characters: a lower-case letter, then lower-case letters,
                digits, hyphens or underscores; unique in the cluster.
            indices: Names or patterns, as a sequence or joined by commas; all
                indices if left out. Joined at most 1,024 characters.
            description: At most 256 characters, none of `!<>=&"'\`.
            strict: `False` refuses only `<` and `>` in the description.
            on_exists: What a snapshot of this name that was there before means:
                `"adopt"` takes it unless it is provably another one, `"fail"`
                refuses.
            on_spoiled: What one means that ended without all its shards: `"fail"`
                refuses, `"number"` takes `name-2`, `name-3`, … instead and deletes
                nothing, `"replace"` deletes it if it is a FAILED manual one.
            settle: Seconds a new snapshot may take to show in the list. On a service
                without unique names, two calls one after the other are safe only
                when the list has settled between them.

        Returns:
            Id and name, whether this call created it or found it, and what could not
            be compared in what was found.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            SnapshotExistsError: If a snapshot of that name was there before and may
                not, or can't, be adopted.
            SnapshotFailedError: If this call's own snapshot has failed by then.
            IndeterminateCreateError: If it is unknown, even after looking.
            DuplicateSnapshotError: If there are several new snapshots of that name;
                none of them was deleted.
            APIError: If the service refused.
            TransportError: If the request was not sent, or the list could not be read.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateSnapshot.html
        """
        request = creation_request(
            name, indices=indices, description=description, strict=strict
        )
        options = workflows.ensure.EnsureOptions(
            on_exists=on_exists, on_spoiled=on_spoiled, settle=settle
        )
        return await workflows.ensure.ensure(self._client, cluster_id, request, options)

    async def list(self, cluster_id: str) -> tuple[Snapshot, ...]:
        """Return all snapshots of a cluster, in the order the service lists them.

        The service has no paging and no filter for this call.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: If an id breaks the rule for ids; nothing was sent.
            ForbiddenError: If it is not allowed, or there is no such cluster.
            APIError: If the service refused otherwise.
            InvalidResponseError: If a success status comes without a list.
            TransportError: If no answer came.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        return await self._client.send(LIST_SNAPSHOTS(cluster_id=cluster_id))

    async def get(self, cluster_id: str, snapshot_id: str) -> Snapshot:
        """Return one snapshot of a cluster.

        The service has no call for it: the cluster's list is read.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id.

        Raises:
            RequestValidationError: If an id breaks the rule for ids; nothing was sent.
            SnapshotNotFoundError: If the list does not show the snapshot.
            CSSError: As `list` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        check_id("snapshot_id", snapshot_id)
        for snapshot in await self.list(cluster_id):
            if snapshot.id == snapshot_id:
                return snapshot
        raise SnapshotNotFoundError(
            f"snapshot {snapshot_id} of cluster {cluster_id} is not in the list",
            cluster_id=cluster_id,
            snapshot_id=snapshot_id,
        )

    async def find(self, cluster_id: str, name: str) -> tuple[Snapshot, ...]:
        """Return the snapshots of a cluster with a name, in the order of its list.

        Names are unique in a cluster as far as the vendor says; but whether that of
        a failed snapshot can be used again is not documented, so there may be
        several. None are found for a name that is not there.

        Args:
            cluster_id: The cluster's id.
            name: The whole name.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            CSSError: As `list` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        check_text("name", name)
        snapshots = await self.list(cluster_id)
        return tuple(snapshot for snapshot in snapshots if snapshot.name == name)

    async def wait(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        poll: float = POLL_SECONDS,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is finished.

        The cluster's list is read once per tick, however many wait on it. What may
        pass, such as a lost connection or a gap in a single list, is waited through.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id, or its name.
            timeout: Limit in seconds. Even small snapshots take minutes.
            poll: Initial polling interval in seconds; it grows over time.
            on_progress: Called with the snapshot at each look; must be quick.

        Returns:
            The finished snapshot, with all its shards.

        Raises:
            SnapshotFailedError: If the service gave up on the snapshot.
            PartialSnapshotError: If the snapshot finished, but shards are missing.
            SnapshotNotFoundError: If the list does not show the snapshot, or no longer
                does.
            DuplicateSnapshotError: If several snapshots have the name.
            WaitTimeoutError: If the snapshot had not finished in time; it may still.
            CSSError: If the list can't be read, and waiting does not help.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        return await self._watch.wait(
            cluster_id,
            snapshot_id,
            timeout=timeout,
            poll=poll,
            on_progress=on_progress,
        )

    def watch(
        self, cluster_id: str, snapshot_id: str, *, poll: float = POLL_SECONDS
    ) -> AsyncIterator[Snapshot]:
        """Iterate over the changes of a snapshot, until it is finished.

        All who watch or wait for snapshots of a cluster share its list calls.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id, or its name.
            poll: Initial polling interval in seconds; it grows over time.

        Returns:
            An async iterator of the snapshot, as it is first and after each change;
            the last one is finished, well or badly.

        Raises:
            SnapshotNotFoundError: If the list does not show the snapshot, or no longer
                does.
            DuplicateSnapshotError: If several snapshots have the name.
            CSSError: If the list can't be read, and waiting does not help.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        return self._watch.watch(cluster_id, snapshot_id, poll=poll)

    async def wait_restored(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        poll: float = POLL_SECONDS,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is restored, after `restore`.

        Args:
            cluster_id: The cluster that the snapshot is of, not the one it is
                restored into.
            snapshot_id: The snapshot's id.
            timeout: Limit in seconds.
            poll: Initial polling interval in seconds; it grows over time.
            on_progress: Called with the snapshot at each look; must be quick.

        Raises:
            SnapshotFailedError: If the snapshot could not be restored.
            SnapshotNotFoundError: If the list does not show the snapshot, or no longer
                does.
            WaitTimeoutError: If the restoration had not finished in time; it may still.
            CSSError: If the list can't be read, and waiting does not help.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        return await self._watch.wait_restored(
            cluster_id,
            snapshot_id,
            timeout=timeout,
            poll=poll,
            on_progress=on_progress,
        )

    async def delete(self, cluster_id: str, snapshot_id: str) -> None:
        """Delete a snapshot for good.

        Where an answer leaves open whether it was deleted (a 500, a lost connection, a
        timeout), the list is read before anything is sent again: a snapshot that is
        not there any more was deleted.

        Automatic snapshots can't be deleted while their policy is switched on, nor
        any that is being created or restored.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id; in particular not empty.

        Raises:
            RequestValidationError: If an id is not one; nothing was sent.
            NotFoundError: If there is no such snapshot.
            ForbiddenError: If it is not allowed, or there is no such cluster or
                snapshot: the service says no more.
            IndeterminateDeleteError: If it is unknown, even after looking.
            APIError: If the service refused otherwise.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/DeleteSnapshot.html
        """
        until = self._client.end_of_call()
        await workflows.delete.delete(
            self._client, cluster_id, snapshot_id, until=until
        )

    async def prune(
        self,
        cluster_id: str,
        *,
        retention: "css_snapshot.Retention | None" = None,
        keep: int | None = None,
        older_than: float | None = None,
        prefix: str | None = None,
        plan: "css_snapshot.RetentionPlan | None" = None,
        dry_run: bool = False,
        busy_wait: float = 600.0,
        on_deleted: OnDeleted | None = None,
    ) -> "css_snapshot.RetentionPlan":
        """Delete the manual snapshots of a cluster that no rule keeps, oldest first.

        Automatic snapshots, and those being built or restored, are left alone. To have
        a plan confirmed, make it with `dry_run=True` and pass it as `plan`: nothing
        else is deleted then. Each snapshot is looked at once more before it goes, and
        passed over if it is gone, in use, or wanted after all.

        Args:
            cluster_id: The cluster's id.
            retention: Which snapshots stay.
            keep: Short for `Retention(last=keep)`: the newest usable ones, whatever
                made them. Use `prefix` where others are taken besides the regular
                ones.
            older_than: Only snapshots that began more than so many seconds ago, by
                this machine's clock, may go. Given alone, the newest usable one stays
                in any case.
            prefix: Only snapshots whose names start with this count, and may go.
            plan: A plan made earlier, in place of the four arguments above.
            dry_run: Delete nothing, and return the plan.
            busy_wait: Seconds to go on trying a deletion that the service refuses
                because it is busy, with the last one for example.
            on_deleted: Called with each snapshot right after it was deleted; must be
                quick.

        Returns:
            The plan that was, or would be, carried out.

        Raises:
            RequestValidationError: If an argument breaks a rule, or every snapshot
                would go; nothing was sent.
            PruneError: If one could not be deleted; `.deleted` says which were before,
                and `__cause__` why: an `IndeterminateDeleteError` if it is unknown.
            CSSError: If the list can't be read, as `list` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/DeleteSnapshot.html
        """
        return await workflows.prune.prune(
            self._client,
            cluster_id,
            retention=retention,
            keep=keep,
            older_than=older_than,
            prefix=prefix,
            plan=plan,
            dry_run=dry_run,
            busy_wait=busy_wait,
            on_deleted=on_deleted,
        )

    async def restore(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        target_cluster_id: str,
        indices: Indices = None,
        rename_pattern: str | None = None,
        rename_replacement: str | None = None,
        replace_existing: bool = False,
    ) -> None:
        r"""Start to restore a snapshot, into its own or another cluster.

        The service works in the background; see `wait_restored`. Where an answer leaves
        open whether it was started (a 500, a lost connection, a timeout), the snapshot
        and the target are looked at before anything is sent again: if the snapshot is
        being restored, and the target is restoring, that is this call's work. One that
        has ended by then is not recognised; see `ensure_restored`.

        Args:
            cluster_id: The cluster that the snapshot is of.
            snapshot_id: The snapshot's id.
            target_cluster_id: The cluster to restore into: in the same region,
                available, of no lower version.
            indices: Names or patterns, as a sequence or joined by commas; all in the
                snapshot if left out. Joined at most 1,024 characters.
            rename_pattern: Regular expression of the names to change; at most 1,024
                characters, none of `"\<|>/?,`. Only together with the next.
            rename_replacement: What they become, such as `restored_index_$1`; the
                same rules.
            replace_existing: Replace indices of these names in the target; ignored
                by older sites, which refuse to restore over them.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            BadRequestError: If the service answers 400; sent once.
            ForbiddenError: If it is not allowed, or there is no such cluster or
                snapshot.
            ClusterBusyError: If another operation is running on the cluster.
            IndeterminateRestoreError: If it is unknown, even after looking.
            APIError: If the service refused otherwise.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/RestoreSnapshot.html
        """
        request = RestoreSnapshotRequest(
            target_cluster_id=target_cluster_id,
            indices=indices,
            rename_pattern=rename_pattern,
            rename_replacement=rename_replacement,
            replace_existing=replace_existing,
        )
        await workflows.restore.restore(
            workflows.restore.Restoration(
                self._client, cluster_id, snapshot_id, request, self._names
            )
        )

    async def ensure_restored(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        target_cluster_id: str,
        indices: Indices = None,
        rename_pattern: str | None = None,
        rename_replacement: str | None = None,
        replace_existing: bool = False,
        settle: float = SETTLE_SECONDS,
    ) -> Restored:
        r"""Start to restore a snapshot exactly once.

        Looks at the snapshot and the target before it asks for anything, and again
        where an answer leaves open what was done: after a 500, a lost connection or a
        timeout, and if the target is busy after one of these. What has changed since is
        this call's work, which an earlier restoration of the same snapshot is not taken
        for. It is asked for again only if it is proven that none began.

        A second call restores a second time. Two callers must not restore into the same
        cluster at once: the service shows that a restoration goes on there, but not
        whose it is, nor of which indices.

        Args:
            cluster_id: The cluster that the snapshot is of.
            snapshot_id: The snapshot's id.
            target_cluster_id: The cluster to restore into: in the same region,
                available, of no lower version.
            indices: Names or patterns, as a sequence or joined by commas; all in the
                snapshot if left out. Joined at most 1,024 characters.
            rename_pattern: Regular expression of the names to change; at most 1,024
                characters, none of `"\<|>/?,`. Only together with the next.
            rename_replacement: What they become, such as `restored_index_$1`; the
                same rules.
            replace_existing: Replace indices of these names in the target; ignored
                by older sites, which refuse to restore over them.
            settle: Seconds a restoration may take to show.

        Returns:
            Whether the service said so to this call, or it was found under way, or
            ended. For how it ends see `wait_restored`.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            ClusterBusyError: If another operation is running on the cluster.
            IndeterminateRestoreError: If it is unknown, even after looking.
            APIError: If the service refused.
            TransportError: If the request was not sent, or the snapshot or the target
                could not be looked at.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/RestoreSnapshot.html
        """
        request = RestoreSnapshotRequest(
            target_cluster_id=target_cluster_id,
            indices=indices,
            rename_pattern=rename_pattern,
            rename_replacement=rename_replacement,
            replace_existing=replace_existing,
        )
        return await workflows.restore.ensure_restored(
            workflows.restore.Restoration(
                self._client, cluster_id, snapshot_id, request, self._names
            ),
            settle=settle,
        )

    async def drill(
        self,
        cluster_id: str,
        *,
        into: str,
        verify: DrillCheck,
        cleanup: DrillCleanup | None = None,
        prefix: str | None = None,
        indices: Indices = None,
        rename_prefix: str = RENAME_PREFIX,
        timeout: float = RESTORE_SECONDS,
        poll: float = POLL_SECONDS,
        settle: float = SETTLE_SECONDS,
        cleanup_timeout: float = CLEANUP_SECONDS,
        on_progress: Progress | None = None,
    ) -> DrillReport:
        """Restore the last good snapshot into a test cluster, and have it checked.

        The newest usable snapshot is restored exactly once (see `ensure_restored`),
        under new names, and waited for. Then `verify` looks at the indices, by
        whichever client of the search engine it likes: this package has none.

        `cleanup` runs once the restoration may have begun, whatever happens then: after
        a failed check, a lost answer, or a cancellation, which ends the call only when
        the clean-up is done. Where it is proven that nothing began, it does not run:
        what is in the target may be another drill's.

        Args:
            cluster_id: The cluster whose last good snapshot is restored.
            into: The cluster to restore into, which must be another one.
            verify: Awaited with the report so far when all is restored. It finds the
                indices good unless it raises, or returns something false.
            cleanup: Awaited with the report at the end, to delete the indices.
            prefix: Only snapshots whose names start with this count.
            indices: Names or patterns, as a sequence or joined by commas; all in the
                snapshot if left out.
            rename_prefix: What the names of the restored indices begin with.
            timeout: Seconds the restoration may take.
            poll: Initial polling interval in seconds; it grows over time.
            settle: Seconds a restoration may take to show.
            cleanup_timeout: Seconds the clean-up may take.
            on_progress: Called with the snapshot at each look; must be quick.

        Returns:
            What was restored, and the verdict: `"verified"`, `"failed"` or `"unknown"`.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            SnapshotNotFoundError: If the cluster has no usable snapshot.
            CSSError: If the restoration was refused, or not sent, as
                `ensure_restored` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/RestoreSnapshot.html
        """
        options = workflows.drill.DrillOptions(
            into=into,
            prefix=prefix,
            indices=split_indices(indices),
            rename_prefix=rename_prefix,
            timeout=timeout,
            poll=poll,
            settle=settle,
            cleanup_timeout=cleanup_timeout,
            on_progress=on_progress,
        )
        return await workflows.drill.drill(
            self._client,
            self._watch,
            cluster_id,
            options,
            names=self._names,
            verify=verify,
            cleanup=cleanup,
        )

    async def get_policy(self, cluster_id: str) -> SnapshotPolicy:
        """Return a cluster's automatic-snapshot policy and storage settings.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: If the id is not one; nothing was sent.
            NotAcceptableError: If the service answers 406.
            APIError: If the service refused otherwise.
            InvalidResponseError: If a success status came without a policy.
            TransportError: If no answer came.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ShowAutoCreatePolicy.html
        """
        return await self._client.send(GET_POLICY(cluster_id=cluster_id))

    async def set_policy(self, cluster_id: str, policy: SnapshotPolicy) -> None:
        """Set when a cluster takes snapshots by itself.

        What a policy only shows, such as its bucket, is not sent; see `configure`.
        Where an answer leaves open whether it was set, the policy is read before
        anything is sent again.

        Args:
            cluster_id: The cluster's id.
            policy: The whole policy.

        Raises:
            RequestValidationError: If the policy breaks a rule; nothing was sent.
            NotAcceptableError: If the service answers 406.
            APIError: If the service refused otherwise.
            IndeterminateSettingsError: If it is unknown, even after looking.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateAutoCreatePolicy.html
            and, for `policy_api="v2"`, StartAutoCreateSnapshots.html there.
        """
        await self._policies().set(cluster_id, policy)

    async def plan_policy(
        self, cluster_id: str, policy: SnapshotPolicy
    ) -> "css_snapshot.PolicyDrift":
        """Return where a cluster's policy differs from the wanted one.

        Spellings that mean the same don't differ, nor does what is left out from the
        service's default. Of a policy that is wanted off nothing else matters. Where
        snapshots are stored is not compared; see `configure`.

        Args:
            cluster_id: The cluster's id.
            policy: The whole policy that is wanted.

        Returns:
            The differing fields, each with what the service has and what is wanted;
            false if there are none.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            CSSError: If the policy can't be read, as `get_policy` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ShowAutoCreatePolicy.html
        """
        return await self._policies().plan(cluster_id, policy)

    async def apply_policy(self, cluster_id: str, policy: SnapshotPolicy) -> Applied:
        """Set a cluster's policy unless it is as wanted, and read it back.

        Args:
            cluster_id: The cluster's id.
            policy: The whole policy that is wanted.

        Returns:
            `"unchanged"` if nothing had to be set, or else `"changed"`.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            IndeterminateSettingsError: If it is unknown, even after looking, or the
                service accepted the policy and does not show it.
            CSSError: If the policy can't be read or set, as `get_policy` and
                `set_policy` raise it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateAutoCreatePolicy.html
        """
        return await self._policies().apply(cluster_id, policy)

    async def disable_policy(
        self, cluster_id: str, *, delete_automatic: bool = False
    ) -> None:
        """Disable the automatic snapshots of a cluster.

        The policy is read first, and sent back switched off, as older sites want all
        of it. With `policy_api="v2"` it is one call.

        Args:
            cluster_id: The cluster's id.
            delete_automatic: Delete all the snapshots that it took by itself. Only
                with `policy_api="v1"`.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            NotAcceptableError: If the service answers 406.
            APIError: If the service refused otherwise.
            InvalidResponseError: If a success status came without a policy.
            IndeterminateSettingsError: If it is unknown, even after looking.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateAutoCreatePolicy.html
            and, for `policy_api="v2"`, StopAutoCreateSnapshots.html there.
        """
        await self._policies().disable(cluster_id, delete_automatic=delete_automatic)

    async def create_agency(self, *, domain_id: str, domain_name: str) -> str:
        """Create the agency that lets the service write snapshots to OBS.

        One that exists already gets the fewest permissions that do, so calling it
        again is safe.

        Args:
            domain_id: The account's id.
            domain_name: The account's name.

        Returns:
            The agency's name, for `configure`.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            BadRequestError: If the service answers 400.
            ForbiddenError: If it is not allowed.
            APIError: If the service refused otherwise.
            TransportError: If no answer came; `.sent` says whether the request may
                have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateAgency.html
        """
        return await workflows.settings.create_agency(
            self._client, domain_id, domain_name
        )

    async def configure(
        self,
        cluster_id: str,
        *,
        bucket: str,
        agency: str,
        base_path: str | None = None,
        max_snapshot_rate: str | None = None,
        max_restore_rate: str | None = None,
        cmk_id: str | None = None,
        policy: SnapshotPolicy | None = None,
    ) -> None:
        r"""Switch a cluster's snapshots on, or change where they are stored.

        Args:
            cluster_id: The cluster's id.
            bucket: An OBS bucket of the standard class in the cluster's region. It
                can't be changed any more once it holds snapshots.
            agency: The agency that lets the service write there, such as
                `css_obs_agency`.
            base_path: The folder in the bucket, at most 512 characters, none of
                `\:*?"<>|'{}`. Most sites need it, and answer 400 without. Clusters
                should not share one.
            max_snapshot_rate: Limit of writing per second and node, such as `40mb`,
                which is the service's default; `0` for none.
            max_restore_rate: Limit of restoring, likewise.
            cmk_id: The key that encrypts the snapshots, on sites that offer it.
            policy: A policy to set by the same call, on sites that offer it.

        Raises:
            RequestValidationError: If an argument breaks a rule; nothing was sent.
            BadRequestError: If the service answers 400, such as `CSS.0048` for a bucket that is not there.
            NotAcceptableError: If the service answers 406.
            APIError: If the service refused otherwise; 412 for an agency it can't use.
            IndeterminateSettingsError: If it is unknown, even after looking.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/UpdateSnapshotSetting.html
        """
        wanted = SnapshotSettings(
            bucket=bucket,
            agency=agency,
            base_path=base_path,
            max_snapshot_rate=max_snapshot_rate,
            max_restore_rate=max_restore_rate,
            cmk_id=cmk_id,
            policy=policy,
        )
        await workflows.settings.configure(
            self._client, cluster_id, wanted, self._names
        )

    async def configure_automatically(self, cluster_id: str) -> None:
        """Switch a cluster's snapshots on, in a bucket made for it.

        The service makes a bucket for each cluster, and an agency; the vendor
        advises against it. Prefer `configure`.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: If the id is not one; nothing was sent.
            NotAcceptableError: If the service answers 406.
            APIError: If the service refused otherwise.
            IndeterminateSettingsError: If it is unknown, even after looking.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/StartAutoSetting.html
        """
        await workflows.settings.configure_automatically(self._client, cluster_id)

    async def disable_snapshots(self, cluster_id: str) -> None:
        """Switch the whole snapshot function of a cluster off.

        It takes no snapshots any more, and shows none; what lies in its bucket stays
        there. Where it is switched off already, that is a success too. To delete one
        snapshot, see `delete`.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: If the id is not one; nothing was sent.
            NotAcceptableError: If the service answers 406.
            APIError: If the service refused otherwise; 415 with `CSS.0004` if it is
                switched off already.
            IndeterminateSettingsError: If it is unknown, even after looking.
            TransportError: If nothing was sent.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/StopSnapshot.html
        """
        await workflows.settings.disable_snapshots(self._client, cluster_id)

    def clusters(self, *, engine: str | None = None) -> AsyncIterator[Cluster]:
        """Iterate over all clusters of the project, newest first, each once.

        Pages as large as the site allows are read while it is iterated. If the service
        counts more clusters than it shows, smaller pages are tried, and then a
        `ListIncomplete` event tells the observer.

        Args:
            engine: Only `elasticsearch`, `opensearch` or `logstash`.

        Raises:
            RequestValidationError: If `engine` is unknown; raised at once.
            InvalidResponseError: If a success status comes without a list.
            APIError: If the service refused.
            TransportError: If no answer came.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListClustersDetails.html
        """
        return workflows.clusters.clusters(self._client, engine)

    def coverage(
        self,
        *,
        max_age: float,
        prefix: str | None = None,
        stuck_after: float = STUCK_SECONDS,
        clusters: Iterable[Cluster] | AsyncIterable[Cluster] | None = None,
        engine: str | None = None,
        limit: int = 16,
    ) -> "AsyncIterator[css_snapshot.Coverage]":
        """Iterate over clusters, all of the project: has each a fresh usable snapshot?

        They come in the order in which they are known. One that can't be read is told
        as such and stops none; refused credentials stop it. It takes the pages of the
        list of clusters, and one list of snapshots for each that has them on; where
        the service throttles, it goes on more slowly, as `each` does.

        Args:
            max_age: Seconds since the last good snapshot began, at most.
            prefix: Only snapshots whose names start with this count.
            stuck_after: Seconds that a snapshot may be building.
            clusters: Clusters, as `clusters` iterates over them: an iterable or async
                iterable, pulled as they are needed; all of the project if left out.
            engine: Of the project's, only `elasticsearch`, `opensearch` or
                `logstash`.
            limit: Clusters looked at at once.

        Raises:
            RequestValidationError: If an argument is out of its range; raised at once.
            ConfigurationError: If an engine comes with clusters, or `limit` is out of
                its range; likewise.
            TypeError: If what comes from `clusters` is no `Cluster`.
            AuthenticationError: If the credentials were not accepted.
            CSSError: If the list of clusters can't be read, as `clusters` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        # Here, as most programs never need it.
        from css_snapshot.fanout.coverage import coverage  # noqa: PLC0415

        rules = workflows.coverage.CoverageRules(
            max_age=max_age, prefix=prefix, stuck_after=stuck_after
        )
        return coverage(self._client, rules, clusters, engine=engine, limit=limit)

    async def cluster(self, cluster_id: str) -> Cluster:
        """Return one cluster; see its `snapshot_readiness`.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: If an id breaks the rule for ids; nothing was sent.
            ForbiddenError: If it is not allowed, or there is no such cluster.
            APIError: If the service refused otherwise.
            InvalidResponseError: If a success status comes without a cluster.
            TransportError: If no answer came.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ShowClusterDetail.html
        """
        return await self._client.send(SHOW_CLUSTER(cluster_id=cluster_id))

    @overload
    def each(
        self,
        operation: Callable[[Cluster], Awaitable[T]],
        *,
        clusters: Iterable[Cluster] | AsyncIterable[Cluster] | None = None,
        engine: str | None = None,
        limit: int = 16,
        rate: float | None = None,
        on_error: OnError = "collect",
    ) -> "css_snapshot.fanout.Each[T]": ...
    @overload
    def each(
        self,
        operation: Callable[[str], Awaitable[T]],
        *,
        clusters: Iterable[str] | AsyncIterable[str],
        limit: int = 16,
        rate: float | None = None,
        on_error: OnError = "collect",
    ) -> "css_snapshot.fanout.Each[T]": ...
    def each(
        self,
        operation: Callable[[Any], Awaitable[T]],
        *,
        clusters: Iterable[Any] | AsyncIterable[Any] | None = None,
        engine: str | None = None,
        limit: int = 16,
        rate: float | None = None,
        on_error: OnError = "collect",
    ) -> "css_snapshot.fanout.Each[T]":
        """Prepare a run that calls a function for each of many clusters.

        Enter it with `async with`, and iterate over it for the outcomes as they come:
        `Done` with what the function returned, or `Failed` with what it raised, which
        stops no other. A function that the service throttles is called again from its
        beginning when the service has had its pause, and all others are slowed down;
        what it returned is what the last call returned, so a function that changes
        something keeps its own account of what the earlier ones did.
        Leaving the block early cancels what is under way.

        Refused credentials stop the run at once, which then ends with
        `FanOutStoppedError`, as it does if the list of clusters can't be read. Of
        clusters that are given, one goes at a time until the service has accepted a
        call, the function has returned, or it has raised what no key is refused behind,
        such as `ConnectFailedError`: so a wrong key is tried once.

        Args:
            operation: An `async def` that is given a `Cluster`, or an id where ids are
                given.
            clusters: Clusters, or their ids: an iterable or async iterable, pulled as
                they are needed; all of the project if left out.
            engine: Of the project's, only `elasticsearch`, `opensearch` or
                `logstash`.
            limit: Clusters at once at most.
            rate: Calls of the function started per second at most; `None` for no
                limit. It is halved, and recovers, when the service throttles.
            on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no
                more.

        Raises:
            ConfigurationError: If an argument is out of its range.
            RequestValidationError: If `engine` is unknown.
        """
        # Here, as most programs never need it.
        from css_snapshot.fanout.each import each  # noqa: PLC0415

        return each(
            self._client,
            operation,
            clusters,
            engine=engine,
            limit=limit,
            rate=rate,
            on_error=on_error,
        )

    def fan_out(
        self,
        targets: Iterable["css_snapshot.fanout.Target"]
        | AsyncIterable["css_snapshot.fanout.Target"],
        *,
        operation: SnapshotOperation = "ensure",
        until: Until = "accepted",
        finish_by: datetime | None = None,
        limit: int = 16,
        rate: float | None = None,
        journal: StrPath | None = None,
        retry_failed: bool = False,
        busy: OnBusy = "skip",
        busy_wait: float = 1800.0,
        on_error: OnError = "collect",
        max_failures: int | None = None,
        on_exists: OnExists = "adopt",
        on_spoiled: OnSpoiled = "fail",
        settle: float = SETTLE_SECONDS,
    ) -> "css_snapshot.fanout.FanOut[Ensured]":
        """Prepare a run that makes a snapshot of each of many clusters.

        Enter it with `async with`, and iterate over it for the outcomes as they
        come. Leaving it early cancels what is under way and leaves the journal true.
        A run that can't go on ends with `FanOutStoppedError`.

        Args:
            targets: An iterable or async iterable, pulled as targets are needed.
            operation: `"ensure"` looks before it creates; `"create"` creates at
                once.
            until: `"accepted"` ends a target when the service has accepted its
                creation. `"completed"` ends it when the snapshot is seen to be
                complete (`Completed`), or not (`Spoiled`, `Late`); what is watched
                holds no slot of `limit`.
            finish_by: When a snapshot that still builds is `Late`, and no more
                targets are started; an aware datetime. `None` waits as long as it
                takes. Only with `until="completed"`.
            limit: Targets being sent for at once at most; one per cluster in any
                case.
            rate: Targets started per second at most; `None` for no limit. It is
                halved, and recovers, when the service throttles.
            journal: A file that lets an interrupted run be resumed.
            retry_failed: Whether targets that were refused or spoiled in an earlier
                run are tried again. What failed before anything was sent always is.
            busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try
                again.
            busy_wait: Seconds to go on trying an occupied cluster.
            on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no
                more.
            max_failures: As many failed, spoiled or indeterminate targets end the
                run.
            on_exists: As for `ensure`.
            on_spoiled: As for `ensure`.
            settle: As for `ensure`, in seconds.

        Raises:
            ConfigurationError: If an argument is out of its range.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateSnapshot.html
        """
        # Here, as most programs never need it, and its journal brings a database.
        from css_snapshot.fanout.fan_out import fan_out_snapshots  # noqa: PLC0415
        from css_snapshot.fanout.options import RunOptions  # noqa: PLC0415

        return fan_out_snapshots(
            self._client,
            targets,
            operation=operation,
            ensuring=workflows.ensure.EnsureOptions(
                on_exists=on_exists, on_spoiled=on_spoiled, settle=settle
            ),
            options=RunOptions(
                limit=limit,
                rate=rate,
                journal=journal,
                retry_failed=retry_failed,
                busy=busy,
                busy_wait=busy_wait,
                on_error=on_error,
                max_failures=max_failures,
                until=until,
                finish_by=finish_by,
            ),
        )
