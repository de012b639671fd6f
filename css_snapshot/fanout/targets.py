"""Targets, and where they are pulled from."""

import functools
import hashlib
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, Self, TypeVar

import attrs

from css_snapshot.api.clusters import Cluster, SnapshotReadiness
from css_snapshot.api.requests import CreateSnapshotRequest, creation_request
from css_snapshot.api.rules import check_id
from css_snapshot.errors import ConfigurationError
from css_snapshot.models import Backup
from css_snapshot.typing import Indices

Wanted = TypeVar("Wanted", bound="Target")
Item = TypeVar("Item")

_DIGEST_SIZE = 16


@attrs.frozen
class Target:
    r"""A cluster, and the snapshot wanted of it.

    Nothing is checked here: a target that breaks a rule comes out of the run as
    `Failed`, and the others are not held up by it. A subclass may carry more, such
    as a region to choose a service by.

    Attributes:
        cluster_id: The cluster's id.
        name: The snapshot's name: 4 to 64 characters, a lower-case letter, then
            lower-case letters, digits, hyphens or underscores.
        indices: Names or patterns, as a sequence or joined by commas; `None` for
            all. Joined at most 1,024 characters.
        description: At most 256 characters, none of `!<>=&"'\`.
        cluster_name: The cluster's name, for people and metrics.
        readiness: What the list of clusters said of it; a cluster that was not ready
            comes out as `Busy` or `NotReady`.
        accepted: The snapshot that the service has accepted for it before, as a caller
            without a journal knows: it is followed to its end, and nothing is created.
    """

    cluster_id: str
    name: str
    indices: Indices = None
    description: str | None = None
    cluster_name: str | None = attrs.field(default=None, kw_only=True, eq=False)
    readiness: SnapshotReadiness | None = attrs.field(
        default=None, kw_only=True, eq=False, repr=False
    )
    accepted: Backup | None = attrs.field(
        default=None, kw_only=True, eq=False, repr=False
    )

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        name: str,
        *,
        indices: Indices = None,
        description: str | None = None,
    ) -> Self:
        """Return the target of a cluster from the service's list.

        Args:
            cluster: The cluster.
            name: The snapshot's name.
            indices: As the attribute.
            description: As the attribute.
        """
        return cls(
            cluster.id,
            name,
            indices,
            description,
            cluster_name=cluster.name,
            readiness=cluster.snapshot_readiness,
        )

    def __str__(self) -> str:
        return f"{self.cluster_id}/{self.name}"

    def request(self) -> CreateSnapshotRequest:
        """Return what to ask the service for.

        Raises:
            RequestValidationError: If a value breaks its rule.
        """
        check_id("cluster_id", self.cluster_id)
        return creation_request(
            self.name, indices=self.indices, description=self.description
        )


def digest(cluster_id: str, request: CreateSnapshotRequest) -> bytes:
    """Return 16 bytes that stand for a target with all its values.

    The order of the indices does not count.

    Args:
        cluster_id: The cluster.
        request: What is wanted of it.
    """
    text = f"[{json.dumps(cluster_id)}, {_wanted(request)}]"
    return hashlib.blake2b(text.encode("ascii"), digest_size=_DIGEST_SIZE).digest()


# A fleet is asked for the same snapshot, cluster by cluster.
@functools.lru_cache(maxsize=16)
def _wanted(request: CreateSnapshotRequest) -> str:
    indices = None if request.indices is None else sorted(set(request.indices))
    return json.dumps([request.name, indices, request.description])[1:-1]


class Source(Generic[Item]):
    """Targets, pulled one by one from an iterable or an async iterable.

    The run takes what it is given over: a generator is closed when the run ends.

    Args:
        items: Where they come from. Pulling from a plain iterable must not block.
        kinds: What must come from there, one of them.
        target_of: Makes a target of an item.

    Raises:
        ConfigurationError: If `items` is a text, or neither an iterable nor an async
            iterable.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item],
        kinds: tuple[type, ...],
        target_of: Callable[[Item], Target],
    ) -> None:
        self._kinds = kinds
        self._target_of = target_of
        self._plain: Iterator[Item] = iter(())
        self._async: AsyncIterator[Item] | None = None
        if isinstance(items, AsyncIterable):
            self._async = aiter(items)
        elif isinstance(items, Iterable) and not isinstance(items, str):
            self._plain = iter(items)
        else:
            raise ConfigurationError(
                f"{self._field}: must be an iterable of {self._named}"
            )

    async def pull(self) -> Target | None:
        """Return the next target, or `None` after the last one.

        Raises:
            TypeError: If what came is not of the kind that must come.
            Exception: Whatever the iterable raises.
        """
        try:
            if self._async is None:
                item = next(self._plain)
            else:
                item = await anext(self._async)
        except (StopIteration, StopAsyncIteration):
            return None
        if not isinstance(item, self._kinds):
            raise TypeError(
                f"{self._field}: must be {self._named}, not {type(item).__name__}"
            )
        return self._target_of(item)

    async def aclose(self) -> None:
        """Close the generator, if the targets came from one."""
        close = getattr(self._plain, "close", None)
        if close is not None:
            close()
        close = getattr(self._async, "aclose", None)
        if close is not None:
            await close()

    @property
    def _field(self) -> str:
        return f"{self._kinds[0].__name__.lower()}s"

    @property
    def _named(self) -> str:
        return " or ".join(kind.__name__ for kind in self._kinds)
