"""A version with another one's weights and other thresholds."""

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from classify.metadata import differ_by_thresholds_alone, metadata_of
from classify.model import read_model
from imagestore.errors import Conflict, NotFound
from imagestore.jobs.job import Arguments, JobKind, JobState, NewThreshold
from imagestore.performance.answers import Thresholds, answers_of
from imagestore.settings import Settings
from imagestore.store import Stores
from imagestore.store.projects import FIRST
from imagestore.store.training import Part, PictureFacts, TrainingPictures
from model.job_child import done_by
from model.new_threshold import MadeVersion, save_threshold
from preprocess import Limits
from unit.classify.test_model import tiny
from unit.model.conftest import Begin
from unit.model.labelled_pictures import quiet
from unit.pictures import encoded

LABELS = ("dark", "light")


def keep(stores: Stores, folder: Path, **metadata: Any) -> bytes:
    """Keep version 1, and test pictures from dark to light: a fifth of each label."""
    labels = json.dumps(LABELS)
    data = tiny(folder / "1.onnx", bias=(1.0, 0.0), labels=labels, name="mine", **metadata).read_bytes()
    stores.models.claim("mine")
    stores.models.keep("mine", "1", {"model.onnx": data, "training.json": provenance("f" * 64)})
    pictures = TrainingPictures(stores.training, "mine")
    pictures.begin()
    for level in range(5, 250, 5):
        picture = encoded(Image.new("L", (16, 16), level))
        sha256 = hashlib.sha256(picture).hexdigest()
        facts = PictureFacts((LABELS[level > 128],), source=f"{level}.png", part=Part.TEST)
        pictures.put_facts(sha256, facts, None)
        pictures.put_picture(sha256, picture)
    return data


def save(stores: Stores, threshold: float, label: str | None = None, version: str = "1") -> MadeVersion:
    wanted, claimed = NewThreshold(threshold, label), list[str]()
    made = save_threshold(stores, FIRST, version, wanted, "maria", Limits(), quiet, claimed.append)
    assert claimed == [made.version]
    return made


def test_it_has_the_same_weights_and_is_measured_anew(stores: Stores, tmp_path: Path) -> None:
    data = keep(stores, tmp_path, threshold="0.5", thresholds='{"light": 0.6}')
    made = save(stores, 0.6)
    assert made.version == "2"
    assert made.sentence.startswith("mine 2 is mine 1 with other thresholds. Right on ")
    new = stores.models.read("mine", "2")
    assert differ_by_thresholds_alone(new, data)
    model, before = read_model(new, "it"), read_model(data, "it")
    assert (model.ref.version, model.threshold, model.thresholds) == ("2", 0.6, {})
    assert model.backbone == before.backbone, "its vectors are compared with those of version 1"
    given = stores.models.thresholds_set("mine", "2")
    assert given is not None
    assert (given.of, given.by, given.threshold, given.labels) == ("1", "maria", 0.6, {})
    assert stores.models.thresholds_set("mine", "1") is None
    inspected = stores.models.inspection("mine", "2")
    assert inspected is not None
    assert (inspected.is_admitted, inspected.by) == (True, "maria")
    assert inspected.sha256 == hashlib.sha256(new).hexdigest()
    figures: Any = stores.models.figures("mine", "2")
    assert figures["metrics"]["threshold"] == 0.6
    assert figures["how_made"][0][0] == "Thresholds"
    assert "those of version 1" in figures["how_made"][0][1]
    answers = answers_of(stores.models, "mine", "2")
    assert answers is not None
    assert answers.thresholds == Thresholds(0.6)
    assert len(answers.pictures) == 49
    assert stores.models.read("mine", "2", "training.json") == stores.models.read("mine", "1", "training.json")
    assert b"mine 2" in stores.models.read("mine", "2", "report.html")


