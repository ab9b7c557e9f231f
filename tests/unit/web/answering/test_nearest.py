"""The learned pictures that are nearest to one, as far as they are still there."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from classify import ModelRef, Vector
from imagestore.record import Record, record_id
from imagestore.store import Stores
from imagestore.store.learned import LEARNED_FILE, Learned, LearnedPicture
from imagestore.store.training import TrainingPictures
from imagestore.web.services import Services
from unit.classify.test_places import by_hand
from unit.pictures import encoded
from unit.web.conftest import Api, Drop
from unit.web.models.test_classifier import keep
from unit.web.records import picture

NAME = "lamp.png"
ID = record_id(NAME)
MODEL = by_hand(name="mine", version="1")
BACKBONE = "b" * 64
SHAS = [f"{number:064x}" for number in range(8)]


def vector(*numbers: float, backbone: str = BACKBONE) -> Vector:
    found = Vector.of(np.array(numbers), backbone)
    assert found is not None
    return found


def classified(made: Vector | None) -> Record:
    record = picture(NAME)
    assert record.prediction is not None
    model = ModelRef("mine", "1", hashlib.sha256(MODEL).hexdigest())
    return replace(record, project="mine", prediction=replace(record.prediction, model=model)).with_vector(made)


@pytest.fixture
def learned(stores: Stores, drop: Drop) -> None:
    """Eight learned pictures, each further from the upload than the one before; of the first the content is gone."""
    pictures = tuple(
        LearnedPicture(sha, () if number == 2 else (f"<b>l{number}",), vector(4, number + 0.1).codes)
        for number, sha in enumerate(SHAS)
    )
    stores.models.keep("mine", "1", {"model.onnx": MODEL, LEARNED_FILE: Learned(BACKBONE, pictures).to_json()})
    for sha in SHAS[1:]:
        TrainingPictures(stores.training, "mine").put_picture(sha, b"content")
    drop(NAME, b"lamp", classified(vector(4, 0)))


@pytest.mark.usefixtures("learned")
def test_the_five_nearest_that_are_there_are_told_with_what_they_were_learned_as(api: Api) -> None:
    told = api.get(f"/pictures/{ID}/nearest").json()
    assert [one["sha256"] for one in told["items"]] == SHAS[1:6]
    assert [one["labels"] for one in told["items"]][:2] == [["<b>l1"], []]
    similar = [one["similarity"] for one in told["items"]]
    assert similar == sorted(similar, reverse=True)
    assert (told["project"], told["model"]["version"], told["compared"]) == ("mine", "1", 8)


@pytest.mark.usefixtures("learned")
def test_a_picture_of_another_network_or_without_a_vector_says_so(api: Api, drop: Drop) -> None:
    for made in (None, vector(4, 0, backbone="c" * 64)):
        drop(NAME, b"lamp", classified(made))
        told = api.get(f"/pictures/{ID}/nearest").json()
        assert (told["items"], told["compared"]) == ([], 0)
        assert "Classify it again" in told["problem"]


def test_a_version_that_kept_nothing_of_what_it_learned_from_says_so(api: Api, drop: Drop, stores: Stores) -> None:
    keep(stores, MODEL)
    drop(NAME, b"lamp", classified(vector(4, 0)))
    told = api.get(f"/pictures/{ID}/nearest").json()
    assert told["items"] == []
    assert told["problem"].startswith("What mine 1 learned from is not kept")


@pytest.mark.usefixtures("learned")
def test_where_all_that_was_learned_from_is_gone_it_is_said(api: Api, stores: Stores) -> None:
    for sha in SHAS[1:]:
        TrainingPictures(stores.training, "mine").remove_picture(sha)
    assert api.get(f"/pictures/{ID}/nearest").json()["problem"].startswith("None of the 8 pictures")


def test_a_picture_that_nobody_keeps_is_compared_too(api: Api, stores: Stores, services: Services) -> None:
    keep(stores, MODEL)
    backbone = hashlib.sha256(MODEL).hexdigest()
    pictures = (LearnedPicture(SHAS[0], ("light",), vector(3, backbone=backbone).codes),)
    stores.models.keep("mine", "1", {"model.onnx": MODEL, LEARNED_FILE: Learned(backbone, pictures).to_json()})
    TrainingPictures(stores.training, "mine").put_picture(SHAS[0], b"content")
    told = api.post(
        "/classify/nearest", params={"project": "mine", "version": "1"}, content=encoded(Image.new("L", (8, 8), 9))
    )
    assert told.status_code == 200, told.text
    assert [(one["sha256"], one["similarity"]) for one in told.json()["items"]] == [(SHAS[0], 1.0)]
    services.classifier.close()
