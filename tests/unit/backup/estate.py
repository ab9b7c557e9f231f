"""An instance in memory that can be made to die before any call to a store, and the state that it is in."""

import contextlib
import hashlib
import io
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from types import SimpleNamespace
from typing import IO, Any

import numpy as np

from classify import ModelRef, Prediction, Score
from imagestore.errors import Conflict
from imagestore.pipeline.commit import commit
from imagestore.pipeline.names import result_name, staged_name
from imagestore.pipeline.restored import unmarked
from imagestore.record import Correction, Failure, Record, Staged, Status, Upload, record_id
from imagestore.store import BlobState, Item, Listed, StoredRecord
from imagestore.store.blobs import OpenedBlob
from imagestore.store.documents import from_json, to_item, to_json
from imagestore.store.records import Summary
from imagestore.store.tags import ETAG, merged, users
from preprocess import ImageSpec, open_staged, write_staged
from unit.memory_items import MemoryItems
from unit.web.memory import MemoryBlobs, MemoryQueue, MemoryRecords


class Died(BaseException):
    """The process was killed."""


@dataclass
class Life:
    """Counts calls, and ends before the call of number `dies_at`."""

    calls: int = 0
    dies_at: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self) -> None:
        with self.lock:
            if self.dies_at is not None and self.calls >= self.dies_at:
                raise Died
            self.calls += 1

    def again(self, dies_at: int | None = None) -> None:
        self.calls, self.dies_at = 0, dies_at


