"""Files that a reader never sees half written."""

import os
import tempfile
from pathlib import Path

from css_snapshot.errors import ConfigurationError


def write_atomically(path: Path, text: str) -> None:
    """Write a file in the place of the one that was there.

    It can be read by whoever may read a new file of this process: the collector of a
    monitoring system is another user.

    Args:
        path: The file.
        text: Its text.

    Raises:
        ConfigurationError: If its directory does not exist.
        OSError: If it can't be written; what was there is left.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"--output: {folder} is not a directory")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=folder)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o666 & ~_umask())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _umask() -> int:
    # It can only be read by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
