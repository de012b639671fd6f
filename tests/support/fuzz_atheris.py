"""Coverage-guided fuzzing of what reads answers, as long as you like.

    python tests/fuzz_atheris.py -max_total_time=60

Needs the package atheris, which is not among the test dependencies. Arguments are
those of libFuzzer. Whatever bytes come, nothing but this package's own errors may come
out; `test_fuzz.py` checks the same with chosen strategies, and quickly.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Final

from css_snapshot.api.decode import DecodeError
from css_snapshot.api.error_body import read_error_body
from css_snapshot.api.operations import (
    CREATE_SNAPSHOT,
    GET_POLICY,
    LIST_CLUSTERS,
    LIST_SNAPSHOTS,
    SHOW_CLUSTER,
)
from css_snapshot.api.rules import check_id
from css_snapshot.endpoints import check_endpoint
from css_snapshot.errors import CSSError

READERS: Final[tuple[Callable[[bytes], object], ...]] = (
    read_error_body,
    lambda data: CREATE_SNAPSHOT(cluster_id="c").read(201, data),
    lambda data: LIST_SNAPSHOTS(cluster_id="c").read(200, data),
    lambda data: LIST_CLUSTERS().read(200, data),
    lambda data: SHOW_CLUSTER(cluster_id="c").read(200, data),
    lambda data: GET_POLICY(cluster_id="c").read(200, data),
    lambda data: check_endpoint(data.decode("latin-1")),
    lambda data: check_id("cluster_id", data.decode("latin-1")),
)


def read(data: bytes) -> None:
    """Let the first byte choose a reader, and hand it the others."""
    if data:
        with suppress(CSSError, DecodeError):
            READERS[data[0] % len(READERS)](data[1:])


def main() -> None:
    """Fuzz until libFuzzer ends it.

    Raises:
        SystemExit: The package is missing.
    """
    try:
        atheris = import_module("atheris")
    except ImportError:
        raise SystemExit(
            "fuzz_atheris.py needs the package atheris: pip install atheris"
        ) from None
    atheris.instrument_all()
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
