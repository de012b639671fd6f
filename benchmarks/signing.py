"""What a signature costs: ours, the vendor's, and the bare arithmetic."""

import hashlib
import hmac
import itertools
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest

from benchmarks import creation
from benchmarks.effort import Effort
from benchmarks.markdown import section, table
from benchmarks.rounds import Spread, interleaved
from css_snapshot.auth import AkSkAuth, Credentials

T = TypeVar("T")

_HOST = "css.cn-north-4.myhuaweicloud.com"
_NAMES = "content-type;host;x-project-id;x-sdk-date"


def signing(effort: Effort) -> str:
    """Measure, and answer the section."""
    samples = interleaved(
        {
            "ours": lambda: _per_item(
                _our_signer(), list(map(_our_request, _paths(effort.repeats)))
            ),
            "vendor": lambda: _per_item(
                _vendor_signer(), list(map(_vendor_request, _paths(effort.repeats)))
            ),
            "bare": lambda: _per_item(_bare, list(_paths(effort.repeats))),
        },
        effort.rounds * 2,
    )
    return section(
        "Signing",
        "CPU of signing a prepared request; "
        f"{effort.rounds * 2} rounds of {effort.repeats}.",
        table(
            ["", "target", "measured"],
            [
                [
                    "ours / bare hashing, HMAC and assembly",
                    "2.00",
                    Spread.of_ratios(samples["ours"], samples["bare"]),
                ],
                [
                    "ours / the vendor's `sign_request`",
                    "0.50",
                    Spread.of_ratios(samples["ours"], samples["vendor"]),
                ],
                ["ours, µs", "", Spread.of(samples["ours"]).scaled(1e6)],
            ],
        ),
    )


def _per_item(work: Callable[[T], object], prepared: list[T]) -> float:
    began = time.process_time()
    for item in prepared:
        work(item)
    return (time.process_time() - began) / len(prepared)


def _paths(number: int) -> Iterator[str]:
    return map(creation.path, itertools.islice(creation.clusters(), number))


def _our_signer() -> Callable[[httpx.Request], object]:
    auth = AkSkAuth(Credentials(creation.ACCESS_KEY, creation.SECRET_KEY))
    return lambda request: next(auth.sync_auth_flow(request))


def _our_request(path: str) -> httpx.Request:
    return httpx.Request(
        "POST",
        f"https://{_HOST}{path}",
        headers=creation.HEADERS,
        content=creation.BODY,
    )


def _vendor_signer() -> Callable[[SdkRequest], object]:
    credentials = BasicCredentials(
        creation.ACCESS_KEY, creation.SECRET_KEY, creation.PROJECT
    )
    sign: Callable[[SdkRequest], object] = credentials.sign_request
    return sign


def _vendor_request(path: str) -> SdkRequest:
    return SdkRequest(
        method="POST",
        schema="https",
        host=_HOST,
        resource_path=path,
        query_params=[],
        header_params={"Content-Type": "application/json"},
        body=creation.BODY.decode(),
    )


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
