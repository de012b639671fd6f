"""The set-up of an emulated cloud in a file."""

import json
import tomllib
from os import PathLike
from pathlib import Path

from css_snapshot.emulator.cloud.setup import create_state
from css_snapshot.emulator.cloud.state import EmulatorState
from css_snapshot.emulator.cloud.structuring import SetupError


def load_setup(path: str | PathLike[str] | None, **defaults: object) -> EmulatorState:
    """Return a new emulated cloud, set up as a file describes it.

    The file is TOML if its name ends in `.toml`, JSON otherwise; its keys are those of
    `css_snapshot.emulator.cloud.setup`.

    Args:
        path: The file, `None` for none.
        **defaults: Arguments of `EmulatorState` that hold unless the file says
            otherwise; `clusters` holds unless the file lists clusters.

    Raises:
        SetupError: If the file is malformed, or what it describes is wrong.
        OSError: If the file can't be read.
    """
    if path is None:
        return create_state({}, **defaults)
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise SetupError(f"{file}: {exc}") from None
    try:
        return create_state(document, **defaults)
    except SetupError as exc:
        raise SetupError(f"{file}: {exc}") from None
