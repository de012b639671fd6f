"""The processes that a measurement is made of: a server, and one per contender."""

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import IO, Self

import attrs

from benchmarks.server import AT_ONCE, Behaviour


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
def loopback_server(behaviour: Behaviour = AT_ONCE) -> Iterator[str]:
    """Start a server and yield its address."""
    with started("benchmarks.server", *behaviour.arguments()) as server:
        scheme = "https" if behaviour.certificate else "http"
        yield f"{scheme}://127.0.0.1:{line_of(server)}"


class Worker:
    """One contender in a process of its own.

    Args:
        name: Which; a key of `CONTENDERS`.
        endpoint: The server it talks to.
        environment: Variables for it, on top of our own.

    Raises:
        MissingPackageError: A package it needs is not installed.
    """

    def __init__(
        self, name: str, endpoint: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self._started = started("benchmarks.worker", name, endpoint, env=environment)
        self._process = self._started.__enter__()
        if not line_of(self._process):
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
        """Make creations, and return what they cost.

        Raises:
            GaveUpError: If the process ended over them.
        """
        stdin = _pipe(self._process.stdin)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(f"{creates} {in_flight}\n")
            stdin.flush()
        line = line_of(self._process)
        if not line:
            raise GaveUpError(self.name)
        cost = json.loads(line)
        return Cost(cpu=cost["cpu"] / creates, wall=cost["wall"] / creates)


def figures_of(
    module: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Mapping[str, float]:
    """Run one of our modules to its end and return the figures that it prints, JSON.

    Args:
        module: Which.
        *arguments: Its arguments.
        env: Variables for it, on top of our own.
    """
    with started(module, *arguments, env=env) as process:
        line = line_of(process)
    if not line:
        raise RuntimeError(f"{module} gave up; its output is above")
    figures: Mapping[str, float] = json.loads(line)
    return figures


def cpu_of(command: Sequence[str], env: Mapping[str, str] | None = None) -> float:
    """Run a program to its end and return its CPU seconds, user and system.

    Args:
        command: The program and its arguments; what it writes is not shown.
        env: Variables for it, on top of our own.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(  # noqa: S603  # our own commands
        command,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**without_proxies(), **(env or {})},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


class GaveUpError(Exception):
    """A contender could not make its creations; why is on standard error."""


class MissingPackageError(Exception):
    """A contender can't run here; why is on standard error."""


@contextlib.contextmanager
def started(
    module: str, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start one of our modules, and end it afterwards.

    Args:
        module: Which.
        *arguments: Its arguments.
        env: Variables for it, on top of our own.
    """
    process = subprocess.Popen(  # noqa: S603  # our own modules
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**without_proxies(), **(env or {})},
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            # One that has ended has left unread what is still in the pipe.
            with contextlib.suppress(BrokenPipeError):
                _pipe(process.stdin).close()


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process writes; empty at its end."""
    return _pipe(process.stdout).readline().strip()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise RuntimeError("the process was started without pipes")
    return pipe


def without_proxies() -> Mapping[str, str]:
    """Return the environment without proxies, as nothing here leaves the machine."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
