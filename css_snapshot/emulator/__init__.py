"""An emulated Huawei Cloud: CSS snapshots, its gateway and IAM, to run or to test with.

`EmulatorState` is the cloud without a network; `EmulatorServer` puts it on a socket,
`EmulatorTransport` under an httpx client, and `create_app` into any ASGI server. These
three need the extra `css-snapshot[emulator]`.

    state = EmulatorState(clusters=5, build_seconds=30.0, list_lag=8.0)
    state.faults.add(Fault.drop_after_commit(), operation="create")
    state.outcomes.add("FAILED", name="nightly-*", share=0.1)
    state.add_snapshot(state.cluster_ids[0], "nightly-old", age=86400.0)

- Options, such as `list_lag`, `busy_status`, `site`, `paging`, `total_size`,
  `delete_busy_seconds`, `keepday_unit` or `odd_fields`, are keyword arguments of
  `EmulatorState` and its attributes; each is explained at
  `css_snapshot.emulator.cloud.options.Options`.
- A cluster may have a policy, tags, nodes with statuses, indices and aliases of its
  own: `EmulatedCluster`. Automatic snapshots, `keepday`, restorations and everything
  else that takes time go by the `clock` that the state was given.
- Faults strike these operations: `create`, `list`, `delete`, `restore`, `set_policy`,
  `get_policy`, `configure`, `configure_automatically`, `disable`, `create_agency`,
  `open_policy`, `close_policy`, `clusters`, `cluster`; of IAM `versions`, `tokens`,
  `show_token`, `id_tokens`, `temporary_keys`, `projects`, `domains`, `users`,
  `catalog`, `agencies`, `delete_agency`; of the metadata service `metadata_token`,
  `metadata_keys`.
- A file sets all of this up: `load_setup`.
- Calls under `/_emulator/` do so from outside, with the header `X-Emulator-Token` and
  the state's `admin_token`: see `css_snapshot.emulator.http.admin`.
- A server responds under the names of this machine alone, and to no page of another
  site; `EmulatorServer(hosts=...)` adds names.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.emulator.cloud.clusters import (
        EmulatedCluster as EmulatedCluster,
    )
    from css_snapshot.emulator.cloud.fault_rules import (
        FaultRule as FaultRule,
        Faults as Faults,
    )
    from css_snapshot.emulator.cloud.faults import (
        Fault as Fault,
    )
    from css_snapshot.emulator.cloud.ledger import (
        RecordedRequest as RecordedRequest,
    )
    from css_snapshot.emulator.cloud.outcome_rules import (
        OutcomeRule as OutcomeRule,
        OutcomeRules as OutcomeRules,
    )
    from css_snapshot.emulator.cloud.policies import (
        AutomaticPolicy as AutomaticPolicy,
        Repository as Repository,
    )
    from css_snapshot.emulator.cloud.setup import (
        SetupError as SetupError,
    )
    from css_snapshot.emulator.cloud.snapshots import (
        EmulatedSnapshot as EmulatedSnapshot,
    )
    from css_snapshot.emulator.cloud.state import (
        EmulatorState as EmulatorState,
    )
    from css_snapshot.emulator.cloud.vendor_errors import (
        VendorError as VendorError,
    )
    from css_snapshot.emulator.http.app import (
        create_app as create_app,
    )
    from css_snapshot.emulator.http.in_process import (
        EmulatorTransport as EmulatorTransport,
    )
    from css_snapshot.emulator.http.server import (
        EmulatorServer as EmulatorServer,
    )
    from css_snapshot.emulator.setup_file import (
        load_setup as load_setup,
    )
else:
    from css_snapshot.lazy import lazy_names

    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.emulator.cloud.clusters": ("EmulatedCluster",),
            "css_snapshot.emulator.cloud.fault_rules": (
                "FaultRule",
                "Faults",
            ),
            "css_snapshot.emulator.cloud.faults": ("Fault",),
            "css_snapshot.emulator.cloud.ledger": ("RecordedRequest",),
            "css_snapshot.emulator.cloud.outcome_rules": (
                "OutcomeRule",
                "OutcomeRules",
            ),
            "css_snapshot.emulator.cloud.policies": (
                "AutomaticPolicy",
                "Repository",
            ),
            "css_snapshot.emulator.cloud.setup": ("SetupError",),
            "css_snapshot.emulator.cloud.snapshots": ("EmulatedSnapshot",),
            "css_snapshot.emulator.cloud.state": ("EmulatorState",),
            "css_snapshot.emulator.cloud.vendor_errors": ("VendorError",),
            "css_snapshot.emulator.http.app": ("create_app",),
            "css_snapshot.emulator.http.in_process": ("EmulatorTransport",),
            "css_snapshot.emulator.http.server": ("EmulatorServer",),
            "css_snapshot.emulator.setup_file": ("load_setup",),
        },
    )
