"""The gateway before the calls: credentials, faults, and results into responses."""

from typing import Final

from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.response import Response
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import VendorError, gateway_error
from css_snapshot.emulator.http.calls import Call
from css_snapshot.emulator.http.foreign import check_admin
from css_snapshot.emulator.http.rendering import render_error, render_result

BODY_LIMIT: Final = 12 * 1024 * 1024
_NO_FAULT: Final = Fault()


class Gateway:
    """Decides on the response to a request; sends nothing itself.

    Args:
        state: The emulated cloud.
    """

    def __init__(self, state: EmulatorState) -> None:
        self.state = state
        # Apart from the state's, so that requests don't shift the ids of snapshots.
        self._request_ids = Identifiers(state.seed + 1)

    def request_id(self) -> str:
        """Return a new id for a request."""
        return self._request_ids.hexadecimal(32)

    def choose_fault(self, call: Call, cluster_id: str | None) -> Fault:
        """Count a request, and return what goes wrong with it.

        Args:
            call: The call requested.
            cluster_id: The cluster it is for, if any.
        """
        if not call.counted:
            return _NO_FAULT
        self.state.ledger.count(call.operation)
        return self.state.faults.choose(call.operation, cluster_id) or _NO_FAULT

    def respond(
        self, call: Call, request: Request, fault: Fault, request_id: str
    ) -> Response:
        """Carry a request out, unless the fault forbids it, and return the response.

        Args:
            call: The call requested.
            request: The request.
            fault: What goes wrong with it.
            request_id: Its id.
        """
        if len(request.body) > BODY_LIMIT:
            error = gateway_error(413, "APIGW.0201", "Request entity too large")
            return render_error(error, request_id)
        response: Response | VendorError | None = None
        if fault.commits:
            response = self._carry_out(call, request)
        if fault.instead is not None:
            response = fault.instead
        if isinstance(response, VendorError):
            return render_error(response, request_id)
        return response or Response(500)

    def _carry_out(self, call: Call, request: Request) -> Response | VendorError:
        try:
            if call.guard == "gateway":
                self.state.access.check(request)
            elif call.guard == "admin":
                check_admin(request, self.state.admin_token)
            return render_result(call.success, call.carry_out(self.state, request))
        except VendorError as refusal:
            return refusal
