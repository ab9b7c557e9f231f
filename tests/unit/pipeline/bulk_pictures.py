"""Five pictures that are changed together, two in a part, and what a project has learned from."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from imagestore.pipeline.changes import bulk, twins
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.documents import Action, BulkChange, OnePicture
from imagestore.pipeline.changes.relabel import Relabelling
from imagestore.pipeline.commit import commit
from imagestore.pipeline.labelling.correct import correct
from imagestore.record import Record, Upload, record_id
from imagestore.store.custom_vision import CustomVisionFile, Tag
from imagestore.store.projects import FIRST
from imagestore.store.training import MINE, Part, PictureFacts, SplitFile, TrainingPictures
from unit.web.memory import memory_stores
from unit.web.records import picture, rejected

NAMES = tuple(f"{letter}.jpg" for letter in "abcde")
IDS = tuple(map(record_id, NAMES))
LABELS: dict[Action, list[str]] = {
    Action.LABEL: ["tiger"], Action.RELABEL: ["lynx", "puma"], Action.UNLABEL: [], Action.WRONG: [],
    Action.TO_TRAINING: [], Action.DELETE: [],
}  # fmt: skip


CORRECTED = [
    OnePicture(id, name, wanted=(label,))
    for id, name, label in zip(IDS[:4], NAMES, ("tiger", "lynx", "puma", "owl"), strict=False)
]
"""Labels of its own for each of four, one of which has it already."""


def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change goes on with two pictures at a time, one after the other."""
    monkeypatch.setattr(bulk, "PART", 2)
    for module in (bulk, twins):
        monkeypatch.setattr(module, "at_once", lambda do, given: [do(one) for one in given])


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


SHAS = tuple(f"{number:x}" * 64 for number in range(6))
RELABELLED = {
    "renamed": Relabelling(FIRST, "lynx", "wild cat"),
    "merged": Relabelling(FIRST, "lynx", "tiger"),
    "deleted": Relabelling(FIRST, "lynx"),
    "split": Relabelling(FIRST, "lynx", "bobcat", [IDS[1]], SHAS[:2]),
}
"""What is done to a label of a project."""
LYNX = Tag("00000000-0000-0000-0000-00000000000a", "lynx", "It has tufts", former=("bobcat",))


def with_labelled(stores: Any) -> Any:
    """Besides, what the first project learns from: three of a lynx, one of them with a tiger, and one of nothing."""
    pictures = TrainingPictures(stores.training, MINE)
    pictures.put_split(SplitFile(), None)
    for sha256, labels, part in (
        (SHAS[0], ("lynx",), Part.LEARN), (SHAS[1], ("lynx",), Part.TEST), (SHAS[2], ("tiger", "lynx"), Part.RETIRED),
        (SHAS[3], ("tiger",), None), (SHAS[4], (), Part.LEARN),
    ):  # fmt: skip
        known = PictureFacts(
            labels, not labels, f"{sha256[0]}.jpg", part, f"burst {sha256[0]}", metadata={"by": "otto"}
        )
        pictures.put_facts(sha256, known, None)
        pictures.put_picture(sha256, sha256.encode())
    stores.custom_vision.change(MINE, lambda _: CustomVisionFile(tags=(Tag("b", "tiger"), LYNX)))
    return stores


MOVED = [hashlib.sha256(name.encode()).hexdigest() for name in NAMES[:4]]
"""What four uploads are as labelled pictures, by their content."""


def with_some_there(stores: Any) -> Any:
    """Besides, of what can be moved to training: one that a training remembers, and one that is there as another."""
    pictures = TrainingPictures(with_labelled(stores).training, MINE)
    pictures.put_facts(MOVED[1], PictureFacts(("lynx",), source="(corrected) b.jpg", part=Part.LEARN, md5="1"), None)
    pictures.put_facts(MOVED[2], PictureFacts(("owl",), source="owl/1.jpg", part=Part.TEST, created_at="2026"), None)
    pictures.put_picture(MOVED[2], b"c.jpg")
    return stores


NOTHING = msgspec.json.encode(PictureFacts())


def everything(stores: Any) -> tuple[Any, ...]:
    """What is kept of records, labelled pictures and tags, to the last byte; not which version it is, nor what says
    nothing of a picture that is not there, nor a place that has no picture."""
    found = {name: blob.data for name, blob in stores.training.blobs.items() if blob.data}
    kept = {n: data for n, data in found.items() if data != NOTHING or n.removesuffix(".json") in found}
    return facts(stores), kept, stores.custom_vision.read(MINE)


def moved(stores: Any, ids: Sequence[str] = IDS) -> BulkChange:
    """A move of these to training, which is done."""
    changes = BulkChanges(stores)
    return done(changes, changes.begin(Action.TO_TRAINING, list(ids), "me"))


def undone(stores: Any, change: BulkChange) -> BulkChange:
    """The change, once it is undone."""
    changes = BulkChanges(stores)
    changes.undo(change.id, "me")
    return done(changes, changes.read(change.id))


def labelled_facts(stores: Any, sha256: str) -> PictureFacts:
    """What is known of a labelled picture."""
    found = TrainingPictures(stores.training, MINE).facts(sha256)
    assert found is not None
    return found[0]


def facts(stores: Any) -> dict[str, Record]:
    return {id: stores.records.read(id).record for id in IDS}


def done(changes: BulkChanges, change: BulkChange) -> BulkChange:
    while change.state.is_open:
        change = changes.step(change.id)
    return change
