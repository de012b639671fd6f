"""Lets programs that a test starts sleep for a hundredth of the time, unchanged.

Python imports this when it starts, if its folder is in `PYTHONPATH`.
"""

import asyncio
from typing import Final

_SPEED: Final = 100.0

_sleep = asyncio.sleep


async def _hurried(delay: float) -> None:
    await _sleep(delay / _SPEED)


vars(asyncio)["sleep"] = _hurried
