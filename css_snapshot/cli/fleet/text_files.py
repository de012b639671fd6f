"""Lines of text files, which are never guessed at: UTF-8, or marked as UTF-16."""

import codecs
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

import typer

from css_snapshot.cli.interrupts import wait_for_input
from css_snapshot.errors import ConfigurationError, RequestValidationError

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_lines(path: Path) -> Iterator[str]:
    """Read the lines of a file, one by one.

    PowerShell writes UTF-16 with a mark, so that is read as well.

    Args:
        path: The file; `-` for the standard input.

    Raises:
        ConfigurationError: If it can't be read.
        RequestValidationError: If a line is in another encoding; names its number.
    """
    try:
        if str(path) == "-" and sys.stdin.isatty():
            yield from _typed(path)
            return
        with _open(path) as file:
            yield from _lines(file, path)
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from None


def _typed(path: Path) -> Iterator[str]:
    typer.echo("reading what you type, a line each; Ctrl-D ends it", err=True)
    for number, line in enumerate(iter(_typed_line, b""), start=1):
        yield _from_utf8(line, path, number)


def _typed_line() -> bytes:
    wait_for_input()
    return sys.stdin.buffer.readline()


def _open(path: Path) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb")


def source_name(path: Path) -> str:
    """Return what a file is called in messages."""
    return "standard input" if str(path) == "-" else path.name


def _lines(file: BinaryIO, path: Path) -> Iterator[str]:
    first = file.readline()
    if first.startswith(_UTF16):
        yield from _from_utf16(first + file.read(), path)
        return
    yield _from_utf8(first.removeprefix(codecs.BOM_UTF8), path, 1)
    for number, line in enumerate(file, start=2):
        yield _from_utf8(line, path, number)


def _from_utf8(line: bytes, path: Path, number: int) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        raise _undecodable(path, number) from None


def _from_utf16(data: bytes, path: Path) -> list[str]:
    try:
        return data.decode("utf-16").split("\n")
    except UnicodeDecodeError as exc:
        good = data[: exc.start].decode("utf-16")
        raise _undecodable(path, good.count("\n") + 1) from None


def _undecodable(path: Path, number: int) -> RequestValidationError:
    return RequestValidationError(
        f"{source_name(path)}, line {number}",
        "is not UTF-8 text; save the file as UTF-8",
    )
