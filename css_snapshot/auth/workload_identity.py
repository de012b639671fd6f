"""Temporary credentials for a workload that an identity provider vouches for."""

import asyncio
import os
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from css_snapshot.auth import iam
from css_snapshot.auth.credentials import Credentials
from css_snapshot.auth.issuer import ask, open_transport
from css_snapshot.auth.secret import Secret, visible_ascii
from css_snapshot.auth.temporary_key import read_temporary_key, unreadable
from css_snapshot.client.refusal import error_for
from css_snapshot.endpoints import iam_endpoint
from css_snapshot.errors import ConfigurationError, CredentialsNotFoundError

IDP_VARIABLE: Final = "HUAWEICLOUD_SDK_IDP_ID"
FILE_VARIABLE: Final = "HUAWEICLOUD_SDK_ID_TOKEN_FILE"

TOKEN_PATH: Final = "/v3.0/OS-AUTH/id-token/tokens"  # noqa: S105 - a path
KEY_PATH: Final = "/v3.0/OS-CREDENTIAL/securitytokens"

_GLOBAL_IAM: Final = "https://iam.myhuaweicloud.com"
_LIFE: Final = 21600
"""Seconds that a temporary key is asked for, as the vendor's SDKs do."""


class WorkloadIdentityCredentials:
    """Provides temporary keys for an ID token (OpenID Connect), such as a pod's.

    The ID token is read from its file on each call, as whoever issues it replaces it
    there. IAM exchanges it for a token, and that for a key, which lasts six hours.

    Args:
        idp_id: The identity provider's name in IAM; by default `HUAWEICLOUD_SDK_IDP_ID`.
        id_token_file: The file with the ID token; by default the one that
            `HUAWEICLOUD_SDK_ID_TOKEN_FILE` names.
        region: Where to find IAM; by default the address for all regions.
        iam_endpoint: The address of IAM, in place of the region's; by default
            `HUAWEICLOUD_SDK_IAM_ENDPOINT`.
        transport: Carries the requests to IAM; it stays yours to close.
        timeout: Seconds that IAM has for each of the two requests.
        environ: The variables; by default those of the process.

    Raises:
        ConfigurationError: If the address is not safe.
    """

    def __init__(
        self,
        idp_id: str | None = None,
        id_token_file: str | os.PathLike[str] | None = None,
        *,
        region: str | None = None,
        iam_endpoint: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10.0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._idp_id = idp_id
        self._id_token_file = id_token_file
        self._region = region
        self._iam_endpoint = iam_endpoint
        self._transport = transport
        self._timeout = timeout
        self._environ = os.environ if environ is None else environ

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    async def __call__(
        self,
        *,
        force_refresh: bool = False,  # noqa: ARG002 - nothing is cached here
    ) -> Credentials:
        """Return temporary credentials; see `CredentialsProvider`.

        Raises:
            CredentialsNotFoundError: If neither an identity provider nor a file is
                named.
            ConfigurationError: If only one of them is named, or the file can't be
                read.
            APIError: If IAM refused.
            InvalidResponseError: If IAM's response contains no token, or no key.
            TransportError: If no response arrived.
        """
        idp_id, file = self._named()
        id_token = await asyncio.to_thread(_read_token, file)
        endpoint = self._endpoint()
        async with open_transport(self._transport) as transport:
            token = _token_in(
                await self._post(
                    transport,
                    endpoint,
                    TOKEN_PATH,
                    {"auth": {"id_token": {"id": id_token}}},
                    {"X-Idp-Id": idp_id},
                )
            )
            identity = {
                "methods": ["token"],
                "token": {"id": token, "duration_seconds": _LIFE},
            }
            response = await self._post(
                transport, endpoint, KEY_PATH, {"auth": {"identity": identity}}, {}
            )
        return read_temporary_key(response, "POST", KEY_PATH)

    def _named(self) -> tuple[str, Path]:
        idp_id = self._idp_id or self._environ.get(IDP_VARIABLE, "").strip()
        file = self._id_token_file or self._environ.get(FILE_VARIABLE, "").strip()
        if not idp_id and not file:
            raise CredentialsNotFoundError(
                f"workload identity: neither {IDP_VARIABLE} nor {FILE_VARIABLE} is set"
            )
        if not idp_id or not file:
            missing = FILE_VARIABLE if idp_id else IDP_VARIABLE
            raise ConfigurationError(f"workload identity: {missing} not set")
        return visible_ascii(idp_id, IDP_VARIABLE), Path(file)

    def _endpoint(self) -> str:
        stated = iam.stated_address(
            self._iam_endpoint, self._environ.get(iam.ENDPOINT_VARIABLE)
        )
        if stated is not None:
            return stated
        return _GLOBAL_IAM if self._region is None else iam_endpoint(self._region)

    async def _post(
        self,
        transport: httpx.AsyncBaseTransport,
        endpoint: str,
        path: str,
        document: Mapping[str, object],
        headers: Mapping[str, str],
    ) -> httpx.Response:
        response = await ask(
            transport,
            iam.post(f"{endpoint}{path}", document, headers),
            limit=self._timeout,
            name="IAM",
        )
        if response.status_code not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise error_for(response, "POST", path)
        return response


def _read_token(file: Path) -> Secret:
    try:
        return Secret(file.read_text("utf-8"), f"ID token in {file}")
    except OSError as failure:
        fault = failure.strerror or type(failure).__name__
        raise ConfigurationError(f"ID token: can't read {file}: {fault}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"ID token in {file}: is not text") from None


def _token_in(response: httpx.Response) -> Secret:
    try:
        return Secret(response.headers.get("x-subject-token", ""), "token")
    except ConfigurationError:
        raise unreadable(response, "POST", TOKEN_PATH) from None
