"""A person's word on a picture."""

import re
from dataclasses import replace
from typing import Any

import pytest

from classify import ModelRef, Score
from exhaustive.memory import memory_stores
from exhaustive.test_commit import ID, NAME, classified
from imagestore.errors import Conflict, NotALabel, NotFound
from imagestore.pipeline.commit import commit, final_record, remove_outputs
from imagestore.pipeline.labelling.correct import LABEL, correct
from imagestore.pipeline.names import result_name
from imagestore.record import Failure, Record, Status, Upload
from imagestore.store import StoredRecord
from imagestore.store.documents import from_json


@pytest.fixture
def stores() -> Any:
    stores = memory_stores()
    stores.uploads.place(NAME, b"picture")
    commit(stores, NAME, "1", final_record(classified("1", "tabby")))
    return stores


def test_it_is_the_label_everywhere_until_it_is_taken_back(stores: Any) -> None:
    record = correct(stores, NAME, "  lynx ", "me").record
    assert (record.label, record.status) == ("lynx", Status.CLASSIFIED)
    assert record.correction is not None
    assert record.correction.account == "me"
    assert from_json(stores.results.blobs[result_name(NAME)][1]).label == "lynx"
    assert stores.uploads.blobs[NAME][2]["label"] == "lynx"
    assert correct(stores, NAME, None, "me").record.label == "tabby"


def overwritten(stores: Any, sha256: str) -> Record:
    etag = stores.uploads.place(NAME, b"another")
    record = classified(etag, "tiger")
    assert record.upload is not None
    commit(stores, NAME, etag, final_record(replace(record, upload=replace(record.upload, sha256=sha256))))
    stored: StoredRecord = stores.records.stored
    return stored.record


def test_it_survives_an_overwrite_with_the_same_file_alone(stores: Any) -> None:
    correct(stores, NAME, "lynx", "me")
    assert overwritten(stores, "00").label == "lynx"
    assert overwritten(stores, "ff").label == "tiger"


def failed(stores: Any, etag: str, sha256: str | None) -> Record:
    problem = Failure("preprocess", "Unavailable", "storage")
    commit(stores, NAME, etag, final_record(Record(ID, NAME, upload=Upload(etag, 3, sha256=sha256), problem=problem)))
    record: Record = stores.records.stored.record
    return record


@pytest.mark.parametrize("sha256", [None, "00"], ids=["not read", "read"])
def test_it_survives_a_failure_between_two_uploads_of_the_same_file(stores: Any, sha256: str | None) -> None:
    correct(stores, NAME, "lynx", "me")
    record = failed(stores, stores.uploads.place(NAME, b"the same"), sha256)
    assert (record.status, record.label) == (Status.FAILED, sha256 and "lynx")
    assert overwritten(stores, "00").label == "lynx"


def test_it_stays_where_the_same_upload_fails_again_and_cannot_be_read_any_more(stores: Any) -> None:
    etag = stores.uploads.place(NAME, b"picture")
    assert failed(stores, etag, "00").label is None
    assert correct(stores, NAME, "lynx", "me").record.label == "lynx"
    problem = Failure("preprocess", "BlobArchived", "the blob is in the archive tier")
    commit(stores, NAME, etag, final_record(Record(ID, NAME, upload=Upload(etag, 3), problem=problem)))
    record: Record = stores.records.stored.record
    assert record.problem == problem
    assert record.label == "lynx"
    assert overwritten(stores, "00").label == "lynx"


def test_a_failure_does_not_carry_it_over_to_another_file(stores: Any) -> None:
    correct(stores, NAME, "lynx", "me")
    assert failed(stores, stores.uploads.place(NAME, b"another"), None).label is None
    assert overwritten(stores, "ff").correction is None


def test_one_that_was_made_before_corrections_named_their_file_survives_a_failure_too(stores: Any) -> None:
    correct(stores, NAME, "lynx", "me")
    stored = stores.records.stored
    before = replace(stored.record, correction=replace(stored.record.correction, sha256=None))
    stores.records.stored = replace(stored, record=before)
    failed(stores, stores.uploads.place(NAME, b"the same"), None)
    assert overwritten(stores, "00").label == "lynx"


