"""The event loop that a call runs in."""

import asyncio

from css_snapshot.errors import ConfigurationError


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the asyncio event loop that the caller runs in.

    Raises:
        ConfigurationError: If there is none, as under trio.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "no asyncio event loop is running here, and this package needs one; from"
            " trio, call it by way of trio-asyncio, or in a thread with asyncio.run"
        ) from None
