"""A runner takes up a job, tells how far it is and how it ended, and gives way to another that has it."""

import threading

import pytest

from imagestore.errors import Unavailable
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Job, JobKind, JobResult, JobState, Progress
from imagestore.jobs.runner import Runner, Timing
from unit.jobs.conftest import DONE, EVERY_TURN, LEASE_S, Clock, PlayedChild, PlayedRunner
from unit.memory_items import MemoryItems


def test_a_job_is_done_and_what_it_says_is_told(board: JobBoard, here: PlayedRunner) -> None:
    here.turn()
    assert here.jobs == []
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    found = board.read(id)
    assert (found.state, found.attempts) == (JobState.RUNNING, 1)
    here.child.progress = Progress("Learning", 3, 9, 1.5)
    here.turn()
    assert board.read(id).progress == here.child.progress
    here.child.result = DONE
    here.turn()
    found = board.read(id)
    assert (found.state, found.result, found.runner) == (JobState.DONE, DONE, None)
    assert here.child.has_ended
    here.turn()
    assert len(here.jobs) == 1


def test_one_job_at_a_time(board: JobBoard, here: PlayedRunner, there: PlayedRunner) -> None:
    first, second, third = (board.put(JobKind.TRAIN, "me", Arguments(name)).id for name in "abc")
    here.turn()
    there.turn()
    here.turn()
    there.turn()
    assert [job.id for job in here.jobs + there.jobs] == [first, second]
    here.child.result = DONE
    here.turn()
    here.turn()
    assert here.jobs[-1].id == third


def test_a_runner_that_was_paused_past_its_lease_ends_its_child_and_its_result_does_not_count(
    board: JobBoard, here: PlayedRunner, there: PlayedRunner, clock: Clock
) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    clock.pass_by(LEASE_S)
    there.turn()
    assert [job.id for job in there.jobs] == [id]
    here.child.result = JobResult(state=JobState.DONE, say="Too late.")
    here.turn()
    assert here.child.has_ended
    assert board.read(id).state is JobState.RUNNING
    there.child.result = DONE
    there.turn()
    assert board.read(id).result == DONE
    here.turn()
    assert here.runner.job is None


def test_a_runner_that_was_paused_goes_on_if_nobody_has_its_job(
    board: JobBoard, here: PlayedRunner, there: PlayedRunner, clock: Clock
) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    clock.pass_by(LEASE_S)
    here.turn()
    there.turn()
    assert there.jobs == []
    here.child.result = DONE
    here.turn()
    found = board.read(id)
    assert (found.result, found.attempts) == (DONE, 1)


def test_a_runner_that_is_stopped_lets_go_and_the_next_begins_at_once(
    board: JobBoard, here: PlayedRunner, there: PlayedRunner
) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    here.runner.close()
    assert here.child.has_ended
    assert not board.has_runner()
    there.turn()
    assert [(job.id, job.attempts) for job in there.jobs] == [(id, 1)]


def test_what_cannot_be_started_fails_and_the_next_is_done(items: MemoryItems, board: JobBoard) -> None:
    def start(job: Job) -> PlayedChild:
        raise OSError(12, "Cannot allocate memory")

    id = board.put(JobKind.TRAIN, "me").id
    runner = Runner(items, start, EVERY_TURN)
    runner.turn()
    runner.turn()
    found = board.read(id)
    assert found.state is JobState.FAILED
    assert found.result is not None
    assert "Cannot allocate memory" in found.result.say
    assert runner.job is None


@pytest.mark.parametrize("moment", ["before", "while", "at the end"])
def test_a_database_that_is_away_for_a_while_costs_nothing(
    items: MemoryItems, board: JobBoard, here: PlayedRunner, moment: str
) -> None:
    def away() -> None:
        items.is_away = True
        with pytest.raises(Unavailable):
            here.turn()
        items.is_away = False

    id = board.put(JobKind.TRAIN, "me").id
    if moment == "before":
        away()
    here.turn()
    if moment == "while":
        here.child.progress = Progress("Learning", 1, 2)
        away()
    here.child.result = DONE
    if moment == "at the end":
        away()
    here.turn()
    found = board.read(id)
    assert (found.result, found.attempts) == (DONE, 1)
    assert len(here.jobs) == 1


def test_a_runner_that_could_not_reach_the_database_leaves_the_jobs_of_others_alone_for_a_lease(
    items: MemoryItems, board: JobBoard, here: PlayedRunner, there: PlayedRunner, clock: Clock
) -> None:
    """After an outage nobody has been heard of, though all are there."""
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    items.is_away = True
    for one in (here, there):
        with pytest.raises(Unavailable):
            one.turn()
    clock.pass_by(LEASE_S)
    with pytest.raises(Unavailable):
        there.turn()
    items.is_away = False
    there.turn()
    assert there.jobs == []
    waiting = board.put(JobKind.TRAIN, "me", Arguments("other")).id
    there.turn()
    assert [job.id for job in there.jobs] == [waiting]
    there.child.result = DONE
    there.turn()
    clock.pass_by(LEASE_S)
    there.turn()
    assert [(job.id, job.attempts) for job in there.jobs] == [(waiting, 1), (id, 2)]


def test_a_job_that_ended_just_before_its_runner_is_stopped_is_not_done_again(
    board: JobBoard, here: PlayedRunner, there: PlayedRunner
) -> None:
    id = board.put(JobKind.REPROCESS, "me").id
    here.turn()
    here.child.result = DONE
    here.runner.close()
    assert board.read(id).result == DONE
    there.turn()
    assert there.jobs == []


def test_a_result_of_any_length_ends_the_job(board: JobBoard, here: PlayedRunner) -> None:
    id = board.put(JobKind.PROMOTE, "me", Arguments("mine", "1")).id
    here.turn()
    here.child.result = JobResult(state=JobState.REFUSED, say="No.", details=["x" * 10**6] * 10)
    here.turn()
    found = board.read(id)
    assert found.state is JobState.REFUSED
    assert len(str(found)) < 10**6


def test_it_runs_until_it_is_stopped_though_the_database_is_away(items: MemoryItems, board: JobBoard) -> None:
    started, stop = threading.Event(), threading.Event()
    child = PlayedChild()

    def start(job: Job) -> PlayedChild:
        started.set()
        return child

    items.is_away = True
    runner = Runner(items, start, Timing(LEASE_S, 0.001, 0.001, 0.001))
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    items.is_away = False
    id = board.put(JobKind.TRAIN, "me").id
    assert started.wait(60)
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert child.has_ended
    assert (board.read(id).state, board.has_runner()) == (JobState.QUEUED, False)


def test_a_short_lease_leaves_room_for_several_signs() -> None:
    assert Timing.of(30) == Timing()
    assert Timing.of(2).beat_s < 0.5
    assert Timing.of(3600).beat_s == 5
