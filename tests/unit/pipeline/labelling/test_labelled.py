"""What a training set holds, label by label, and what remains of a picture that is taken out."""

from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.pipeline.labelling.labelled import Removed, corrections_alone, counts, remove
from imagestore.store.training import Part, PictureFacts, SplitFile, TrainingPictures
from unit.web.memory import MemoryBlobs


@pytest.fixture
def stores() -> Any:
    found: Any = SimpleNamespace(training=MemoryBlobs("training"))
    pictures = TrainingPictures(found.training, "mine")
    pictures.put_split(SplitFile(), None)
    for n, (label, part) in enumerate([("rose", Part.LEARN), ("rose", Part.TEST), ("rose", None), ("cat", Part.LEARN)]):
        sha256 = f"{n:064x}"
        pictures.put_facts(sha256, PictureFacts((label,), source=f"{label}/{n}.png", part=part), None)
        pictures.put_picture(sha256, b"content")
    return found


def test_labels_are_counted_by_part(stores: Any) -> None:
    assert counts(stores, "mine") == {
        "cat": {Part.LEARN: 1},
        "rose": {Part.LEARN: 1, Part.TEST: 1, None: 1},
    }


def test_what_is_taken_out_is_gone_and_its_part_is_not_forgotten(stores: Any) -> None:
    assert remove(stores, "mine", ["rose"], []) == Removed(3, 0)
    assert counts(stores, "mine") == {"cat": {Part.LEARN: 1}}
    assert remove(stores, "mine", [], ["cat/3.png", "cat/4.png"]) == Removed(1, 0)
    parts = [one.part for one in TrainingPictures(stores.training, "mine").list()]
    assert parts == [Part.LEARN, Part.TEST, None, Part.LEARN]
    assert remove(stores, "mine", ["rose"], []) == Removed(0, 0)


def test_pictures_of_none_of_the_labels_come_last_and_are_taken_out_together(stores: Any) -> None:
    pictures = TrainingPictures(stores.training, "mine")
    pictures.put_facts("f" * 64, PictureFacts(negative=True, source="other/1.png", part=Part.TEST), None)
    pictures.put_picture("f" * 64, b"content")
    found = counts(stores, "mine")
    assert list(found) == ["cat", "rose", ""]
    assert found[""] == {Part.TEST: 1}
    assert remove(stores, "mine", [], [], negatives=True) == Removed(1, 0)
    assert list(counts(stores, "mine")) == ["cat", "rose"]


def test_a_picture_that_has_other_labels_keeps_them(stores: Any) -> None:
    pictures = TrainingPictures(stores.training, "mine")
    pictures.put_facts("e" * 64, PictureFacts(("cat", "rose"), part=Part.LEARN), None)
    pictures.put_picture("e" * 64, b"content")
    assert remove(stores, "mine", ["rose"], []) == Removed(3, 1)
    assert counts(stores, "mine") == {"cat": {Part.LEARN: 2}}
    assert remove(stores, "mine", ["rose", "cat"], []) == Removed(2, 0)


def test_a_corrected_content_counts_once_and_not_where_it_is_labelled_so() -> None:
    said = [("rose", "1"), ("rose", "1"), ("rose", "2"), ("cat", "2"), ("cat", "3")]
    assert corrections_alone(said, {"1": ("cat",), "2": ("rose", "tree")}) == {"rose": 1, "cat": 2}
