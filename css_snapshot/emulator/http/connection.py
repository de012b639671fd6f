"""The connection that a fault on the wire breaks, whoever holds it."""

from collections.abc import MutableMapping
from typing import Any, Final, Protocol, runtime_checkable

EXTENSION: Final = "css_snapshot.connection"
GARBAGE: Final = b"%%% this is not HTTP %%%\r\n\r\n"


@runtime_checkable
class Connection(Protocol):
    """A connection that can be broken."""

    def is_open(self) -> bool:
        """Whether the client is still there."""
        ...

    def close(self) -> None:
        """Close it in good order after what was sent, with nothing more."""
        ...

    def reset(self) -> None:
        """Reset it (TCP RST)."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes that need not be HTTP, and close it."""
        ...


def connection_of(scope: MutableMapping[str, Any]) -> Connection:
    """Return the connection of an ASGI request.

    Args:
        scope: The ASGI scope.

    Raises:
        RuntimeError: If the server does not hand it out; ours do.
    """
    found = scope.get("extensions", {}).get(EXTENSION)
    if isinstance(found, Connection):
        return found
    raise RuntimeError(
        "this ASGI server can't break connections: use EmulatorServer or "
        "EmulatorTransport for faults on the wire"
    )
