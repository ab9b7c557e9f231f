"""A staged picture becomes a record, and a blob that we did not stage becomes nothing."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from classify import Answer, Family, ModelRef, Vector
from imagestore.pipeline import tasks
from imagestore.pipeline.models.loaded_models import RoutedModel
from imagestore.pipeline.names import staged_name
from imagestore.pipeline.restored import mark
from imagestore.pipeline.steps.classify_staged import classify_staged
from imagestore.record import Record, Staged, Status, Upload, record_id
from imagestore.store.documents import from_json, to_json
from preprocess import Fit, ImageSpec, write_staged
from unit.web.memory import memory_stores

NAME = "garden/a.jpg"
SPEC = ImageSpec(8, 8, 1, 1.0)
PIXELS = np.full((8, 8, 1), 7, np.uint8)


@dataclass
class Models:
    """What is live: with `others`, these one after the other at each further question."""

    routed: RoutedModel
    others: list[RoutedModel] = field(default_factory=list)

    def has_replaced(self, name: str, sha256: str) -> bool:
        return False

    def current(self, name: str, expected: str | None = None) -> RoutedModel:
        found = self.routed
        if self.others:
            self.routed = self.others.pop(0)
        return found

    confirmed = current


@pytest.fixture
def context() -> Any:
    model: Any = SimpleNamespace(
        spec=SPEC,
        labels=("cat", "dog"),
        answers=("cat", "dog", "pet"),
        families=(Family("pet", (0, 1), 0.9),),
        threshold_of=lambda label: 0.5,
        distance_limit=None,
        has_several=False,
        has_rest=False,
        ref=ModelRef("m", "1", "f" * 64),
        answer=lambda pixels: Answer(np.array([0.2, 0.8], np.float32)),
    )
    models = Models(RoutedModel(model, "pets", "f" * 64))
    return SimpleNamespace(stores=memory_stores(), models=models, top_classes=5)


def begun(context: Any) -> Record:
    """The record of an upload that is there, as it is when the picture is staged."""
    etag = context.stores.uploads.overwrite(NAME, b"picture", "image/jpeg")
    upload = Upload(etag, 7, "image/jpeg", hashlib.sha256(b"picture").hexdigest())
    return Record(record_id(NAME), NAME, upload=upload, staged=Staged(staged_name(NAME), 0, 8, 8, 1, 1.0))


def stage(context: Any, data: bytes) -> None:
    context.stores.staging.overwrite(staged_name(NAME), data, "image/png")


def queued(context: Any) -> list[tasks.Task]:
    return [tasks.parse(message) for message in context.stores.work.messages.values()]


def test_the_record_becomes_final_with_what_the_model_answers(context: Any) -> None:
    data = write_staged(PIXELS, to_json(begun(context)).decode())
    stage(context, data)
    classify_staged(context, NAME)
    record = context.stores.records.read(record_id(NAME)).record
    assert (record.status, record.label, record.prediction.confidence) == (Status.CLASSIFIED, "dog", 0.8)
    assert record.project == "pets"
    assert record.staged.size_bytes == len(data)
    assert "classify" in record.timings_ms
    assert queued(context) == []


def test_what_another_model_is_live_for_by_then_is_left_to_that(context: Any) -> None:
    """Only its project differs: by its file alone nobody would see that the route has changed."""
    context.models.others = [replace(context.models.routed, project="screws")]
    stage(context, write_staged(PIXELS, to_json(begun(context)).decode()))
    classify_staged(context, NAME)
    assert context.stores.records.read(record_id(NAME)) is None
    assert queued(context) == [tasks.Task(tasks.CLASSIFY, NAME, model="f" * 64)]
    classify_staged(context, NAME)
    assert context.stores.records.read(record_id(NAME)).record.project == "screws"


def test_a_family_is_the_label_where_no_class_is_sure(context: Any) -> None:
    context.models.routed.model.answer = lambda pixels: Answer(np.array([0.49, 0.48], np.float32))
    stage(context, write_staged(PIXELS, to_json(begun(context)).decode()))
    classify_staged(context, NAME)
    record = context.stores.records.read(record_id(NAME)).record
    assert (record.status, record.label, record.prediction.confidence) == (Status.CLASSIFIED, "pet", 0.97)
    assert [score.label for score in record.prediction.top] == ["cat", "dog"]
    assert record.prediction.is_family, "also when it is read again"


def test_a_picture_staged_for_another_model_is_preprocessed_again(context: Any) -> None:
    record = replace(begun(context), staged=Staged(staged_name(NAME), 0, 8, 8, 1, 0.875))
    stage(context, write_staged(PIXELS, to_json(record).decode()))
    classify_staged(context, NAME)
    assert queued(context) == [tasks.Task(tasks.PREPROCESS, NAME, model="f" * 64)]
    assert context.stores.records.records == {}


def test_a_picture_that_was_decoded_in_another_way_is_preprocessed_again(context: Any) -> None:
    context.models.routed.model.spec = replace(context.models.routed.model.spec, plain=True)
    stage(context, write_staged(PIXELS, to_json(begun(context)).decode()))
    classify_staged(context, NAME)
    assert queued(context) == [tasks.Task(tasks.PREPROCESS, NAME, model="f" * 64)]


@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_a_picture_staged_with_another_fit_is_preprocessed_again(context: Any, fit: str) -> None:
    """Its size and channels are those that the model takes, so nothing but the note tells."""
    record = replace(begun(context), staged=Staged(staged_name(NAME), 0, 8, 8, 1, 1.0, Fit(fit)))
    stage(context, write_staged(PIXELS, to_json(record).decode()))
    classify_staged(context, NAME)
    assert queued(context) == [tasks.Task(tasks.PREPROCESS, NAME, model="f" * 64)]
    context.models.routed.model.spec = ImageSpec(8, 8, 1, 1.0, Fit(fit))
    context.stores.work.messages.clear()
    classify_staged(context, NAME)
    assert queued(context) == []
    assert context.stores.records.read(record_id(NAME)).record.staged.fit is Fit(fit)


def test_a_picture_staged_before_there_was_another_fit_was_cropped(context: Any) -> None:
    note = json.loads(to_json(begun(context)))
    for key in ("fit", "pad_value", "plain"):
        note["staged"].pop(key, None)
    stage(context, write_staged(PIXELS, json.dumps(note)))
    classify_staged(context, NAME)
    assert queued(context) == []
    assert context.stores.records.read(record_id(NAME)).record.status is Status.CLASSIFIED


def test_nothing_is_done_for_a_picture_that_is_no_longer_staged(context: Any) -> None:
    classify_staged(context, NAME)
    assert context.stores.records.records == {}


@pytest.mark.parametrize("kind", ["no PNG", "no note", "another upload's", "already classified", "other pixels"])
def test_a_blob_that_we_did_not_stage_is_ignored(context: Any, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    record = begun(context)
    other = replace(record, id=record_id("b.jpg"), name="b.jpg")
    final = replace(record, staged=None).finished("2026-11-21T09:00:00.000Z")
    stage(
        context,
        {
            "no PNG": b"text",
            "no note": write_staged(PIXELS, "{}"),
            "another upload's": write_staged(PIXELS, to_json(other).decode()),
            "already classified": write_staged(PIXELS, to_json(final).decode()),
            "other pixels": write_staged(PIXELS[:4], to_json(record).decode()),
        }[kind],
    )
    classify_staged(context, NAME)
    assert context.stores.records.records == {}
    assert queued(context) == []
    assert "that is not ours" in caplog.text
    assert NAME not in caplog.text, "a name may hold a person's"


def test_the_record_keeps_the_pictures_vector_and_the_same_work_twice_changes_nothing(context: Any) -> None:
    model, id = context.models.routed.model, record_id(NAME)
    model.backbone = "b" * 64
    answers = [Answer(np.array([0.2, 0.8], np.float32), np.array([x, 1.0], np.float32)) for x in (4.0, 4.1)]
    stage(context, write_staged(PIXELS, to_json(begun(context)).decode()))
    model.answer = lambda pixels: answers[0]
    classify_staged(context, NAME)
    record = context.stores.records.read(id)
    assert record.record.vector == Vector("b" * 64, bytes([127, 64]))
    assert from_json(context.stores.results.get(f"{NAME}.json").data) == record.record, "the result can restore it"
    model.answer = lambda pixels: answers[1]  # as another machine computes it
    classify_staged(context, NAME)
    assert context.stores.records.read(id) == record


def test_a_record_of_before_gets_a_vector_and_what_is_staged_brings_none(context: Any) -> None:
    data = write_staged(PIXELS, to_json(begun(context).with_vector(Vector("forged", b"1"))).decode())
    stage(context, data)
    classify_staged(context, NAME)
    assert not hasattr(context.stores.records.read(record_id(NAME)).record, "vector")
    model = context.models.routed.model
    model.backbone = "b" * 64
    model.answer = lambda pixels: Answer(np.array([0.2, 0.8], np.float32), np.array([1.0], np.float32))
    classify_staged(context, NAME)
    assert context.stores.records.read(record_id(NAME)).record.vector.backbone == "b" * 64


def test_the_event_of_what_a_restore_has_staged_asks_for_nothing(context: Any) -> None:
    staged = write_staged(PIXELS, to_json(begun(context)).decode())
    marked = mark(NAME, "20261129T194500Z-0a1b2c")
    context.stores.staging.overwrite(staged_name(NAME), staged, "image/png", marked)
    classify_staged(context, NAME, by_event=True)
    assert context.stores.records.read(record_id(NAME)) is None
    classify_staged(context, NAME)  # a promotion asks
    assert context.stores.records.read(record_id(NAME)).record.label == "dog"
