"""What a signature costs: ours, the vendor's, and the bare arithmetic."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.effort import Effort
from benchmarks.markdown import table
from benchmarks.processes import without_proxies
from benchmarks.rounds import Spread, interleaved
from benchmarks.section import CannotMeasureError, Section
from benchmarks.signatures import SIGNERS, paths
from benchmarks.targets import SIGNATURE

_VALGRIND: Final = "valgrind"
_COUNT: Final = re.compile(r"I\s+refs:\s+([\d,]+)")
_TITLES: Final = {
    "ours": "`AkSkAuth`",
    "vendor": "the vendor's `sign_request`",
    "bare": "bare hashing, HMAC and assembly",
}


def signing(effort: Effort) -> Section:
    """Measure, and return the section."""
    rounds = effort.rounds * 2
    samples = interleaved(
        {name: _timed(name, effort.repeats) for name in SIGNERS}, rounds
    )
    return Section(
        "Signing",
        "CPU of signing a prepared request, relative to the bare arithmetic;"
        f" {rounds} rounds of {effort.repeats} (lowest to highest).",
        [
            table(
                ["", "/ bare", "µs"],
                [
                    [
                        _TITLES[name],
                        Spread.of_ratios(times, samples["bare"]),
                        Spread.of(times).scaled(1e6),
                    ]
                    for name, times in samples.items()
                ],
            ),
        ],
    )


def instructions(effort: Effort) -> Section:
    """Count, and return the section.

    Raises:
        CannotMeasureError: If valgrind is not installed.
    """
    if shutil.which(_VALGRIND) is None:
        raise CannotMeasureError("valgrind is not installed")
    number = effort.counted
    with ThreadPoolExecutor(2) as pool:
        counting = {
            name: pool.submit(instructions_of, name, number)
            for name in ("ours", "bare")
        }
        each = {name: count.result() for name, count in counting.items()}
    return Section(
        "Instructions of a signature",
        f"Instructions per signature of a prepared request, by {_version()}"
        f" (cachegrind), out of {number:,}: counted, so that no other process"
        " disturbs, and once is enough.",
        [
            table(
                ["", "/ bare", "instructions"],
                [
                    [_TITLES[name], f"{count / each['bare']:.2f}", f"{count:,.0f}"]
                    for name, count in each.items()
                ],
            ),
        ],
        {SIGNATURE: [each["ours"] / each["bare"]]},
    )


def instructions_of(name: str, number: int) -> float:
    """Return the instructions of one signature, out of many.

    Args:
        name: A key of `SIGNERS`.
        number: How many.
    """
    return (_counted(name, number, number) - _counted(name, number, 0)) / number


def _timed(name: str, number: int) -> Callable[[], float]:
    signer = SIGNERS[name]()

    def timed() -> float:
        ready = list(map(signer, paths(number)))
        began = time.process_time()
        for sign in ready:
            sign()
        return (time.process_time() - began) / number

    return timed


def _counted(name: str, prepared: int, signed: int) -> int:
    """Return the instructions of a process that signs some prepared requests."""
    done = subprocess.run(  # noqa: S603  # our own module
        [
            *(_VALGRIND, "--tool=cachegrind", "--cache-sim=no"),
            "--cachegrind-out-file=/dev/null",
            *(sys.executable, "-m", "benchmarks.signatures"),
            *(name, str(prepared), str(signed)),
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**without_proxies(), "PYTHONHASHSEED": "0"},
    )
    counted = _COUNT.search(done.stderr)
    if counted is None:
        raise CannotMeasureError("valgrind did not count")
    return int(counted[1].replace(",", ""))


def _version() -> str:
    done = subprocess.run(  # noqa: S603  # looked up above
        [_VALGRIND, "--version"], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
