"""How workflows go about it unless told otherwise."""

from typing import Final

SETTLE_SECONDS: Final = 15.0
"""How long a change may take to show."""

TIMEOUT_SECONDS: Final = 600.0
"""How long to wait; even small snapshots take minutes."""

POLL_SECONDS: Final = 5.0
"""The first interval between two looks."""

RESTORE_SECONDS: Final = 3600.0
"""How long the restoration of a drill may take."""

STUCK_SECONDS: Final = 21600.0
"""How long a snapshot may be building until it is taken for stuck: six hours."""

CLEANUP_SECONDS: Final = 300.0
"""How long the clean-up of a drill may take."""

RENAME_PREFIX: Final = "drill_"
"""What the names of indices that a drill restores begin with."""
