"""How many files a process may have open."""

import resource


def raise_file_limit() -> int:
    """Raise the limit as far as this process may, and return it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
