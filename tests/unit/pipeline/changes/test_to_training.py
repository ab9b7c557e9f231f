"""Uploads become labelled pictures of their project, with the labels that they have, and are no more once undone."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from classify import Score
from imagestore.errors import NotFound, NotMigrated
from imagestore.pipeline.changes import relabel
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.documents import Action, BulkChange, ChangeState
from imagestore.pipeline.changes.relabel import Relabelling
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.changes.to_training import NO_LABEL, NOT_READ, OTHER_LABEL
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.labelling.labelled_intake import Outcome, take_in
from imagestore.record import record_id
from imagestore.store.projects import FIRST, LabelsPerPicture
from imagestore.store.training import MINE, Part, PictureFacts, TrainingPictures
from unit.pipeline.bulk_pictures import (
    IDS,
    MOVED,
    done,
    everything,
    filled,
    in_twos,
    labelled_facts,
    moved,
    put,
    undone,
    with_some_there,
)
from unit.web.records import picture


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


@pytest.fixture
def stores() -> Any:
    return with_some_there(filled())


def there(stores: Any, folder: str = MINE) -> dict[str, tuple[str, ...]]:
    pictures = TrainingPictures(stores.training, folder)
    return {one.sha256: one.labels for one in pictures.list() if one.is_there}


def left(stores: Any, change: BulkChange) -> dict[str, str]:
    return {one.name: one.why for one in BulkChanges(stores).left_alone(change)}


def test_they_have_the_labels_that_a_person_or_else_the_model_gave_and_go_again(stores: Any) -> None:
    before, was_there = everything(stores), there(stores)
    change = moved(stores)
    assert (change.state, change.changed, change.same, change.left_alone) == (ChangeState.APPLIED, 4, 0, 1)
    assert [(one.name, one.why) for one in BulkChanges(stores).left_alone(change)] == [("e.jpg", NOT_READ)]
    now = there(stores)
    assert [now[one] for one in MOVED] == [("tabby",), ("lynx",), ("tiger",), ("tabby",)]
    new, remembered, other = (labelled_facts(stores, one) for one in MOVED[:3])
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


@pytest.mark.parametrize("between", [[], [IDS[3]]])
def test_two_uploads_of_one_content_become_one_picture(stores: Any, between: list[str]) -> None:
    """Also where they are in parts of their own."""
    put(stores, "twin.jpg", content=b"a.jpg")
    before = everything(stores)
    change = moved(stores, [IDS[0], *between, record_id("twin.jpg")])
    assert (change.changed, change.same, there(stores)[MOVED[0]]) == (1 + len(between), 1, ("tabby",))
    assert undone(stores, change).kept == 0
    assert everything(stores) == before


@pytest.mark.parametrize("is_first", [True, False])
def test_of_two_uploads_of_one_content_the_label_of_the_one_that_a_person_labelled_holds(
    stores: Any, *, is_first: bool
) -> None:
    put(stores, "twin.jpg", content=b"a.jpg")
    correct(stores, "twin.jpg", "puma", "me")
    before, twin = everything(stores), record_id("twin.jpg")
    change = moved(stores, [twin, IDS[0]] if is_first else [IDS[0], twin])
    assert (change.changed, there(stores)[MOVED[0]]) == (1, ("puma",))
    assert left(stores, change) == {
        "a.jpg": "Another upload of this change has the same content, and is moved as 'puma'."
    }
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
    assert labelled_facts(stores, MOVED[3]).part is Part.TEST, "what looks like it is never learned from"


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
    assert left(stores, moved(stores, [record_id("g.jpg")])) == {
        "g.jpg": "A picture of 'mine' has one label; this one has 2."
    }
    stores.projects.change("garden", lambda one, _: replace(one, deleted=one.created))
    put(stores, "h.jpg", replace(picture("h.jpg"), project="garden"))
    assert left(stores, moved(stores, [record_id("h.jpg")])) == {"h.jpg": "Its project 'garden' is deleted."}


def test_nothing_is_moved_into_the_form_of_an_earlier_version(stores: Any) -> None:
    stores.training.overwrite("cat/1.jpg", b"cat", "image/jpeg")
    with pytest.raises(NotMigrated):
        BulkChanges(stores).begin(Action.TO_TRAINING, IDS, "me")


def test_the_same_picture_that_somebody_else_has_put_in_since_stays(stores: Any) -> None:
    change = moved(stores, IDS[:1])
    taken = take_in(stores, FIRST, b"a.jpg", ["tabby"], "tabby/a.jpg", (1, 1))
    assert taken.outcome is Outcome.SAME
    back = undone(stores, change)
    assert (back.restored, back.kept) == (0, 1)
    assert there(stores)[MOVED[0]] == ("tabby",)


def test_the_same_picture_that_was_deleted_and_put_in_anew_since_stays(stores: Any) -> None:
    change = moved(stores, IDS[:1])
    TrainingPictures(stores.training, MINE).remove_picture(MOVED[0])
    take_in(stores, FIRST, b"a.jpg", ["tabby"], "tabby/a.jpg", (1, 1))
    assert undone(stores, change).kept == 1
    assert there(stores)[MOVED[0]] == ("tabby",)


@pytest.mark.parametrize("in_order", [True, False])
def test_two_moves_of_a_picture_are_undone_in_either_order(stores: Any, *, in_order: bool) -> None:
    before = everything(stores)[1]
    first = moved(stores, IDS[:2])
    for name in ("a.jpg", "b.jpg"):
        correct(stores, name, "puma", "me")
    second = moved(stores, IDS[:2])
    assert (second.changed, there(stores)[MOVED[0]]) == (2, ("puma",))
    for change in (first, second) if in_order else (second, first):
        undone(stores, change)
    assert everything(stores)[1] == before


@pytest.mark.parametrize("in_order", [True, False])
def test_what_a_second_move_finds_there_stays_until_both_are_undone(stores: Any, *, in_order: bool) -> None:
    """The first one's undo leaves what the second wants, whose own undo takes nothing of the first."""
    before = everything(stores)
    first = moved(stores, IDS[:2])
    between = everything(stores)
    second = moved(stores, IDS[:3])
    assert (second.changed, second.same, second.left_alone) == (1, 2, 0)
    both, third = there(stores), moved(stores, IDS[:3])
    assert (third.changed, third.same, ChangeStatus.of(third).can_undo) == (0, 3, True)
    if in_order:
        back = undone(stores, first)
        assert (back.restored, back.kept) == (0, 2)
        undone(stores, second)
        assert there(stores) == both
        undone(stores, third)
    else:
        assert (undone(stores, third).kept, there(stores)) == (0, both)
        assert (undone(stores, second).kept, everything(stores)) == (0, between)
        undone(stores, first)
    assert everything(stores) == before


