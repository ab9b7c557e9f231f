"""Two instances of the web app and one job: each knows of it, neither begins a second, and either can stop it."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from imagestore.errors import Conflict, NotFound, Unavailable
from imagestore.pipeline.job import JobState
from imagestore.record import utc
from imagestore.store.models import Models
from imagestore.web import jobs as jobs_module
from imagestore.web.job import Job
from imagestore.web.job_board import NOTE, JobBoard, JobNote
from imagestore.web.jobs import Jobs
from unit.web.memory import MemoryBlobs

WAIT_S = 60.0


@pytest.fixture
def models() -> Models:
    return Models(cast(Any, MemoryBlobs("models")))


@pytest.fixture
def instance(models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Jobs]]:
    """Makes instances whose jobs last until they are stopped."""
    start, made = subprocess.Popen, list[Jobs]()
    monkeypatch.setattr(jobs_module, "BEAT_S", 0.01)
    monkeypatch.setattr("imagestore.web.job_board._LOOK_S", 0.0)
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: start(["/bin/sh", "-c", "exec sleep 60"], **options))

    def make() -> Jobs:
        made.append(Jobs({}, JobBoard(models)))
        return made[-1]

    yield make
    for each in made:
        each.close()


def until(look: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if look():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


def state(jobs: Jobs) -> JobState | None:
    return jobs.latest.state if jobs.latest else None


def test_one_job_at_a_time_over_all_instances(instance: Callable[[], Jobs]) -> None:
    here, there = instance(), instance()
    assert there.latest is None
    job = here.start("reprocess", "me")
    with pytest.raises(Conflict, match="on another instance"):
        there.start("promote", "me", ("mine", "1"))
    found = there.latest
    assert found is not None
    assert (found.id, found.kind, found.state) == (job.id, "reprocess", JobState.RUNNING)
    here.stop()
    until(lambda: state(there) is JobState.STOPPED)
    assert there.start("rollback", "me").id > job.id
    until(lambda: (latest := here.latest) is not None and latest.kind == "rollback")


def test_a_job_is_stopped_by_whichever_instance_is_asked(instance: Callable[[], Jobs]) -> None:
    here, there = instance(), instance()
    with pytest.raises(NotFound):
        there.stop()
    here.start("reprocess", "me")
    assert there.stop().state is JobState.RUNNING, "it takes a moment"
    until(lambda: state(here) is JobState.STOPPED)
    until(lambda: state(there) is JobState.STOPPED)


def test_a_job_whose_instance_is_gone_has_broken_off_and_the_next_may_begin(
    models: Models, instance: Callable[[], Jobs]
) -> None:
    job = Job(id=7, kind="promote", started_at=utc(), of=("mine", "1"), stage="Comparing", done=3, steps=9)
    note = JobNote("gone", utc(datetime.now(UTC) - timedelta(seconds=31)), job)
    models.note(NOTE, msgspec.json.encode(note))
    here = instance()
    found = here.latest
    assert found is not None
    assert (found.state, found.of) == (JobState.FAILED, ("mine", "1"))
    assert "broke off" in found.say
    assert here.start("promote", "me", ("mine", "1")).id == 8


def test_of_two_that_begin_at_once_one_is_refused(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = JobBoard(models), JobBoard(models)
    job = Job(id=1, kind="promote", started_at=utc())
    monkeypatch.setattr(second, "_read", lambda: (None, None))  # as it was before the first wrote
    first.claim(job)
    with pytest.raises(Conflict, match="just begun"):
        second.claim(job)


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 5000, b'{"instance": 1}'])
def test_a_note_that_others_wrote_is_none(models: Models, data: bytes) -> None:
    models.note(NOTE, data)
    assert JobBoard(models).latest() is None
    assert JobBoard(models).claim(Job(id=1, kind="promote", started_at=utc())).id == 1


def test_while_storage_is_away_what_was_seen_last_is_told(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagestore.web.job_board._LOOK_S", 0.0)
    board = JobBoard(models)
    JobBoard(models).claim(Job(id=1, kind="promote", started_at=utc()))
    before = board.latest()
    assert before is not None

    def away(_: str) -> Any:
        raise Unavailable("reading from models: ServiceRequestError")

    monkeypatch.setattr(models, "noted_version", away)
    assert board.latest() == before == replace(before)
