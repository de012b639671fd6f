"""An emulated Huawei Cloud: CSS snapshots, its gateway and IAM, to run or to test with.

`EmulatorState` is the cloud without a network; `EmulatorServer` puts it on a socket,
`EmulatorTransport` under an httpx client, and `create_app` into any ASGI server. These
three need the extra `css-snapshot[emulator]`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from css_snapshot.emulator.cloud.clusters import EmulatedCluster
from css_snapshot.emulator.cloud.fault_rules import FaultRule, Faults
from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.ledger import RecordedRequest
from css_snapshot.emulator.cloud.snapshots import EmulatedSnapshot
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import VendorError

if TYPE_CHECKING:
    from css_snapshot.emulator.http.app import create_app
    from css_snapshot.emulator.http.in_process import EmulatorTransport
    from css_snapshot.emulator.http.server import EmulatorServer

__all__ = [
    "EmulatedCluster",
    "EmulatedSnapshot",
    "EmulatorServer",
    "EmulatorState",
    "EmulatorTransport",
    "Fault",
    "FaultRule",
    "Faults",
    "RecordedRequest",
    "VendorError",
    "create_app",
]

_HOMES = {
    "EmulatorServer": "css_snapshot.emulator.http.server",
    "EmulatorTransport": "css_snapshot.emulator.http.in_process",
    "create_app": "css_snapshot.emulator.http.app",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
