"""Newest wins: whatever the order of calls and whatever dies in between, all speak of the upload that is there."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from exhaustive.explore import World, explore
from exhaustive.memory import memory_stores, step
from pipeline import commit as commits
from pipeline import correct as corrects
from pipeline.commit import commit, finish, forget, result_name, staged_name
from pipeline.correct import correct
from record import ModelRef, Prediction, Record, Score, Status, Upload, record_id
from store.documents import from_json

NAME = "garden/a.jpg"
ID = record_id(NAME)
ANOTHER_RESULT = "the record knows another result"


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal states must look equal whenever they were reached."""
    for module in (commits, corrects):
        monkeypatch.setattr(module, "utc", lambda: "2026-11-21T09:00:00.000Z")


def classified(etag: str, label: str) -> Record:
    prediction = Prediction(label, 0.9, 0.8, 0.3, (Score(label, 0.9),), ModelRef("m", "1", "0"))
    return Record(ID, NAME, upload=Upload(etag, 3, sha256="00"), prediction=prediction)


def run_commit(stores: Any, etag: str) -> None:
    commit(stores, NAME, etag, finish(classified(etag, f"label of {etag}")))


def overwrite(world: World, then: str) -> None:
    step("user", "overwrite")
    etag = world.stores.uploads.place(NAME, b"new")
    world.spawn(then, partial(run_commit, world.stores, etag))


def delete(world: World, then: str) -> None:
    step("user", "delete")
    world.stores.uploads.blobs.pop(NAME, None)
    world.spawn(then, partial(forget, world.stores, NAME))


def delete_and_drop_again(world: World) -> None:
    delete(world, "D")
    overwrite(world, "B")


def new_upload() -> World:
    world = World(memory_stores(), crash=("A", "B", "D"))
    world.etag = world.stores.uploads.place(NAME, b"old")
    world.stores.staging.place(staged_name(NAME), b"png")
    return world


def classified_before() -> World:
    """The upload is the second under its name; the first was classified."""
    world = new_upload()
    run_commit(world.stores, "1")
    world.etag = world.stores.uploads.place(NAME, b"second")
    return world


def deleted_before() -> World:
    """The upload is the second under its name; the first was deleted, and a tombstone stands."""
    world = new_upload()
    run_commit(world.stores, "1")
    world.stores.uploads.blobs.pop(NAME)
    forget(world.stores, NAME)
    world.etag = world.stores.uploads.place(NAME, b"second")
    return world


def agree(stores: Any) -> str | None:
    """What is wrong with the end of a run, None if nothing is."""
    upload, result = stores.uploads.blobs.get(NAME), stores.results.blobs.get(result_name(NAME))
    known = stores.records.known
    if upload is None:
        if known is None or known.record.status is not Status.DELETED:
            return "the upload is gone, but its record stands"
        return "the upload is gone, but its result stands" if result else None
    if known is None or known.record.upload is None:
        return "no record"
    if result is None:
        return "no result"
    etags = {
        "record": known.record.upload.etag,
        "result": from_json(result[1]).upload.etag,
        "tags": upload[2].get("of"),
    }
    if set(etags.values()) != {str(upload[0])}:
        return f"upload {upload[0]}, but {etags}"
    return None if known.result_etag == str(result[0]) else ANOTHER_RESULT


BEFORE = [new_upload, classified_before, deleted_before]
USERS: dict[str, Callable[[World], None]] = {
    "overwrites": partial(overwrite, then="B"),
    "deletes": partial(delete, then="D"),
    "deletes and drops again": delete_and_drop_again,
    "does nothing": lambda world: None,
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("user", USERS)
def test_every_interleaving_ends_with_the_newest(before: Callable[[], World], user: str) -> None:
    def start() -> World:
        world = before()
        if USERS[user] is delete_and_drop_again:
            world.crash = ()  # four processes are enough
        world.spawn("A", partial(run_commit, world.stores, world.etag))
        world.spawn("U", partial(USERS[user], world))
        return world

    ends, wrong = explore(start, agree)
    assert ends > 0
    assert not wrong, f"{len(wrong)} of {ends} ends are wrong, such as: {wrong[0]}"


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("dies", [False, True])
def test_the_same_work_twice_at_once_is_as_once(before: Callable[[], World], dies: bool) -> None:
    """After a death the record may know an older ETag of the result, which says the same; the next write finds out."""

    def start() -> World:
        world = before()
        world.crash = ("A", "B") if dies else ()
        for name in "AB":
            world.spawn(name, partial(run_commit, world.stores, world.etag))
        return world

    ends, wrong = explore(start, agree)
    assert ends > 0
    assert not [end for end in wrong if not (dies and end[0] == ANOTHER_RESULT)]


def reclassified(etag: str) -> Record:
    """What another model makes of the same version."""
    record = classified(etag, "another label")
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, model=ModelRef("m", "2", "1")))


@pytest.mark.parametrize("dies", [False, True])
def test_a_correction_is_never_lost_to_a_reprocessing(dies: bool) -> None:
    def start() -> World:
        world = new_upload()
        run_commit(world.stores, "1")
        world.crash = ("A", "C") if dies else ()
        world.spawn("A", lambda: commit(world.stores, NAME, "1", finish(reclassified("1"))))
        world.spawn("C", lambda: correct(world.stores, NAME, "lynx", "me") and None)
        return world

    def corrected(stores: Any) -> str | None:
        record, result = stores.records.known.record, from_json(stores.results.blobs[result_name(NAME)][1])
        for each in (record, result):
            if each.label != "lynx" or each.prediction.model.version != "2":
                return f"{each.label}, version {each.prediction.model.version}"
        return None if dies else agree(stores)

    ends, wrong = explore(start, corrected)
    assert ends > 0
    assert not wrong


def test_the_search_finds_a_wrong_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believing the record even after a conflict is one of the orders that look right; the search must see it fail."""
    monkeypatch.setattr(commits, "_result_etag", lambda stores, name, known, believe: known and known.result_etag)

    def start() -> World:
        world = new_upload()
        world.spawn("A", partial(run_commit, world.stores, world.etag))
        world.spawn("U", partial(overwrite, world, "B"))
        return world

    with pytest.raises(commits.Contended):
        explore(start, agree)
