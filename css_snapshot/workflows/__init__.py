"""What takes more than one vendor call; each module is loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

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
else:

    def __getattr__(name: str) -> object:
        """Load a module of this package when it is first used (PEP 562)."""
        module = f"{__name__}.{name}"
        try:
            return import_module(module)
        except ModuleNotFoundError as exc:
            if exc.name != module:
                raise
            raise AttributeError(f"{module} is no module") from None
