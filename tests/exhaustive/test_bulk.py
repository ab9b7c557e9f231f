"""A change of many pictures is undone exactly at every moment of it, and whoever dies."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.documents import Action, BulkChange, ChangeState
from imagestore.pipeline.labelling.labelled_intake import take_in
from imagestore.store.projects import FIRST
from imagestore.store.training import MINE, Part, TrainingPictures
from unit.pipeline.bulk_pictures import (
    CORRECTED,
    IDS,
    LABELS,
    MOVED,
    RELABELLED,
    SHAS,
    done,
    everything,
    filled,
    in_twos,
    with_labelled,
    with_some_there,
)

Hook = Callable[[], None]
AGAIN = "to_training again"
CASES = [*map(str, LABELS), "correct", AGAIN, *RELABELLED]
"""Uploads are labelled and so on, and moved to training though another move has done so; a label of a project is
renamed, merged, deleted and split."""


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


class Away(Exception):
    """The process dies."""


def hooked(stores: Any, at: int, hook: Hook, after: Hook = lambda: None) -> Callable[[], int]:
    """Have `hook` called once, before the call of a store with this number, and `after` after it; what that calls
    itself is a part of it. Returns what ends that, and tells how many calls there were."""
    calls, is_inside = [0], [False]

    def end() -> int:
        is_inside[0] = True
        return calls[0]

    def wrap(target: Any, name: str) -> None:
        original = getattr(target, name)

        def called(*arguments: Any, **options: Any) -> Any:
            if is_inside[0]:
                return original(*arguments, **options)
            calls[0] += 1
            is_inside[0] = True
            try:
                if calls[0] == at:
                    hook()
                answer = original(*arguments, **options)
                if calls[0] == at:
                    after()
                return answer
            finally:
                is_inside[0] = False

        setattr(target, name, called)

    for target, names in (
        (stores.records, ("read", "write")), (stores.results, ("put", "stat")),
        (stores.uploads, ("get", "stat", "tag")), (stores.jobs, ("read", "replace")),
        (stores.work, ("send", "take_back")),
        (stores.training, ("get", "put", "stat", "overwrite", "delete")), (stores.custom_vision._blobs, ("get", "put")),
    ):  # fmt: skip
        for name in names:
            wrap(target, name)
    return end


def begun(changes: BulkChanges, case: str) -> BulkChange:
    if case in RELABELLED:
        return changes.begin_relabel(RELABELLED[case], "me")
    if case == "correct":
        return changes.begin_corrections(CORRECTED, "me")
    if case == AGAIN:
        return changes.begin(Action.TO_TRAINING, IDS[:4], "me")
    return changes.begin(Action(case), IDS[:4], "me", LABELS[Action(case)])


def there(case: str) -> Any:
    if case == Action.TO_TRAINING:
        return with_some_there(filled())
    if case == AGAIN:
        stores = there("to_training")
        done(BulkChanges(stores), begun(BulkChanges(stores), "to_training"))
        return stores
    return with_labelled(filled()) if case in RELABELLED else filled()


def shown(stores: Any) -> list[tuple[str, tuple[str, ...]]]:
    """The labelled pictures that a training would find."""
    return [(one.sha256, one.labels) for one in TrainingPictures(stores.training, MINE).list() if one.is_there]


def every_moment(run: Callable[[int], int]) -> None:
    """Run with a hook at the first call, the second, and so on, until there are no more calls."""
    at = 1
    while run(at) >= at:
        at += 1
    assert at > 20


@pytest.mark.parametrize("case", CASES)
def test_undone_at_any_moment_of_a_step_all_is_as_it_was(case: str) -> None:
    """The step of another process goes on after all has been undone, and must change nothing any more."""

    def run(at: int) -> int:
        stores = there(case)
        before, changes = everything(stores), BulkChanges(stores)
        change = begun(changes, case)

        def undo() -> None:
            changes.undo(change.id, "otto")
            done(changes, changes.read(change.id))

        calls = hooked(stores, at, undo)
        done(changes, change)
        done(changes, changes.read(change.id))
        made = calls()
        if made < at:
            undo()
        assert changes.read(change.id).state is ChangeState.UNDONE
        assert everything(stores) == before, f"undone before call {at}"
        assert not any(stores.records.read(id).hidden_until for id in IDS)
        return made

    every_moment(run)


@pytest.mark.parametrize("case", CASES)
def test_one_who_is_overtaken_by_undoing_and_dies_after_the_next_call_leaves_nothing(case: str) -> None:
    """That call was prepared before, and nobody comes after it."""

    def run(at: int) -> int:
        stores = there(case)
        before, changes = everything(stores), BulkChanges(stores)
        change, listed = begun(changes, case), shown(stores)

        def undo() -> None:
            changes.undo(change.id, "otto")
            done(changes, changes.read(change.id))

        def die() -> None:
            raise Away

        calls = hooked(stores, at, undo, die)
        with suppress(Away):
            done(changes, change)
        made = calls()
        if made < at:
            undo()
        assert everything(stores) == before, f"undone before call {at}, after which it died"
        assert shown(stores) == listed
        return made

    every_moment(run)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("goes_on", [False, True])
def test_whoever_dies_at_any_moment_all_can_be_undone(case: str, goes_on: bool) -> None:
    def die() -> None:
        raise Away

    def run(at: int) -> int:
        stores = there(case)
        before, changes = everything(stores), BulkChanges(stores)
        change = begun(changes, case)
        calls = hooked(stores, at, die)
        try:
            done(changes, change)
        except Away:
            if goes_on:
                applied = done(changes, changes.read(change.id))
                corrected = 2 if case == "wrong" else 0  # nobody says of these that the model is wrong
                assert (applied.state, applied.left_alone) == (ChangeState.APPLIED, corrected), f"died at call {at}"
                assert applied.changed + applied.same + corrected == applied.pictures
        made = calls()
        changes.undo(change.id, "me")
        undone = done(changes, changes.read(change.id))
        assert (undone.state, undone.kept) == (ChangeState.UNDONE, 0)
        assert everything(stores) == before, f"died at call {at}"
        assert not any(stores.records.read(id).hidden_until for id in IDS)
        return made

    every_moment(run)


@pytest.mark.parametrize("case", ["label", "to_training", AGAIN, *RELABELLED])
def test_two_who_do_the_same_step_at_the_same_time_count_it_once(case: str) -> None:
    def run(at: int) -> int:
        stores = there(case)
        before, changes = everything(stores), BulkChanges(stores)
        change = begun(changes, case)

        def other() -> None:
            done(changes, changes.read(change.id))

        calls = hooked(stores, at, other)
        done(changes, change)
        made = calls()
        applied = changes.read(change.id)
        same = {"label": 1, AGAIN: 4}.get(case, 0)
        assert (applied.changed, applied.same, applied.left_alone) == (applied.pictures - same, same, 0)
        changes.undo(change.id, "me")
        done(changes, changes.read(change.id))
        assert everything(stores) == before
        return made

    every_moment(run)


@pytest.mark.parametrize("case", RELABELLED)
def test_what_is_said_by_hand_at_any_moment_stays(case: str) -> None:
    """Whether it comes before the change has reached the picture or after: undoing leaves it alone."""

    def run(at: int) -> int:
        stores = there(case)
        changes, pictures = BulkChanges(stores), TrainingPictures(stores.training, MINE)
        before, change = pictures.facts(SHAS[0]), begun(changes, case)

        def by_hand() -> None:
            pictures.change(SHAS[0], lambda one: replace(one, labels=("owl",)))
            pictures.assign(SHAS[1], Part.RETIRED)

        calls = hooked(stores, at, by_hand)
        done(changes, change)
        made = calls()
        if made < at:
            by_hand()
        changes.undo(change.id, "me")
        undone = done(changes, changes.read(change.id))
        now = [pictures.facts(sha256) for sha256 in SHAS[:2]]
        assert before is not None
        assert now[0] is not None
        assert now[1] is not None
        assert now[0][0] == replace(before[0], labels=("owl",)), f"said before call {at}"
        assert (now[1][0].labels, now[1][0].part) == (("lynx",), Part.RETIRED)
        assert undone.kept + changes.read(change.id).left_alone + undone.same == 1
        return made

    every_moment(run)


def test_what_is_labelled_by_hand_while_it_is_moved_to_training_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever comes first, the person's label is kept with the picture; undoing leaves it alone."""

    def run(at: int) -> int:
        stores = there("to_training")
        changes, pictures = BulkChanges(stores), TrainingPictures(stores.training, MINE)
        change = begun(changes, "to_training")

        def by_hand() -> None:
            for name in ("a.jpg", "c.jpg"):
                take_in(stores, FIRST, name.encode(), ["puma"], f"puma/{name}", (1, 1), relabel=True)

        calls = hooked(stores, at, by_hand)
        done(changes, change)
        made = calls()
        if made < at:
            by_hand()
        changes.undo(change.id, "me")
        done(changes, changes.read(change.id))
        for sha256 in (MOVED[0], MOVED[2]):
            found = pictures.facts(sha256)
            assert found is not None
            assert found[0].labels == ("puma",), f"said before call {at}"
            assert pictures.picture(sha256)
        return made

    every_moment(run)