def test_it_remembers_what_the_model_had_said_by_then(stores: Any) -> None:
    first = correct(stores, NAME, "lynx", "me", random_sample=True).record.correction
    assert first is not None
    assert first.model is not None
    assert (first.predicted, first.model.version, first.random_sample) == ("tabby", "1", True)
    commit(stores, NAME, "1", final_record(by_model("2", "lynx")))
    record = stores.records.stored.record
    assert record.prediction.label == "lynx"
    assert record.correction == first, "what another model says later changes nothing of it"


def by_model(version: str, label: str) -> Record:
    record = classified("1", label)
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, model=ModelRef("m", version, version * 64)))


def test_a_record_remembers_what_another_model_said_where_they_disagree(stores: Any) -> None:
    def said() -> tuple[str, str | None]:
        prediction = stores.records.stored.record.prediction
        return prediction.label, prediction.earlier and f"{prediction.earlier.label} {prediction.earlier.model.version}"

    def classify_with(version: str, label: str, labels: tuple[str, ...] = ("tabby", "lynx")) -> None:
        commit(stores, NAME, "1", final_record(by_model(version, label), labels))

    classify_with("2", "lynx")
    assert said() == ("lynx", "tabby 1")
    classify_with("2", "lynx")
    assert said() == ("lynx", "tabby 1"), "the same work twice changes nothing"
    classify_with("3", "lynx")
    assert said() == ("lynx", None), "the last two agree"
    classify_with("4", "tabby")
    assert said() == ("tabby", "lynx 3")
    classify_with("5", "rose", ("rose", "tulip"))
    assert said() == ("rose", None), "it does not know what a tabby is"
    overwritten(stores, "ff")
    assert said() == ("tiger", None), "that is another picture"


@pytest.mark.parametrize("label", ["", "   ", "x" * 201, "a\nb", "\u202e", "unknown"])
def test_what_cannot_be_a_label_is_refused(stores: Any, label: str) -> None:
    with pytest.raises(NotALabel):
        correct(stores, NAME, label, "me")


def test_there_must_be_a_picture(stores: Any) -> None:
    stores.uploads.blobs.pop(NAME)
    remove_outputs(stores, NAME)
    with pytest.raises(NotFound):
        correct(stores, NAME, "lynx", "me")


@pytest.mark.parametrize("label", ["rose", "driver's licence", "Ä 学", "<b>", "👩‍👧"])
def test_the_described_pattern_takes_labels(label: str) -> None:
    assert re.fullmatch(LABEL, label)


@pytest.mark.parametrize("label", ["", "  ", "a\nb", "\u202eabc", "\u2028", "\x1b[31m"])
def test_the_described_pattern_takes_nothing_else(label: str) -> None:
    assert not re.fullmatch(LABEL, label)


def test_all_labels_that_hold_can_be_said_where_several_may(stores: Any) -> None:
    record = classified("1", "tabby")
    assert record.prediction is not None
    several = replace(record, prediction=replace(record.prediction, labels=(Score("tabby", 0.9), Score("sofa", 0.8))))
    etag = stores.uploads.place(NAME, b"picture")
    assert several.upload is not None
    several = replace(several, upload=replace(several.upload, etag=etag))
    commit(stores, NAME, etag, final_record(several))
    corrected = correct(stores, NAME, "lynx", "me", others=["sofa", "lynx"]).record
    assert (corrected.label, corrected.labels) == ("lynx", ("lynx", "sofa"))
    assert corrected.correction is not None
    assert corrected.correction.predicted_labels == ("tabby", "sofa")
    assert stores.uploads.blobs[NAME][2]["label"] == "lynx", "tags carry the first alone"
    assert correct(stores, NAME, "sofa", "me").record.labels == ("sofa",)
    assert correct(stores, NAME, None, "me").record.labels == ("tabby", "sofa")


def test_a_picture_of_one_label_takes_no_second(stores: Any) -> None:
    with pytest.raises(Conflict, match="takes one label; there are 3"):
        correct(stores, NAME, "lynx", "me", others=["sofa", "cup"])
    assert stores.records.stored.record.correction is None
