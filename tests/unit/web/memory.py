"""Stores in memory, for what depends on no behaviour of Azure's."""

import hashlib
import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from imagestore.errors import Conflict, NotFound, Unavailable
from imagestore.record import Record
from imagestore.store import (
    Active,
    Blob,
    BlobState,
    Listed,
    PromotionEntry,
    RouteTable,
    SentMessage,
    StoredRecord,
    Stores,
)
from imagestore.store.custom_vision import CustomVisionTable
from imagestore.store.models import Models
from imagestore.store.projects import ProjectTable
from imagestore.store.queues import TakenMessage
from imagestore.store.records import Summary, _still_hidden
from unit.memory_items import MemoryItems

_numbers = itertools.count(1)


@dataclass
class MemoryBlobs:
    container: str
    blobs: dict[str, Blob] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        if name not in self.blobs:
            raise NotFound(name)
        return self.blobs[name]

    def stat(self, name: str) -> BlobState | None:
        blob = self.blobs.get(name)
        if blob is None or blob.data is None:
            return None
        return BlobState(blob.etag, len(blob.data), md5=hashlib.md5(blob.data).digest(), metadata=blob.metadata)

    def put(
        self,
        name: str,
        data: bytes,
        content_type: str,
        replacing: str | None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        with self.lock:
            present = self.blobs.get(name)
            if (present and present.etag) != replacing:
                raise Conflict(name)
            return self.overwrite(name, data, content_type, metadata)

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        etag = f"0x{next(_numbers):X}"
        self.blobs[name] = Blob(etag, len(data), content_type, datetime.now(UTC), data, metadata or {})
        return etag

    def writer(self, name: str) -> "MemoryWriter":
        return MemoryWriter(self, name)

    def read(self, name: str, etag: str, offset: int, length: int) -> Iterator[bytes]:
        data = self.get(name).data or b""
        yield data[offset : offset + length]

    def delete(self, name: str, etag: str | None = None) -> None:
        if etag is not None and name in self.blobs and self.blobs[name].etag != etag:
            raise Conflict(name)
        self.blobs.pop(name, None)

    def tag(self, name: str, tags: Mapping[str, str], state: BlobState) -> list[str]:
        return []

    def list(
        self, marker: str | None = None, *, tags: bool = False, metadata: bool = False, prefix: str | None = None
    ) -> Iterator[tuple[list[Listed], str | None]]:
        found = sorted((name, blob) for name, blob in self.blobs.items() if name.startswith(prefix or ""))
        yield [Listed(name, b.etag, b.size_bytes, b.last_modified, None, {}, b.metadata) for name, b in found], None

    def folders(self) -> Iterator[str]:
        yield from sorted({name.split("/")[0] for name in self.blobs if "/" in name})


@dataclass
class MemoryWriter:
    blobs: MemoryBlobs
    name: str
    data: bytearray = field(default_factory=bytearray)

    @property
    def md5(self) -> bytes:
        return hashlib.md5(self.data).digest()

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def add(self, data: bytes) -> None:
        self.data += data

    def commit(self, content_type: str, *, only_new: bool = False, metadata: Mapping[str, str] | None = None) -> str:
        if only_new and self.name in self.blobs.blobs:
            raise Conflict(self.name)
        return self.blobs.overwrite(self.name, bytes(self.data), content_type, metadata)


@dataclass
class MemoryRecords:
    """With `is_away` it does not answer."""

    records: dict[str, StoredRecord] = field(default_factory=dict)
    written: list[StoredRecord] = field(default_factory=list)
    is_away: bool = False

    def read(self, id: str) -> StoredRecord | None:
        self.generation()
        return self.records.get(id)

    def write(self, record: Record, result_etag: str | None, replacing: StoredRecord | None) -> StoredRecord:
        if self.records.get(record.id) != replacing:
            raise Conflict(record.id)
        number = next(_numbers)
        hidden_until = _still_hidden(record, replacing)
        stored = StoredRecord(record, f"record {number}", result_etag, number, hidden_until)
        self.records[record.id] = stored
        self.written.append(stored)
        return stored

    def corrections(self) -> Iterator[Summary]:
        for stored in list(self.records.values()):
            one = stored.record
            if one.correction is not None and one.label is not None:
                told = (None, stored.result_etag, one.project, one.labels or (), one.correction.at)
                yield Summary(one.name, str(one.status), one.label, *told, one.upload.sha256 if one.upload else None)

    def corrected_as(self, label: str) -> Iterator[tuple[str, str | None, str | None]]:
        for stored in list(self.records.values()):
            record = stored.record
            if record.correction is not None and label in (record.correction.label, *(record.correction.labels or ())):
                yield record.name, record.project, record.upload.sha256 if record.upload else None

    def each(self) -> Iterator[Record]:
        yield from (stored.record for stored in self.records.values())

    def deleted_since(self, since: str) -> Iterator[str]:
        yield from ()

    def hide(self, stored: StoredRecord, until: str | None) -> StoredRecord:
        hidden = replace(self.write(stored.record, stored.result_etag, stored), hidden_until=until)
        self.records[stored.record.id] = self.written[-1] = hidden
        return hidden

    def generation(self) -> str:
        if self.is_away:
            raise Unavailable("looking at the container of records: ServiceRequestError")
        return "memory"

    def now(self) -> str:
        self.generation()
        return str(len(self.written))

    def changes(self, token: str | None) -> Iterator[tuple[list[StoredRecord], str]]:
        self.generation()
        new = self.written[int(token or 0) :]
        yield new, str(int(token or 0) + len(new))


@dataclass
class MemoryQueue:
    name: str
    messages: dict[str, str] = field(default_factory=dict)

    def send(self, message: str, delay_s: float = 0) -> SentMessage:
        sent = SentMessage(f"message {next(_numbers)}", "receipt")
        self.messages[sent.id] = message
        return sent

    def take_back(self, message: SentMessage) -> None:
        if self.messages.pop(message.id, None) is None:
            raise NotFound("it was taken")

    def length(self) -> int:
        return len(self.messages)

    def oldest(self) -> None:
        return None

    def peek(self) -> list[str]:
        return list(self.messages.values())

    def receive(self, seconds: int = 60) -> Iterator[TakenMessage]:
        for id, text in list(self.messages.items()):
            yield TakenMessage(id, "receipt", text)

    def release(self, message: TakenMessage) -> None:
        assert message.id in self.messages

    def remove(self, message: TakenMessage) -> None:
        del self.messages[message.id]


def registry() -> dict[str, Any]:
    """The versions of models, which are live, and projects, as `stores.models`, `stores.routes`, `stores.projects`."""
    blobs: Any = MemoryBlobs("models")
    models = Models(blobs)
    return {
        "models": models,
        "routes": RouteTable(blobs, models, 0),
        "projects": ProjectTable(blobs, models),
        "custom_vision": CustomVisionTable(blobs),
    }


def make_default(stores: Any, live: PromotionEntry, *previous: PromotionEntry) -> None:
    """Make this live by default, whatever the gate would have said."""
    stores.routes.write_default(Active(live, previous), stores.routes.read())


def memory_stores() -> Stores:
    """Everything that the web app and the functions ask of the stores."""
    named = {name: name for name in ("uploads", "staging", "results", "thumbnails", "training")} | {
        "dead_letters": "deadletter"
    }
    containers: dict[str, Any] = {attribute: MemoryBlobs(name) for attribute, name in named.items()}
    queues = {"work": "work", "work_poison": "work-poison", "poison": "webjobs-blobtrigger-poison"}
    return cast(
        Stores,
        SimpleNamespace(
            **containers,
            **{attribute: MemoryQueue(name) for attribute, name in queues.items()},
            records=MemoryRecords(),
            accounts=MemoryItems(),
            audit=MemoryItems(),
            jobs=MemoryItems(),
            **registry(),
            names=SimpleNamespace(keep_results=False, **named),
        ),
    )
