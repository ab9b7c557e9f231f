"""Whoever may write to the queue `work` can put anything there: no message reaches what is not its own."""

import json
import posixpath
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagestore.errors import Conflict, StoreError
from imagestore.pipeline import tasks
from imagestore.pipeline.models.loaded_models import RoutedModel
from imagestore.pipeline.steps.on_work import deletion, on_work
from imagestore.record import Status, record_id
from imagestore.store import Blob
from preprocess import ImageInfo, ImageSpec, Limits, PictureError, Reason
from unit.web.memory import MemoryBlobs, memory_stores

BYSTANDER = "garden/bystander.jpg"
DEEP = 100_000
MOST_STEPS = 2000


@dataclass
class Addresses(MutableMapping[str, Blob]):
    """One container of an account, where a blob's name is part of an address: '..' leads to the container beside."""

    container: str
    account: dict[str, Blob] = field(default_factory=dict)

    def at(self, name: str) -> str:
        return posixpath.normpath(f"{self.container}/{name}".replace("\\", "/"))

    def __getitem__(self, name: str) -> Blob:
        return self.account[self.at(name)]

    def __setitem__(self, name: str, blob: Blob) -> None:
        self.account[self.at(name)] = blob

    def __delitem__(self, name: str) -> None:
        del self.account[self.at(name)]

    def __iter__(self) -> Iterator[str]:
        prefix = self.container + "/"
        return iter([key[len(prefix) :] for key in self.account if key.startswith(prefix)])

    def __len__(self) -> int:
        return len(list(iter(self)))


class Container(MemoryBlobs):
    def delete(self, name: str, etag: str | None = None) -> None:
        if etag is not None and name in self.blobs and self.blobs[name].etag != etag:
            raise Conflict(name)
        self.blobs.pop(name, None)

    def list(self, marker: str | None = None, **options: Any) -> Any:
        if marker is not None and not marker.isascii():
            raise StoreError("listing uploads: OutOfRangeInput")
        return super().list()


def bad_picture(*_: object) -> Any:
    raise PictureError(Reason.NOT_AN_IMAGE, "It is text.")


def context() -> Any:
    stores: Any = memory_stores()
    account: dict[str, Blob] = {}
    for name in ("uploads", "staging", "results", "thumbnails", "models"):
        setattr(stores, name, Container(name, Addresses(name, account)))  # type: ignore[arg-type]
    stores.account = account
    stores.names = SimpleNamespace(uploads="uploads", staging="staging", keep_results=False)
    model = SimpleNamespace(spec=ImageSpec(8, 8, 1, 1.0), answers=())
    for kind, blob in (("uploads", BYSTANDER), ("staging", BYSTANDER + ".png"), ("results", BYSTANDER + ".json")):
        getattr(stores, kind).overwrite(blob, b"bystander", "text/plain")
    stores.thumbnails.overwrite(record_id(BYSTANDER) + ".preview.webp", b"bystander", "image/webp")
    stores.models.overwrite("mine/1/model.onnx", b"model", "application/octet-stream")
    return SimpleNamespace(
        stores=stores,
        models=SimpleNamespace(
            current=lambda name, expected=None: RoutedModel(cast(Any, model), "mine", "f" * 64),
            confirmed=lambda name, expected=None: RoutedModel(cast(Any, model), "mine", "f" * 64),
            has_replaced=lambda name, sha256: False,
        ),
        decoder=SimpleNamespace(preprocess=bad_picture),
        limits=Limits(),
        uploads_at_once=threading.Semaphore(1),
        top_classes=5,
        retry_delays_s=(10.0, 30.0),
        poison_delay_s=600.0,
        sweep_min_age_s=1e9,
        sweep_budget_s=60.0,
        undelete_days=0,
    )


def until_nothing_waits(here: Any, message: str) -> None:
    """Do what the message asks, and all that comes of it, however long it would be delayed."""
    on_work(here, message)
    work = here.stores.work.messages
    for _ in range(MOST_STEPS):
        if not work:
            return
        on_work(here, work.pop(next(iter(work))))
    raise AssertionError("the tasks never end")


