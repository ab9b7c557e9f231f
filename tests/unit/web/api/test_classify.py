"""What a model says of a picture that nobody keeps, by the API."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagestore.store import PromotionEntry, Stores
from imagestore.store.models import Inspection
from imagestore.web.services import Services
from unit.classify.test_model import tiny
from unit.pictures import encoded, photo
from unit.web.conftest import MAX_BYTES, Api, problem
from unit.web.memory import make_default

PICTURE = encoded(photo())
AT = "2026-11-21T09:00:00.000Z"


@pytest.fixture
def model(stores: Stores, services: Services, tmp_path: Path) -> Iterator[str]:
    """Version 1 of `screws`, which was looked at; its file's SHA-256."""
    stores.projects.create("screws", "me")
    data = tiny(tmp_path / "model.onnx", name="screws", version="1").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    stores.models.keep("screws", "1", {"model.onnx": data})
    stores.models.keep_inspection("screws", "1", Inspection(sha256, AT, "me", is_admitted=True))
    yield sha256
    services.classifier.close()
    services.renderer.close()


def test_a_published_version_answers_and_nothing_is_kept(api: Api, stores: Stores, model: str) -> None:
    assert api.put("/projects/screws/published/line-2", params={"version": "1"}).json()["published"] == {"line-2": "1"}
    asked = {"project": "screws", "published": "line-2"}
    found = api.post("/classify", params=asked, content=PICTURE).json()
    assert found["prediction"]["model"] == {"name": "screws", "version": "1", "sha256": model}
    assert found["label"] in (None, found["prediction"]["label"])
    in_form = api.post("/classify", params=asked, files={"file": ("a.png", PICTURE)}).json()
    assert in_form == found
    assert api.post("/classify", params={"project": "screws", "version": "1"}, content=PICTURE).json() == found
    assert not [blob for page, _ in stores.uploads.list() for blob in page]
    assert api.delete("/projects/screws/published/line-2").json()["published"] == {}
    problem(api.post("/classify", params=asked, content=PICTURE), 404)
    problem(api.delete("/projects/screws/published/line-2"), 404)


def test_what_is_live_answers_where_nothing_else_is_named(api: Api, stores: Stores, model: str) -> None:
    assert "no live version" in problem(api.post("/classify?project=screws", content=PICTURE), 404)["detail"]
    make_default(stores, PromotionEntry("screws", "1", model, AT, "me"))
    for query in ("", "?project=screws"):
        found = api.post(f"/classify{query}", content=PICTURE).json()
        assert found["prediction"]["model"]["name"] == "screws"


def test_only_what_was_looked_at_is_published_and_asked(api: Api, stores: Stores, model: str) -> None:
    stores.models.keep("screws", "2", {"model.onnx": b"model"})
    for refused in (
        api.put("/projects/screws/published/line-2", params={"version": "2"}),
        api.post("/classify", params={"project": "screws", "version": "2"}, content=PICTURE),
    ):
        assert "imagestore models inspect 2 --project screws" in problem(refused, 409)["detail"]
    problem(api.put("/projects/screws/published/line-2", params={"version": "9"}), 404)
    problem(api.put("/projects/screws/published/line*2", params={"version": "1"}), 422)
    problem(api.post("/classify", params={"version": "1"}, content=PICTURE), 404)


def test_what_is_no_picture_or_too_large_is_said(api: Api, model: str) -> None:
    asked = {"project": "screws", "version": "1"}
    assert problem(api.post("/classify", params=asked, content=b"no picture"), 422)["code"] == "not_an_image"
    assert problem(api.post("/classify", params=asked, content=b""), 422)["code"] == "empty"
    too_large = api.post("/classify", params=asked, content=bytes(MAX_BYTES + 1))
    assert problem(too_large, 413)["limit_bytes"] == MAX_BYTES
    problem(api.post("/classify", params=asked, files={}, headers={"Content-Type": "multipart/form-data"}), 400)
