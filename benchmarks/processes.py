"""The processes that a measurement is made of: a server, and one per contender."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import IO, Self

import attrs


@attrs.frozen
class Cost:
    """What a batch cost the client.

    Attributes:
        cpu: Seconds of CPU per creation.
        wall: Seconds by the clock per creation.
    """

    cpu: float
    wall: float


@contextlib.contextmanager
def loopback_server(delay: float) -> Iterator[str]:
    """Start a server that answers after `delay` seconds; answer its address."""
    with _started("benchmarks.server", str(delay)) as server:
        yield f"http://127.0.0.1:{_line(server)}"


class Worker:
    """One contender in a process of its own.

    Args:
        name: Which; a key of `CONTENDERS`.
        endpoint: The server it talks to.

    Raises:
        MissingPackageError: A package it needs is not installed.
    """

    def __init__(self, name: str, endpoint: str) -> None:
        self.name = name
        self._started = _started("benchmarks.worker", name, endpoint)
        self._process = self._started.__enter__()
        if not _line(self._process):
            self._started.__exit__(None, None, None)
            raise MissingPackageError(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._started.__exit__(kind, error, traceback)

    def batch(self, creates: int, in_flight: int) -> Cost:
        """Make creations, and answer what they cost."""
        stdin = _pipe(self._process.stdin)
        stdin.write(f"{creates} {in_flight}\n")
        stdin.flush()
        line = _line(self._process)
        if not line:
            raise RuntimeError(f"{self.name} gave up; its output is above")
        cost = json.loads(line)
        return Cost(cpu=cost["cpu"] / creates, wall=cost["wall"] / creates)


class MissingPackageError(Exception):
    """A contender can't run here; why is on standard error."""


@contextlib.contextmanager
def _started(module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=without_proxies(),
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()


def _line(process: subprocess.Popen[str]) -> str:
    return _pipe(process.stdout).readline().strip()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the process was started without pipes")
    return pipe


def without_proxies() -> Mapping[str, str]:
    """Answer the environment without proxies, as nothing here leaves the machine."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
