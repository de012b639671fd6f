"""SnapshotService: one thin method per vendor call."""

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

import httpx

from css_snapshot.api.clusters import Cluster
from css_snapshot.api.encode import WireNames, encode_restore, encode_settings
from css_snapshot.api.operations import (
    CONFIGURE,
    CONFIGURE_AUTOMATICALLY,
    DISABLE_SNAPSHOTS,
    GET_POLICY,
    LIST_SNAPSHOTS,
    RESTORE_SNAPSHOT,
    SHOW_CLUSTER,
)
from css_snapshot.api.policies import SnapshotPolicy
from css_snapshot.api.requests import (
    CreateSnapshotRequest,
    RestoreSnapshotRequest,
    SnapshotSettings,
)
from css_snapshot.api.rules import check_id, check_text
from css_snapshot.client.api_client import ApiClient
from css_snapshot.clock import Clock
from css_snapshot.configuration import (
    ServiceOptions,
    address,
    check_auth,
    check_choices,
    options_from,
)
from css_snapshot.errors import SnapshotNotFoundError
from css_snapshot.events import Observer
from css_snapshot.models import Backup, Ensured, Snapshot
from css_snapshot.retry import RetryPolicy
from css_snapshot.transport.default import TransportKind, default_transport
from css_snapshot.typing import Indices
from css_snapshot.workflows import clusters, create, delete, ensure
from css_snapshot.workflows.ensure import OnExists
from css_snapshot.workflows.policy import PolicyApi, PolicySwitch
from css_snapshot.workflows.wait import Progress, SnapshotWatch