@pytest.mark.parametrize("while_undone", [False, True])
@pytest.mark.parametrize("says", ["the same", "another"])
def test_what_is_put_in_while_it_is_moved_or_while_that_is_undone_stays(says: str, *, while_undone: bool) -> None:
    """With the label that it is moved with, or another: undoing takes nobody else's picture away."""
    given = {"a.jpg": "tabby", "b.jpg": "lynx"} if says == "the same" else dict.fromkeys(("a.jpg", "b.jpg"), "puma")

    def run(at: int) -> int:
        stores = there("to_training")
        changes, pictures = BulkChanges(stores), TrainingPictures(stores.training, MINE)
        change = begun(changes, "to_training")

        def put_in() -> None:
            for name, label in given.items():
                take_in(stores, FIRST, name.encode(), [label], f"{label}/{name}", (1, 1), relabel=says == "another")

        def undo() -> None:
            changes.undo(change.id, "me")
            done(changes, changes.read(change.id))

        if while_undone:
            done(changes, change)
        calls = hooked(stores, at, put_in)
        if while_undone:
            undo()
        else:
            done(changes, change)
        made = calls()
        if made < at:
            put_in()
        undo()
        for sha256, (name, label) in zip(MOVED, given.items(), strict=False):
            found = pictures.facts(sha256)
            assert found is not None
            assert (found[0].labels, found[0].said_by) == ((label,), None), f"put in before call {at}"
            assert pictures.picture(sha256) == name.encode(), f"put in before call {at}"
        return made

    every_moment(run)


