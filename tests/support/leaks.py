"""Where errors, or anything that hangs on them, show a secret."""

import inspect
import pickle
import sys
import traceback
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType

import attrs
from rich.pretty import traverse


@attrs.frozen(eq=False)
class _Locals:
    """What loggers that show local variables make of them.

    An object is looked at once, in however many frames it is: errors of many calls
    share their service, and to look through it takes longer than a call.
    """

    _secrets: tuple[str, ...]
    _known: dict[int, tuple[str, ...]] = attrs.field(factory=dict)
    # An id is the object's own only as long as the object is there.
    _kept: list[object] = attrs.field(factory=list)

    def secrets_in(self, frame: FrameType) -> Iterator[str]:
        """Iterate over the secrets that a frame's variables show."""
        for value in frame.f_locals.values():
            if id(value) not in self._known:
                self._kept.append(value)
                self._known[id(value)] = tuple(self._shown_by(value))
            yield from self._known[id(value)]

    def _shown_by(self, value: object) -> Iterator[str]:
        # Unlike rich, `repr` fails over an object that can't be shown, as the
        # standard library does on Python 3.11.
        texts = [repr(value)]
        if not (inspect.isfunction(value) or inspect.isclass(value)):
            # As `rich.traceback` shows a variable, nothing cut off.
            tree = traverse(value, max_length=sys.maxsize, max_string=sys.maxsize)
            texts.append(str(tree))
        yield from _found(texts, self._secrets)


def leaks(errors: Iterable[BaseException], secrets: Iterable[str]) -> list[str]:
    """Tell where errors, or anything that hangs on them, show one of some secrets."""
    looked_for = tuple(secrets)
    variables = _Locals(looked_for)
    return [
        leak
        for link in _linked(errors)
        for leak in (
            *_leaks_in_views(link, looked_for),
            *_leaks_in_frames(link, variables),
        )
    ]


def _leaks_in_views(link: BaseException, secrets: Iterable[str]) -> Iterator[str]:
    for view, text in _views(link):
        for secret in _found([text], secrets):
            yield f"{type(link).__name__}, {view}: {secret}"


def _leaks_in_frames(link: BaseException, variables: _Locals) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(_beyond_the_test(link.__traceback__)):
        for secret in variables.secrets_in(frame):
            yield f"{type(link).__name__}, locals of {frame.f_code.co_name}: {secret}"


def _found(texts: Iterable[str], secrets: Iterable[str]) -> Iterator[str]:
    return (secret for text in texts for secret in secrets if secret in text)


def _linked(errors: Iterable[BaseException]) -> Iterator[BaseException]:
    pending = list(errors)
    seen: set[int] = set()
    while pending:
        link = pending.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        pending.extend(getattr(link, "earlier", ()))
        if isinstance(link, BaseExceptionGroup):
            pending.extend(link.exceptions)
        pending.extend(
            near for near in (link.__cause__, link.__context__) if near is not None
        )


def _views(link: BaseException) -> Iterator[tuple[str, str]]:
    yield "str", str(link)
    yield "repr", repr(link)
    yield "args", repr(link.args)
    yield "attributes", repr(vars(link))
    yield "pickle", pickle.dumps(link).decode("latin-1")
    # What it is chained to is looked at as a link of its own.
    yield "traceback", "".join(traceback.format_exception(link, chain=False))


def _beyond_the_test(frames: TracebackType | None) -> TracebackType | None:
    """Drop the frames of the test that called, whose locals may well hold the secret."""
    while frames is not None and _is_of_tests(frames.tb_frame):
        frames = frames.tb_next
    return frames


def _is_of_tests(frame: FrameType) -> bool:
    name: str = frame.f_globals["__name__"]
    return name.startswith("tests.")
