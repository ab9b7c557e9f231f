"""What is tried again, when, and what becomes of it in the end."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
import pytest

from classify import ModelError
from imagestore.errors import BlobArchived, BlobImmutable, BlobLeased, Protected, StoreError, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.steps.on_work import on_work
from imagestore.pipeline.steps.retry_later import MORE_TRIES_IN_AN_OUTAGE
from imagestore.pipeline.upkeep.sweep import scheduled_sweep
from imagestore.record import Status
from unit.pipeline.contexts import DELAYS, NAME, context

works = sys.modules["imagestore.pipeline.steps.on_work"]  # the package has a function of that name


def do(context: Any, task: tasks.Task) -> None:
    """As if the task came from the queue."""
    on_work(context, msgspec.json.encode(asdict(task)).decode())


def failing(error: Exception) -> Callable[..., None]:
    def step(context: Any, name: str, **options: bool) -> None:
        raise error.with_traceback(None)  # as if it were a new one

    return step


def succeeding(context: Any, name: str, **options: bool) -> None:
    pass


@pytest.mark.parametrize("error", [Unavailable("storage"), ZeroDivisionError("ours"), MemoryError()])
def test_a_failure_is_tried_again_after_each_delay(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(error))
    here = context()
    task = tasks.Task(tasks.PREPROCESS, NAME)
    for number, delay in enumerate(DELAYS, 2):
        do(here, task)
        task, due = here.stores.work.tasks()[-1]
        assert (task.attempt, due) == (number, delay)
        assert type(error).__name__ in (task.error or "")


def test_the_last_attempt_leaves_a_record_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "classify_staged", failing(ModelError("the model room is closed")))
    here = context()
    do(here, tasks.Task(tasks.CLASSIFY, NAME, attempt=3))
    record = here.stores.records.stored.record
    assert record.name == NAME
    assert record.status is Status.FAILED
    assert (record.problem.step, record.problem.reason) == ("classify", "ModelError")
    assert record.problem.detail == "the model room is closed"
    assert here.stores.work.sent == []


def test_what_fails_just_before_an_outage_ends_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    here = context()
    steps = [failing(Unavailable("cosmos")), succeeding]
    monkeypatch.setattr(works, "preprocess_upload", lambda context, name, **_: steps.pop(0)(context, name))
    do(here, tasks.Task(tasks.PREPROCESS, NAME, attempt=9))
    assert here.stores.records.stored is None
    until_the_queue_is_empty(here)
    assert steps == []
    assert here.stores.records.stored is None


def test_a_store_that_refuses_while_all_answer_leaves_a_record_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(Unavailable("storage")))
    here = context()
    do(here, tasks.Task(tasks.PREPROCESS, NAME, attempt=3))
    assert until_the_queue_is_empty(here) == 1
    record = here.stores.records.stored.record
    assert (record.status, record.problem.reason) == (Status.FAILED, "Unavailable")


def test_while_not_even_that_can_be_written_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(Unavailable("storage")))
    here = context()
    monkeypatch.setattr(here.stores.records, "read", refusing(Unavailable("cosmos")))
    do(here, tasks.Task(tasks.PREPROCESS, NAME, attempt=3))
    ((again, due),) = here.stores.work.tasks()
    assert (again.step, again.name, again.attempt, due) == (tasks.PREPROCESS, NAME, 4, DELAYS[-1])


def until_the_queue_is_empty(context: Any) -> int:
    """Do what is on the queue, however long it is due; how many tasks that were."""
    for count in range(2 * MORE_TRIES_IN_AN_OUTAGE):
        if not context.stores.work.sent:
            return count
        message, _ = context.stores.work.sent.pop(0)
        on_work(context, message)
    raise AssertionError("the tasks never end")


def refusing(error: Exception) -> Callable[..., Any]:
    def call(*arguments: object, **options: object) -> Any:
        raise error.with_traceback(None)  # as if it were a new one

    return call


@pytest.mark.parametrize(
    ("refusal", "most"),
    [(StoreError("writing a record: too large (413)"), 10), (Unavailable("cosmos"), 2 * MORE_TRIES_IN_AN_OUTAGE)],
)
def test_a_failure_that_can_never_be_recorded_ends_in_work_poison(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception, most: int
) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(ZeroDivisionError("ours")))
    here = context()
    monkeypatch.setattr(here.stores.records, "write", refusing(refusal))
    do(here, tasks.Task(tasks.PREPROCESS, NAME))
    assert until_the_queue_is_empty(here) < most
    ((given_up, _),) = here.stores.work_poison.tasks()
    assert (given_up.step, given_up.name) == (tasks.PREPROCESS, NAME)
    assert "ZeroDivisionError: ours" in given_up.error
    assert str(refusal) in given_up.error


def test_no_sweep_queues_again_what_cannot_be_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(ZeroDivisionError("ours")))
    here = context()
    monkeypatch.setattr(here.stores.records, "write", refusing(StoreError("writing a record: too large (413)")))
    do(here, tasks.Task(tasks.PREPROCESS, NAME, attempt=3))
    waiting = len(here.stores.work.sent)
    assert [scheduled_sweep(here) for _ in range(3)] == [0, 0, 0]
    assert len(here.stores.work.sent) == waiting
    assert here.stores.uploads.blobs[NAME][2] == {"imagestore_etag": "1", "status": "failed"}


def test_a_deletion_that_a_lease_forbids_is_tried_again_and_never_dropped_silently(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = context()
    monkeypatch.setattr(here.stores.uploads, "delete", refusing(BlobLeased("deleting from uploads: LeaseIdMissing")))
    do(here, tasks.Task(tasks.DELETE_UPLOAD, NAME, etag="1"))
    ((again, due),) = here.stores.work.tasks()
    assert (again.step, again.etag, again.attempt, due) == (tasks.DELETE_UPLOAD, "1", 2, DELAYS[0])
    until_the_queue_is_empty(here)
    ((given_up, _),) = here.stores.work_poison.tasks()
    assert (given_up.step, given_up.name, given_up.etag) == (tasks.DELETE_UPLOAD, NAME, "1")
    assert "BlobLeased" in given_up.error
    assert "given up" in caplog.text
    assert here.stores.records.stored is None, "the picture itself has not failed"


def test_the_end_of_a_long_outage_lets_a_deletion_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    here = context()
    with monkeypatch.context() as outage:
        outage.setattr(here.stores.records, "read", refusing(Unavailable("cosmos")))
        here.stores.uploads.blobs.clear()
        do(here, tasks.Task(tasks.CLEAN_UP, NAME))
        for _ in range(20):
            message, _ = here.stores.work.sent.pop(0)
            on_work(here, message)
    until_the_queue_is_empty(here)
    assert here.stores.records.stored.record.status is Status.DELETED
    assert here.stores.work_poison.sent == []


@pytest.mark.parametrize("kind", [BlobLeased, BlobArchived, BlobImmutable])
def test_a_protected_upload_fails_with_a_reason_that_says_so(
    monkeypatch: pytest.MonkeyPatch, kind: type[Protected]
) -> None:
    here = context()
    monkeypatch.setattr(here.stores.uploads, "get", refusing(kind("reading from uploads: why")))
    do(here, tasks.Task(tasks.PREPROCESS, NAME, attempt=3))
    record = here.stores.records.stored.record
    assert (record.status, record.problem.reason) == (Status.FAILED, kind.__name__)
    assert record.upload.sha256 is None


def test_a_failed_record_keeps_what_is_known_of_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(ZeroDivisionError("ours")))
    here = context()
    do(here, tasks.Task(tasks.PREPROCESS, NAME, attempt=3))
    upload = here.stores.records.stored.record.upload
    assert (upload.size_bytes, upload.sha256) == (7, hashlib.sha256(b"picture").hexdigest())


def test_it_raises_only_if_the_queue_is_away_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "preprocess_upload", failing(Unavailable("storage")))
    here = context()
    here.stores.work.is_away = True
    with pytest.raises(Unavailable):
        do(here, tasks.Task(tasks.PREPROCESS, NAME))
