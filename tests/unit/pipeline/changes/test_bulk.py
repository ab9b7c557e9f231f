"""A change of many pictures, and undoing it: exactly, whenever it is asked for and whoever dies in between."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from classify import Score
from imagestore.errors import Conflict, NotALabel, NotFound, Protected, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.changes import relabel
from imagestore.pipeline.changes.bulk import MOST_PICTURES, BulkChanges
from imagestore.pipeline.changes.documents import Action, ChangeState
from imagestore.pipeline.commit import commit, final_record, remove_outputs
from imagestore.pipeline.delete import is_hidden
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.steps.on_work import on_work
from imagestore.record import Upload, record_id
from unit.pipeline.bulk_pictures import IDS, NAMES, done, facts, filled, in_twos, put
from unit.web.records import picture


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


@pytest.fixture
def stores() -> Any:
    return filled()


def test_all_are_labelled_and_put_back_as_they_were(stores: Any) -> None:
    before, heard = facts(stores), list[str]()
    changes = BulkChanges(stores, lambda stored: heard.append(stored.record.id))
    change = changes.begin(Action.LABEL, IDS, "me", [" tiger "])
    assert facts(stores) == before, "beginning changes nothing"
    change = done(changes, change)
    assert (change.state, change.changed, change.same, change.left_alone) == (ChangeState.APPLIED, 4, 1, 0)
    assert {record.label for record in facts(stores).values()} == {"tiger"}
    assert set(heard) == set(IDS) - {record_id("c.jpg")}
    changes.undo(change.id, "me")
    undone = done(changes, change := changes.read(change.id))
    assert (undone.state, undone.restored, undone.kept) == (ChangeState.UNDONE, 4, 0)
    assert facts(stores) == before, "to the last field: who said it and when, too"
    assert changes.step(change.id) == undone


def test_what_others_have_changed_since_is_named_and_left_alone(stores: Any) -> None:
    before, changes = facts(stores), BulkChanges(stores)
    change = done(changes, changes.begin(Action.LABEL, IDS[:4], "me", ["tiger"]))
    correct(stores, "a.jpg", "puma", "otto")
    correct(stores, "b.jpg", None, "otto")
    stores.uploads.delete("d.jpg")
    remove_outputs(stores, "d.jpg")
    changes.undo(change.id, "me")
    undone = done(changes, changes.read(change.id))
    assert (undone.restored, undone.kept) == (0, 3)
    told = {one.name: one.why for one in changes.left_alone(undone)}
    assert told == {"a.jpg": relabel.CHANGED, "b.jpg": relabel.CHANGED, "d.jpg": relabel.GONE}
    now = facts(stores)
    assert (now[IDS[0]].label, now[IDS[1]].correction) == ("puma", None)
    assert now[IDS[2]] == before[IDS[2]]


def test_a_picture_that_somebody_changes_while_it_is_applied_is_left_alone(stores: Any) -> None:
    changes = BulkChanges(stores)
    change = changes.begin(Action.LABEL, ["0" * 32, *IDS[:3]], "me", ["puma"])
    stores.uploads.delete("b.jpg")
    remove_outputs(stores, "b.jpg")
    original, once = stores.records.read, [True]

    def read(id: str) -> Any:
        found = original(id)
        if id == IDS[0] and once:  # between the plan and the write
            once.clear()
            correct(stores, "a.jpg", "owl", "otto")
        return found

    stores.records.read = read
    change = done(changes, change)
    assert (change.changed, change.left_alone) == (1, 3)
    assert {(one.name, one.why) for one in changes.left_alone(change)} == {
        ("", relabel.GONE), ("a.jpg", relabel.CHANGED),
    }  # fmt: skip
    changes.undo(change.id, "me")
    done(changes, changes.read(change.id))
    assert facts(stores)[IDS[0]].label == "owl"


def test_corrections_of_many_are_taken_back_and_given_back(stores: Any) -> None:
    before, changes = facts(stores), BulkChanges(stores)
    change = done(changes, changes.begin(Action.UNLABEL, IDS, "me"))
    assert (change.changed, change.same) == (2, 3)
    assert not any(record.correction for record in facts(stores).values())
    put(stores, "b.jpg", picture("b.jpg", "rose"), b"another picture")
    changes.undo(change.id, "me")
    undone = done(changes, changes.read(change.id))
    assert (undone.restored, undone.kept) == (1, 1)
    now = facts(stores)
    assert now[IDS[2]] == before[IDS[2]]
    assert now[IDS[1]].label == "rose", "what was said of one picture is not said of another"


def test_several_labels_are_put_back_as_they_were(stores: Any) -> None:
    made = picture("a.jpg")
    assert made.prediction is not None
    several = replace(made.prediction, labels=(Score("tabby", 0.9), Score("indoors", 0.7)))
    put(stores, "a.jpg", replace(made, prediction=several).finished("2026-11-21T09:00:00.000Z"))
    correct(stores, "a.jpg", "lynx", "otto", others=["outdoors"])
    before, changes = facts(stores), BulkChanges(stores)
    change = done(changes, changes.begin(Action.LABEL, IDS[:2], "me", ["tiger", "indoors"]))
    assert facts(stores)[IDS[0]].labels == ("tiger", "indoors")
    (left,) = changes.left_alone(change)
    assert left.why == "This picture takes one label; there are 2."
    correct(stores, "b.jpg", None, "otto")
    changes.undo(change.id, "me")
    done(changes, changes.read(change.id))
    now = facts(stores)
    assert now[IDS[0]] == before[IDS[0]]
    assert now[IDS[1]].correction is None, "what was left alone is not put back either"


def test_a_label_is_renamed_or_deleted_in_corrections_alone(stores: Any) -> None:
    made = picture("a.jpg")
    assert made.prediction is not None
    several = replace(made.prediction, labels=(Score("tabby", 0.9),))
    put(stores, "a.jpg", replace(made, prediction=several).finished("2026-11-21T09:00:00.000Z"))
    correct(stores, "a.jpg", "lynx", "otto", others=["outdoors", "tiger"])
    before, changes = facts(stores), BulkChanges(stores)
    renamed = done(changes, changes.begin(Action.RELABEL, IDS, "me", ["tiger", "lynx"]))
    assert (renamed.changed, renamed.same) == (2, 3)
    now = facts(stores)
    assert (now[IDS[0]].labels, now[IDS[2]].label) == (("lynx", "outdoors"), "lynx")
    told = now[IDS[2]].correction
    assert told is not None
    assert (told.random_sample, told.predicted, told.account) == (True, "tabby", "me")
    deleted = done(changes, changes.begin(Action.RELABEL, IDS, "me", ["lynx"]))
    assert deleted.changed == 3
    now = facts(stores)
    assert (now[IDS[0]].labels, now[IDS[1]].label, now[IDS[2]].label) == (("outdoors",), "tabby", "tabby")
    for change in (deleted, renamed):
        changes.undo(change.id, "me")
        assert done(changes, changes.read(change.id)).kept == 0
    assert facts(stores) == before


def test_what_a_new_model_says_stays_and_the_label_comes_back(stores: Any) -> None:
    changes = BulkChanges(stores)
    change = done(changes, changes.begin(Action.LABEL, IDS[:2], "me", ["tiger"]))
    for name in NAMES[:2]:
        stored = stores.records.read(record_id(name)).record
        other = replace(stored, prediction=picture(name, "rose").prediction).finished(stored.finished_at)
        commit(stores, name, stored.upload.etag, lambda _, other=other: other)  # type: ignore[misc]
    changes.undo(change.id, "me")
    done(changes, changes.read(change.id))
    assert [facts(stores)[id].label for id in IDS[:2]] == ["rose", "lynx"]


def messages(stores: Any) -> list[tasks.Task]:
    return [tasks.parse(message) for message in stores.work.messages.values()]


def test_a_deletion_waits_hidden_and_can_be_taken_back(stores: Any) -> None:
    changes = BulkChanges(stores)
    change = done(changes, changes.begin(Action.DELETE, IDS[:3], "me"))
    assert change.hidden_until is not None
    assert change.undo_until < change.hidden_until
    assert [stores.records.read(id).hidden_until for id in IDS] == [change.hidden_until] * 3 + [None] * 2
    asked = messages(stores)
    assert {(task.step, task.name, task.hidden_until) for task in asked} == {
        (tasks.DELETE_UPLOAD, name, change.hidden_until) for name in NAMES[:3]
    }
    assert all(is_hidden(stores, task.name, change.hidden_until) for task in asked)
    put(stores, "c.jpg", content=b"dropped again")
    changes.undo(change.id, "me")
    undone = done(changes, changes.read(change.id))
    assert (undone.restored, undone.kept) == (3, 0)
    assert messages(stores) == [], "nothing waits for an hour to do nothing"
    assert not any(is_hidden(stores, task.name, change.hidden_until) for task in asked), "and so nothing is deleted"


@pytest.mark.parametrize("is_undone", [False, True])
def test_what_the_queue_deletes_later_is_what_is_still_to_go(stores: Any, is_undone: bool) -> None:
    changes, context = BulkChanges(stores), cast(Any, SimpleNamespace(stores=stores))
    change = done(changes, changes.begin(Action.DELETE, IDS[:3], "me"))
    put(stores, "c.jpg", content=b"dropped again")
    sent = list(stores.work.messages.values())
    if is_undone:
        changes.undo(change.id, "me")
        done(changes, changes.read(change.id))
    for message in sent:
        on_work(context, message)
    left = [name for name in NAMES if stores.uploads.stat(name) is not None]
    assert left == list(NAMES if is_undone else NAMES[2:]), "of c.jpg nobody has asked for the new version to go"


def test_it_is_too_late_once_pictures_may_be_gone(stores: Any) -> None:
    changes = BulkChanges(stores, deletion_s=0)
    change = done(changes, changes.begin(Action.DELETE, IDS[:3], "me"))
    assert (change.changed, change.left_alone) == (0, 3), "one that was begun long ago deletes nothing any more"
    with pytest.raises(Conflict, match="too late"):
        changes.undo(change.id, "me")


def test_many_are_classified_again_and_that_has_no_undo(stores: Any) -> None:
    changes = BulkChanges(stores)
    stores.uploads.delete("b.jpg")
    change = done(changes, changes.begin(Action.REPROCESS, IDS[:3], "me"))
    assert (change.changed, change.left_alone) == (2, 1)
    assert {(task.step, task.name) for task in messages(stores)} == {
        (tasks.PREPROCESS, "a.jpg"), (tasks.PREPROCESS, "c.jpg"),
    }  # fmt: skip
    with pytest.raises(Conflict, match="nothing to undo"):
        changes.undo(change.id, "me")


def test_one_picture_that_refuses_does_not_stop_the_others(stores: Any) -> None:
    before, put_result = facts(stores), stores.results.put

    def refusing(name: str, *arguments: Any) -> Any:
        if name.startswith("a."):
            raise Protected("The result of a.jpg is leased.")
        return put_result(name, *arguments)

    stores.results.put = refusing
    changes = BulkChanges(stores)
    change = done(changes, changes.begin(Action.LABEL, IDS[:2], "me", ["tiger"]))
    assert [(one.name, one.why) for one in changes.left_alone(change)] == [("a.jpg", "The result of a.jpg is leased.")]
    assert facts(stores)[IDS[1]].label == "tiger"
    stores.results.put = put_result
    changes.undo(change.id, "me")
    done(changes, changes.read(change.id))
    assert facts(stores) == before


def test_a_service_that_is_away_ends_the_step_and_the_next_goes_on(stores: Any) -> None:
    changes = BulkChanges(stores)
    change = changes.begin(Action.LABEL, IDS[:2], "me", ["tiger"])
    stores.records.is_away = True
    with pytest.raises(Unavailable):
        changes.step(change.id)
    stores.records.is_away = False
    assert done(changes, changes.read(change.id)).changed == 2


@pytest.mark.parametrize(
    ("action", "ids", "labels", "error"),
    [
        (Action.LABEL, IDS, [], Conflict),
        (Action.DELETE, IDS, ["tiger"], Conflict),
        (Action.RELABEL, IDS, [], Conflict),
        (Action.RELABEL, IDS, ["a", "b", "c"], Conflict),
        (Action.LABEL, [], ["tiger"], Conflict),
        (Action.LABEL, [f"{number:032x}" for number in range(MOST_PICTURES + 1)], ["tiger"], Conflict),
        (Action.LABEL, IDS, ["unknown"], NotALabel),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    stores: Any, action: Action, ids: Iterable[str], labels: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        BulkChanges(stores).begin(action, list(ids), "me", labels)
    assert stores.jobs.items == {}


def test_changes_are_listed_newest_first_and_expire(stores: Any) -> None:
    changes = BulkChanges(stores)
    first, second = (changes.begin(Action.LABEL, IDS[:1], "me", [label]) for label in ("puma", "tiger"))
    assert [one.id for one in changes.list(10)] == [second.id, first.id]
    assert [one.id for one in changes.list(10, second.id)] == [first.id]
    assert all(item.document["ttl"] >= 30 * 86_400 for item, _ in stores.jobs.items.values())
    with pytest.raises(NotFound):
        changes.read("change-0")
    with pytest.raises(NotFound):
        changes.read(next(id for id in stores.jobs.items if "part" not in id)[7:])


def test_what_the_model_says_is_marked_as_wrong_and_that_is_taken_back(stores: Any) -> None:
    before, changes = facts(stores), BulkChanges(stores)
    change = done(changes, changes.begin(Action.WRONG, IDS, "me"))
    assert (change.changed, change.left_alone) == (2, 3)
    assert [one.label for one in facts(stores).values()] == [None, "lynx", "tiger", None, None]
    assert {one.why for one in changes.left_alone(change)} == {
        "Somebody has said what it shows.", "No model has given it a label that could be wrong.",
    }  # fmt: skip
    assert done(changes, changes.begin(Action.WRONG, IDS[:1], "otto")).same == 1
    correct(stores, "a.jpg", "puma", "otto")
    correct(stores, "a.jpg", None, "otto")
    assert facts(stores)[IDS[0]].is_wrong
    changes.undo(change.id, "me")
    assert done(changes, changes.read(change.id)).restored == 2
    assert facts(stores) == before


def test_it_stays_wrong_while_the_same_is_said_of_the_same_picture(stores: Any) -> None:
    changes = BulkChanges(stores)
    done(changes, changes.begin(Action.WRONG, IDS[:1], "me"))
    for label, is_wrong in (("tabby", True), ("lynx", False), ("tabby", True)):
        etag = stores.uploads.overwrite("a.jpg", b"a.jpg", "image/jpeg")
        made = picture("a.jpg", label)
        upload = Upload(etag, 5, None, hashlib.sha256(b"a.jpg").hexdigest())
        commit(stores, "a.jpg", etag, final_record(replace(made, upload=upload)))
        assert facts(stores)[IDS[0]].is_wrong is is_wrong
    put(stores, "a.jpg", picture("a.jpg"), b"another picture")
    assert facts(stores)[IDS[0]].label == "tabby"
