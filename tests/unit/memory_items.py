"""Documents in memory, for what depends on no behaviour of Cosmos DB's; tests/integration compares the two."""

import copy
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from imagestore.errors import Conflict, Unavailable
from imagestore.store import Item


class MemoryItems:
    """With `is_away` it does not answer."""

    def __init__(
        self, clock: Callable[[], datetime] = lambda: datetime.now(UTC), default_ttl: int | None = None
    ) -> None:
        self.clock = clock
        self.is_away = False
        self.calls = 0
        self.items: dict[str, tuple[Item, datetime | None]] = {}
        self._default_ttl = default_ttl
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def read(self, id: str) -> Item | None:
        self._called()
        with self._lock:
            found = self._there(id)
        return copy.deepcopy(found)

    def create(self, document: Mapping[str, Any]) -> Item:
        self._called()
        with self._lock:
            if self._there(document["id"]) is not None:
                raise Conflict("creating a document: Conflict (409)")
            return self._keep(document)

    def replace(self, document: Mapping[str, Any], etag: str) -> Item:
        self._called()
        with self._lock:
            there = self._there(document["id"])
            if there is None or there.etag != etag:
                raise Conflict("replacing a document: PreconditionFailed (412)")
            return self._keep(document)

    def delete(self, id: str, etag: str | None = None) -> bool:
        self._called()
        with self._lock:
            there = self._there(id)
            if there is None:
                return False
            if etag is not None and there.etag != etag:
                raise Conflict("deleting a document: PreconditionFailed (412)")
            del self.items[id]
            return True

    def find(
        self,
        type: str,
        equal: Mapping[str, str] | None = None,
        *,
        since: str | None = None,
        until: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Item]:
        self._called()
        with self._lock:
            found = [
                item for id in sorted(self.items, reverse=not oldest_first) if (item := self._there(id)) is not None
            ]
        wanted = {"type": type, **(equal or {})}
        matching = (
            copy.deepcopy(item)
            for item in found
            if all(item.document.get(name) == value for name, value in wanted.items())
            and (since is None or item.document["at"] >= since)
            and (until is None or item.document["at"] < until)
            and (before is None or item.id < before)
        )
        yield from itertools.islice(matching, limit)

    def every(self, but: str = "") -> Iterator[Item]:
        self._called()
        with self._lock:
            found = [item for id in self.items if (item := self._there(id)) is not None]
        yield from (copy.deepcopy(item) for item in found if item.document.get("type") != but)

    def _called(self) -> None:
        self.calls += 1
        if self.is_away:
            raise Unavailable("reading a document: ServiceRequestError")

    def _there(self, id: str) -> Item | None:
        item, until = self.items.get(id, (None, None))
        return None if until is not None and until <= self.clock() else item

    def _keep(self, document: Mapping[str, Any]) -> Item:
        item = Item(copy.deepcopy(dict(document)), f"etag {next(self._numbers)}", int(self.clock().timestamp()))
        ttl = document.get("ttl", self._default_ttl)
        self.items[item.id] = (item, None if ttl is None or ttl < 0 else self.clock() + timedelta(seconds=ttl))
        return copy.deepcopy(item)
