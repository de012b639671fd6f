"""An HTTP response as the emulator sends it."""

from collections.abc import Mapping

import attrs


@attrs.frozen
class Response:
    """One complete HTTP response.

    Attributes:
        status: HTTP status.
        body: The body in bytes.
        headers: Header names and values; the content length is added on sending.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = attrs.field(factory=dict)