if TYPE_CHECKING:
    from css_snapshot.fanout import (
        FanOut,
        OnBusy,
        OnError,
        SnapshotOperation,
        Target,
    )
    from css_snapshot.fanout.journal.journal import StrPath

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
        on_event: Is told what happens; see `css_snapshot.events`.
        clock: Where time comes from.

    Raises:
        ConfigurationError: An argument can't work.
        RequestValidationError: The project's id is not one.
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
        on_event: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        check_auth(auth)
        check_choices(language=language, wire_names=wire_names, policy_api=policy_api)
        checked = address(region, endpoint, allow_insecure=allow_insecure)
        self._own_transport: httpx.AsyncBaseTransport | None = None
        if transport is None:
            transport = self._own_transport = default_transport()
        elif isinstance(transport, str):
            transport = self._own_transport = default_transport(transport)
        self._client = ApiClient(
            endpoint=checked,
            project_id=project_id,
            auth=auth,
            transport=transport,
            retry=retry or RetryPolicy(),
            timeout=timeout,
            deadline=deadline,
            language=language,
            on_event=on_event,
            clock=clock or Clock(),
        )
        self._where = f"{checked} {project_id or ''}".rstrip()
        self._names: WireNames = wire_names
        self._policies = PolicySwitch(self._client, policy_api, wire_names)
        self._watch = SnapshotWatch(self._client)

    @classmethod
    def from_env(cls, **overrides: Unpack[ServiceOptions]) -> Self:
        """Make a service from environment variables.

        `HUAWEICLOUD_SDK_AK`, `HUAWEICLOUD_SDK_SK` and, for temporary credentials,
        `HUAWEICLOUD_SDK_SECURITY_TOKEN` sign requests; `HUAWEICLOUD_SDK_PROJECT_ID`
        names the project; `CSS_ENDPOINT`, or else `HUAWEICLOUD_SDK_REGION`, says
        where the service is.

        Args:
            **overrides: Arguments of `SnapshotService` that come before what the
                environment says.

        Raises:
            ConfigurationError: A variable that is needed is missing or unusable.
        """
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
            RequestValidationError: An argument breaks a rule; nothing was sent.
            BadRequestError: 400, sent once.
            AuthenticationError: The credentials were not accepted, sent once.
            ForbiddenError: 403: not allowed, or no such cluster; sent once.
            NotAcceptableError: 406, sent once.
            SnapshotExistsError: The name is taken.
            ClusterBusyError: Another operation is running on the cluster.
            InternalServerError: 500 on every attempt; it may exist all the same.
            NotImplementedByServerError: 501, sent once.
            InvalidResponseError: A success status without a backup in it.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateSnapshot.html
        """
        request = CreateSnapshotRequest(
            name, indices=indices, description=description, strict=strict
        )
        return await create.create(self._client, cluster_id, request)

    async def ensure(
        self,
        cluster_id: str,
        name: str,
        *,
        indices: Indices = None,
        description: str | None = None,
        strict: bool = True,
        on_exists: OnExists = "adopt",
        settle: float = 15.0,
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
                `"adopt"` takes it if it is of the same indices and not failed,
                `"fail"` refuses.
            settle: Seconds a new snapshot may take to show in the list.

        Returns:
            Id and name, and whether this call created it or found it.

        Raises:
            RequestValidationError: An argument breaks a rule; nothing was sent.
            SnapshotExistsError: It was there before and may not, or can't, be
                adopted.
            IndeterminateCreateError: Unknown, even after looking.
            DuplicateSnapshotError: Several new snapshots of that name; none of them
                was deleted.
            APIError: The service refused.
            TransportError: The request was not sent, or the list could not be read.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateSnapshot.html
        """
        request = CreateSnapshotRequest(
            name, indices=indices, description=description, strict=strict
        )
        return await ensure.ensure(
            self._client, cluster_id, request, on_exists=on_exists, settle=settle
        )

    async def list(self, cluster_id: str) -> tuple[Snapshot, ...]:
        """Answer all snapshots of a cluster, in the service's order.

        The service has no paging and no filter for this call.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: The id is not one; nothing was sent.
            ForbiddenError: Not allowed, or no such cluster.
            APIError: The service refused otherwise.
            InvalidResponseError: A success status without a list in it.
            TransportError: No answer.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        return await self._client.send(LIST_SNAPSHOTS(cluster_id=cluster_id))

    async def get(self, cluster_id: str, snapshot_id: str) -> Snapshot:
        """Answer one snapshot of a cluster.

        The service has no call for it: the cluster's list is read.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id.

        Raises:
            RequestValidationError: An id is not one; nothing was sent.
            SnapshotNotFoundError: The list does not show it.
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
        """Answer the snapshots of a cluster that have a name, in the service's order.

        Names are unique in a cluster as far as the vendor says; but whether that of
        a failed snapshot can be used again is not documented, so there may be
        several. None are found for a name that is not there.

        Args:
            cluster_id: The cluster's id.
            name: The whole name.

        Raises:
            RequestValidationError: An argument is not one; nothing was sent.
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
        timeout: float = 600.0,
        poll: float = 5.0,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is finished.

        The cluster's list is read once per tick, however many wait on it. What may
        pass, such as a lost connection, is waited through.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id.
            timeout: Limit in seconds. Even small snapshots take minutes.
            poll: Seconds between looks, of which later ones are rarer.
            on_progress: Told of the snapshot at each look; must be quick.

        Returns:
            The finished snapshot, with all its shards.

        Raises:
            SnapshotFailedError: The service gave up on it.
            PartialSnapshotError: It finished, but shards are missing.
            SnapshotNotFoundError: The list does not show it, or no longer does.
            WaitTimeoutError: It had not finished in time; it may still.
            CSSError: The list can't be read, and waiting does not help.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListSnapshots.html
        """
        return await self._watch.wait(
            cluster_id,
            snapshot_id,
            timeout=timeout,
            poll=poll,
            on_progress=on_progress,
        )

    async def wait_restored(
        self,
        cluster_id: str,
        snapshot_id: str,
        *,
        timeout: float = 600.0,
        poll: float = 5.0,
        on_progress: Progress | None = None,
    ) -> Snapshot:
        """Wait until a snapshot is restored, after `restore`.

        Args:
            cluster_id: The cluster that the snapshot is of, not the one it is
                restored into.
            snapshot_id: The snapshot's id.
            timeout: Limit in seconds.
            poll: Seconds between looks, of which later ones are rarer.
            on_progress: Told of the snapshot at each look; must be quick.

        Raises:
            SnapshotFailedError: It could not be restored.
            SnapshotNotFoundError: The list does not show it, or no longer does.
            WaitTimeoutError: It had not finished in time; it may still.
            CSSError: The list can't be read, and waiting does not help.

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

        If an attempt of this call failed in a way that leaves open whether it was
        carried out, and a repeated one is refused, the list is looked at once: a
        snapshot that is not there any more was deleted.

        Automatic snapshots can't be deleted while their policy is switched on, nor
        any that is being created or restored.

        Args:
            cluster_id: The cluster's id.
            snapshot_id: The snapshot's id; in particular not empty.

        Raises:
            RequestValidationError: An id is not one; nothing was sent.
            NotFoundError: No such snapshot.
            ForbiddenError: Not allowed, or no such cluster or snapshot: the service
                says no more.
            APIError: The service refused otherwise.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/DeleteSnapshot.html
        """
        await delete.delete(self._client, cluster_id, snapshot_id)

    async def prune(
        self,
        cluster_id: str,
        *,
        keep: int,
        prefix: str | None = None,
        older_than: float | None = None,
        dry_run: bool = False,
    ) -> tuple[Snapshot, ...]:
        """Delete the older manual snapshots of a cluster, one by one, oldest first.

        Never an automatic one, one that is building or restoring, or one in a state
        or of a kind this release does not know. Only usable snapshots count as kept:
        what is newer than the last of them stays, and failed ones don't push good
        ones out.

        Args:
            cluster_id: The cluster's id.
            keep: How many usable ones to keep, of those that the name matches; may
                be 0.
            prefix: Only those whose names begin with this; all if left out.
            older_than: Only those that began more than so many seconds ago, by this
                machine's clock.
            dry_run: Delete nothing.

        Returns:
            The snapshots deleted, or for a dry run those that would be.

        Raises:
            RequestValidationError: An argument breaks a rule; nothing was sent.
            PruneError: One could not be deleted; `.deleted` says which were before.
            CSSError: As `list` raises it.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/DeleteSnapshot.html
        """
        return await delete.prune(
            self._client,
            cluster_id,
            keep=keep,
            prefix=prefix,
            older_than=older_than,
            dry_run=dry_run,
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

        The service works in the background; see `wait_restored`. If an attempt of
        this call was answered by a 500, a repeated one may find the target busy with
        its own work (`ClusterBusyError`, with the 500 in `.earlier`).

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
            RequestValidationError: An argument breaks a rule; nothing was sent.
            BadRequestError: 400, sent once.
            ForbiddenError: 403: not allowed, or no such cluster or snapshot.
            ClusterBusyError: Another operation is running on the cluster.
            APIError: The service refused otherwise.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/RestoreSnapshot.html
        """
        request = RestoreSnapshotRequest(
            target_cluster_id=target_cluster_id,
            indices=indices,
            rename_pattern=rename_pattern,
            rename_replacement=rename_replacement,
            replace_existing=replace_existing,
        )
        body = encode_restore(request, self._names)
        await self._client.send(
            RESTORE_SNAPSHOT(body=body, cluster_id=cluster_id, snapshot_id=snapshot_id)
        )

    async def get_policy(self, cluster_id: str) -> SnapshotPolicy:
        """Answer when a cluster takes snapshots by itself, and where they go.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: The id is not one; nothing was sent.
            NotAcceptableError: 406.
            APIError: The service refused otherwise.
            InvalidResponseError: A success status without a policy in it.
            TransportError: No answer.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ShowAutoCreatePolicy.html
        """
        return await self._client.send(GET_POLICY(cluster_id=cluster_id))

    async def set_policy(self, cluster_id: str, policy: SnapshotPolicy) -> None:
        """Set when a cluster takes snapshots by itself.

        What a policy only answers, such as its bucket, is not sent; see `configure`.

        Args:
            cluster_id: The cluster's id.
            policy: The whole policy.

        Raises:
            RequestValidationError: The policy breaks a rule; nothing was sent.
            NotAcceptableError: 406.
            APIError: The service refused otherwise.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateAutoCreatePolicy.html
            and, for `policy_api="v2"`, StartAutoCreateSnapshots.html there.
        """
        await self._policies.set(cluster_id, policy)

    async def disable_policy(
        self, cluster_id: str, *, delete_automatic: bool = False
    ) -> None:
        """Let a cluster take no more snapshots by itself.

        The policy is read first, and sent back switched off, as older sites want all
        of it. With `policy_api="v2"` it is one call.

        Args:
            cluster_id: The cluster's id.
            delete_automatic: Delete all the snapshots that it took by itself. Only
                with `policy_api="v1"`.

        Raises:
            RequestValidationError: An argument breaks a rule; nothing was sent.
            NotAcceptableError: 406.
            APIError: The service refused otherwise.
            InvalidResponseError: A success status without a policy in it.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateAutoCreatePolicy.html
            and, for `policy_api="v2"`, StopAutoCreateSnapshots.html there.
        """
        await self._policies.disable(cluster_id, delete_automatic=delete_automatic)

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
            RequestValidationError: An argument breaks a rule; nothing was sent.
            BadRequestError: 400, such as `CSS.0048` for a bucket that is not there.
            NotAcceptableError: 406.
            APIError: The service refused otherwise; 412 for an agency it can't use.
            GatewayError: 504; it may have been carried out.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/UpdateSnapshotSetting.html
        """
        settings = SnapshotSettings(
            bucket=bucket,
            agency=agency,
            base_path=base_path,
            max_snapshot_rate=max_snapshot_rate,
            max_restore_rate=max_restore_rate,
            cmk_id=cmk_id,
            policy=policy,
        )
        body = encode_settings(settings, self._names)
        await self._client.send(CONFIGURE(body=body, cluster_id=cluster_id))

    async def configure_automatically(self, cluster_id: str) -> None:
        """Switch a cluster's snapshots on, in a bucket made for it.

        The service makes a bucket for each cluster, and an agency; the vendor
        advises against it. Prefer `configure`.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: The id is not one; nothing was sent.
            NotAcceptableError: 406.
            APIError: The service refused otherwise.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/StartAutoSetting.html
        """
        await self._client.send(CONFIGURE_AUTOMATICALLY(cluster_id=cluster_id))

    async def disable_snapshots(self, cluster_id: str) -> None:
        """Switch the whole snapshot function of a cluster off.

        It takes no snapshots any more, and shows none; what lies in its bucket stays
        there. To delete one snapshot, see `delete`.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: The id is not one; nothing was sent.
            NotAcceptableError: 406.
            APIError: The service refused otherwise; 415 with `CSS.0004` if it is
                switched off already.
            TransportError: No answer; `.sent` says whether it may have arrived.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/StopSnapshot.html
        """
        await self._client.send(DISABLE_SNAPSHOTS(cluster_id=cluster_id))

    def clusters(self, *, engine: str | None = None) -> AsyncIterator[Cluster]:
        """Answer all clusters of the project one by one, newest first, each once.

        Pages as large as the site allows are read while it is iterated. It ends
        with an error, not early, if clusters are missing that the service counts.

        Args:
            engine: Only `elasticsearch`, `opensearch` or `logstash`.

        Raises:
            RequestValidationError: The engine is none; raised at once.
            InvalidResponseError: A success status without a list in it, or a list
                that ends before the number that the service states is reached.
            APIError: The service refused.
            TransportError: No answer.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ListClustersDetails.html
        """
        return clusters.clusters(self._client, engine)

    async def cluster(self, cluster_id: str) -> Cluster:
        """Answer one cluster; see its `snapshot_readiness`.

        Args:
            cluster_id: The cluster's id.

        Raises:
            RequestValidationError: The id is not one; nothing was sent.
            ForbiddenError: Not allowed, or no such cluster.
            APIError: The service refused otherwise.
            InvalidResponseError: A success status without a cluster in it.
            TransportError: No answer.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/ShowClusterDetail.html
        """
        return await self._client.send(SHOW_CLUSTER(cluster_id=cluster_id))

    def fan_out(
        self,
        targets: "Iterable[Target] | AsyncIterable[Target]",
        *,
        operation: "SnapshotOperation" = "ensure",
        limit: int = 16,
        rate: float | None = None,
        journal: "StrPath | None" = None,
        retry_failed: bool = False,
        busy: "OnBusy" = "skip",
        busy_wait: float = 1800.0,
        on_error: "OnError" = "collect",
        max_failures: int | None = None,
        on_exists: OnExists = "adopt",
        settle: float = 15.0,
    ) -> "FanOut[Ensured]":
        """Prepare a run that makes a snapshot of each of many clusters.

        Enter it with `async with`, and iterate over it for the outcomes as they
        come. Leaving it early cancels what is under way and leaves the journal true.

        Args:
            targets: An iterable or async iterable, pulled as targets are needed.
            operation: `"ensure"` looks before it creates; `"create"` creates at
                once.
            limit: Targets in flight at most; one per cluster in any case.
            rate: Targets started per second at most; `None` for no limit. It is
                halved, and recovers, when the service throttles.
            journal: A file that lets an interrupted run be resumed.
            retry_failed: Whether targets that failed in an earlier run are tried
                again.
            busy: What an occupied cluster means: `"skip"` it, or `"wait"` and try
                again.
            busy_wait: Seconds to go on trying an occupied cluster.
            on_error: `"collect"` goes on after a failure, `"fail_fast"` starts no
                more.
            max_failures: As many failed or indeterminate targets end the run.
            on_exists: As for `ensure`.
            settle: As for `ensure`, in seconds.

        Raises:
            ConfigurationError: An argument is out of its range.

        Source: https://support.huaweicloud.com/intl/en-us/api-css/CreateSnapshot.html
        """
        # Here, as most programs never need it, and its journal brings a database.
        from css_snapshot.fanout import fan_out_snapshots  # noqa: PLC0415  # see above

        return fan_out_snapshots(
            self._client,
            targets,
            operation=operation,
            where=self._where,
            limit=limit,
            rate=rate,
            journal=journal,
            retry_failed=retry_failed,
            busy=busy,
            busy_wait=busy_wait,
            on_error=on_error,
            max_failures=max_failures,
            on_exists=on_exists,
            settle=settle,
        )
