"""A picture comes back as it was, or what a user does meanwhile counts: every order of calls, and a death anywhere."""

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from exhaustive.explore import World, explore, sample
from exhaustive.memory import memory_stores, seen, step
from exhaustive.test_commit import ID, NAME, agree, classified, delete, overwrite, run_commit
from imagestore.backup.format import Content, FileLine, PictureLine
from imagestore.backup.restore_pictures import Outcome, PictureRestore
from imagestore.errors import NotFound
from imagestore.pipeline import commit as commits
from imagestore.pipeline.names import staged_name
from imagestore.pipeline.restored import restored_from
from imagestore.record import Correction, Record, Staged
from imagestore.store import Listed
from imagestore.store.documents import from_json, to_item
from preprocess import Limits, open_staged
from unit.backup.estate import PlainDecoder

PICTURE = b"as it was backed up"
SAMPLED, SEED = 500, int(os.environ.get("TEST_SEED", "1"))
MOMENT = "2026-11-21T09:00:00.000Z"


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "utc", lambda: MOMENT)


def backed_up() -> PictureLine:
    record = replace(
        classified("elsewhere", "tabby"),
        staged=Staged(staged_name(NAME), 0, 8, 8, 1, 1.0),
        correction=Correction("lynx", "me", MOMENT),
    ).finished(MOMENT)
    content = Content(len(PICTURE), "00", hashlib.md5(PICTURE).hexdigest(), PICTURE)
    return PictureLine(FileLine(NAME, "elsewhere", content), to_item(record))


LINE = backed_up()


def run_restore(world: World, *, overwrites: bool = False) -> None:
    """One run of the restore, from its listing on, with the event that its upload raises."""
    stores = world.stores
    step("restore", "list")
    found = stores.uploads.blobs.get(NAME)
    seen(found and found[0])
    uploads = {} if found is None else {NAME: _listed(found)}
    there: Any = SimpleNamespace(uploads=uploads, staging={}, results={})
    contents: Any = SimpleNamespace(open=lambda content: io.BytesIO(content.inline))
    decoder: Any = PlainDecoder()
    one = PictureRestore(
        stores, contents, there, "snapshot", decoder, Limits(), with_uploads=True, overwrite=overwrites,
        problem=lambda text: pytest.fail(text),
    )  # fmt: skip
    before = stores.uploads.writes
    outcome = one.restore(LINE)
    if stores.uploads.writes > before and outcome is Outcome.RESTORED:
        world.spawn("E", partial(run_event, stores))


def _listed(found: tuple[int, bytes, dict[str, str]]) -> Any:
    etag, data, tags = found
    return Listed(NAME, str(etag), len(data), None, hashlib.md5(data).digest(), dict(tags))  # type: ignore[arg-type]


def run_event(stores: Any) -> None:
    """What the event of an upload starts, as preprocess_upload does it."""
    try:
        blob = stores.uploads.get(NAME)
    except NotFound:
        return
    if restored_from(NAME, blob.metadata) is None:
        run_commit(stores, blob.etag)


def empty() -> World:
    return World(memory_stores(), crash=("R",))


def record_lost() -> World:
    """The upload is there as it was, and its record was lost."""
    world = empty()
    world.stores.uploads.place(NAME, PICTURE)
    return world


def deleted_before() -> World:
    world = empty()
    commits.remove_outputs(world.stores, NAME)
    return world


USERS: dict[str, Callable[[World], None]] = {
    "overwrites": partial(overwrite, then="B"),
    "deletes": partial(delete, then="D"),
    "does nothing": lambda world: None,
}


def as_it_should_be(stores: Any) -> str | None:
    upload = stores.uploads.blobs.get(NAME)
    if upload is not None and upload[1] == PICTURE:
        stored = stores.records.stored
        if stored is None or stored.record.label != "lynx":
            return f"the picture is back, and its record is {stored and stored.record.label}"
        if not _is_staged(stores, stored.record):
            return "its staged picture is missing, or of another version"
    return agree(stores)


def _is_staged(stores: Any, record: Record) -> bool:
    staged = stores.staging.blobs.get(staged_name(NAME))
    return staged is not None and from_json(open_staged(staged[1])[1]).upload == record.upload


@pytest.mark.parametrize("before", [empty, record_lost, deleted_before])
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("overwrites", [False, True])
def test_every_interleaving_of_a_restore_ends_well(
    before: Callable[[], World], user: str, overwrites: bool, is_thorough: bool
) -> None:
    """Of those with a user, who makes them many, a sample, unless the run takes its time."""

    def start() -> World:
        world = before()
        world.spawn("R", partial(run_restore, world, overwrites=overwrites))
        world.spawn("U", partial(USERS[user], world))
        return world

    if user != "does nothing" and not is_thorough:
        ends, wrong = SAMPLED, sample(start, as_it_should_be, SAMPLED, SEED)
    else:
        ends, wrong = explore(start, as_it_should_be)
    assert ends > 0
    assert not wrong, f"{len(wrong)} of {ends} ends are wrong, such as: {wrong[0]}"


def test_two_restores_beside_each_other_are_as_one() -> None:
    def start() -> World:
        world = empty()
        world.spawn("R", partial(run_restore, world))
        world.spawn("S", partial(run_restore, world))
        return world

    ends, wrong = explore(start, as_it_should_be)
    assert ends > 0
    assert not wrong, wrong[0]
    assert ID
