"""What version 0.1 has written is still read: tests/written_before was made by its code and never changes."""

import json
from pathlib import Path

import msgspec
import pytest

from classify import load_model
from imagestore.pipeline import tasks
from imagestore.record import Record, Status
from imagestore.settings import ROOT
from imagestore.store import Active
from imagestore.store.documents import from_item, from_json, to_item
from preprocess import open_staged

BEFORE = ROOT / "tests" / "written_before"
NAME = "garden/cat.jpg"


def without_version(record: Record) -> dict[str, object]:
    return {key: value for key, value in to_item(record).items() if key != "schema_version"}


@pytest.mark.parametrize("file", ["result.json", "corrected.json"])
def test_a_result_says_what_it_said(file: str) -> None:
    text = (BEFORE / file).read_bytes()
    record, before = from_json(text), json.loads(text)
    assert (record.name, record.status, record.label) == (NAME, before["status"], before["label"])
    assert record.upload is not None
    assert record.upload.etag == before["upload"]["etag"]
    assert record.prediction is not None
    assert record.prediction.model.sha256 == before["prediction"]["model"]["sha256"]
    assert record.image is not None
    assert record.image.phash == before["image"]["phash"]
    if before["correction"]:
        assert record.correction is not None
        assert (record.correction.label, record.correction.account) == ("tabby's é", "sam")
        assert record.correction.random_sample is before["correction"]["drawn"] is True
        assert record.prediction.earlier is not None
        assert record.prediction.earlier.label == "dark"


def test_items_are_read_whatever_their_status() -> None:
    items = json.loads((BEFORE / "items.json").read_text())
    records = [from_item(item) for item in items]
    assert [record.status for record in records] == [
        Status.CLASSIFIED, Status.CLASSIFIED, Status.REJECTED, Status.FAILED, Status.DELETED,
    ]  # fmt: skip
    assert records[3].problem is not None
    assert records[3].problem.reason == "Away"


def test_a_staged_picture_holds_its_record() -> None:
    pixels, note = open_staged((BEFORE / "staged.png").read_bytes())
    record = from_json(note)
    assert record.staged is not None
    assert pixels.shape == (record.staged.height, record.staged.width, record.staged.channels)
    assert record.name == NAME


def test_messages_ask_for_what_they_asked() -> None:
    found = [tasks.parse(line) for line in (BEFORE / "messages.jsonl").read_text().splitlines()]
    assert [(task.step, task.name) for task in found] == [
        (tasks.PREPROCESS, NAME),
        (tasks.CLASSIFY, NAME),
        (tasks.CLASSIFY, NAME),
        (tasks.DELETE_UPLOAD, NAME),
        (tasks.CLEAN_UP, NAME),
        (tasks.SWEEP, ""),
        (tasks.REPAIR, NAME),
    ]
    assert (found[1].attempt, found[2].model, found[3].etag) == (
        3,
        load_model(BEFORE / "model.onnx").ref.sha256,
        "0x8DE1",
    )
    assert found[5].marker == "2!104!marker"


def test_a_message_of_now_comes_back_as_it_went() -> None:
    task = tasks.Task(tasks.CLASSIFY, "x.png", attempt=2, model="f" * 64)
    assert tasks.parse(msgspec.json.encode(task).decode()) == task


def test_the_registry_names_the_live_model() -> None:
    active = msgspec.json.decode((BEFORE / "active.json").read_bytes(), type=Active)
    assert (active.live.name, active.live.version, active.live.by) == ("mine", "3", "sam")
    assert [entry.version for entry in active.previous] == ["2", "1"]


def test_a_model_file_runs(tmp_path: Path) -> None:
    model = load_model(BEFORE / "model.onnx")
    assert model.labels == ("dark", "light")
