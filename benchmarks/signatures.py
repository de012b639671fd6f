"""Signing one creation, by whoever signs it; also a process that does so many times.

    python -m benchmarks.signatures ours 2000

What a signer needs is imported with it, so that a process has no more than that.
"""

import hashlib
import hmac
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Final

from benchmarks import creation

Sign = Callable[[], object]
Signer = Callable[[str], Sign]
"""Prepares the request to a path, and returns what signs it."""

_HOST: Final = "css.cn-north-4.myhuaweicloud.com"
_NAMES: Final = "content-type;host;x-project-id;x-sdk-date"


def paths(number: int) -> Iterator[str]:
    """Return the paths of so many creations."""
    return map(creation.path, islice(creation.clusters(), number))


def ours() -> Signer:
    """Return our signer."""
    import httpx  # noqa: PLC0415  # see the module

    from css_snapshot.auth import AkSkAuth, Credentials  # noqa: PLC0415  # see there

    auth = AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY))

    def prepare(path: str) -> Sign:
        request = httpx.Request(
            "POST",
            f"https://{_HOST}{path}",
            headers=creation.HEADERS,
            content=creation.BODY,
        )
        return lambda: next(auth.sync_auth_flow(request))

    return prepare


def vendor() -> Signer:
    """Return the vendor's signer."""
    from huaweicloudsdkcore.auth.credentials import (  # noqa: PLC0415  # see the module
        BasicCredentials,
    )
    from huaweicloudsdkcore.sdk_request import (  # noqa: PLC0415  # see the module
        SdkRequest,
    )

    credentials = BasicCredentials(
        creation.ACCESS_KEY, creation.SECRET_KEY, creation.PROJECT
    )

    def prepare(path: str) -> Sign:
        request = SdkRequest(
            method="POST",
            schema="https",
            host=_HOST,
            resource_path=path,
            query_params=[],
            header_params={"Content-Type": "application/json"},
            body=creation.BODY.decode(),
        )
        return lambda: credentials.sign_request(request)

    return prepare


def bare() -> Signer:
    """Return what any signer has to do: hash, HMAC and assemble."""
    return lambda path: lambda: _bare(path)


def _bare(path: str) -> str:
    stamp = "20260101T000000Z"
    payload = hashlib.sha256(creation.BODY).hexdigest()
    canonical = (
        f"POST\n{path}/\n\ncontent-type:application/json\nhost:{_HOST}\n"
        f"x-project-id:{creation.PROJECT}\nx-sdk-date:{stamp}\n\n{_NAMES}\n{payload}"
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{stamp}\n{digest}"
    key = creation.SECRET_KEY.encode()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return (
        f"SDK-HMAC-SHA256 Access={creation.ACCESS_KEY}, SignedHeaders={_NAMES},"
        f" Signature={signature}"
    )


SIGNERS: Final[Mapping[str, Callable[[], Signer]]] = {
    "ours": ours,
    "vendor": vendor,
    "bare": bare,
}


def main(name: str, prepared: int, signed: int) -> None:
    """Prepare requests, and sign some of them, whose instructions are counted."""
    ready = list(map(SIGNERS[name](), paths(prepared)))
    for sign in ready[:signed]:
        sign()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
