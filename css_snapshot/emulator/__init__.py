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
  `catalog`; of the metadata service `metadata_token`, `metadata_keys`.
- A file sets all of this up: `load_setup`.
- Calls under `/_emulator/` do so from outside, with the header `X-Emulator-Token` and
  the state's `admin_token`: see `css_snapshot.emulator.http.admin`.
- A server responds under the names of this machine alone, and to no page of another
  site; `EmulatorServer(hosts=...)` adds names.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from css_snapshot.emulator.cloud.clusters import EmulatedCluster
    from css_snapshot.emulator.cloud.fault_rules import FaultRule, Faults
    from css_snapshot.emulator.cloud.faults import Fault
    from css_snapshot.emulator.cloud.ledger import RecordedRequest
    from css_snapshot.emulator.cloud.outcome_rules import OutcomeRule, OutcomeRules
    from css_snapshot.emulator.cloud.policies import AutomaticPolicy, Repository
    from css_snapshot.emulator.cloud.setup import SetupError
    from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot
    from css_snapshot.emulator.cloud.state import EmulatorState
    from css_snapshot.emulator.cloud.vendor_errors import VendorError
    from css_snapshot.emulator.http.app import create_app
    from css_snapshot.emulator.http.in_process import EmulatorTransport
    from css_snapshot.emulator.http.server import EmulatorServer
    from css_snapshot.emulator.setup_file import load_setup

__all__ = [
    "AutomaticPolicy",
    "EmulatedCluster",
    "EmulatedSnapshot",
    "EmulatorServer",
    "EmulatorState",
    "EmulatorTransport",
    "Fault",
    "FaultRule",
    "Faults",
    "OutcomeRule",
    "OutcomeRules",
    "RecordedRequest",
    "Repository",
    "SetupError",
    "VendorError",
    "create_app",
    "load_setup",
]

_HOMES = {
    "AutomaticPolicy": "cloud.policies",
    "EmulatedCluster": "cloud.clusters",
    "EmulatedSnapshot": "cloud.snapshots",
    "EmulatorServer": "http.server",
    "EmulatorState": "cloud.state",
    "EmulatorTransport": "http.in_process",
    "Fault": "cloud.faults",
    "FaultRule": "cloud.fault_rules",
    "Faults": "cloud.fault_rules",
    "OutcomeRule": "cloud.outcome_rules",
    "OutcomeRules": "cloud.outcome_rules",
    "RecordedRequest": "cloud.ledger",
    "Repository": "cloud.policies",
    "SetupError": "cloud.setup",
    "VendorError": "cloud.vendor_errors",
    "create_app": "http.app",
    "load_setup": "setup_file",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
