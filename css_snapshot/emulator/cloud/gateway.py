"""The gateway before the calls: credentials, rate, faults, and errors into answers."""

from typing import Final

from css_snapshot.emulator.cloud.answers import Answer, error_answer
from css_snapshot.emulator.cloud.calls import Call
from css_snapshot.emulator.cloud.faults import Fault
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.received import Received
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.vendor_errors import VendorError, gateway_error

BODY_LIMIT: Final = 12 * 1024 * 1024
_NO_FAULT: Final = Fault()


class Gateway:
    """Decides how a request is answered; sends nothing itself.

    Args:
        state: The emulated cloud.
    """

    def __init__(self, state: EmulatorState) -> None:
        self.state = state
        # Apart from the state's, so that requests don't shift the ids of snapshots.
        self._request_ids = Identifiers(state.seed + 1)

    def request_id(self) -> str:
        """Make the id of one request."""
        return self._request_ids.hexadecimal(32)

    def choose_fault(self, call: Call, cluster_id: str | None) -> Fault:
        """Count a request, and decide what goes wrong with it.

        Args:
            call: The call requested.
            cluster_id: The cluster it is for, if any.
        """
        if not call.watched:
            return _NO_FAULT
        self.state.ledger.arrived(call.operation)
        return self.state.faults.choose(call.operation, cluster_id) or _NO_FAULT

    def answer(
        self, call: Call, received: Received, fault: Fault, request_id: str
    ) -> Answer:
        """Carry a request out, unless the fault forbids it, and answer it.

        Args:
            call: The call requested.
            received: The request.
            fault: What goes wrong with it.
            request_id: Its id.
        """
        answer: Answer | VendorError | None = None
        if fault.commits:
            answer = self._carry_out(call, received)
        if fault.instead is not None:
            answer = fault.instead
        if isinstance(answer, VendorError):
            return error_answer(answer, request_id)
        return answer or Answer(500)

    def refuse_size(self, request_id: str) -> Answer:
        """Answer a request whose body is above 12 MB."""
        error = gateway_error(413, "APIGW.0201", "Request entity too large")
        return error_answer(error, request_id)

    def refuse_path(self, request_id: str) -> Answer:
        """Answer a request for a path or method that no call has."""
        text = "The API does not exist or has not been published in the environment"
        return error_answer(gateway_error(404, "APIGW.0101", text), request_id)

    def _carry_out(self, call: Call, received: Received) -> Answer | VendorError:
        try:
            if call.guarded:
                self.state.access.check(received)
                self.state.refuse_haste()
            return call.answer(self.state, received)
        except VendorError as refusal:
            return refusal
