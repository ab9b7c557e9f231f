"""Similar pictures, in the API and on the page: of an uploaded picture and of one that nobody keeps."""

import numpy as np
import pytest
from PIL import Image

from classify import Vector
from imagestore.record import Record, record_id
from imagestore.store import Stores
from imagestore.web.services import Services
from unit.classify.test_model import tiny
from unit.classify.test_places import by_hand
from unit.pictures import encoded
from unit.web.answering import test_location
from unit.web.conftest import Api, Drop
from unit.web.models.test_classifier import keep
from unit.web.records import picture

ID = record_id("a.jpg")


def with_vector(name: str, *numbers: float, backbone: str = "b" * 64, made: Record | None = None) -> Record:
    return (made or picture(name)).with_vector(Vector.of(np.array(numbers), backbone))


@pytest.fixture
def three(drop: Drop) -> None:
    for name, numbers in (("a.jpg", (4, 1)), ("b.jpg", (1, 4)), ("<i>c.jpg", (4, 2))):
        drop(name, name.encode(), with_vector(name, *numbers))
    drop("before.jpg", b"before", picture("before.jpg"))


@pytest.mark.usefixtures("three")
def test_the_most_alike_come_first_and_what_was_not_compared_is_said(api: Api) -> None:
    told = api.get(f"/pictures/{ID}/similar").json()
    assert [one["record"]["name"] for one in told["items"]] == ["<i>c.jpg", "b.jpg"]
    assert told["items"][0]["similarity"] > told["items"][1]["similarity"]
    assert (told["compared"], told["left_out"], told["others"]) == (2, 0, 1)
    assert "vector" not in str(told)
    page = api.get(f"http://localhost/similar?of={ID}").text
    assert "2 of 2 pictures" in page
    assert "1 was not compared" in page
    assert "&lt;i&gt;c.jpg" in page
    assert "<i>c.jpg" not in page


@pytest.mark.usefixtures("three")
def test_a_picture_without_a_vector_says_so(api: Api) -> None:
    said = api.get(f"/pictures/{record_id('before.jpg')}/similar")
    assert (said.status_code, said.json()["code"]) == (409, "no_vector")
    assert "Classify it again" in said.json()["detail"]
    assert "Classify it again" in api.get(f"http://localhost/similar?of={record_id('before.jpg')}").text
    assert api.get(f"/pictures/{'0' * 32}/similar").status_code == 404
    assert api.get(f"http://localhost/similar?of={'0' * 32}").status_code == 404


def test_a_picture_that_nobody_keeps_is_compared_by_the_models_network(
    api: Api, drop: Drop, stores: Stores, services: Services
) -> None:
    version, data = keep(stores, by_hand(name="mine", version="1")), encoded(Image.new("L", (8, 8), 9))
    found = services.classifier.classify(data, version).vector
    assert found is not None
    drop("a.jpg", b"a", picture("a.jpg").with_vector(found))
    drop("b.jpg", b"b", with_vector("b.jpg", 3.0))
    asked = {"project": "mine", "version": "1"}
    told = api.post("/similar", params=asked, content=data).json()
    assert [(one["record"]["name"], one["similarity"]) for one in told["items"]] == [("a.jpg", 1.0)]
    assert told["others"] == 1
    assert "2 pictures" not in api.get("http://localhost/similar").text, "nothing is compared before it is asked for"
    assert [one["name"] for one in api.get("/pictures").json()["items"]] == ["b.jpg", "a.jpg"]
    services.classifier.close()


def test_a_model_without_features_compares_nothing_and_says_so(
    api: Api, stores: Stores, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keep(stores, tiny(tmp_path_factory.mktemp("tiny") / "model.onnx").read_bytes())
    said = api.post("/similar", params={"project": "mine", "version": "1"}, content=encoded(Image.new("L", (8, 8), 9)))
    assert (said.status_code, said.json()["code"]) == (409, "no_vector")
    assert "tiny 3 gives no features" in said.json()["detail"]


def test_the_place_where_a_similar_picture_was_taken_is_hidden_too(
    api: Api, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop("a.jpg", b"a", with_vector("a.jpg", 4, 1))
    drop("b.jpg", b"b", with_vector("b.jpg", 4, 2, made=test_location.taken_in_paris("b.jpg")))
    assert "GPSLatitude" in api.get(f"/pictures/{ID}/similar").text
    test_location.hide(monkeypatch)
    assert "GPS" not in api.get(f"/pictures/{ID}/similar").text


def test_a_filter_and_a_limit_narrow_it(api: Api, drop: Drop) -> None:
    for number in range(4):
        drop(f"{number}.jpg", b"%d" % number, with_vector(f"{number}.jpg", 4, number + 1))
    told = api.get(f"/pictures/{record_id('0.jpg')}/similar", params={"q": "3", "limit": 1}).json()
    assert [one["record"]["name"] for one in told["items"]] == ["3.jpg"]
