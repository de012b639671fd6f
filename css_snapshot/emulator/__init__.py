"""An emulated Huawei Cloud: CSS snapshots, its gateway and IAM, to run or to test with.

`EmulatorState` is the cloud without a network; `EmulatorServer` puts it on a socket,
`EmulatorTransport` under an httpx client, and `create_app` into any ASGI server. These
three need the extra `css-snapshot[emulator]`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # isort: off
    from css_snapshot.emulator.cloud.clusters import EmulatedCluster as EmulatedCluster
    from css_snapshot.emulator.cloud.fault_rules import (
        FaultRule as FaultRule,
        Faults as Faults,
    )
    from css_snapshot.emulator.cloud.faults import Fault as Fault
    from css_snapshot.emulator.cloud.ledger import RecordedRequest as RecordedRequest
    from css_snapshot.emulator.cloud.snapshots import (
        EmulatedSnapshot as EmulatedSnapshot,
    )
    from css_snapshot.emulator.cloud.state import EmulatorState as EmulatorState
    from css_snapshot.emulator.cloud.vendor_errors import VendorError as VendorError
    from css_snapshot.emulator.http.app import create_app as create_app
    from css_snapshot.emulator.http.in_process import (
        EmulatorTransport as EmulatorTransport,
    )
    from css_snapshot.emulator.http.server import EmulatorServer as EmulatorServer
else:
    from css_snapshot.lazy import lazy_names

    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "css_snapshot.emulator.cloud.clusters": ("EmulatedCluster",),
            "css_snapshot.emulator.cloud.fault_rules": ("FaultRule", "Faults"),
            "css_snapshot.emulator.cloud.faults": ("Fault",),
            "css_snapshot.emulator.cloud.ledger": ("RecordedRequest",),
            "css_snapshot.emulator.cloud.snapshots": ("EmulatedSnapshot",),
            "css_snapshot.emulator.cloud.state": ("EmulatorState",),
            "css_snapshot.emulator.cloud.vendor_errors": ("VendorError",),
            "css_snapshot.emulator.http.app": ("create_app",),
            "css_snapshot.emulator.http.in_process": ("EmulatorTransport",),
            "css_snapshot.emulator.http.server": ("EmulatorServer",),
        },
    )
