"""What takes more than one vendor call; each module is loaded on first use."""

from typing import TYPE_CHECKING

from css_snapshot.lazy import lazy_names

if TYPE_CHECKING:
    from css_snapshot.workflows import clusters as clusters
    from css_snapshot.workflows import coverage as coverage
    from css_snapshot.workflows import create as create
    from css_snapshot.workflows import delete as delete
    from css_snapshot.workflows import drill as drill
    from css_snapshot.workflows import ensure as ensure
    from css_snapshot.workflows import policy as policy
    from css_snapshot.workflows import prune as prune
    from css_snapshot.workflows import restore as restore
    from css_snapshot.workflows import settings as settings

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {},
    modules=[
        "clusters",
        "coverage",
        "create",
        "delete",
        "drill",
        "ensure",
        "policy",
        "prune",
        "restore",
        "settings",
    ],
)
