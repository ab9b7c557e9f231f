"""Several moves of the same pictures to training: each takes away no more than it has put in."""

from contextlib import suppress
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.documents import Action, BulkChange
from imagestore.pipeline.changes.relabel import Relabelling
from imagestore.record import record_id
from imagestore.store.projects import FIRST
from imagestore.store.training import MINE, TrainingPictures
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


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


@pytest.fixture
def stores() -> Any:
    return with_some_there(filled())


def planned(stores: Any) -> BulkChange:
    """A move of one picture that is planned, and goes on later."""
    changes, get = BulkChanges(stores), stores.uploads.get
    change = changes.begin(Action.TO_TRAINING, IDS[:1], "me")

    def dies(*_: Any) -> None:
        raise InterruptedError

    stores.uploads.get = dies
    with suppress(InterruptedError):
        changes.step(change.id)
    stores.uploads.get = get
    return change


@pytest.mark.parametrize("label", ["tabby", "puma"])
@pytest.mark.parametrize("is_taken", [True, False])
def test_a_move_that_is_planned_before_another_puts_the_content_in_takes_it_not_away(
    stores: Any, label: str, *, is_taken: bool
) -> None:
    """That other one has said in its JSON what it shows, and its place may be taken; or a person has said so since."""
    before, changes, pictures = everything(stores)[1], BulkChanges(stores), TrainingPictures(stores.training, MINE)
    first, put = changes.begin(Action.TO_TRAINING, IDS[:1], "me"), stores.training.put
    second: list[BulkChange] = []

    def paused(name: str, data: bytes, *others: Any, **named: Any) -> Any:
        if name == f"{MINE}/{MOVED[0]}" and bool(data) is is_taken and not second:
            stores.training.put = put
            if label == "puma":
                pictures.change(MOVED[0], lambda one: replace(one, labels=("puma",)))
            second.append(planned(stores))
        return put(name, data, *others, **named)

    stores.training.put = paused
    assert done(changes, first).changed == 1
    now = everything(stores)
    going_on = done(changes, second[0])
    assert (going_on.changed, going_on.same, going_on.left_alone, everything(stores)) == (0, 0, 1, now)
    undone(stores, going_on)
    assert everything(stores) == now
    assert pictures.picture(MOVED[0]) == b"a.jpg"
    if label == "tabby":
        undone(stores, first)
        assert everything(stores)[1] == before


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_what_a_second_move_finds_under_a_new_name_stays_until_all_are_undone(stores: Any, order: Any) -> None:
    """Whichever of the first move, the new name and the second move is undone first."""
    before, changes = everything(stores), BulkChanges(stores)
    first = moved(stores, IDS[:4])
    renamed = done(changes, changes.begin_relabel(Relabelling(FIRST, "lynx", "puma"), "me"))
    between = everything(stores)
    second = moved(stores, IDS[:4])
    assert (second.changed, second.same) == (0, 4)
    for at, number in enumerate(order):
        undone(stores, (first, renamed, second)[number])
        if 2 not in order[: at + 1]:
            assert everything(stores)[1][f"{MINE}/{MOVED[1]}"] == b"b.jpg"
            assert labelled_facts(stores, MOVED[1]).labels == ("puma",)
        if order[: at + 1] == (2,):
            assert everything(stores) == between
    assert everything(stores) == before


def test_undoing_reads_an_earlier_change_once_for_each_part(stores: Any) -> None:
    before = everything(stores)
    first, second = moved(stores, IDS[:4]), moved(stores, IDS[:4])
    undone(stores, first)
    find, listings = stores.jobs.find, []

    def found(type: str, where: Any = None, **others: Any) -> Any:
        if where == {"change": first.id}:
            listings.append(type)
        return find(type, where, **others)

    stores.jobs.find = found
    assert (second.parts, second.pictures) == (2, 4)
    undone(stores, second)
    assert len(listings) == second.parts
    assert everything(stores) == before


@pytest.mark.parametrize("in_order", [True, False])
def test_two_moves_that_claim_each_others_picture_are_undone_in_either_order(stores: Any, *, in_order: bool) -> None:
    """One content is of two uploads of the first move, and the second move comes between these."""
    put(stores, "twin.jpg", content=b"a.jpg")
    before, changes = everything(stores), BulkChanges(stores)
    first = changes.begin(Action.TO_TRAINING, [*IDS[:2], record_id("twin.jpg")], "me")
    changes.step(first.id)
    second = moved(stores, IDS[:4])
    done(changes, first)
    for change in (first, second) if in_order else (second, first):
        undone(stores, change)
    assert everything(stores) == before
