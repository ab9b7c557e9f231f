"""What is found in folders, and what is not good enough to learn from."""

import os
from pathlib import Path

import numpy as np
import pytest

from imagestore.errors import BadTrainingData
from imagestore.pipeline.labelling.learnable import FEWEST
from model.training.examples import in_folder, negatives_in, read
from model.training.labels import check, contradictions
from preprocess import Limits
from unit.model.labelled_pictures import examples_of, groups_of, labelled, scene
from unit.pictures import encoded


def test_what_cannot_be_learned_from_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadTrainingData, match="not a folder"):
        in_folder(tmp_path / "missing")
    with pytest.raises(BadTrainingData, match="subfolder"):
        in_folder(tmp_path)
    for label, count in {"rose": 6, "tulip": 3}.items():
        (tmp_path / label).mkdir()
        for n in range(count):
            (tmp_path / label / f"{n}.png").write_bytes(encoded(scene(n + 100 * len(label))))
    (tmp_path / "rose" / "bad.png").write_bytes(b"no picture")
    (tmp_path / "rose" / ".hidden.png").write_bytes(b"no picture")
    (tmp_path / "tulip" / "copy.png").write_bytes((tmp_path / "tulip" / "0.png").read_bytes())
    found = read(in_folder(tmp_path).pictures, Limits(), lambda: None)
    assert list(found.bad) == ["rose/bad.png"]
    assert found.bad["rose/bad.png"].startswith("not_an_image: ")
    with pytest.raises(BadTrainingData, match=f"at least {FEWEST} different pictures.*'tulip' has 3"):
        check(found.good, groups_of(found.good))
    roses = [e for e in found.good if e.label == "rose"]
    with pytest.raises(BadTrainingData, match="only the label 'rose'"):
        check(roses, groups_of(roses))
    strange = examples_of([labelled(label, label, encoded(scene(1))) for label in ("unknown", "rose")])
    with pytest.raises(BadTrainingData, match="'unknown' cannot be a label"):
        check(strange, np.array([0, 1]))
    assert contradictions(strange) == [(strange[0].sha256, ["rose", "unknown"])]


def test_a_name_that_is_not_utf8_is_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "rose").mkdir()
    (tmp_path / "rose" / r"in\a.png").write_bytes(b"a picture")
    try:
        for folder in (os.fsencode(tmp_path) + b"/rose", os.fsencode(tmp_path) + b"/\xe9glantine"):
            os.makedirs(folder, exist_ok=True)
            with open(folder + b"/caf\xe9.png", "wb") as file:
                file.write(b"a picture")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    found = in_folder(tmp_path)
    assert [picture.name for picture in found.pictures] == ["rose/in/a.png"]
    assert found.not_utf8 == 2


def test_all_below_a_folder_of_negatives_shows_none_of_the_labels(tmp_path: Path) -> None:
    with pytest.raises(BadTrainingData, match="not a folder"):
        negatives_in(tmp_path / "missing")
    (tmp_path / "other" / "deep").mkdir(parents=True)
    with pytest.raises(BadTrainingData, match="has no pictures"):
        negatives_in(tmp_path / "other")
    for name in ("1.png", "deep/2.png", ".hidden.png"):
        (tmp_path / "other" / name).write_bytes(encoded(scene(1)))
    found = negatives_in(tmp_path / "other").pictures
    assert [(one.labels, one.name) for one in found] == [((), "other/1.png"), ((), "other/deep/2.png")]
