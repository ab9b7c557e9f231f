"""A person's word on a picture."""

from dataclasses import replace
from typing import Any

import pytest

from errors import Missing
from exhaustive.memory import memory_stores
from exhaustive.test_commit import NAME, classified
from pipeline.commit import commit, finish, forget, result_name
from pipeline.correct import NotALabel, correct
from record import Record, Status
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


@pytest.mark.parametrize("label", ["", "   ", "x" * 201, "a\nb", "\u202e", "unknown"])
def test_what_cannot_be_a_label_is_refused(stores: Any, label: str) -> None:
    with pytest.raises(NotALabel):
        correct(stores, NAME, label, "me")


def test_there_must_be_a_picture(stores: Any) -> None:
    stores.uploads.blobs.pop(NAME)
    forget(stores, NAME)
    with pytest.raises(Missing):
        correct(stores, NAME, "lynx", "me")
