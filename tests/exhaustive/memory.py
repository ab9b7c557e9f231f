"""Stores in memory that stop before every call, so that a scheduler chooses who goes on.

They stand in for what cannot be made to happen on a real store: every order of calls, and a death between any two.
"""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from greenlet import getcurrent

from errors import Conflict, Missing
from store import Blob, Known, Present


def step(*call: object) -> None:
    """Hand over to the scheduler before the call is made."""
    process = getcurrent()
    if process.parent is not None:
        process.parent.switch()
        process.learned = hash((process.learned, call))


def seen(value: Any, short: object = None) -> Any:
    """Note what the process learned (`short` says it in brief): what it does next depends on that alone."""
    process = getcurrent()
    if process.parent is not None:
        process.learned = hash((process.learned, value if short is None else short))
    return value


@dataclass
class MemoryBlobs:
    container: str
    blobs: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    writes: int = 0

    def brief(self) -> object:
        """What is there, as far as it matters."""
        return self.writes, tuple((name, etag, data, tags.get("of")) for name, (etag, data, tags) in self.blobs.items())

    def place(self, name: str, data: bytes) -> str:
        """What a user does."""
        self.writes += 1
        self.blobs[name] = (self.writes, data, {})
        return str(self.writes)

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        step(self.container, "get")
        found = self.blobs.get(name)
        seen(found and found[0])
        if found is None:
            raise Missing(name)
        return Blob(str(found[0]), len(found[1]), None, None, found[1])

    def look(self, name: str) -> Present | None:
        step(self.container, "look")
        found = self.blobs.get(name)
        return seen(None if found is None else Present(str(found[0])))

    def put(self, name: str, data: bytes, content_type: str, replacing: str | None) -> str:
        step(self.container, "put")
        self._demand(name, replacing)
        return seen(self.place(name, data))

    def delete(self, name: str, etag: str) -> None:
        step(self.container, "delete")
        if name in self.blobs:
            self._demand(name, etag)
            del self.blobs[name]

    def tag(self, name: str, tags: dict[str, str], present: Present) -> None:
        step(self.container, "tag")
        if name not in self.blobs:
            raise Missing(name)
        self._demand(name, present.etag)
        version, data, _ = self.blobs[name]
        self.blobs[name] = (version, data, tags)

    def _demand(self, name: str, etag: str | None) -> None:
        found = self.blobs.get(name)
        if (None if found is None else str(found[0])) != etag:
            seen("conflict")
            raise Conflict(name)


@dataclass
class MemoryRecords:
    known: Known | None = None
    writes: int = 0

    def read(self, id: str) -> Known | None:
        step("records", "read")
        return seen(self.known, self.brief())

    def brief(self) -> object:
        """What is there, as far as it matters."""
        known = self.known
        upload = known.record.upload if known else None
        return known and (known.etag, known.result_etag, known.record.status, upload and upload.etag)

    def write(self, record: Any, result_etag: str | None, replacing: str | None) -> str:
        step("records", "write")
        if (self.known.etag if self.known else None) != replacing:
            seen("conflict")
            raise Conflict("record")
        self.writes += 1
        self.known = Known(replace(record, finished_at=None), str(self.writes), result_etag)
        return seen(str(self.writes))


@dataclass
class MemoryQueue:
    messages: list[str] = field(default_factory=list)

    def send(self, message: str, delay_s: float = 0) -> None:
        step("work", "send")
        self.messages.append(message)


def memory_stores() -> Any:
    """The parts of `store.Stores` that commit and forget use."""
    return SimpleNamespace(
        uploads=MemoryBlobs("uploads"),
        staging=MemoryBlobs("staging"),
        results=MemoryBlobs("results"),
        thumbnails=SimpleNamespace(delete=lambda name: None),  # plays no part in what is proven
        records=MemoryRecords(),
        work=MemoryQueue(),
        names=SimpleNamespace(keep_results=False),
    )
