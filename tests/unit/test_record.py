"""A record's status, label and id."""

from dataclasses import replace

import pytest

from classify import ModelRef, Prediction, Score, Vector
from imagestore.errors import Conflict
from imagestore.pipeline.labelling.correct import wrong_answer
from imagestore.record import (
    Correction,
    Failure,
    Record,
    RecordWithVector,
    Status,
    Upload,
    record_id,
    rejection,
    stored_name,
    utc,
)
from preprocess import ImageInfo, PictureError, Reason
from unit.web.records import picture, rejected

MODEL = ModelRef("default", "1", "77e0")


def classified(confidence: float = 0.8, label: str = "tabby") -> Record:
    prediction = Prediction(label, confidence, 0.5, 0.35, (Score(label, confidence),), MODEL)
    upload = Upload("0x1", 10, "image/jpeg", "9b1c")
    return Record(
        record_id("a.jpg"), "a.jpg", upload=upload, image=ImageInfo("JPEG", 4, 3, "RGB"), prediction=prediction
    )


def test_status_and_label_follow_from_the_prediction() -> None:
    sure = classified(0.35).finished(utc())
    assert (sure.status, sure.label) == (Status.CLASSIFIED, "tabby")
    unknown = classified(0.34).finished(utc())
    assert (unknown.status, unknown.label) == (Status.UNKNOWN, None)


def test_a_correction_is_the_label() -> None:
    corrected = replace(classified(0.1), correction=Correction("lynx", "me", utc())).finished(utc())
    assert corrected.label == "lynx"


def test_a_pictures_fault_rejects_and_any_other_fails() -> None:
    error = PictureError(Reason.CORRUPT, "why")
    assert replace(classified(), problem=rejection("preprocess", error)).finished(utc()).status is Status.REJECTED
    assert replace(classified(), problem=Failure("classify", "Unavailable", "")).finished(utc()).status is Status.FAILED


def test_ids_are_the_first_half_of_the_names_sha256() -> None:
    assert record_id("abc") == "ba7816bf8f01cfea414140de5dae2223"


def test_a_name_with_backslashes_is_that_which_storage_keeps() -> None:
    assert stored_name("a\\b\\c.jpg") == stored_name("a/b/c.jpg") == "a/b/c.jpg"
    assert record_id("a\\b\\c.jpg") == record_id("a/b/c.jpg")


def of_several(*holding: str, confidence: float = 0.8) -> Record:
    """The record of a picture whose model knows several labels a picture; the likeliest is the first that holds."""
    record = classified(confidence, label=holding[0] if holding else "tabby")
    assert record.prediction is not None
    labels = tuple(Score(label, confidence) for label in holding)
    return replace(record, prediction=replace(record.prediction, labels=labels))


def test_all_labels_that_hold_are_kept_where_several_may() -> None:
    two = of_several("tabby", "sofa").finished(utc())
    assert (two.status, two.label, two.labels) == (Status.CLASSIFIED, "tabby", ("tabby", "sofa"))
    none = of_several(confidence=0.1).finished(utc())
    assert (none.status, none.label, none.labels) == (Status.UNKNOWN, None, ())
    corrected = replace(two, correction=Correction("lynx", "me", utc(), labels=("lynx", "sofa"))).finished(utc())
    assert (corrected.label, corrected.labels) == ("lynx", ("lynx", "sofa"))
    assert not two.says_the_same_as(of_several("tabby").finished(utc()))
    assert classified().finished(utc()).labels is None, "of a model whose classes exclude each other"


def test_a_correction_confirms_what_the_model_had_predicted() -> None:
    assert Correction("lynx", "me", utc(), predicted="lynx").confirms
    assert not Correction("lynx", "me", utc(), predicted="tabby").confirms
    told = Correction("a", "me", utc(), "b", labels=("a", "b"), predicted_labels=("b", "a"))
    assert told.confirms, "in whatever order"
    assert not replace(told, labels=("a",)).confirms


def test_a_vector_of_another_backbone_is_news_and_its_digits_are_not() -> None:
    plain = classified().finished(utc())
    one, digit, other = (plain.with_vector(Vector(*args)) for args in (("a", b"\1\2"), ("a", b"\1\3"), ("b", b"\1\2")))
    assert one.says_the_same_as(digit)
    assert not one.says_the_same_as(other)
    assert not plain.says_the_same_as(one), "so records of before get one when their pictures are classified again"
    assert one.with_vector(None) == plain


def test_a_vector_stays_when_the_record_changes() -> None:
    record = classified().with_vector(Vector("a", b"\1\2"))
    corrected = replace(record, correction=Correction("lynx", "me", utc())).finished(utc())
    assert isinstance(corrected, RecordWithVector)
    assert corrected.vector == Vector("a", b"\1\2")


def test_an_answer_that_is_said_to_be_wrong_is_no_label_as_long_as_it_is_given() -> None:
    made = picture("a.jpg")
    wrong = wrong_answer(made, "maria")
    said = replace(made, wrong=wrong).finished("2026-11-22T09:00:00.000Z")
    assert (said.status, said.label, said.is_wrong) == (Status.CLASSIFIED, None, True)
    assert made.prediction is not None
    other_model = replace(made.prediction, model=ModelRef("m", "2", "e" * 64))
    assert replace(said, prediction=other_model).finished("").label is None, "another model may make the same mistake"
    other_answer = replace(said, prediction=replace(other_model, label="lynx")).finished("")
    assert (other_answer.label, other_answer.is_wrong) == ("lynx", False)
    corrected = replace(said, correction=Correction("owl", "otto", "2026-11-23T09:00:00.000Z")).finished("")
    assert (corrected.label, corrected.is_wrong) == ("owl", False)
    assert replace(corrected, correction=None).finished("").is_wrong, "it was not taken back"
    assert said.upload is not None
    other_file = replace(said, upload=replace(said.upload, sha256="0" * 64)).finished("")
    assert (other_file.label, other_file.is_wrong) == ("tabby", False)


def test_of_several_labels_not_all_hold() -> None:
    made = picture("a.jpg")
    assert made.prediction is not None
    several = replace(made.prediction, labels=(Score("tabby", 0.9), Score("indoors", 0.7)))
    made = replace(made, prediction=several).finished("")
    said = replace(made, wrong=wrong_answer(made, "maria")).finished("")
    assert (said.label, said.labels) == (None, ())
    fewer = replace(several, labels=(Score("tabby", 0.9),))
    assert replace(said, prediction=fewer).finished("").labels == ("tabby",)


def test_only_an_answer_of_a_model_can_be_wrong() -> None:
    corrected = replace(picture("a.jpg"), correction=Correction("owl", "otto", "2026-11-23T09:00:00.000Z"))
    for record in (corrected, picture("a.jpg", confidence=0.1), rejected("a.jpg")):
        with pytest.raises(Conflict):
            wrong_answer(record, "maria")
