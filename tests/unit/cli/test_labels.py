"""`imagestore labels`: over the stores, and against a distant web app."""

from typing import Any

import pytest

from imagestore.pipeline.labelling.correct import correct
from imagestore.store import Stores
from imagestore.store.training import MINE, TrainingPictures
from unit.pipeline.bulk_pictures import with_labelled
from unit.web.conftest import Drop, drop, guarded, guarded_app, people, services, stores

from .test_changes import run

__all__ = ["drop", "guarded", "guarded_app", "people", "run", "services", "stores"]


@pytest.fixture
def lynxes(stores: Stores, drop: Drop, services: Any) -> None:
    with_labelled(stores)
    for name in ("a.jpg", "b.jpg"):
        drop(name)
        services.change_feed.changed_here(correct(stores, name, "lynx", "otto"))


def labels(stores: Stores) -> list[tuple[str, ...]]:
    return [one.labels for one in TrainingPictures(stores.training, MINE).list()]


def test_a_label_is_renamed_and_given_back(run: Any, stores: Stores, lynxes: None) -> None:
    listed = run("labels", "list").splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["lynx", "2", "1", "1", "1", "0"], ["tiger", "0", "0", "0", "1", "1"],
    ]  # fmt: skip
    said = run("labels", "rename", "lynx", "bobcat")
    assert said.startswith("applied: 5 of 5 changed.\nUndo: imagestore changes undo change-")
    assert labels(stores)[0] == ("bobcat",)
    assert run("changes", "undo", said.split()[-1]) == "undone: 5 of 5 changed, 5 put back.\n"
    assert labels(stores)[0] == ("lynx",)


def test_two_labels_become_one_only_if_that_is_asked_for(run: Any, stores: Stores, lynxes: None) -> None:
    assert "imagestore labels merge" in run("labels", "rename", "lynx", "tiger")
    assert "There is no label 'puma'" in run("labels", "merge", "lynx", "puma", "--yes")
    assert labels(stores)[0] == ("lynx",)
    run("labels", "merge", "lynx", "tiger", "--yes")
    assert labels(stores)[:3] == [("tiger",)] * 3
    run("labels", "delete", "tiger", "--yes")
    assert labels(stores)[:3] == [()] * 3


def test_some_pictures_are_split_off_by_their_names(run: Any, stores: Stores, lynxes: None) -> None:
    said = run("labels", "split", "lynx", "bobcat", "0.jpg", "3.jpg")
    assert "No picture with the label 'lynx' is called '3.jpg'." in said
    run("labels", "split", "lynx", "bobcat", "0.jpg", "b.jpg")
    assert labels(stores)[:3] == [("bobcat",), ("lynx",), ("tiger", "lynx")]