@pytest.mark.parametrize("while_undone", [False, True])
@pytest.mark.parametrize("dies", [False, True])
def test_two_moves_of_the_same_pictures_leave_what_either_wants(*, while_undone: bool, dies: bool) -> None:
    """The first is undone at any moment of the second, or the second begun at any moment of undoing the first, also if
    who is overtaken dies: what the second has not left alone is there until it is undone too."""

    def run(at: int) -> int:
        stores = there("to_training")
        before, changes = everything(stores), BulkChanges(stores)
        first = done(changes, begun(changes, "to_training"))

        def undo() -> None:
            changes.undo(first.id, "me")
            done(changes, changes.read(first.id))

        def again() -> None:
            done(changes, begun(changes, "to_training"))

        def die() -> None:
            raise Away

        (outer, inner) = (undo, again) if while_undone else (again, undo)
        calls = hooked(stores, at, inner, die if dies else lambda: None)
        with suppress(Away):
            outer()
        made = calls()
        if made < at:
            inner()
        undo()
        second = changes.list(1)[0]
        if second.id == first.id:  # who was to begin it died before
            return made
        done(changes, second)
        left = {one.id for one in changes.left_alone(changes.read(second.id))}
        now = dict(shown(stores))
        wanted = zip(IDS, MOVED, (("tabby",), ("lynx",), ("tiger",), ("tabby",)), strict=False)
        assert all(now.get(sha256) == labels for id, sha256, labels in wanted if id not in left), f"at call {at}"
        changes.undo(second.id, "me")
        done(changes, changes.read(second.id))
        assert everything(stores) == before, f"at call {at}"
        return made

    every_moment(run)


@pytest.mark.parametrize("label", ["tabby", "lynx", "puma"])
def test_undoing_at_any_moment_of_putting_a_picture_in_leaves_it(label: str) -> None:
    def run(at: int) -> int:
        stores = there("to_training")
        changes, pictures = BulkChanges(stores), TrainingPictures(stores.training, MINE)
        change = done(changes, begun(changes, "to_training"))

        def undo() -> None:
            changes.undo(change.id, "me")
            done(changes, changes.read(change.id))

        calls = hooked(stores, at, undo)
        for name in ("a.jpg", "b.jpg"):
            take_in(stores, FIRST, name.encode(), [label], f"{label}/{name}", (1, 1), relabel=True)
        made = calls()
        for sha256, name in zip(MOVED, ("a.jpg", "b.jpg"), strict=False):
            found = pictures.facts(sha256)
            assert found is not None
            assert (found[0].labels, found[0].said_by) == ((label,), None), f"undone before call {at}"
            assert pictures.picture(sha256) == name.encode(), f"undone before call {at}"
        return made

    at = 1
    while run(at) >= at:
        at += 1
    assert at > 8
