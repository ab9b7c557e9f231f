"""Stores in memory that stop before every call, so that a scheduler chooses who goes on.

They stand in for what cannot be made to happen on a real store: every order of calls, and a death between any two.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import IO, Any, TypeVar

from greenlet import getcurrent

from exhaustive.explore import Process
from imagestore.errors import Conflict, NotFound
from imagestore.record import Status
from imagestore.store import Blob, BlobState, Listed, StoredRecord
from imagestore.store.tags import ETAG

T = TypeVar("T")
DROPPED_AT = datetime(2026, 11, 21, 9, tzinfo=UTC)


def step(*call: object) -> None:
    """Hand over to the scheduler before the call is made."""
    process = getcurrent()
    if isinstance(process, Process) and process.parent is not None:
        process.parent.switch()
        process.learned = hash((process.learned, call))


def seen(value: T, short: object = None) -> T:
    """Note what the process learned (`short` says it in brief): what it does next depends on that alone."""
    process = getcurrent()
    if isinstance(process, Process):
        process.learned = hash((process.learned, value if short is None else short))
    return value


@dataclass
class MemoryBlobs:
    container: str
    blobs: dict[str, tuple[int, bytes, dict[str, str]]] = field(default_factory=dict)
    writes: int = 0
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def brief(self) -> object:
        """What is there, as far as it matters."""
        blobs = ((name, etag, data, tags.get(ETAG)) for name, (etag, data, tags) in self.blobs.items())
        return self.writes, tuple(blobs), str(self.metadata)

    def place(self, name: str, data: bytes) -> str:
        """What a user does."""
        self.writes += 1
        self.metadata.pop(name, None)
        self.blobs[name] = (self.writes, data, {})
        return str(self.writes)

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        step(self.container, "get")
        found = self.blobs.get(name)
        seen(found and found[0])
        if found is None:
            raise NotFound(name)
        return Blob(str(found[0]), len(found[1]), None, DROPPED_AT, found[1], self.metadata.get(name, {}))

    def stat(self, name: str) -> BlobState | None:
        step(self.container, "stat")
        found = self.blobs.get(name)
        return seen(None if found is None else BlobState(str(found[0])))

    def put(self, name: str, data: bytes, content_type: str, replacing: str | None) -> str:
        step(self.container, "put")
        self._demand(name, replacing)
        return seen(self.place(name, data))

    def put_stream(
        self, name: str, stream: IO[bytes], size_bytes: int, content_type: str | None, replacing: str | None,
        *, md5: bytes | None, metadata: dict[str, str], tags: dict[str, str],
    ) -> str:  # fmt: skip
        etag = self.put(name, stream.read(), "", replacing)
        self.metadata[name] = dict(metadata)
        return etag

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: dict[str, str]) -> str:
        step(self.container, "overwrite")
        etag = self.place(name, data)
        self.metadata[name] = dict(metadata)
        return seen(etag)

    def delete(self, name: str, etag: str) -> None:
        step(self.container, "delete")
        if name in self.blobs:
            self._demand(name, etag)
            del self.blobs[name]

    def tag(self, name: str, tags: dict[str, str], present: BlobState) -> list[str]:
        step(self.container, "tag")
        if name not in self.blobs:
            raise NotFound(name)
        self._demand(name, present.etag)
        version, data, _ = self.blobs[name]
        self.blobs[name] = (version, data, tags)
        return []

    def list(
        self, marker: str | None = None, *, tags: bool = False, metadata: bool = False
    ) -> Iterator[tuple[list[Listed], str | None]]:
        blobs = self.blobs.items()
        yield [Listed(name, str(etag), len(data), DROPPED_AT, None, tags) for name, (etag, data, tags) in blobs], None

    def _demand(self, name: str, etag: str | None) -> None:
        found = self.blobs.get(name)
        if (None if found is None else str(found[0])) != etag:
            seen("conflict")
            raise Conflict(name)


@dataclass
class MemoryRecords:
    stored: StoredRecord | None = None
    writes: int = 0

    def read(self, id: str) -> StoredRecord | None:
        step("records", "read")
        return seen(self.stored, self.brief())

    def deleted_since(self, since: str) -> Iterator[str]:
        if self.stored and self.stored.record.status is Status.DELETED:
            yield self.stored.record.name

    def brief(self) -> object:
        """What is there, as far as it matters."""
        stored = self.stored
        upload = stored.record.upload if stored else None
        return stored and (stored.etag, stored.result_etag, stored.record.status, upload and upload.etag)

    def write(self, record: Any, result_etag: str | None, replacing: StoredRecord | None) -> StoredRecord:
        step("records", "write")
        if (self.stored and self.stored.etag) != (replacing and replacing.etag):
            seen("conflict")
            raise Conflict("record")
        self.writes += 1
        self.stored = StoredRecord(replace(record, finished_at=None), str(self.writes), result_etag)
        return seen(self.stored, str(self.writes))


@dataclass
class MemoryQueue:
    name: str = "work"
    messages: list[str] = field(default_factory=list)

    def send(self, message: str, delay_s: float = 0) -> None:
        step("work", "send")
        self.messages.append(message)

    def length(self) -> int:
        return len(self.messages)

    def oldest(self) -> None:
        return None


def memory_stores() -> Any:
    """The parts of `store.Stores` that commit.py uses."""
    return SimpleNamespace(
        uploads=MemoryBlobs("uploads"),
        staging=MemoryBlobs("staging"),
        results=MemoryBlobs("results"),
        dead_letters=MemoryBlobs("deadletter"),
        thumbnails=SimpleNamespace(delete=lambda name: None),  # plays no part in what is proven
        records=MemoryRecords(),
        work=MemoryQueue(),
        work_poison=MemoryQueue("work-poison"),
        poison=MemoryQueue("webjobs-blobtrigger-poison"),
        names=SimpleNamespace(keep_results=False),
    )
