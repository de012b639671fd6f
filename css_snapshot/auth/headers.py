"""All headers of an httpx request, read and replaced in one step.

`httpx.Headers` goes through all of them for each one that is read or set, which for a
signature takes longer than its cryptography. So its list is used directly where it has
the layout known here, and the public way everywhere else.
"""

from typing import Final, TypeAlias

import httpx

Item: TypeAlias = tuple[bytes, bytes, bytes]
"""A header: name as spelled, name in lower case, value."""

LAYOUT_IS_KNOWN: Final = vars(httpx.Headers({"A": "b"})).get("_list") == [
    (b"A", b"a", b"b")
]


def all_headers(request: httpx.Request) -> list[Item]:
    """Answer the headers of a request, in a list that must not be changed."""
    if LAYOUT_IS_KNOWN:
        return request.headers._list  # noqa: SLF001 - see above
    return [(name, name.lower(), value) for name, value in request.headers.raw]


def replace_headers(request: httpx.Request, items: list[Item]) -> None:
    """Give a request these headers in place of all it has."""
    if LAYOUT_IS_KNOWN:
        request.headers._list = items  # noqa: SLF001 - see above
    else:
        request.headers = httpx.Headers([(name, value) for name, _, value in items])
