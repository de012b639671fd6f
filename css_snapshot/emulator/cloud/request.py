"""An HTTP request as it arrived, before anything has judged it."""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import attrs

from css_snapshot.emulator.cloud.vendor_errors import bad_parameter


@attrs.frozen(kw_only=True)
class Request:
    """A request, byte for byte where a signature covers it.

    Attributes:
        method: HTTP method, upper case.
        raw_path: The path as sent, still percent-encoded.
        query: The query string as sent, without `?`.
        headers: Names in lower case and values, in the order of arrival.
        body: The body in bytes.
        ids: The ids in the path by name, such as `cluster_id`.
        scheme: `http` or `https`.
    """

    method: str
    raw_path: bytes
    query: bytes = b""
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = attrs.field(default=b"", repr=False)
    ids: Mapping[str, str] = attrs.field(factory=dict)
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """The address at which the client found the emulator."""
        return f"{self.scheme}://{self.header('host') or 'localhost'}"

    def header_bytes(self, name: bytes) -> bytes | None:
        """Return a header's value without outer whitespace, `None` if it is absent.

        A header that was sent more than once is joined with commas.

        Args:
            name: Its name in lower case.
        """
        values = [value.strip() for key, value in self.headers if key == name]
        return b",".join(values) if values else None

    def header(self, name: str) -> str | None:
        """Return a header's value as text, `None` if it is absent.

        Args:
            name: Its name in lower case.
        """
        value = self.header_bytes(name.encode())
        return None if value is None else value.decode("latin-1")

    def parameters(self) -> dict[str, str]:
        """Return the query's parameters, decoded; the last of a name wins."""
        pairs = parse_qsl(self.query.decode("latin-1"), keep_blank_values=True)
        return dict(pairs)

    def document(self) -> object:
        """Return the body read as JSON, `None` for an empty one.

        Raises:
            VendorError: 400 CSS.0001 if the body is not JSON.
        """
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise bad_parameter("the body is not JSON") from None
