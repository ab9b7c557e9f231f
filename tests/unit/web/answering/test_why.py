"""Where a label comes from: for an uploaded picture by the model that classified it, and for one that nobody keeps."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from classify import ModelRef
from imagestore.record import Record, record_id
from imagestore.store import Stores
from imagestore.web.answering.why import where
from preprocess import Area, ImageInfo, write_staged
from unit.classify.test_places import by_hand
from unit.pictures import encoded
from unit.web.conftest import Api, Drop
from unit.web.models.test_classifier import keep
from unit.web.records import picture

NAME = "lamp.png"
ID = record_id(NAME)
WHOLE = Area(0.0, 0.0, 1.0, 1.0)


def lamp() -> np.ndarray:
    """Bright in the upper left, a little in the lower right."""
    pixels = np.zeros((8, 8, 1), np.uint8)
    pixels[:4, :4], pixels[4:, 4:] = 12, 4
    return pixels


@pytest.fixture
def classified(drop: Drop, stores: Stores) -> Record:
    """An upload of 16 × 8 pixels, of which the model saw the middle, and its staged picture."""
    data = by_hand(name="mine", version="1")
    keep(stores, data)
    record = picture(NAME)
    assert record.staged is not None
    assert record.prediction is not None
    wide = np.pad(lamp()[:, :, 0], ((0, 0), (4, 4)))
    record = replace(
        record,
        image=ImageInfo("PNG", 16, 8, "L"),
        staged=replace(record.staged, width=8, height=8, crop=1.0),
        prediction=replace(
            record.prediction, label="light", model=ModelRef("mine", "1", hashlib.sha256(data).hexdigest())
        ),
    )
    stores.staging.overwrite(NAME + ".png", write_staged(lamp(), "{}"), "image/png")
    return drop(NAME, encoded(Image.fromarray(wide)), record)


@pytest.mark.usefixtures("classified")
def test_an_uploaded_picture_is_explained_by_the_pixels_that_the_model_saw(api: Api) -> None:
    told = api.get(f"/pictures/{ID}/why").json()
    assert (told["label"], told["model"]["version"]) == ("light", "1")
    assert told["area"] == {"left": 0.25, "top": 0.0, "right": 0.75, "bottom": 1.0}
    assert told["shares"] == [[2.125, -0.125], [-0.125, 0.625]]
    assert told["where"] == "Mostly from upper centre to lower centre: 67 % of what speaks for it lies there."
    other = api.get(f"/pictures/{ID}/why", params={"label": "dark"}).json()
    assert other["shares"][0][0] == -2.125
    assert other["labels"][0] == "light", "what it answers stays the first to choose from"


@pytest.mark.usefixtures("classified")
def test_where_the_staged_picture_is_gone_the_upload_is_brought_into_its_form(api: Api, stores: Stores) -> None:
    before = api.get(f"/pictures/{ID}/why").json()
    stores.staging.delete(NAME + ".png")
    assert api.get(f"/pictures/{ID}/why").json() == before
    stores.staging.overwrite(NAME + ".png", write_staged(np.zeros((4, 4, 1), np.uint8), "{}"), "image/png")
    assert api.get(f"/pictures/{ID}/why").json() == before


def test_what_cannot_be_explained_says_why(api: Api, drop: Drop, classified: Record, stores: Stores) -> None:
    said = api.get(f"/pictures/{ID}/why", params={"label": "cat"})
    assert said.status_code == 404
    assert said.json()["detail"] == ("The model mine 1 has no label 'cat'. The picture was classified by mine 1.")
    stores.models.keep("mine", "1", {"model.onnx": by_hand(name="mine", version="1", licence="another file")})
    stores.staging.overwrite(NAME + ".png", write_staged(lamp(), "{}"), "image/png")
    assert classified.prediction is not None
    gone = replace(classified.prediction, model=ModelRef("gone", "4", "0" * 64))
    drop("other.png", b"other", replace(classified, id=record_id("other.png"), name="other.png", prediction=gone))
    said = api.get(f"/pictures/{record_id('other.png')}/why")
    assert said.status_code == 404
    assert said.json()["detail"].endswith("The picture was classified by gone 4.")
    drop("bad.png", b"bad", replace(picture("bad.png"), prediction=None))
    assert "No model has answered" in api.get(f"/pictures/{record_id('bad.png')}/why").json()["detail"]


def test_a_picture_that_nobody_keeps_is_explained_by_any_version(api: Api, stores: Stores) -> None:
    keep(stores, by_hand(name="mine", version="1"))
    told = api.post(
        "/classify/why", params={"project": "mine", "version": "1"}, content=encoded(Image.fromarray(lamp()[:, :, 0]))
    )
    assert told.status_code == 200, told.text
    assert told.json()["where"] == "Mostly from upper left to centre: 80 % of what speaks for it lies there."
    assert api.get("/pictures").json()["items"] == []


@pytest.mark.parametrize(
    ("shares", "area", "said"),
    [
        ([[1, 0, 0], [0, 0, 0], [0, 0, 0]], WHOLE, "Mostly upper left: 100 %"),
        ([[0, 0, 0], [0, 0, 0], [0, 1, -5]], WHOLE, "Mostly lower centre: 100 %"),
        ([[0, 0, 0], [0, 4, 4], [0, 1, 1]], WHOLE, "Mostly from centre to right: 80 %"),
        ([[1, 1], [0, 0]], Area(0, 0, 0.3, 1), "Mostly upper left: 67 %"),
        ([[1, 0, 0]], Area(-1, 0, 2, 0.3), "Mostly upper left: 100 %"),
        ([[3, 2, 2], [2, 2, 2], [2, 2, 3]], WHOLE, "Spread over the picture; most of it, 15 %, lies upper left."),
        ([[-1, -1], [-1, -1]], WHOLE, "Nothing in the picture speaks for it."),
    ],
    ids=["a corner", "with the most against it", "two", "a part is seen", "in the padding", "all", "none"],
)
def test_where_it_lies_is_said_in_words(shares: list[list[float]], area: Area, said: str) -> None:
    end = " of what speaks for it lies there." if said.startswith("Mostly") else ""
    assert where(np.array(shares, float), area) == said + end