@pytest.mark.parametrize("in_order", [True, False])
def test_a_move_and_what_renames_its_label_are_undone_in_either_order(stores: Any, *, in_order: bool) -> None:
    before, changes = everything(stores), BulkChanges(stores)
    first = moved(stores, IDS[:4])
    second = done(changes, changes.begin_relabel(Relabelling(FIRST, "tabby", "cat"), "me"))
    for change in (first, second) if in_order else (second, first):
        undone(stores, change)
    assert everything(stores) == before


def begun_and_stopped(stores: Any, ids: Any) -> BulkChange:
    """A move that is planned, and whose process died then."""
    changes = BulkChanges(stores)
    change, get = changes.begin(Action.TO_TRAINING, ids, "me"), stores.uploads.get

    def dies(*_: Any) -> None:
        raise InterruptedError

    stores.uploads.get = dies
    with pytest.raises(InterruptedError):
        changes.step(change.id)
    stores.uploads.get = get
    return change


def test_one_whose_label_changes_before_the_move_goes_on_is_left_alone(stores: Any) -> None:
    change = begun_and_stopped(stores, IDS[:2])
    correct(stores, "a.jpg", "puma", "maria")
    before = everything(stores)
    change = done(BulkChanges(stores), change)
    assert (change.changed, left(stores, change)) == (1, {"a.jpg": OTHER_LABEL})
    assert MOVED[0] not in there(stores)
    undone(stores, change)
    assert everything(stores) == before


def test_one_whose_project_is_deleted_before_the_move_goes_on_is_left_alone(stores: Any) -> None:
    stores.projects.create("garden", by="me")
    put(stores, "h.jpg", replace(picture("h.jpg"), project="garden"))
    change = begun_and_stopped(stores, [record_id("h.jpg")])
    stores.projects.change("garden", lambda one, _: replace(one, deleted=one.created))
    change = done(BulkChanges(stores), change)
    assert left(stores, change) == {"h.jpg": "Its project 'garden' is deleted."}
    assert there(stores, "garden") == {}