def poison(here: Any) -> list[dict[str, Any]]:
    return [json.loads(message) for message in here.stores.work_poison.messages.values()]


def task(**fields: object) -> str:
    return json.dumps({"step": "preprocess", "name": "a.jpg", "attempt": 1, "schema_version": 2} | fields)


def event(subject: object, **fields: object) -> str:
    return json.dumps({"eventType": "Microsoft.Storage.BlobDeleted", "subject": subject} | fields)


IN_UPLOADS = "/blobServices/default/containers/uploads/blobs/"
NO_TASKS = {
    "no JSON": "{",
    "nothing": "",
    "a number": "3",
    "a list": "[]",
    "no step": '{"name": "x"}',
    "deep": "[" * DEEP,
    "deep in a field": '{"step": "preprocess", "name": "a.jpg", "error": ' + "[" * DEEP,
    "half a character": task(name="\ud800"),
    "an unknown step": task(step="dance"),
    "out of the container": task(step="deleted", name="../staging/" + BYSTANDER + ".png"),
    "out of it backwards": task(step="delete", name="..\\results\\" + BYSTANDER + ".json", etag="x"),
    "a folder that is none": task(step="deleted", name="./" + BYSTANDER),
    "no name": task(name=""),
    "a name too long": task(name="x" * 1025),
    "the attempt before the first": task(attempt=0),
    "a negative attempt": task(attempt=-1_000_000),
    "an attempt beyond all": task(attempt=10**30),
    "half an attempt": task(attempt=1.5),
    "a deletion of any version": task(step="delete", name=BYSTANDER),
    "no ETag": task(step="delete", name=BYSTANDER, etag=""),
    "a model that is none": task(model="../models/mine"),
    "a marker of no listing": task(marker="x"),
    "a sweep of one": task(step="sweep"),
    "a refused marker": task(step="sweep", name="", marker="é"),
    "an event of another container": event("/blobServices/default/containers/invoices/blobs/" + BYSTANDER),
    "an event of no blob": event("/blobServices/default/containers/uploads"),
    "an event that leads out": event(IN_UPLOADS + "../staging/" + BYSTANDER + ".png"),
    "another event": event(IN_UPLOADS + BYSTANDER, eventType="Microsoft.Storage.BlobCreated"),
    "two events": f"[{event(IN_UPLOADS + BYSTANDER)}, {event(IN_UPLOADS + BYSTANDER)}]",
}


@pytest.mark.parametrize("message", NO_TASKS.values(), ids=NO_TASKS.keys())
def test_what_is_no_task_lies_in_work_poison_with_the_reason(message: str) -> None:
    here = context()
    before = dict(here.stores.account)
    until_nothing_waits(here, message)
    (kept,) = poison(here)
    assert kept["error"].startswith("This is no task: ")
    assert len(kept["error"]) > len("This is no task: ")
    assert message.startswith(kept["message"])
    assert here.stores.account == before
    assert here.stores.records.records == {}


@pytest.mark.parametrize("message", ["\0" * 65_000, "é" * 30_000, "[" * 65_000])
def test_what_is_put_aside_fits_a_message(message: str) -> None:
    here = context()
    on_work(here, message)
    (kept,) = here.stores.work_poison.messages.values()
    assert len(kept.encode()) * 4 / 3 < 65_536


def test_a_deletion_whose_upload_is_there_removes_nothing() -> None:
    here = context()
    before = dict(here.stores.account)
    for message in (event(IN_UPLOADS + BYSTANDER), task(step="deleted", name=BYSTANDER)):
        until_nothing_waits(here, message)
    stale = task(step="delete", name=BYSTANDER, etag="0xDEAD")
    until_nothing_waits(here, stale)
    assert here.stores.account == before
    assert here.stores.records.records == {}
    assert poison(here) == []


