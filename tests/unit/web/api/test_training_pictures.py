"""Labelled pictures as they are shown."""

import hashlib
import io

from PIL import Image

from imagestore.store import Stores
from imagestore.store.training import TrainingPictures
from unit.pictures import encoded
from unit.web.conftest import Api, problem


def test_a_labelled_picture_is_shown_small_and_may_be_kept_by_the_browser(api: Api, stores: Stores) -> None:
    data = encoded(Image.new("L", (900, 600), 90))
    sha256 = hashlib.sha256(data).hexdigest()
    TrainingPictures(stores.training, "mine").put_picture(sha256, data)
    address = f"/projects/mine/training/{sha256}/thumbnail"
    shown = api.get(address)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
    assert Image.open(io.BytesIO(shown.content)).size == (384, 256)
    assert "immutable" in shown.headers["cache-control"]
    assert api.get(address, headers={"If-None-Match": shown.headers["etag"]}).status_code == 304


def test_what_is_not_there_or_cannot_be_shown_is_said(api: Api, stores: Stores) -> None:
    for sha256, data in (("a" * 64, b"no picture"), ("b" * 64, None)):
        if data is not None:
            TrainingPictures(stores.training, "mine").put_picture(sha256, data)
        problem(api.get(f"/projects/mine/training/{sha256}/thumbnail"), 404)
    assert "no project 'bolts'" in problem(api.get(f"/projects/bolts/training/{'a' * 64}/thumbnail"), 404)["detail"]
    problem(api.get("/projects/mine/training/split.json/thumbnail"), 422)
