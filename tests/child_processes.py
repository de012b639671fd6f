"""Processes that tests start to load them or to kill them."""

import os


def environment(**variables: str) -> dict[str, str]:
    """Answer this environment, with variables, for a child not counted by coverage.

    What such a child runs is covered elsewhere, and counting it would take most of
    its time.
    """
    mine = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE_")}
    return mine | variables
