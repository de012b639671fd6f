"""The metadata service of an elastic cloud server: its token and its keys."""

from typing import Final

from css_snapshot.emulator.cloud.answers import Answer, json_answer
from css_snapshot.emulator.cloud.credentials import Credentials
from css_snapshot.emulator.cloud.identifiers import Identifiers
from css_snapshot.emulator.cloud.options import Options
from css_snapshot.emulator.cloud.received import Received

_TEXT: Final = {"Content-Type": "text/plain;charset=utf-8"}
_LIFETIMES: Final = range(1, 21601)
_UNAUTHORIZED: Final = Answer(401, b"401 Unauthorized", _TEXT)
_BAD_LIFETIME: Final = Answer(400, b"400 Bad Request: invalid lifetime", _TEXT)
_NOT_FOUND: Final = Answer(404, b"404 Not Found", _TEXT)
_NO_AGENCY: Final = Answer(
    401, b"401 Unauthorized: Please configure Cloud Service Agency first", _TEXT
)


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

    def create_token(self, received: Received) -> Answer:
        """`PUT /meta-data/latest/api/token`, with its lifetime in a header."""
        if self._options.metadata_mode == "tokenless":
            return _NOT_FOUND
        wanted = received.header("x-metadata-token-ttl-seconds") or ""
        if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > len("21600"):
            return _BAD_LIFETIME
        if int(wanted) not in _LIFETIMES:
            return _BAD_LIFETIME
        token = self._ids.secret()
        self._tokens[token] = self._options.clock() + int(wanted)
        return Answer(200, token.encode(), _TEXT)

    def security_key(self, received: Received) -> Answer:
        """`GET /openstack/latest/securitykey`: a new temporary pair each time."""
        token = received.header("x-metadata-token")
        demanded = self._options.metadata_mode == "token" or token is not None
        if demanded and self._options.clock() >= self._tokens.get(token or "", 0.0):
            return _UNAUTHORIZED
        if self._options.metadata_mode == "no_agency":
            return _NO_AGENCY
        pair = self._credentials.temporary_pair(self._options.metadata_seconds)
        return json_answer(200, pair.document())

    def revoke_tokens(self) -> None:
        """Forget all tokens, as if the server had been restarted."""
        self._tokens.clear()
