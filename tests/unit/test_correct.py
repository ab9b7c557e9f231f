"""A person's word on a picture."""

from dataclasses import replace
from typing import Any

import pytest

from errors import Missing
from exhaustive.memory import memory_stores
from exhaustive.test_commit import NAME, classified
from pipeline.commit import commit, finish, forget, result_name
from pipeline.correct import NotALabel, correct
from record import ModelRef, Record, Status
from store.documents import from_json


@pytest.fixture
def stores() -> Any:
    stores = memory_stores()
    stores.uploads.place(NAME, b"picture")
    commit(stores, NAME, "1", finish(classified("1", "tabby")))
    return stores


def test_it_is_the_label_everywhere_until_it_is_taken_back(stores: Any) -> None:
    record = correct(stores, NAME, "  lynx ", "me")
    assert (record.label, record.status) == ("lynx", Status.CLASSIFIED)
    assert record.correction is not None
    assert record.correction.account == "me"
    assert from_json(stores.results.blobs[result_name(NAME)][1]).label == "lynx"
    assert stores.uploads.blobs[NAME][2]["label"] == "lynx"
    assert correct(stores, NAME, None, "me").label == "tabby"


def overwritten(stores: Any, sha256: str) -> Record:
    etag = stores.uploads.place(NAME, b"another")
    record = classified(etag, "tiger")
    assert record.upload is not None
    commit(stores, NAME, etag, finish(replace(record, upload=replace(record.upload, sha256=sha256))))
    return stores.records.known.record


def test_it_survives_an_overwrite_with_the_same_file_alone(stores: Any) -> None:
    correct(stores, NAME, "lynx", "me")
    assert overwritten(stores, "00").label == "lynx"
    assert overwritten(stores, "ff").label == "tiger"


def test_it_remembers_what_the_model_had_said_by_then(stores: Any) -> None:
    first = correct(stores, NAME, "lynx", "me", drawn=True).correction
    assert first is not None
    assert first.model is not None
    assert (first.predicted, first.model.version, first.drawn) == ("tabby", "1", True)
    commit(stores, NAME, "1", finish(by_model("2", "lynx")))
    record = stores.records.known.record
    assert record.prediction.label == "lynx"
    assert record.correction == first, "what another model says later changes nothing of it"


def by_model(version: str, label: str) -> Record:
    record = classified("1", label)
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, model=ModelRef("m", version, version * 64)))


def test_a_record_remembers_what_another_model_said_where_they_disagree(stores: Any) -> None:
    def said() -> tuple[str, str | None]:
        prediction = stores.records.known.record.prediction
        return prediction.label, prediction.earlier and f"{prediction.earlier.label} {prediction.earlier.model.version}"

    def classify_with(version: str, label: str, labels: tuple[str, ...] = ("tabby", "lynx")) -> None:
        commit(stores, NAME, "1", finish(by_model(version, label), labels))

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
    forget(stores, NAME)
    with pytest.raises(Missing):
        correct(stores, NAME, "lynx", "me")