def test_what_was_moved_before_its_label_changed_counts_as_moved_when_the_step_goes_on(stores: Any) -> None:
    changes, items = BulkChanges(stores), stores.jobs.replace
    change = changes.begin(Action.TO_TRAINING, IDS[:1], "me")

    def dies(document: Any, etag: str) -> Any:
        if document.get("state") == "applied":
            raise InterruptedError
        return items(document, etag)

    stores.jobs.replace = dies
    with pytest.raises(InterruptedError):
        changes.step(change.id)
    stores.jobs.replace = items
    correct(stores, "a.jpg", "puma", "maria")
    assert done(changes, change).changed == 1
    assert there(stores)[MOVED[0]] == ("tabby",)


@pytest.mark.parametrize("is_checked", [True, False])
def test_what_only_the_model_says_replaces_no_label_that_is_there(stores: Any, *, is_checked: bool) -> None:
    put(stores, "owl.jpg", content=b"owl")
    take_in(stores, FIRST, b"owl", ["owl"], "owl/9.jpg", (1, 1))
    sha256, pictures = hashlib.sha256(b"owl").hexdigest(), TrainingPictures(stores.training, MINE)
    if is_checked:
        pictures.change(sha256, lambda one: replace(one, checked=("owl",)))
    change = moved(stores, [record_id("owl.jpg")])
    assert left(stores, change) == {
        "owl.jpg": "It is there as 'owl' already, and 'tabby' is what the model says: correct it first to replace that."
    }
    assert there(stores)[sha256] == ("owl",)
    correct(stores, "owl.jpg", "tabby", "me")
    change = moved(stores, [record_id("owl.jpg")])
    assert (change.changed, there(stores)[sha256]) == (1, ("tabby",))
    undone(stores, change)
    assert (there(stores)[sha256], labelled_facts(stores, sha256).is_checked) == (("owl",), is_checked)


def test_a_place_without_a_picture_is_no_picture_and_keeps_nobody_from_putting_it_in(stores: Any) -> None:
    """It stays where a process died. Without its JSON it is nothing that an earlier version wrote, either."""
    was_there, pictures = there(stores), TrainingPictures(stores.training, MINE)
    stores.training.put(f"{MINE}/{MOVED[0]}", b"", "application/octet-stream", None, {"change": "change-1"})
    assert there(stores) == was_there
    assert not pictures.has(MOVED[0])
    with pytest.raises(NotFound):
        pictures.picture(MOVED[0])
    assert take_in(stores, FIRST, b"a.jpg", ["tabby"], "tabby/a.jpg", (1, 1)).outcome is Outcome.NEW
    assert pictures.picture(MOVED[0]) == b"a.jpg"
    change = moved(stores, IDS[1:2])
    assert pictures.picture(MOVED[1]) == b"b.jpg"
    undone(stores, change)
    assert there(stores) == {**was_there, MOVED[0]: ("tabby",)}


def test_one_that_is_forgotten_while_it_is_moved_is_not_copied(stores: Any) -> None:
    """However the two meet: a content without what is known of it would keep the whole project from being read."""
    was_there, looked = there(stores), 0
    for method in ("get", "stat", "put"):
        for at in range(1, 8):
            here: Any = with_some_there(filled())
            changes, blobs, calls = BulkChanges(here), here.training, 0
            change, original = changes.begin(Action.TO_TRAINING, IDS[:1], "me"), getattr(blobs, method)

            def called(*asked: Any, here: Any = here, at: int = at, original: Any = original, **named: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == at:
                    here.uploads.delete("a.jpg")
                    for name in [name for name in here.training.blobs if MOVED[0] in name]:
                        here.training.delete(name)
                return original(*asked, **named)

            setattr(blobs, method, called)
            done(changes, change)
            setattr(blobs, method, original)
            if calls >= at:
                assert there(here) == was_there, f"forgotten before {method} {at}"
                known = TrainingPictures(here.training, MINE).facts(MOVED[0])
                assert known is None or known[0] == PictureFacts()
                looked += 1
    assert looked > 6
