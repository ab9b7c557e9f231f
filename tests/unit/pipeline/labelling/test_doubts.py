"""Answers to a training's doubts, and undoing them."""

import pytest

from imagestore.errors import Conflict, NotALabel, NotFound
from imagestore.pipeline.labelling import doubts
from imagestore.pipeline.labelling.labelled_intake import take_in
from imagestore.store import Stores
from imagestore.store.labelling import Doubt
from imagestore.store.projects import LabelsPerPicture, Project
from imagestore.store.said import Marks
from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures
from unit.web.memory import memory_stores

ONE, SEVERAL = Project("garden", "Garden"), Project("garden", "Garden", LabelsPerPicture.SEVERAL)


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


def taken(stores: Stores, *labels: str, project: Project = ONE) -> str:
    return take_in(stores, project, b"a picture", labels, "1.jpg", (4, 3)).sha256


def facts(stores: Stores, sha256: str) -> PictureFacts:
    found = TrainingPictures(stores.training, "garden").facts(sha256)
    assert found is not None
    return found[0]


def listed(stores: Stores) -> list[ListedPicture]:
    return list(TrainingPictures(stores.training, "garden").list())


def doubt(sha256: str, *labels: str) -> Doubt:
    return Doubt(sha256, labels, ("dog",), 0.1, 0.8, "1.jpg")


@pytest.mark.parametrize("labels", [["dog"], ["cat"], []])
def test_an_answer_is_remembered_and_undone_exactly(stores: Stores, labels: list[str]) -> None:
    sha256 = taken(stores, "cat")
    before = facts(stores, sha256)
    assert doubts.still_open([doubt(sha256, "cat")], listed(stores)) == [doubt(sha256, "cat")]
    answered = doubts.answer(stores, ONE, sha256, labels, ["cat"])
    assert (answered.labels, answered.is_checked) == (labels, True)
    assert (facts(stores, sha256).labels, facts(stores, sha256).negative) == (tuple(labels), not labels)
    assert doubts.still_open([doubt(sha256, "cat"), doubt(sha256, *labels)], listed(stores)) == []
    doubts.undo(stores, ONE, sha256)
    assert facts(stores, sha256) == before
    assert doubts.still_open([doubt(sha256, "cat")], listed(stores)) == [doubt(sha256, "cat")]


def test_undoing_leaves_it_to_a_change_of_many_pictures_to_be_undone_too(stores: Stores) -> None:
    sha256 = taken(stores, "cat")
    pictures = TrainingPictures(stores.training, "garden")
    pictures.exchange(sha256, Marks(("cat",)), Marks(("lynx",), said_by="change-1"))
    before = facts(stores, sha256)
    doubts.answer(stores, ONE, sha256, ["dog"], ["lynx"])
    assert facts(stores, sha256).said_by is None
    doubts.undo(stores, ONE, sha256)
    assert facts(stores, sha256) == before
    assert before.said_by == "change-1"


def test_what_others_have_changed_since_is_left_alone(stores: Stores) -> None:
    sha256 = taken(stores, "cat")
    with pytest.raises(Conflict, match="changed the labels"):
        doubts.answer(stores, ONE, sha256, ["dog"], ["fish"])
    doubts.answer(stores, ONE, sha256, ["dog"], ["cat"])
    take_in(stores, ONE, b"a picture", ["fish"], "1.jpg", (4, 3), relabel=True)
    assert doubts.still_open([doubt(sha256, "fish")], listed(stores)), "what was checked was another label"
    with pytest.raises(Conflict, match="changed since"):
        doubts.undo(stores, ONE, sha256)
    assert facts(stores, sha256).labels == ("fish",)


def test_what_cannot_be_is_refused(stores: Stores) -> None:
    sha256 = taken(stores, "cat")
    with pytest.raises(Conflict, match="has one label"):
        doubts.answer(stores, ONE, sha256, ["cat", "dog"], ["cat"])
    with pytest.raises(NotALabel):
        doubts.answer(stores, ONE, sha256, ["unknown"], ["cat"])
    with pytest.raises(NotFound, match="may have been taken away"):
        doubts.answer(stores, ONE, "0" * 64, ["dog"], ["cat"])
    with pytest.raises(Conflict, match="no answer to undo"):
        doubts.undo(stores, ONE, sha256)
    assert doubts.answer(stores, SEVERAL, sha256, ["dog", "cat"], ["cat"]).labels == ["dog", "cat"]


def test_a_doubt_of_a_picture_that_is_gone_is_over(stores: Stores) -> None:
    sha256 = taken(stores, "cat")
    TrainingPictures(stores.training, "garden").remove_picture(sha256)
    assert doubts.still_open([doubt(sha256, "cat")], listed(stores)) == []


def test_a_picture_is_taken_out_and_put_back_exactly(stores: Stores) -> None:
    sha256 = taken(stores, "cat")
    before = facts(stores, sha256)
    assert doubts.take_out(stores, ONE, sha256).labels == []
    (one,) = listed(stores)
    assert (one.is_there, one.labels, one.negative) == (True, (), False)
    doubts.undo(stores, ONE, sha256)
    assert facts(stores, sha256) == before
    doubts.take_out(stores, ONE, sha256, for_good=True)
    assert not listed(stores)[0].is_there
    with pytest.raises(NotFound):
        doubts.take_out(stores, ONE, sha256, for_good=True)
