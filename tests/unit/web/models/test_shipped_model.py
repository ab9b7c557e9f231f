"""The card of the model that comes with the app."""

import shutil
from pathlib import Path

import pytest

from imagestore.errors import NotFound
from imagestore.web.models.shipped_model import shipped_model
from model.default.build import BROAD, BROAD_THRESHOLD, DEFAULT, FAMILY_THRESHOLD, THRESHOLD
from unit.classify.test_model import tiny
from unit.web.conftest import Api


def test_it_tells_of_the_shipped_file_what_was_measured_of_it() -> None:
    """Whoever builds another one measures it: python -m bench.default_model FOLDER --write."""
    card = shipped_model(DEFAULT)
    assert (card.name, card.threshold, card.family_threshold) == ("default", THRESHOLD, FAMILY_THRESHOLD)
    assert card.family_thresholds == dict.fromkeys(BROAD, BROAD_THRESHOLD)
    assert (len(card.labels), "tabby" in card.families["cat"]) == (1000, True)
    assert "Apache-2.0" in card.licence
    assert card.figures is not None, "model/default/figures.json is of another file"
    assert card.command is not None
    assert card.command.startswith("python -m bench.default_model ")
    for one in card.figures.values():
        assert one.top1.of == one.top5.of == one.known
        assert (one.answered.of, one.right.of, one.others_answered.of) == (one.named, one.answered.right, one.others)


def test_figures_of_another_file_are_not_told(tmp_path: Path) -> None:
    path = tiny(tmp_path / "model.onnx", name="own")
    shutil.copy(DEFAULT.with_name("figures.json"), tmp_path / "figures.json")
    card = shipped_model(path)
    assert (card.name, card.figures, card.families) == ("own", None, {})
    assert (card.family_threshold, card.family_thresholds) == (None, {})


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    for file in ("model.onnx", "none.onnx"):
        with pytest.raises(NotFound, match="comes with the app cannot be read"):
            shipped_model(tmp_path / file)


def test_it_has_a_page_and_is_told_by_the_api(api: Api) -> None:
    assert 'href="/models/shipped"' in api.get("http://localhost/models").text
    page = api.get("http://localhost/models/shipped").text
    card = api.get("/models/shipped").json()
    assert "Egyptian cat" in page
    assert f"{card['figures']['gray']['top1']['right'] / card['figures']['gray']['top1']['of']:.0%}"[:-1] in page
    assert 'id="try"' in page, "it is live as long as nothing was promoted"
