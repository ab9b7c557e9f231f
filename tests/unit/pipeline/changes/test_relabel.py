"""A label of a project is renamed, merged, split and deleted, and all is put back exactly."""

from dataclasses import replace
from typing import Any

import pytest

from imagestore.errors import Conflict, NotALabel, Protected
from imagestore.pipeline.changes import relabel
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.documents import BulkChange, ChangeState
from imagestore.pipeline.changes.relabel import Relabelling, settled
from imagestore.pipeline.labelling.correct import correct
from imagestore.store.custom_vision import CustomVisionFile, Tag, derived_tag
from imagestore.store.projects import FIRST
from imagestore.store.training import MINE, Part, PictureFacts, TrainingPictures
from unit.pipeline.bulk_pictures import (
    IDS,
    LYNX,
    MOVED,
    RELABELLED,
    SHAS,
    done,
    everything,
    facts,
    filled,
    in_twos,
    put,
    undone,
    with_labelled,
)


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


@pytest.fixture
def stores() -> Any:
    return with_labelled(filled())


def pictures(stores: Any) -> TrainingPictures:
    return TrainingPictures(stores.training, MINE)


def labels(stores: Any) -> list[tuple[str, ...]]:
    return [one.labels for one in pictures(stores).list()]


def relabelled(stores: Any, asked: Relabelling) -> BulkChange:
    changes = BulkChanges(stores)
    return done(changes, changes.begin_relabel(asked, "me"))


@pytest.mark.parametrize("case", RELABELLED)
def test_it_is_undone_to_the_last_byte(stores: Any, case: str) -> None:
    before = everything(stores)
    change = relabelled(stores, RELABELLED[case])
    assert (change.state, change.left_alone) == (ChangeState.APPLIED, 0)
    assert everything(stores) != before
    back = undone(stores, change)
    assert (back.state, back.restored, back.kept) == (ChangeState.UNDONE, change.changed, 0)
    assert everything(stores) == before


def test_a_renamed_label_is_so_everywhere_and_the_rest_stays(stores: Any) -> None:
    change = relabelled(stores, RELABELLED["renamed"])
    assert (change.pictures, change.changed, change.project) == (4, 4, MINE)
    assert labels(stores) == [("wild cat",), ("wild cat",), ("tiger", "wild cat"), ("tiger",), ()]
    assert facts(stores)[IDS[1]].label == "wild cat"
    parts = [(one.part, one.group, one.source, one.negative) for one in pictures(stores).list()]
    assert [one[0] for one in parts] == [Part.LEARN, Part.TEST, Part.RETIRED, None, Part.LEARN]
    assert parts[1] == (Part.TEST, "burst 1", "1.jpg", False)
    assert parts[4][3], "what shows none of the labels goes on to show none"
    tags = stores.custom_vision.read(MINE).tags
    assert tags[1] == replace(LYNX, name="wild cat", former=("bobcat", "lynx")), "its id stays"


def test_merged_labels_are_one_and_come_apart_as_they_were(stores: Any) -> None:
    change = relabelled(stores, RELABELLED["merged"])
    assert labels(stores) == [("tiger",), ("tiger",), ("tiger",), ("tiger",), ()]
    assert stores.custom_vision.read(MINE).tags == (Tag("b", "tiger", former=("bobcat", "lynx")),)
    undone(stores, change)
    assert labels(stores) == [("lynx",), ("lynx",), ("tiger", "lynx"), ("tiger",), ()]


def test_a_deleted_label_leaves_pictures_without_one_and_none_becomes_negative(stores: Any) -> None:
    relabelled(stores, RELABELLED["deleted"])
    assert labels(stores) == [(), (), ("tiger",), ("tiger",), ()]
    assert [one.negative for one in pictures(stores).list()] == [False, False, False, False, True]
    assert facts(stores)[IDS[1]].correction is None
    assert stores.custom_vision.read(MINE).tags == (Tag("b", "tiger"),)


def test_a_split_takes_the_chosen_pictures_alone(stores: Any) -> None:
    change = relabelled(stores, RELABELLED["split"])
    assert (change.pictures, change.changed) == (3, 3)
    assert labels(stores) == [("bobcat",), ("bobcat",), ("tiger", "lynx"), ("tiger",), ()]
    tags = stores.custom_vision.read(MINE).tags
    assert tags[:2] == (Tag("b", "tiger"), LYNX)
    assert tags[2].name == "bobcat", "else it would be the tag that was called so once"
    with pytest.raises(Conflict, match="2 of these pictures have no label 'lynx'"):
        relabelled(stores, Relabelling(FIRST, "lynx", "x", [IDS[0]], [SHAS[3]]))


@pytest.mark.parametrize("is_upload_chosen", [True, False])
def test_a_split_takes_all_of_the_same_content_along(stores: Any, *, is_upload_chosen: bool) -> None:
    """One content is a labelled picture and two uploads; whichever is chosen, none of it keeps the label."""
    put(stores, "twin.jpg", content=b"b.jpg")
    correct(stores, "twin.jpg", "lynx", "me")
    pictures(stores).put_facts(MOVED[1], PictureFacts(("lynx",)), None)
    pictures(stores).put_picture(MOVED[1], b"b.jpg")
    before = everything(stores)
    chosen: tuple[list[str], list[str]] = ([IDS[1]], []) if is_upload_chosen else ([], [MOVED[1]])
    change = relabelled(stores, Relabelling(FIRST, "lynx", "puma", *chosen))
    assert (change.pictures, change.changed) == (3, 3)
    assert list(stores.records.corrected_as("lynx")) == []
    found = pictures(stores).facts(MOVED[1])
    assert found is not None
    assert (found[0].labels, len([one for one in labels(stores) if "lynx" in one])) == (("puma",), 3)
    undone(stores, change)
    assert everything(stores) == before
    assert len(list(stores.records.corrected_as("lynx"))) == 2


