"""Gives programs that a test starts a `HurriedClock`, unchanged as they are.

Python imports this when it starts, if its folder is in `PYTHONPATH`.
"""

from css_snapshot import clock
from tests.support.clock import HurriedClock

clock.__dict__["Clock"] = HurriedClock
