"""Newest wins: whatever the order of calls and whatever dies in between, all speak of the upload that is there."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from classify import ModelRef, Prediction, Score
from exhaustive.explore import World, explore, sample
from exhaustive.memory import memory_stores, step
from imagestore.errors import Contended
from imagestore.pipeline import commit as commits
from imagestore.pipeline.commit import commit, final_record, remove_outputs
from imagestore.pipeline.labelling import correct as corrects
from imagestore.pipeline.labelling.correct import correct
from imagestore.pipeline.names import result_name, staged_name
from imagestore.record import Record, Status, Upload, record_id
from imagestore.store.documents import from_json
from imagestore.store.tags import ETAG

NAME = "garden/a.jpg"
ID = record_id(NAME)
SAMPLED, SEED = 3000, int(os.environ.get("TEST_SEED", "1"))


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal states must look equal whenever they were reached."""
    for module in (commits, corrects):
        monkeypatch.setattr(module, "utc", lambda: "2026-11-21T09:00:00.000Z")


def classified(etag: str, label: str) -> Record:
    prediction = Prediction(label, 0.9, 0.8, 0.3, (Score(label, 0.9),), ModelRef("m", "1", "0"))
    return Record(ID, NAME, upload=Upload(etag, 3, sha256="00"), prediction=prediction)


def run_commit(stores: Any, etag: str) -> None:
    commit(stores, NAME, etag, final_record(classified(etag, f"label of {etag}")))


def overwrite(world: World, then: str) -> None:
    step("user", "overwrite")
    etag = world.stores.uploads.place(NAME, b"new")
    world.spawn(then, partial(run_commit, world.stores, etag))


def delete(world: World, then: str) -> None:
    step("user", "delete")
    world.stores.uploads.blobs.pop(NAME, None)
    world.spawn(then, partial(remove_outputs, world.stores, NAME))


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
    remove_outputs(world.stores, NAME)
    world.etag = world.stores.uploads.place(NAME, b"second")
    return world


def agree(stores: Any) -> str | None:
    """What is wrong with the end of a run, None if nothing is."""
    upload, result = stores.uploads.blobs.get(NAME), stores.results.blobs.get(result_name(NAME))
    stored = stores.records.stored
    if upload is None:
        if stored is None or stored.record.status is not Status.DELETED:
            return "the upload is gone, but its record stands"
        return "the upload is gone, but its result stands" if result else None
    if stored is None or stored.record.upload is None:
        return "no record"
    if result is None:
        return "no result"
    written = from_json(result[1]).upload
    etags = {
        "record": stored.record.upload.etag,
        "result": written and written.etag,
        "tags": upload[2].get(ETAG),
    }
    if set(etags.values()) != {str(upload[0])}:
        return f"upload {upload[0]}, but {etags}"
    return None if stored.result_etag == str(result[0]) else "the record knows another result"


BEFORE = [new_upload, classified_before, deleted_before]
USERS: dict[str, Callable[[World], None]] = {
    "overwrites": partial(overwrite, then="B"),
    "deletes": partial(delete, then="D"),
    "deletes and drops again": delete_and_drop_again,
    "does nothing": lambda world: None,
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("user", USERS)
def test_every_interleaving_ends_with_the_newest(before: Callable[[], World], user: str, is_thorough: bool) -> None:
    """Four processes are many interleavings: of those a sample is drawn, unless the run takes its time."""

    def start() -> World:
        world = before()
        if USERS[user] is delete_and_drop_again:
            world.crash = ()  # four processes are enough
        world.spawn("A", partial(run_commit, world.stores, world.etag))
        world.spawn("U", partial(USERS[user], world))
        return world

    if USERS[user] is delete_and_drop_again and not is_thorough:
        ends, wrong = SAMPLED, sample(start, agree, SAMPLED, SEED)
    else:
        ends, wrong = explore(start, agree)
    assert ends > 0
    assert not wrong, f"{len(wrong)} of {ends} ends are wrong, such as: {wrong[0]} (TEST_SEED={SEED})"


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("dies", [False, True])
def test_the_same_work_twice_at_once_is_as_once(before: Callable[[], World], dies: bool) -> None:
    def start() -> World:
        world = before()
        world.crash = ("A", "B") if dies else ()
        for name in "AB":
            world.spawn(name, partial(run_commit, world.stores, world.etag))
        return world

    ends, wrong = explore(start, agree)
    assert ends > 0
    assert not wrong


def reclassified(etag: str) -> Record:
    """What another model makes of the same version."""
    record = classified(etag, "another label")
    assert record.prediction is not None
    return replace(record, prediction=replace(record.prediction, model=ModelRef("m", "2", "1")))


def _corrected(stores: Any) -> None:
    correct(stores, NAME, "lynx", "me")


@pytest.mark.parametrize("dies", [False, True])
def test_a_correction_is_never_lost_to_a_reprocessing(dies: bool) -> None:
    def start() -> World:
        world = new_upload()
        run_commit(world.stores, "1")
        world.crash = ("A", "C") if dies else ()
        world.spawn("A", lambda: commit(world.stores, NAME, "1", final_record(reclassified("1"))))
        world.spawn("C", partial(_corrected, world.stores))
        return world

    def corrected(stores: Any) -> str | None:
        record, result = stores.records.stored.record, from_json(stores.results.blobs[result_name(NAME)][1])
        for each in (record, result):
            if each.label != "lynx" or each.prediction is None or each.prediction.model.version != "2":
                return f"{each.label}, {each.prediction}"
        return None if dies else agree(stores)

    ends, wrong = explore(start, corrected)
    assert ends > 0
    assert not wrong


@pytest.mark.parametrize("search", [explore, partial(sample, count=SAMPLED, seed=SEED)], ids=["all", "a sample"])
def test_the_search_finds_a_wrong_order(monkeypatch: pytest.MonkeyPatch, search: Callable[..., object]) -> None:
    """Believing the record even after a conflict is one of the orders that look right; the search must see it fail."""
    monkeypatch.setattr(commits, "_result_etag", lambda stores, name, stored, believe: stored and stored.result_etag)

    def start() -> World:
        world = new_upload()
        world.spawn("A", partial(run_commit, world.stores, world.etag))
        world.spawn("U", partial(overwrite, world, "B"))
        return world

    with pytest.raises(Contended):
        search(start, agree)