NAMES = st.sampled_from(
    ["a.jpg", "", "..", ".", "/", "//x", "../uploads/" + BYSTANDER, "../../models/mine/1/model.onnx", "x\0",
     "a/../" + BYSTANDER, "..\\uploads\\" + BYSTANDER, "\ud800", "x" * 5000, "?restype=container",
     "%2e%2e/staging", "mine/1/model.onnx"]
)  # fmt: skip


def hostile() -> st.SearchStrategy[Any]:
    scalars = st.one_of(NAMES, st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
    return st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)


def messages() -> st.SearchStrategy[str]:
    steps = st.sampled_from(["preprocess", "classify", "delete", "deleted", "sweep", "repair"])
    attempts = st.integers(-3, 9) | st.integers()
    own = st.fixed_dictionaries({"step": steps, "name": NAMES}, optional={"attempt": attempts, "etag": st.none()})
    fields = ("name", "attempt", "error", "etag", "model", "marker", "schema_version", "stores_answered")
    strange = st.fixed_dictionaries({"step": steps | hostile()}, optional={name: hostile() for name in fields})
    subjects = st.one_of(NAMES, hostile()).map(lambda value: IN_UPLOADS + str(value))
    kinds = st.sampled_from(["Microsoft.Storage.BlobDeleted", "Microsoft.Storage.BlobCreated"])
    events = st.fixed_dictionaries({"eventType": kinds, "subject": subjects}, optional={"data": hostile()})
    return st.one_of(own.map(json.dumps), st.one_of(strange, events, hostile()).map(json.dumps), st.text())


@settings(max_examples=400, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=messages())
def test_no_message_touches_what_is_not_its_own_or_goes_round_for_ever(message: str) -> None:
    here = context()
    here.stores.uploads.overwrite("a.jpg", b"text", "image/jpeg")
    before: Mapping[str, Blob] = dict(here.stores.account)
    until_nothing_waits(here, message)
    after: Mapping[str, Blob] = here.stores.account
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert changed <= {"results/a.jpg.json"}
    names = {stored.record.name for stored in here.stores.records.records.values()}
    assert BYSTANDER not in names


def deletion_of_upload(**changes: object) -> str:
    subject = "/blobServices/default/containers/uploads/blobs/garden/a.jpg"
    return json.dumps({"eventType": "Microsoft.Storage.BlobDeleted", "subject": subject, **changes})


def test_the_queue_holds_our_tasks_and_event_grids_deletions() -> None:
    assert deletion(deletion_of_upload(), "uploads") == tasks.Task(tasks.CLEAN_UP, "garden/a.jpg")
    assert deletion(deletion_of_upload(), "other") is None
    assert deletion(deletion_of_upload(eventType="Microsoft.Storage.BlobCreated"), "uploads") is None
    assert deletion(deletion_of_upload(subject="/blobServices/default/containers/uploads"), "uploads") is None
    assert deletion(f"[{deletion_of_upload()}]", "uploads") == tasks.Task(tasks.CLEAN_UP, "garden/a.jpg")


def test_a_model_that_wants_larger_pictures_than_can_be_staged_leaves_a_record_of_each() -> None:
    here = context()
    large = ImageSpec(4097, 8, 1, 1.0)
    model: Any = SimpleNamespace(spec=large, answers=())
    here.models.current = lambda name, expected=None: RoutedModel(model, "mine", "f" * 64)
    decoded = (ImageInfo("PNG", 9, 9, "L"), np.zeros((8, 4097, 1), np.uint8))
    here.decoder = SimpleNamespace(preprocess=lambda *_: decoded)
    here.stores.uploads.overwrite("a.jpg", b"a picture", "image/jpeg")
    until_nothing_waits(here, task())
    record = here.stores.records.read(record_id("a.jpg")).record
    assert record.status is Status.FAILED
    assert "4097 × 8 pixels cannot be staged: the limit is 4096" in record.problem.detail
    assert here.stores.staging.stat("a.jpg.png") is None