def test_what_somebody_has_changed_since_is_kept_and_named(stores: Any) -> None:
    change = relabelled(stores, RELABELLED["renamed"])
    pictures(stores).change(SHAS[0], lambda one: replace(one, labels=("owl",)))
    pictures(stores).change(SHAS[1], lambda one: replace(one, labels=("owl",)))
    pictures(stores).change(SHAS[1], lambda one: replace(one, labels=("wild cat",)))  # as the change has said, by hand
    pictures(stores).change(SHAS[2], lambda one: replace(one, part=Part.TEST, metadata={"by": "maria"}))
    correct(stores, "b.jpg", "puma", "otto")
    stores.custom_vision.change(MINE, lambda file: replace(file, tags=(Tag("b", "tiger"), Tag(LYNX.id, "big cat"))))
    back = undone(stores, change)
    assert (back.restored, back.kept) == (1, 4)
    left = {(one.id, one.why) for one in BulkChanges(stores).left_alone(back)}
    assert left == {(one, relabel.CHANGED) for one in (SHAS[0], SHAS[1], IDS[1], MINE)}
    assert labels(stores)[:3] == [("owl",), ("wild cat",), ("tiger", "lynx")]
    found = pictures(stores).facts(SHAS[2])
    assert found is not None
    assert (found[0].part, found[0].metadata) == (Part.TEST, {"by": "maria"}), "what is not a label stays as it is now"


def test_changes_after_one_another_are_undone_one_after_the_other(stores: Any) -> None:
    before = everything(stores)
    first = relabelled(stores, RELABELLED["renamed"])
    second = relabelled(stores, Relabelling(FIRST, "wild cat", "tiger"))
    third = relabelled(stores, Relabelling(FIRST, "tiger"))
    for change in (third, second, first):
        assert undone(stores, change).kept == 0
    assert everything(stores) == before


def test_a_picture_that_goes_is_named(stores: Any) -> None:
    changes = BulkChanges(stores)
    change = changes.begin_relabel(RELABELLED["renamed"], "me")
    pictures(stores).remove_picture(SHAS[0])
    change = done(changes, change)
    assert [(one.id, one.why) for one in changes.left_alone(change)] == [(SHAS[0], relabel.GONE)]


def test_a_picture_that_cannot_be_written_is_left_alone_with_the_reason(stores: Any) -> None:
    original = stores.training.put

    def put(name: str, *arguments: Any, **options: Any) -> str:
        if SHAS[1] in name:
            raise Protected("a lease is on it")
        return str(original(name, *arguments, **options))

    stores.training.put = put
    change = relabelled(stores, RELABELLED["renamed"])
    assert (change.changed, change.left_alone) == (3, 1)
    stores.training.put = original
    assert undone(stores, change).restored == 3


def test_what_cannot_be_is_refused_before_anything_is_written(stores: Any) -> None:
    for asked, why in (
        (Relabelling(FIRST, "puma", "x"), "No picture of 'mine' has the label 'puma'"),
        (Relabelling(FIRST, "lynx", "lynx"), "The label is 'lynx' already"),
        (Relabelling(FIRST, "lynx", "Tiger"), "There is a label 'tiger' already"),
        (Relabelling(FIRST, "lynx", "negative"), "pictures of none of the labels"),
        (Relabelling(replace(FIRST, name="other", shares=MINE), "lynx", "x"), "change its labels there"),
    ):
        with pytest.raises(Conflict, match=why):
            relabelled(stores, asked)
    with pytest.raises(NotALabel, match="reserved"):
        relabelled(stores, Relabelling(FIRST, "lynx", "unknown"))
    assert relabelled(stores, Relabelling(FIRST, "lynx", "Lynx")).changed == 4, "its own case may change"


def test_a_tag_that_nobody_has_begun_keeps_its_id_too(stores: Any) -> None:
    stores.custom_vision.change(MINE, lambda _: CustomVisionFile())
    change = relabelled(stores, RELABELLED["renamed"])
    (tag,) = stores.custom_vision.read(MINE).tags
    assert tag == replace(derived_tag(MINE, "lynx"), name="wild cat", former=("lynx",))
    pictures(stores).put_facts("9" * 64, PictureFacts(("lynx",)), None)
    pictures(stores).put_picture("9" * 64, b"another")
    again = relabelled(stores, Relabelling(FIRST, "lynx", "puma"))
    assert stores.custom_vision.read(MINE).tags == (tag,), "what is called as it was is another label"
    assert undone(stores, again).kept == undone(stores, change).kept == 0
    assert stores.custom_vision.read(MINE) == CustomVisionFile()


def test_nothing_is_learned_from_labels_that_are_being_changed(stores: Any) -> None:
    assert not settled(stores, MINE)
    changes = BulkChanges(stores)
    change = changes.step(changes.begin_relabel(RELABELLED["renamed"], "me").id)
    with pytest.raises(Conflict, match=f"imagestore changes continue {change.id}"):
        settled(stores, MINE)
    with pytest.raises(Conflict, match="The label 'lynx' is being changed"):
        changes.begin_relabel(Relabelling(FIRST, "tiger", "cat"), "otto")
    done(changes, change)
    once = settled(stores, MINE)
    undone(stores, change)
    assert settled(stores, MINE) != once
    assert not settled(stores, "other")
