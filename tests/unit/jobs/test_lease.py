"""A job has one runner at a time, and one that is gone is followed by the next."""

from collections.abc import Callable

import pytest

from imagestore.errors import LeaseLost
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, JobKind, JobState, Progress
from imagestore.jobs.lease import MOST_ATTEMPTS, take
from imagestore.jobs.presence import Presence
from unit.jobs.conftest import DONE, LEASE_S, Clock
from unit.memory_items import MemoryItems


def present(items: MemoryItems) -> str:
    one = Presence(items, LEASE_S)
    one.refresh()
    return one.runner


def test_the_oldest_comes_first_and_each_is_taken_up_once(items: MemoryItems, board: JobBoard) -> None:
    first, second = (board.put(JobKind.TRAIN, "me", Arguments(name)) for name in ("a", "b"))
    held = [take(items, present(items)) for _ in range(3)]
    assert [one and one.job.id for one in held] == [first.id, second.id, None]
    assert board.read(first.id).attempts == 1


def test_of_two_that_want_the_same_job_one_has_it(
    items: MemoryItems, board: JobBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.put(JobKind.TRAIN, "me")
    here, there, find = present(items), present(items), items.find
    taken = []

    def while_looking(*arguments: object, **options: object) -> object:
        found = list(find(*arguments, **options))  # type: ignore[arg-type]
        monkeypatch.setattr(items, "find", find)
        taken.append(take(items, there))
        return found

    monkeypatch.setattr(items, "find", while_looking)
    assert take(items, here) is None
    assert taken[0] is not None
    assert board.latest() == taken[0].job


def test_a_runner_that_is_gone_has_lost_its_job(items: MemoryItems, board: JobBoard, clock: Clock) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    old = take(items, present(items))
    assert old is not None
    clock.pass_by(LEASE_S)
    new = take(items, present(items))
    assert new is not None
    assert new.job.attempts == 2
    too_late: list[Callable[[], object]] = [
        lambda: old.tell(Progress("Learning", 1, 2)), lambda: old.end(DONE), old.let_go, old.look
    ]  # fmt: skip
    for ask in too_late:
        with pytest.raises(LeaseLost, match="another runner"):
            ask()
    assert new.end(DONE).result == DONE
    with pytest.raises(LeaseLost):
        new.tell(Progress())
    assert board.read(id).result == DONE


def test_what_others_write_meanwhile_is_kept(items: MemoryItems, board: JobBoard) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    held = take(items, present(items))
    assert held is not None
    board.cancel(id)
    assert held.tell(Progress("Learning", 1, 2)).is_cancelled
    assert board.read(id).progress.done == 1


def test_one_that_is_let_go_is_taken_up_at_once_and_it_does_not_count(items: MemoryItems, board: JobBoard) -> None:
    board.put(JobKind.TRAIN, "me")
    for _ in range(2 * MOST_ATTEMPTS):
        held = take(items, present(items))
        assert held is not None
        assert held.job.attempts == 1
        held.let_go()
    held = take(items, present(items))
    assert held is not None
    board.cancel(held.job.id)
    assert held.let_go().state is JobState.CANCELLED


def test_one_that_breaks_off_again_and_again_fails_and_can_be_tried_again(
    items: MemoryItems, board: JobBoard, clock: Clock
) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    for _ in range(MOST_ATTEMPTS):
        assert take(items, present(items)) is not None
        clock.pass_by(LEASE_S)
    assert take(items, present(items)) is None
    found = board.read(id)
    assert found.state is JobState.FAILED
    assert found.result is not None
    assert "It broke off 3 times" in found.result.say
    board.retry(id, "me")
    assert take(items, present(items)) is not None


def test_one_that_was_cancelled_while_its_runner_died_is_not_begun_again(
    items: MemoryItems, board: JobBoard, clock: Clock
) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    assert take(items, present(items)) is not None
    board.cancel(id)
    clock.pass_by(LEASE_S)
    assert take(items, present(items)) is None
    assert board.read(id).state is JobState.CANCELLED


def test_a_job_taken_up_without_knowing_it_is_taken_up_again(items: MemoryItems, board: JobBoard) -> None:
    """As after a write whose answer was lost."""
    runner = present(items)
    board.put(JobKind.TRAIN, "me")
    lost, found = take(items, runner), take(items, runner)
    assert lost is not None
    assert found is not None
    assert found.job.attempt != lost.job.attempt