@dataclass
class EstateBlobs(MemoryBlobs):
    """With tags and metadata. What is `archived` cannot be read."""

    life: Life = field(default_factory=Life)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    archived: dict[str, Exception] = field(default_factory=dict)
    without_md5: bool = False
    before_read: Callable[[str], None] = lambda name: None

    def get(self, name: str, max_bytes: int | None = None) -> Any:
        self.life.call()
        return super().get(name, max_bytes)

    def stat(self, name: str) -> BlobState | None:
        self.life.call()
        found = super().stat(name)
        return None if found is None else replace(found, has_tags=bool(self.tags.get(name)))

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[OpenedBlob]:
        self.life.call()
        self.before_read(name)
        if name in self.archived:
            raise self.archived[name]
        blob = MemoryBlobs.get(self, name)
        assert blob.data is not None
        yield OpenedBlob(blob.etag, blob.size_bytes, blob.content_type, dict(blob.metadata), iter([blob.data]))

    def put(
        self, name: str, data: bytes, content_type: str, replacing: str | None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        self.life.call()
        with self.lock:
            present = self.blobs.get(name)
            if (present and present.etag) != replacing:
                raise Conflict(name)
            return self._placed(name, data, content_type, metadata)

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        self.life.call()
        return self._placed(name, data, content_type, metadata)

    def put_stream(
        self, name: str, stream: IO[bytes], size_bytes: int, content_type: str | None, replacing: str | None, *,
        md5: bytes | None = None, metadata: Mapping[str, str] | None = None, tags: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        data = stream.read()
        assert len(data) == size_bytes
        etag = self.put(name, data, content_type or "", replacing, metadata)
        self.tags[name] = dict(tags or {})
        return etag

    def delete(self, name: str, etag: str | None = None) -> None:
        self.life.call()
        super().delete(name, etag)

    def tag(self, name: str, tags: Mapping[str, str], state: BlobState) -> list[str]:
        self.life.call()
        if self.blobs[name].etag != state.etag:
            raise Conflict(name)
        self.tags[name], left_out = merged(self.tags.get(name, {}), tags)
        return left_out

    def list(
        self, marker: str | None = None, *, tags: bool = False, metadata: bool = False, prefix: str | None = None
    ) -> Iterator[tuple[list[Listed], str | None]]:
        self.life.call()
        found = sorted((name, blob) for name, blob in self.blobs.items() if name.startswith(prefix or ""))

        def md5(blob: Any) -> bytes | None:
            return None if self.without_md5 else hashlib.md5(blob.data or b"").digest()

        yield [
            Listed(
                name, b.etag, b.size_bytes, b.last_modified, md5(b),
                dict(self.tags.get(name, {})) if tags else {}, dict(b.metadata) if metadata else {},
            )
            for name, b in found
        ], None  # fmt: skip

    def _placed(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None) -> str:
        self.tags.pop(name, None)
        return MemoryBlobs.overwrite(self, name, data, content_type, metadata)


@dataclass
class EstateRecords(MemoryRecords):
    """Records, and the documents that they are in Cosmos DB."""

    life: Life = field(default_factory=Life)
    before_every: Callable[[], None] = lambda: None

    def read(self, id: str) -> StoredRecord | None:
        self.life.call()
        return super().read(id)

    def write(self, record: Record, result_etag: str | None, replacing: StoredRecord | None) -> StoredRecord:
        self.life.call()
        return super().write(record, result_etag, replacing)

    def each(self, *, limit: int | None = None) -> Iterator[Record]:
        self.life.call()
        yield from islice((s.record for s in self.records.values() if s.record.status is not Status.DELETED), limit)

    def summaries(self) -> Iterator[Summary]:
        for stored in self.records.values():
            one = stored.record
            etag = one.upload.etag if one.upload else None
            yield Summary(one.name, str(one.status), one.label, etag, stored.result_etag)


@dataclass
class RecordItems:
    """The same records as documents, to be read."""

    of: EstateRecords

    def every(self) -> Iterator[Item]:
        self.of.life.call()
        self.of.before_every()
        yield from [_item(stored) for stored in self.of.records.values()]

    def read(self, id: str) -> Item | None:
        self.of.life.call()
        stored = self.of.records.get(id)
        return None if stored is None else _item(stored)


class EstateItems(MemoryItems):
    def __init__(self, life: Life) -> None:
        super().__init__()
        self.life = life

    def _called(self) -> None:
        self.life.call()


def estate(life: Life | None = None) -> Any:
    """An empty instance."""
    life = life or Life()
    containers = {name: EstateBlobs(name, life=life) for name in ("uploads", "staging", "results", "training")}
    records = EstateRecords(life=life)
    names = SimpleNamespace(
        uploads="uploads", results="results", training="training", models="models", keep_results=False, audit_days=365
    )
    return SimpleNamespace(
        **containers,
        model_files=EstateBlobs("models", life=life),
        thumbnails=EstateBlobs("thumbnails", life=life),
        records=records,
        record_items=RecordItems(records),
        accounts=EstateItems(life),
        audit=EstateItems(life),
        jobs=EstateItems(life),
        work=MemoryQueue("work"),
        names=names,
        life=life,
    )


SPEC = ImageSpec(8, 8, 1, 1.0)


class PlainDecoder:
    """In place of the child that decodes: whatever the picture, the same pixels."""

    def preprocess(self, data: bytes, spec: ImageSpec, limits: object) -> tuple[None, np.ndarray]:
        return None, np.zeros((spec.height, spec.width, spec.channels), np.uint8)


def classified(name: str, etag: str, data: bytes, label: str = "tulip") -> Record:
    prediction = Prediction(label, 0.9, 0.8, 0.3, (Score(label, 0.9),), ModelRef("m", "1", "0"))
    return Record(
        record_id(name),
        name,
        upload=Upload(etag, len(data), "image/jpeg", hashlib.sha256(data).hexdigest()),
        staged=Staged(staged_name(name), 0, 8, 8, 1, 1.0),
        prediction=prediction,
        timings_ms={"preprocess": 3, "classify": 2},
    )


def take_in(stores: Any, name: str, data: bytes, how: Callable[[Record], Record] = lambda record: record) -> None:
    """What the pipeline makes of an upload."""
    etag = stores.uploads.overwrite(name, data, "image/jpeg")
    record = how(classified(name, etag, data))
    if record.staged is not None:
        note = replace(record, prediction=None, correction=None)
        stores.staging.overwrite(
            staged_name(name), write_staged(np.zeros((8, 8, 1), np.uint8), to_json(note).decode()), "image/png"
        )
    commit(stores, name, etag, lambda _: record.finished("2026-11-29T09:00:00.000Z"))


def _rejected(record: Record) -> Record:
    return replace(record, staged=None, prediction=None, problem=Failure("preprocess", "corrupt", "It is cut off."))


def _failed(record: Record) -> Record:
    return replace(record, staged=None, prediction=None, problem=Failure("classify", "ModelError", "Broken."))


def _corrected(record: Record) -> Record:
    return replace(record, correction=Correction("lynx", "me", "2026-11-29T09:00:00.000Z"))


def fill(stores: Any) -> None:
    """Pictures of every kind, labelled pictures, models, accounts, audit log and jobs."""
    take_in(stores, "a/classified.jpg", b"a" * 5000)
    take_in(stores, "a/corrected.jpg", b"b" * 5000, _corrected)
    take_in(stores, "a/rejected.jpg", b"c", _rejected)
    take_in(stores, "a/failed.jpg", b"d", _failed)
    stores.uploads.tags["a/classified.jpg"]["owner"] = "Ann"
    stores.uploads.overwrite("a/on its way.jpg", b"e" * 5000, "image/jpeg")
    facts = {"v": "2", "labels": "tulip"}
    stores.training.overwrite("mine/0a", b"picture" * 1000, "image/jpeg")
    stores.training.overwrite("mine/0a.json", b"{}", "application/json", facts)
    stores.training.overwrite("mine/split.json", b"{}", "application/json")
    stores.training.overwrite(f"mine/computed-features-{'0' * 24}.npz", b"computed", "application/json")
    stores.model_files.overwrite("mine/1/model.onnx", b"model" * 2000, "application/json")
    stores.model_files.overwrite("active.json", b'{"live": 1}', "application/json")
    for document in (
        {"id": "account-1", "type": "account", "email": "ann@example.org"},
        {"id": "key-1", "type": "key", "hash": "…", "ttl": 5000},
        {"id": "session-1", "type": "session", "ttl": 5000},
        {"id": "factor-1", "type": "factor", "secret": "SHARED", "is_on": True},
        {"id": "admins", "type": "admins", "admins": ["account-1"], "coming": {}, "announced": 1},
    ):
        stores.accounts.create(document)
    stores.audit.create({"id": "entry-1", "type": "entry", "what": "promote"})
    for document in (
        {"id": "1", "type": "job", "is_open": "no", "ttl": 5000},
        {"id": "2", "type": "job", "is_open": "yes"},
        {"id": "runner-1", "type": "runner"},
        {"id": "webhook-1", "type": "webhook", "sealed": "x"},
        {"id": "change-1", "type": "bulk_change", "state": "applied", "ttl": 5000},
        {"id": "change-1-part-0000", "type": "bulk_part", "change": "change-1", "state": "applied", "ttl": 5000},
        {"id": "change-2", "type": "bulk_change", "state": "applying", "ttl": 5000},
        {"id": "change-2-part-0000", "type": "bulk_part", "change": "change-2", "state": "planned", "ttl": 5000},
    ):
        stores.jobs.create(document)


def state(stores: Any) -> dict[str, Any]:
    """All that an instance keeps, without ETags; where an ETag should name another blob, whether it does."""
    found: dict[str, Any] = {}
    for name, blob in stores.uploads.blobs.items():
        tags, stored = stores.uploads.tags.get(name, {}), stores.records.records.get(record_id(name))
        found[f"upload {name}"] = (blob.data, blob.content_type, unmarked(blob.metadata), users(tags))
        if stored is None:
            continue
        result, staged = stores.results.blobs.get(result_name(name)), stores.staging.blobs.get(staged_name(name))
        found[f"record {name}"] = replace(stored.record, upload=replace(stored.record.upload, etag=""))
        found[f"agrees {name}"] = {
            "record": stored.record.upload.etag == blob.etag,
            "result": bool(result) and from_json(result.data) == stored.record and result.etag == stored.result_etag,
            "tags": tags.get(ETAG) == blob.etag,
            "staged": from_json(open_staged(staged.data)[1]).upload == stored.record.upload if staged else None,
        }
    for what in (stores.training, stores.model_files):
        for name, blob in what.blobs.items():
            if "computed" not in name:
                found[f"{what.container} {name}"] = (blob.data, dict(blob.metadata))
    for what, items in (("accounts", stores.accounts), ("audit", stores.audit), ("jobs", stores.jobs)):
        for item, _ in items.items.values():
            found[f"{what} {item.id}"] = {k: v for k, v in item.document.items() if k not in ("ttl", "secret")}
    return found


LEFT_OUT = {
    "accounts session-1", "jobs 2", "jobs runner-1", "jobs webhook-1", "jobs change-2", "jobs change-2-part-0000",
}  # fmt: skip
"""Of `fill` what is in no backup."""


def kept(stores: Any) -> dict[str, Any]:
    """Of the state what a backup holds."""
    return {name: value for name, value in state(stores).items() if name not in LEFT_OUT}


@dataclass
class MemoryVault:
    """A backup in memory."""

    files: dict[str, bytes] = field(default_factory=dict)
    life: Life = field(default_factory=Life)
    where: str = "memory"

    def read(self, name: str) -> bytes:
        return b"".join(self.pieces(name))

    def pieces(self, name: str) -> Iterator[bytes]:
        from imagestore.errors import NotFound

        self.life.call()
        if name not in self.files:
            raise NotFound(name)
        yield self.files[name]

    def write(self, name: str, data: bytes) -> None:
        self.life.call()
        self.files[name] = data

    def add(self, name: str, file: IO[bytes], size_bytes: int) -> None:
        self.life.call()
        self.files.setdefault(name, file.read())

    def delete(self, name: str) -> None:
        self.life.call()
        self.files.pop(name, None)

    def list(self, prefix: str) -> Iterator[tuple[str, int]]:
        self.life.call()
        yield from sorted((name, len(data)) for name, data in self.files.items() if name.startswith(prefix))


def _item(stored: StoredRecord) -> Item:
    return Item(to_item(stored.record) | {"result_etag": stored.result_etag}, stored.etag, 1)


def as_file(data: bytes) -> IO[bytes]:
    return io.BytesIO(data)
