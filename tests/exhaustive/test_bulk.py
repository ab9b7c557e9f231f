"""A change of many pictures is undone exactly at every moment of it, and whoever dies."""

from collections.abc import Callable
from typing import Any

import pytest

from imagestore.pipeline.bulk import BulkChanges
from imagestore.pipeline.bulk_documents import Action, ChangeState
from unit.pipeline.bulk_pictures import IDS, LABELS, done, facts, filled, in_twos

Hook = Callable[[], None]


@pytest.fixture(autouse=True)
def _in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    in_twos(monkeypatch)


class Away(Exception):
    """The process dies."""


def hooked(stores: Any, at: int, hook: Hook) -> Callable[[], int]:
    """Have `hook` called once, before the call of a store with this number. Returns what ends that, and tells how many
    calls there were."""
    calls, is_inside = [0], [False]

    def end() -> int:
        is_inside[0] = True
        return calls[0]

    def wrap(target: Any, name: str) -> None:
        original = getattr(target, name)

        def called(*arguments: Any, **options: Any) -> Any:
            if not is_inside[0]:
                calls[0] += 1
                if calls[0] == at:
                    is_inside[0] = True
                    try:
                        hook()
                    finally:
                        is_inside[0] = False
            return original(*arguments, **options)

        setattr(target, name, called)

    for target, names in (
        (stores.records, ("read", "write")), (stores.results, ("put", "stat")), (stores.uploads, ("stat", "tag")),
        (stores.jobs, ("read", "replace")), (stores.work, ("send",)),
    ):  # fmt: skip
        for name in names:
            wrap(target, name)
    return end


def every_moment(run: Callable[[int], int]) -> None:
    """Run with a hook at the first call, the second, and so on, until there are no more calls."""
    at = 1
    while run(at) >= at:
        at += 1
    assert at > 20


@pytest.mark.parametrize("action", LABELS)
def test_undone_at_any_moment_of_a_step_all_is_as_it_was(action: Action) -> None:
    """The step of another process goes on after all has been undone, and must change nothing any more."""

    def run(at: int) -> int:
        stores = filled()
        before, changes = facts(stores), BulkChanges(stores)
        change = changes.begin(action, IDS[:4], "me", LABELS[action])

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
        assert facts(stores) == before, f"undone before call {at}"
        assert not any(stores.records.read(id).hidden_until for id in IDS)
        return made

    every_moment(run)


@pytest.mark.parametrize("action", LABELS)
@pytest.mark.parametrize("goes_on", [False, True])
def test_whoever_dies_at_any_moment_all_can_be_undone(action: Action, goes_on: bool) -> None:
    def die() -> None:
        raise Away

    def run(at: int) -> int:
        stores = filled()
        before, changes = facts(stores), BulkChanges(stores)
        change = changes.begin(action, IDS[:4], "me", LABELS[action])
        calls = hooked(stores, at, die)
        try:
            done(changes, change)
        except Away:
            if goes_on:
                applied = done(changes, changes.read(change.id))
                assert (applied.state, applied.left_alone) == (ChangeState.APPLIED, 0), f"died at call {at}"
                assert applied.changed + applied.same == 4
        made = calls()
        changes.undo(change.id, "me")
        undone = done(changes, changes.read(change.id))
        assert (undone.state, undone.kept) == (ChangeState.UNDONE, 0)
        assert facts(stores) == before, f"died at call {at}"
        assert not any(stores.records.read(id).hidden_until for id in IDS)
        return made

    every_moment(run)


def test_two_who_do_the_same_step_at_the_same_time_count_it_once() -> None:
    def run(at: int) -> int:
        stores = filled()
        before, changes = facts(stores), BulkChanges(stores)
        change = changes.begin(Action.LABEL, IDS[:4], "me", ["tiger"])

        def other() -> None:
            done(changes, changes.read(change.id))

        calls = hooked(stores, at, other)
        applied = done(changes, change)
        made = calls()
        applied = changes.read(change.id)
        assert (applied.changed, applied.same, applied.left_alone) == (3, 1, 0)
        changes.undo(change.id, "me")
        done(changes, changes.read(change.id))
        assert facts(stores) == before
        return made

    every_moment(run)
