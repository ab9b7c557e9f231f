"""Uploads become labelled pictures of their project, with the labels that they have, and are no more once undone."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from classify import Score
from imagestore.errors import NotMigrated
from imagestore.pipeline import relabel
from imagestore.pipeline.bulk import BulkChanges
from imagestore.pipeline.bulk_documents import Action, BulkChange, ChangeState
from imagestore.pipeline.correct import correct
from imagestore.pipeline.relabel import Relabelling
from imagestore.pipeline.to_training import NO_LABEL, NOT_READ
from imagestore.record import record_id
from imagestore.store.projects import FIRST, LabelsPerPicture
from imagestore.store.training import MINE, Part, PictureFacts, TrainingPictures
from unit.pipeline.bulk_pictures import IDS, MOVED, done, everything, filled, in_twos, put, with_some_there
from unit.web.records import picture


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


@pytest.fixture
def stores() -> Any:
    return with_some_there(filled())


def moved(stores: Any, ids: Any = IDS) -> BulkChange:
    changes = BulkChanges(stores)
    return done(changes, changes.begin(Action.TO_TRAINING, ids, "me"))


def undone(stores: Any, change: BulkChange) -> BulkChange:
    changes = BulkChanges(stores)
    changes.undo(change.id, "me")
    return done(changes, changes.read(change.id))


def there(stores: Any, folder: str = MINE) -> dict[str, tuple[str, ...]]:
    pictures = TrainingPictures(stores.training, folder)
    return {one.sha256: one.labels for one in pictures.list() if one.is_there}


def facts(stores: Any, sha256: str) -> PictureFacts:
    found = TrainingPictures(stores.training, MINE).facts(sha256)
    assert found is not None
    return found[0]


def test_they_have_the_labels_that_a_person_or_else_the_model_gave_and_go_again(stores: Any) -> None:
    before, was_there = everything(stores), there(stores)
    change = moved(stores)
    assert (change.state, change.changed, change.same, change.left_alone) == (ChangeState.APPLIED, 4, 0, 1)
    assert [(one.name, one.why) for one in BulkChanges(stores).left_alone(change)] == [("e.jpg", NOT_READ)]
    now = there(stores)
    assert [now[one] for one in MOVED] == [("tabby",), ("lynx",), ("tiger",), ("tabby",)]
    new, remembered, other = (facts(stores, one) for one in MOVED[:3])
    assert (new.source, new.width, new.height, new.part) == ("a.jpg", 640, 480, None)
    assert new.md5 == hashlib.md5(b"a.jpg").hexdigest()
    assert (remembered.source, remembered.part) == ("b.jpg", Part.LEARN), "what was decided of it stays"
    assert (other.source, other.part, other.created_at) == ("owl/1.jpg", Part.TEST, "2026"), "it came as before"
    assert stores.training.get(f"{MINE}/{MOVED[0]}").data == b"a.jpg"
    back = undone(stores, change)
    assert (back.state, back.restored, back.kept) == (ChangeState.UNDONE, 4, 0)
    assert everything(stores) == before
    assert there(stores) == was_there


def test_what_is_there_with_the_same_labels_stays_as_it_is(stores: Any) -> None:
    moved(stores)
    again = moved(stores, IDS[:4])
    assert (again.changed, again.same) == (0, 4)
    assert undone(stores, again).kept == 0
    assert len(there(stores)) == 9


def test_two_uploads_of_one_content_become_one_picture(stores: Any) -> None:
    put(stores, "twin.jpg", content=b"a.jpg")
    before = everything(stores)
    change = moved(stores, [IDS[0], record_id("twin.jpg")])
    assert (change.changed + change.same, there(stores)[MOVED[0]]) == (2, ("tabby",))
    assert undone(stores, change).kept == 0
    assert everything(stores) == before


def test_one_whose_label_is_called_wrong_or_whose_upload_changes_is_left_alone(stores: Any) -> None:
    changes = BulkChanges(stores)
    done(changes, changes.begin(Action.WRONG, [IDS[0]], "me"))
    change = changes.begin(Action.TO_TRAINING, IDS[:2], "me")
    read = stores.uploads.get

    def overwritten(name: str, max_bytes: int | None = None) -> Any:
        return replace(read(name), data=b"another") if name == "b.jpg" else read(name)

    stores.uploads.get = overwritten
    change = done(changes, change)
    assert {one.name: one.why for one in changes.left_alone(change)} == {"a.jpg": NO_LABEL, "b.jpg": relabel.CHANGED}
    assert MOVED[1] not in there(stores)


def test_what_others_have_said_or_learned_since_stays(stores: Any) -> None:
    change = moved(stores, IDS[:4])
    pictures = TrainingPictures(stores.training, MINE)
    pictures.change(MOVED[0], lambda one: replace(one, labels=("puma",)))
    pictures.assign(MOVED[3], Part.TEST)
    back = undone(stores, change)
    assert (back.restored, back.kept) == (3, 1)
    assert (there(stores)[MOVED[0]], MOVED[3] in there(stores)) == (("puma",), False)
    assert facts(stores, MOVED[3]).part is Part.TEST, "what looks like it is never learned from"


def test_a_label_that_is_renamed_since_is_undone_first(stores: Any) -> None:
    before, changes = everything(stores), BulkChanges(stores)
    first = moved(stores, IDS[:4])
    second = done(changes, changes.begin_relabel(Relabelling(FIRST, "tabby", "cat"), "me"))
    assert there(stores)[MOVED[0]] == ("cat",)
    assert undone(stores, second).kept == undone(stores, first).kept == 0
    assert everything(stores) == before


def test_pictures_go_where_their_project_learns_and_a_deleted_one_takes_none(stores: Any) -> None:
    stores.projects.create("garden", labels_per_picture=LabelsPerPicture.SEVERAL, by="me")
    made = picture("f.jpg")
    assert made.prediction is not None
    several = replace(made.prediction, labels=(Score("tabby", 0.9), Score("indoors", 0.7)))
    put(stores, "f.jpg", replace(made, prediction=several, project="garden"))
    correct(stores, "f.jpg", "lynx", "me", others=["indoors"])
    change = moved(stores, [record_id("f.jpg")])
    assert (change.changed, [*there(stores, "garden").values()]) == (1, [("lynx", "indoors")])
    put(stores, "g.jpg", replace(made, id=record_id("g.jpg"), name="g.jpg", prediction=several).finished(""))
    left = moved(stores, [record_id("g.jpg")])
    assert [one.why for one in BulkChanges(stores).left_alone(left)] == [
        "A picture of 'mine' has one label; this one has 2."
    ]
    stores.projects.change("garden", lambda one, _: replace(one, deleted=one.created))
    put(stores, "h.jpg", replace(picture("h.jpg"), project="garden"))
    left = moved(stores, [record_id("h.jpg")])
    assert [one.why for one in BulkChanges(stores).left_alone(left)] == ["Its project 'garden' is deleted."]


def test_nothing_is_moved_into_the_form_of_an_earlier_version(stores: Any) -> None:
    stores.training.overwrite("cat/1.jpg", b"cat", "image/jpeg")
    with pytest.raises(NotMigrated):
        BulkChanges(stores).begin(Action.TO_TRAINING, IDS, "me")
