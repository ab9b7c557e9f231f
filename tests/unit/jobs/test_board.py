"""Whoever asks for jobs puts them in, looks at them, cancels them, and tries them again."""

from collections.abc import Mapping
from typing import Any

import pytest

from imagestore.errors import Conflict, NotFound
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Job, JobKind, JobState
from imagestore.store import Item
from unit.jobs.conftest import DONE, LEASE_S, Clock, PlayedRunner
from unit.memory_items import MemoryItems


def test_every_instance_sees_the_same(items: MemoryItems, board: JobBoard) -> None:
    there = JobBoard(items)
    assert there.latest() is None
    first = board.put(JobKind.TRAIN, "me", Arguments("mine"))
    second = there.put(JobKind.PROMOTE, "you", Arguments("mine", "1"))
    assert there.read(first.id) == first
    assert board.latest() == second
    assert there.list() == [second, first]
    assert there.list(1) == [second]
    assert there.list(before=second.id) == [first]
    assert board.open() == [first, second]


def test_numbers_grow_whatever_the_clocks_say(items: MemoryItems) -> None:
    ahead, behind = JobBoard(items, lambda: 1795251600112000), JobBoard(items, lambda: 1700000000000000)
    first = ahead.put(JobKind.TRAIN, "me", Arguments("a"))
    assert int(behind.put(JobKind.TRAIN, "me", Arguments("b")).id) == int(first.id) + 1


def test_the_same_job_is_not_put_in_twice(board: JobBoard, here: PlayedRunner) -> None:
    job = board.put(JobKind.REPROCESS, "me")
    with pytest.raises(Conflict, match=f"waits already.*{job.id}"):
        board.put(JobKind.REPROCESS, "you")
    here.turn()
    with pytest.raises(Conflict, match="runs already"):
        board.put(JobKind.REPROCESS, "you")
    board.put(JobKind.PROMOTE, "me", Arguments("mine", "1"))
    board.put(JobKind.PROMOTE, "me", Arguments("mine", "2"))
    here.child.result = DONE
    here.turn()
    assert board.put(JobKind.REPROCESS, "you").state is JobState.QUEUED


def test_one_that_waits_is_cancelled_at_once(board: JobBoard, here: PlayedRunner) -> None:
    job = board.cancel(board.put(JobKind.TRAIN, "me").id)
    assert job.state is JobState.CANCELLED
    assert board.read(job.id) == job
    with pytest.raises(Conflict, match="has ended already"):
        board.cancel(job.id)
    here.turn()
    assert here.jobs == []


def test_one_that_runs_is_cancelled_by_its_runner(board: JobBoard, here: PlayedRunner) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    assert board.cancel(id).state is JobState.RUNNING
    assert not here.child.has_ended
    here.turn()
    assert here.child.has_ended
    assert board.read(id).state is JobState.CANCELLED


def test_one_whose_runner_is_gone_is_cancelled_without_it(board: JobBoard, here: PlayedRunner, clock: Clock) -> None:
    id = board.put(JobKind.TRAIN, "me").id
    here.turn()
    clock.pass_by(LEASE_S)
    assert board.cancel(id).state is JobState.CANCELLED
    here.turn()
    assert here.child.has_ended


def test_a_job_is_tried_again_once_it_has_ended(board: JobBoard) -> None:
    first = board.put(JobKind.PROMOTE, "me", Arguments("mine", "1"))
    with pytest.raises(Conflict):
        board.retry(first.id, "you")
    board.cancel(first.id)
    again = board.retry(first.id, "you")
    assert (again.kind, again.arguments, again.by, again.state) == (
        JobKind.PROMOTE, first.arguments, "you", JobState.QUEUED,
    )  # fmt: skip
    assert again.id > first.id


@pytest.mark.parametrize("id", ["1", "runner-1", "", "٣", "9" * 300])
def test_what_is_no_job_is_said(board: JobBoard, here: PlayedRunner, id: str) -> None:
    here.turn()
    for ask in (board.read, board.cancel):
        with pytest.raises(NotFound, match="There is no job"):
            ask(id)


def test_a_job_that_a_newer_version_wrote_is_left_out(items: MemoryItems, board: JobBoard, here: PlayedRunner) -> None:
    job = board.put(JobKind.TRAIN, "me")
    items.create(job.document() | {"id": "9999999999999998", "kind": "dream"})
    here.turn()
    assert [held.id for held in here.jobs] == [job.id]
    assert [one.id for one in board.list()] == [job.id]


def test_the_same_job_put_in_by_two_at_the_same_moment_is_one(
    items: MemoryItems, board: JobBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, create = JobBoard(items, lambda: 10**15), items.create
    first: list[Job] = []

    def while_creating(document: Mapping[str, Any]) -> Item:
        monkeypatch.setattr(items, "create", create)
        first.append(other.put(JobKind.TRAIN, "you"))
        return create(document)

    monkeypatch.setattr(items, "create", while_creating)
    with pytest.raises(Conflict, match="waits already"):
        board.put(JobKind.TRAIN, "me")
    assert board.open() == first


def test_jobs_of_a_newer_version_do_not_end_the_list(items: MemoryItems, board: JobBoard) -> None:
    jobs = [board.put(JobKind.TRAIN, "me", Arguments(name)) for name in "abc"]
    for number in range(3):
        items.create(jobs[0].document() | {"id": f"999999999999999{number}", "kind": "dream"})
    assert board.list(2) == [jobs[2], jobs[1]]
    assert board.latest() == jobs[2]
