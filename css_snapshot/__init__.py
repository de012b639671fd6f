"""Async client for snapshots of Huawei Cloud Search Service (CSS) clusters."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # What type checkers see; `as` makes a name public, which they know by PEP 484.
    # isort: off
    from css_snapshot import (
        auth as auth,
        errors as errors,
        events as events,
        fanout as fanout,
        typing as typing,
    )
    from css_snapshot.api.clusters import (
        Cluster as Cluster,
        ClusterInstance as ClusterInstance,
        ClusterStatus as ClusterStatus,
        FailedReason as FailedReason,
        NotReadyReason as NotReadyReason,
        PolicySummary as PolicySummary,
        SnapshotReadiness as SnapshotReadiness,
    )
    from css_snapshot.api.policies import (
        SnapshotFrequency as SnapshotFrequency,
        SnapshotPolicy as SnapshotPolicy,
    )
    from css_snapshot.api.requests import (
        CreateSnapshotRequest as CreateSnapshotRequest,
        RestoreSnapshotRequest as RestoreSnapshotRequest,
        SnapshotSettings as SnapshotSettings,
    )
    from css_snapshot.clock import (
        Clock as Clock,
    )
    from css_snapshot.errors import (
        APIError as APIError,
        AuthenticationError as AuthenticationError,
        BadRequestError as BadRequestError,
        ClusterBusyError as ClusterBusyError,
        ConfigurationError as ConfigurationError,
        ConflictError as ConflictError,
        ConnectFailedError as ConnectFailedError,
        ConnectionLostError as ConnectionLostError,
        CredentialsNotFoundError as CredentialsNotFoundError,
        CSSError as CSSError,
        DuplicateSnapshotError as DuplicateSnapshotError,
        FanOutStoppedError as FanOutStoppedError,
        ForbiddenError as ForbiddenError,
        GatewayError as GatewayError,
        IndeterminateCreateError as IndeterminateCreateError,
        IndeterminateDeleteError as IndeterminateDeleteError,
        IndeterminateError as IndeterminateError,
        IndeterminateRestoreError as IndeterminateRestoreError,
        IndeterminateSettingsError as IndeterminateSettingsError,
        InternalServerError as InternalServerError,
        InvalidResponseError as InvalidResponseError,
        JournalBusyError as JournalBusyError,
        JournalEntryError as JournalEntryError,
        JournalError as JournalError,
        NotAcceptableError as NotAcceptableError,
        NotFoundError as NotFoundError,
        NotImplementedByServerError as NotImplementedByServerError,
        PartialSnapshotError as PartialSnapshotError,
        PruneError as PruneError,
        QuotaExceededError as QuotaExceededError,
        RequestTimeoutError as RequestTimeoutError,
        RequestValidationError as RequestValidationError,
        ServerError as ServerError,
        SnapshotError as SnapshotError,
        SnapshotExistsError as SnapshotExistsError,
        SnapshotFailedError as SnapshotFailedError,
        SnapshotNotFoundError as SnapshotNotFoundError,
        ThrottledError as ThrottledError,
        TransportError as TransportError,
        UnexpectedStatusError as UnexpectedStatusError,
        WaitTimeoutError as WaitTimeoutError,
    )
    from css_snapshot.models import (
        Backup as Backup,
        BackupType as BackupType,
        Datastore as Datastore,
        DrillReport as DrillReport,
        Ensured as Ensured,
        Restored as Restored,
        RestoreStatus as RestoreStatus,
        Snapshot as Snapshot,
        SnapshotStatus as SnapshotStatus,
    )
    from css_snapshot.retry import (
        RetryBudget as RetryBudget,
        RetryPolicy as RetryPolicy,
    )
    from css_snapshot.serialize import (
        to_dict as to_dict,
    )
    from css_snapshot.service import (
        SnapshotService as SnapshotService,
    )
    from css_snapshot.transport.default import (
        ClientTransport as ClientTransport,
        default_transport as default_transport,
    )
    from css_snapshot.version import (
        __version__ as __version__,
    )
    from css_snapshot.workflows.coverage import (
        assess as assess,
        Coverage as Coverage,
    )
    from css_snapshot.workflows.drift import (
        Difference as Difference,
        PolicyDrift as PolicyDrift,
    )
    from css_snapshot.workflows.retention import (
        Kept as Kept,
        Retention as Retention,
        RetentionPlan as RetentionPlan,
    )
else:
    from css_snapshot.lazy import lazy_names

    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.api.clusters": (
                "Cluster",
                "ClusterInstance",
                "ClusterStatus",
                "FailedReason",
                "NotReadyReason",
                "PolicySummary",
                "SnapshotReadiness",
            ),
            "css_snapshot.api.policies": (
                "SnapshotFrequency",
                "SnapshotPolicy",
            ),
            "css_snapshot.api.requests": (
                "CreateSnapshotRequest",
                "RestoreSnapshotRequest",
                "SnapshotSettings",
            ),
            "css_snapshot.clock": ("Clock",),
            "css_snapshot.errors": (
                "APIError",
                "AuthenticationError",
                "BadRequestError",
                "ClusterBusyError",
                "ConfigurationError",
                "ConflictError",
                "ConnectFailedError",
                "ConnectionLostError",
                "CredentialsNotFoundError",
                "CSSError",
                "DuplicateSnapshotError",
                "FanOutStoppedError",
                "ForbiddenError",
                "GatewayError",
                "IndeterminateCreateError",
                "IndeterminateDeleteError",
                "IndeterminateError",
                "IndeterminateRestoreError",
                "IndeterminateSettingsError",
                "InternalServerError",
                "InvalidResponseError",
                "JournalBusyError",
                "JournalEntryError",
                "JournalError",
                "NotAcceptableError",
                "NotFoundError",
                "NotImplementedByServerError",
                "PartialSnapshotError",
                "PruneError",
                "QuotaExceededError",
                "RequestTimeoutError",
                "RequestValidationError",
                "ServerError",
                "SnapshotError",
                "SnapshotExistsError",
                "SnapshotFailedError",
                "SnapshotNotFoundError",
                "ThrottledError",
                "TransportError",
                "UnexpectedStatusError",
                "WaitTimeoutError",
            ),
            "css_snapshot.models": (
                "Backup",
                "BackupType",
                "Datastore",
                "DrillReport",
                "Ensured",
                "Restored",
                "RestoreStatus",
                "Snapshot",
                "SnapshotStatus",
            ),
            "css_snapshot.retry": (
                "RetryBudget",
                "RetryPolicy",
            ),
            "css_snapshot.serialize": ("to_dict",),
            "css_snapshot.service": ("SnapshotService",),
            "css_snapshot.transport.default": (
                "ClientTransport",
                "default_transport",
            ),
            "css_snapshot.version": ("__version__",),
            "css_snapshot.workflows.coverage": (
                "assess",
                "Coverage",
            ),
            "css_snapshot.workflows.drift": (
                "Difference",
                "PolicyDrift",
            ),
            "css_snapshot.workflows.retention": (
                "Kept",
                "Retention",
                "RetentionPlan",
            ),
        },
        modules=("auth", "errors", "events", "fanout", "typing"),
    )
