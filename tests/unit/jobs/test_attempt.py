"""What the process that does a job is told of it."""

from collections.abc import Callable

import pytest

from imagestore.errors import LeaseLost, Unavailable
from imagestore.jobs.attempt import Attempt
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import JobKind, Progress
from imagestore.jobs.lease import HeldJob, take
from imagestore.jobs.presence import Presence
from unit.jobs.conftest import DONE, LEASE_S, Clock
from unit.memory_items import MemoryItems


@pytest.fixture
def held(items: MemoryItems, board: JobBoard) -> HeldJob:
    board.put(JobKind.TRAIN, "me")
    return taken(items)


def taken(items: MemoryItems) -> HeldJob:
    one = Presence(items, LEASE_S)
    one.refresh()
    found = take(items, one.runner)
    assert found is not None
    return found


def of(items: MemoryItems, held: HeldJob) -> Attempt:
    assert held.job.attempt is not None
    return Attempt(items, held.job.id, held.job.attempt)


def test_it_may_go_on_while_the_job_is_its_own(items: MemoryItems, held: HeldJob) -> None:
    attempt = of(items, held)
    assert attempt.job() == held.job
    held.tell(Progress("Learning", 1, 2))
    attempt.demand()


@pytest.mark.parametrize("over", [lambda held: held.end(DONE), lambda held: held.let_go()], ids=["ended", "let go"])
def test_it_may_not_once_the_job_has_ended_or_waits(
    items: MemoryItems, held: HeldJob, over: Callable[[HeldJob], object]
) -> None:
    attempt = of(items, held)
    over(held)
    for ask in (attempt.demand, attempt.job, lambda: attempt.claim("1")):
        with pytest.raises(LeaseLost):
            ask()


def test_it_may_not_once_another_attempt_is_made(items: MemoryItems, held: HeldJob, clock: Clock) -> None:
    attempt = of(items, held)
    attempt.claim("4")
    clock.pass_by(LEASE_S)
    attempt.demand()
    new = taken(items)
    with pytest.raises(LeaseLost, match="another runner"):
        attempt.demand()
    assert of(items, new).job().versions == ("4",)


def test_a_version_is_noted_while_the_runner_writes(items: MemoryItems, held: HeldJob) -> None:
    of(items, held).claim("4")
    held.tell(Progress("Learning", 1, 2))
    of(items, held).claim("5")
    assert held.look().versions == ("4", "5")
    assert held.job.progress.done == 1


def test_it_waits_for_a_database_that_is_away(items: MemoryItems, held: HeldJob) -> None:
    """What took hours to compute is not lost because the database does not answer at its end."""
    items.is_away = True
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        items.is_away = len(waited) < 5

    attempt = Attempt(items, held.job.id, held.job.attempt or "", wait)
    attempt.claim("4")
    assert len(waited) == 5
    assert held.look().versions == ("4",)


def test_it_does_not_wait_for_ever(items: MemoryItems, held: HeldJob) -> None:
    items.is_away = True
    with pytest.raises(Unavailable):
        Attempt(items, held.job.id, held.job.attempt or "", lambda seconds: None).demand()
