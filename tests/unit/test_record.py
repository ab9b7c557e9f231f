"""The record, its JSON and its tags."""

from dataclasses import replace

import pytest

from errors import PictureError, Reason
from record import (
    Correction,
    ImageInfo,
    ModelRef,
    Prediction,
    Problem,
    Record,
    Score,
    Status,
    Upload,
    record_id,
    rejection,
    utc,
)
from store.documents import NotARecord, from_item, from_json, to_item, to_json
from store.tags import LONGEST_VALUE, from_tag, tags_of, to_tag

MODEL = ModelRef("default", "1", "77e0")


def classified(confidence: float = 0.8, label: str = "tabby") -> Record:
    prediction = Prediction(label, confidence, 0.5, 0.35, (Score(label, confidence),), MODEL)
    upload = Upload("0x1", 10, "image/jpeg", "9b1c")
    return Record(
        record_id("a.jpg"), "a.jpg", upload=upload, image=ImageInfo("JPEG", 4, 3, "RGB"), prediction=prediction
    )


def test_status_and_label_follow_from_the_prediction() -> None:
    known = classified(0.35).finished(utc())
    assert (known.status, known.label) == (Status.CLASSIFIED, "tabby")
    unknown = classified(0.34).finished(utc())
    assert (unknown.status, unknown.label) == (Status.UNKNOWN, None)


def test_a_correction_is_the_label() -> None:
    corrected = replace(classified(0.1), correction=Correction("lynx", "me", utc())).finished(utc())
    assert corrected.label == "lynx"


def test_a_pictures_fault_rejects_and_any_other_fails() -> None:
    error = PictureError(Reason.CORRUPT, "why")
    assert replace(classified(), problem=rejection("preprocess", error)).finished(utc()).status is Status.REJECTED
    assert replace(classified(), problem=Problem("classify", "Away", "")).finished(utc()).status is Status.FAILED


def test_json_comes_back_as_it_went() -> None:
    record = classified().finished("2026-11-21T09:00:00.000Z")
    assert from_json(to_json(record)) == record
    assert from_item(to_item(record) | {"_etag": "x", "a field of a later version": 1}) == record


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"id": 1, "name": "a"}', b"\xff"])
def test_other_json_is_no_record(text: bytes) -> None:
    with pytest.raises(NotARecord):
        from_json(text)


def test_ids_are_the_first_half_of_the_names_sha256() -> None:
    assert record_id("abc") == "ba7816bf8f01cfea414140de5dae2223"


@pytest.mark.parametrize("label", ["tabby", "driver's licence", "Füße", "a=b", "猫", "x" * 300, "=27", "", "a;b,<c>"])
def test_tags_hold_any_label_and_give_it_back(label: str) -> None:
    value = to_tag(label)
    assert len(value) <= LONGEST_VALUE
    assert all(c.isascii() and (c.isalnum() or c in " +-./:=_") for c in value)
    assert from_tag(value) == label[:LONGEST_VALUE]


def test_tags_name_the_version_they_speak_of() -> None:
    assert tags_of(classified().finished(utc())) == {"status": "classified", "label": "tabby", "of": "0x1"}
