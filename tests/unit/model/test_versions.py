"""What is kept of folders of labelled pictures, and what is said of the rest."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from imagestore.cli import learn
from imagestore.store.projects import FIRST
from model import versions
from model.training.training_set import open_set
from preprocess import Limits
from unit.classify.test_model import tiny
from unit.model.labelled_pictures import quiet
from unit.pictures import encoded
from unit.web.memory import MemoryBlobs


def test_files_whose_names_no_blob_can_have_are_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rose").mkdir()
    (tmp_path / "rose" / "a.png").write_bytes(b"a picture")
    try:
        with open(os.fsencode(tmp_path) + b"/rose/caf\xe9.png", "wb") as file:
            file.write(b"a picture")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    stores: Any = SimpleNamespace(training=MemoryBlobs("training"))
    kept = versions.import_folders(stores, FIRST, [tmp_path], quiet)
    assert [one.name for one in open_set(stores, "mine").labelled] == ["rose/a.png"]
    learn._tell_kept(kept)
    said = capsys.readouterr().out
    assert "1 labelled pictures, 1 of them new" in said
    assert "left out: 1 files whose name is not UTF-8" in said


def test_a_picture_under_several_labels_is_evaluated_once_by_a_model_that_knows_several(tmp_path: Path) -> None:
    for label in ("dark", "light"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(encoded(Image.new("L", (16, 16), 200)))
    (tmp_path / "dark" / "2.png").write_bytes(encoded(Image.new("L", (16, 16), 5)))
    stores: Any = SimpleNamespace(training=MemoryBlobs("training"))

    def evaluated(**kind: Any) -> versions.EvaluatedVersion:
        data = tiny(tmp_path / "m.onnx", bias=(1.0, -1.0), **kind).read_bytes()
        return versions.evaluate_version(stores, FIRST, data, "it", tmp_path, Limits(), quiet)

    found = evaluated(labels_per_picture="several", threshold="0.5")
    assert found.pictures == 2
    assert found.report.sentence().startswith("All labels right on 2 of 2 ")
    assert evaluated().pictures == 3, "for a model of one label a picture each file counts"
