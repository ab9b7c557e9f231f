"""Labelled pictures that are taken in one by one: the same content is one picture."""

from dataclasses import replace

import pytest

from imagestore.errors import Conflict, NotALabel
from imagestore.pipeline.labelling.labelled_intake import Outcome, TakenIn, take_in
from imagestore.store import Stores
from imagestore.store.projects import LabelsPerPicture, Project
from imagestore.store.training import PictureFacts, TrainingPictures
from unit.web.memory import memory_stores

LONG_AGO = "2020-01-01T00:00:00.000Z"
ONE, SEVERAL = Project("garden", "Garden"), Project("garden", "Garden", LabelsPerPicture.SEVERAL)


@pytest.fixture
def stores() -> Stores:
    return memory_stores()


def take(stores: Stores, *labels: str, project: Project = ONE, relabel: bool = False, data: bytes = b"cat") -> TakenIn:
    return take_in(stores, project, data, labels, "cat/1.jpg", (640, 480), relabel=relabel)


def facts(stores: Stores, taken: TakenIn) -> PictureFacts:
    found = TrainingPictures(stores.training, "garden").facts(taken.sha256)
    assert found is not None
    return found[0]


def test_a_picture_that_comes_again_is_the_same_picture(stores: Stores) -> None:
    first = take(stores, "cat")
    assert (first.outcome, first.labels) == (Outcome.NEW, ["cat"])
    kept = facts(stores, first)
    assert (kept.labels, kept.source, kept.width, kept.height) == (("cat",), "cat/1.jpg", 640, 480)
    assert take(stores, "cat") == replace(first, outcome=Outcome.SAME)
    assert facts(stores, first) == kept
    assert TrainingPictures(stores.training, "garden").picture(first.sha256) == b"cat"


def test_another_label_is_refused_unless_it_is_to_be_that(stores: Stores) -> None:
    take(stores, "cat")
    for labels in (("dog",), ()):
        with pytest.raises(Conflict, match="is there as 'cat' already"):
            take(stores, *labels)
    assert take(stores, "dog", relabel=True).outcome is Outcome.RELABELLED
    assert take(stores, relabel=True).labels == []
    with pytest.raises(Conflict, match="as none of the labels already"):
        take(stores, "dog")


def test_where_several_may_hold_it_has_both(stores: Stores) -> None:
    take(stores, "cat", project=SEVERAL)
    both = take(stores, "dog", project=SEVERAL)
    assert (both.labels, both.outcome) == (["cat", "dog"], Outcome.RELABELLED)
    assert take(stores, "dog", project=SEVERAL).outcome is Outcome.SAME
    with pytest.raises(Conflict, match="has one label; here are 2"):
        take(stores, "cat", "dog", data=b"another")


def test_what_was_taken_away_has_only_its_new_label_and_its_part_stays(stores: Stores) -> None:
    first = take(stores, "cat")
    pictures = TrainingPictures(stores.training, "garden")
    pictures.change(first.sha256, lambda known: replace(known, group="burst 3", created_at=LONG_AGO))
    pictures.remove_picture(first.sha256)
    again = take(stores, "dog")
    assert (again.outcome, again.labels, facts(stores, again).group) == (Outcome.NEW, ["dog"], "burst 3")


def test_what_a_writer_that_died_left_behind_is_finished(stores: Stores) -> None:
    pictures = TrainingPictures(stores.training, "garden")
    taken = take(stores, "cat")
    pictures.change(taken.sha256, lambda known: replace(known, created_at=LONG_AGO))
    pictures.remove_picture(taken.sha256)  # as if it had died between the two writes
    assert take(stores, "cat").outcome is Outcome.NEW
    assert pictures.picture(taken.sha256) == b"cat"


def test_what_cannot_be_is_refused(stores: Stores) -> None:
    with pytest.raises(NotALabel):
        take(stores, "unknown")
    with pytest.raises(Conflict, match="learns from the pictures of 'mine'"):
        take(stores, "cat", project=replace(ONE, shares="mine"))