def test_the_threshold_of_one_label_leaves_the_others(stores: Stores, tmp_path: Path) -> None:
    keep(stores, tmp_path, threshold="0.5", thresholds='{"light": 0.6}')
    made = save(stores, 0.8, "dark")
    told = metadata_of(stores.models.read("mine", made.version))
    assert (told["threshold"], json.loads(told["thresholds"])) == ("0.5", {"light": 0.6, "dark": 0.8})
    again = save(stores, 0.9, version=made.version)
    told = metadata_of(stores.models.read("mine", again.version))
    assert (again.version, told["threshold"], "thresholds" in told) == ("3", "0.9", False)
    given = stores.models.thresholds_set("mine", "3")
    assert given is not None
    assert given.of == "2"


def test_several_labels_a_picture_keep_their_kind(stores: Stores, tmp_path: Path) -> None:
    keep(stores, tmp_path, threshold="0.5", thresholds='{"dark": 0.4, "light": 0.6}', labels_per_picture="several")
    save(stores, 0.55)
    answers = answers_of(stores.models, "mine", "2")
    assert answers is not None
    assert (answers.has_several, answers.thresholds) == (True, Thresholds(0.55))


def test_a_version_that_was_added_and_has_no_test_pictures_can_have_another_threshold(
    stores: Stores, tmp_path: Path
) -> None:
    stores.models.claim("mine")
    stores.models.keep("mine", "1", {"model.onnx": tiny(tmp_path / "1.onnx", threshold="0.5").read_bytes()})
    made = save(stores, 0.7)
    assert made.sentence == "mine 2 is mine 1 with other thresholds. There are no test pictures to measure it on."
    assert stores.models.figures("mine", "2") is None
    inspected = stores.models.inspection("mine", "2")
    assert inspected is not None
    assert inspected.is_admitted


def test_a_picture_that_it_learned_from_does_not_test_it(stores: Stores, tmp_path: Path) -> None:
    data = keep(stores, tmp_path, threshold="0.5")
    learned = hashlib.sha256(encoded(Image.new("L", (16, 16), 5))).hexdigest()
    stores.models.keep("mine", "1", {"model.onnx": data, "training.json": provenance(learned)})
    save(stores, 0.6)
    answers = answers_of(stores.models, "mine", "2")
    assert answers is not None
    assert len(answers.pictures) == 48
    assert learned not in {one.sha256 for one in answers.pictures}


def provenance(sha256: str) -> bytes:
    """What a training keeps, of a picture with this SHA-256."""
    made = {
        "at": "2026-11-21T09:00:00.000Z", "code": "0.9", "pictures": 1, "fingerprint": "f" * 64, "seed": 1,
        "colour": False, "flip": False, "views": 0, "strength": 1.0, "accuracy": 0.9,
        "choice": {"recipe": {}, "count": 1, "tried": []}, "learned": {sha256: "dark"},
    }  # fmt: skip
    return msgspec.json.encode(made)


def test_what_cannot_be_saved_is_said_before_a_version_is_claimed(stores: Stores, tmp_path: Path) -> None:
    keep(stores, tmp_path, threshold="0.5")
    with pytest.raises(Conflict, match="mine 1 has this threshold already"):
        save(stores, 0.5)
    with pytest.raises(NotFound, match="mine 1 knows no label 'fish'"):
        save(stores, 0.5, "fish")
    with pytest.raises(NotFound, match="no version 7"):
        save(stores, 0.5, version="7")
    assert stores.models.claim("mine") == "2"


def test_as_a_job_it_is_made_once_though_it_broke_off_before_it_could_say_so(
    stores: Stores, begin: Begin, tmp_path: Path
) -> None:
    keep(stores, tmp_path, threshold="0.5")
    arguments = Arguments("mine", "1", threshold=NewThreshold(0.6))
    result = done_by(begin(JobKind.THRESHOLD, arguments), stores, Settings())
    assert (result.state, result.version) == (JobState.DONE, "2")
    assert "mine 1 with other thresholds" in result.say
    again = done_by(begin(), stores, Settings())
    assert (again.state, again.version) == (JobState.DONE, "2")
    assert stores.models.versions("mine") == [("mine", "1"), ("mine", "2")]
