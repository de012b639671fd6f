"""The metadata service of an elastic cloud server: its token and its keys."""

from typing import Final

from css_snapshot.emulator.cloud.credentials import Credentials, drop_oldest
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.request import Request
from css_snapshot.emulator.cloud.vendor_errors import VendorError

_LIFETIMES: Final = range(1, 21601)


class Metadata:
    """Carries out the calls of the metadata service.

    Args:
        credentials: Where keys are given out.
        ids: Makes tokens.
        options: Which flavour to be, and how long keys are valid.
    """

    def __init__(
        self, credentials: Credentials, ids: Identifiers, options: Options
    ) -> None:
        self._credentials = credentials
        self._ids = ids
        self._options = options
        self._tokens: dict[str, float] = {}

    def create_token(self, request: Request) -> str:
        """`PUT /meta-data/latest/api/token`, with its lifetime in a header."""
        if self._options.metadata_mode == "tokenless":
            raise _refusal(404, "Not Found")
        wanted = request.header("x-metadata-token-ttl-seconds") or ""
        if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > len("21600"):
            raise _refusal(400, "Bad Request: invalid lifetime")
        if int(wanted) not in _LIFETIMES:
            raise _refusal(400, "Bad Request: invalid lifetime")
        token = self._ids.secret()
        drop_oldest(self._tokens, self._tokens)
        self._tokens[token] = self._options.clock() + int(wanted)
        return token

    def security_key(self, request: Request) -> dict[str, object]:
        """`GET /openstack/latest/securitykey`: a new temporary pair each time."""
        token = request.header("x-metadata-token")
        required = self._options.metadata_mode == "token" or token is not None
        if required and self._options.clock() >= self._tokens.get(token or "", 0.0):
            raise _refusal(401, "Unauthorized")
        if self._options.metadata_mode == "no_agency":
            reason = "Unauthorized: Please configure Cloud Service Agency first"
            raise _refusal(401, reason)
        pair = self._credentials.temporary_pair(self._options.metadata_seconds)
        return pair.document()

    def revoke_tokens(self) -> None:
        """Forget all tokens, as if the server had been restarted."""
        self._tokens.clear()


def _refusal(status: int, reason: str) -> VendorError:
    return VendorError(status, "", f"{status} {reason}", "plain")
