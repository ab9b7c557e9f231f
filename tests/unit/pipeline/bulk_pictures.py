"""Five pictures that are changed together, two in a part."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from imagestore.pipeline import bulk
from imagestore.pipeline.bulk import BulkChanges
from imagestore.pipeline.bulk_documents import Action, BulkChange
from imagestore.pipeline.commit import commit
from imagestore.pipeline.correct import correct
from imagestore.record import Record, Upload, record_id
from unit.web.memory import memory_stores
from unit.web.records import picture, rejected

NAMES = tuple(f"{letter}.jpg" for letter in "abcde")
IDS = tuple(map(record_id, NAMES))
LABELS: dict[Action, list[str]] = {
    Action.LABEL: ["tiger"], Action.RELABEL: ["lynx", "puma"], Action.UNLABEL: [], Action.DELETE: [],
}  # fmt: skip


def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change goes on with two pictures at a time, one after the other."""
    monkeypatch.setattr(bulk, "PART", 2)
    monkeypatch.setattr(bulk, "at_once", lambda do, given: [do(one) for one in given])


def put(stores: Any, name: str, record: Record | None = None, content: bytes | None = None) -> None:
    data = name.encode() if content is None else content
    etag = stores.uploads.overwrite(name, data, "image/jpeg")
    made = replace(record or picture(name), upload=Upload(etag, len(data), None, hashlib.sha256(data).hexdigest()))
    commit(stores, name, etag, lambda _: made)


def filled() -> Any:
    """Five pictures: one that somebody has called otherwise, one that another has confirmed, one that is no picture."""
    stores: Any = memory_stores()
    for name in NAMES:
        put(stores, name, rejected(name) if name == "e.jpg" else None)
    correct(stores, "b.jpg", "lynx", "maria")
    correct(stores, "c.jpg", "tiger", "otto", random_sample=True)
    return stores


def facts(stores: Any) -> dict[str, Record]:
    return {id: stores.records.read(id).record for id in IDS}


def done(changes: BulkChanges, change: BulkChange) -> BulkChange:
    while change.state.is_open:
        change = changes.step(change.id)
    return change
