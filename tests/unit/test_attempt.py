"""What is tried again, when, and what becomes of it in the end."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from errors import Away
from exhaustive.memory import memory_stores
from pipeline import tasks
from pipeline.attempt import _STEPS, attempt
from pipeline.on_poison import on_poison
from pipeline.on_work import deletion, on_work
from pipeline.sweep import paced
from record import Status
from store import Stores

NAME = "garden/a.jpg"
DELAYS = (10.0, 30.0)


class Queue:
    """Remembers what was sent, and when it is due."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, float]] = []
        self.is_away = False

    def send(self, message: str, delay_s: float = 0) -> None:
        if self.is_away:
            raise Away("sending")
        self.sent.append((message, delay_s))

    def tasks(self) -> list[tuple[tasks.Task, float]]:
        return [(tasks.parse(message), delay) for message, delay in self.sent]


def context() -> Any:
    stores = memory_stores()
    stores.work, stores.poison = Queue(), Queue()
    stores.names.uploads, stores.names.staging = "uploads", "staging"
    stores.uploads.place(NAME, b"picture")
    return SimpleNamespace(stores=stores, retry_delays_s=DELAYS, poison_delay_s=600.0)


def failing(error: Exception) -> Callable[[Any, str], None]:
    def step(context: Any, name: str) -> None:
        raise error

    return step


@pytest.mark.parametrize("error", [Away("storage"), ZeroDivisionError("ours"), MemoryError()])
def test_a_failure_is_tried_again_after_each_delay(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    monkeypatch.setitem(_STEPS, tasks.PREPROCESS, failing(error))
    here = context()
    task = tasks.Task(tasks.PREPROCESS, NAME)
    for number, delay in enumerate(DELAYS, 2):
        attempt(here, task)
        task, due = here.stores.work.tasks()[-1]
        assert (task.attempt, due) == (number, delay)
        assert type(error).__name__ in (task.error or "")


def test_the_last_attempt_leaves_a_record_that_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_STEPS, tasks.CLASSIFY, failing(Away("the model room is closed")))
    here = context()
    attempt(here, tasks.Task(tasks.CLASSIFY, NAME + ".png", attempt=3))
    record = here.stores.records.known.record
    assert record.name == NAME
    assert record.status is Status.FAILED
    assert (record.problem.step, record.problem.reason) == ("classify", "Away")
    assert record.problem.detail == "the model room is closed"
    assert here.stores.work.sent == []


def test_while_not_even_that_can_be_written_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_STEPS, tasks.PREPROCESS, failing(Away("storage")))
    here = context()
    monkeypatch.setattr(here.stores.records, "read", failing(Away("cosmos")))
    task = tasks.Task(tasks.PREPROCESS, NAME, attempt=3)
    attempt(here, task)
    assert here.stores.work.tasks() == [(task, DELAYS[-1])]


def test_it_raises_only_if_the_queue_is_away_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_STEPS, tasks.PREPROCESS, failing(Away("storage")))
    here = context()
    here.stores.work.is_away = True
    with pytest.raises(Away):
        attempt(here, tasks.Task(tasks.PREPROCESS, NAME))


def event(**changes: object) -> str:
    import json

    subject = f"/blobServices/default/containers/uploads/blobs/{NAME}"
    return json.dumps({"eventType": "Microsoft.Storage.BlobDeleted", "subject": subject, **changes})


def test_the_queue_holds_our_tasks_and_event_grids_deletions() -> None:
    assert deletion(event(), "uploads") == tasks.Task(tasks.DELETED, NAME)
    assert deletion(event(), "other") is None
    assert deletion(event(eventType="Microsoft.Storage.BlobCreated"), "uploads") is None
    assert deletion(event(subject="/blobServices/default/containers/uploads"), "uploads") is None
    assert deletion(f"[{event()}]", "uploads") == tasks.Task(tasks.DELETED, NAME)


@pytest.mark.parametrize("message", ["", "{", "[]", "3", '{"step": "dance", "name": "x"}', '{"name": "x"}', "\0"])
def test_a_message_that_asks_nothing_is_dropped(message: str) -> None:
    here = context()
    on_work(here, message)
    assert here.stores.work.sent == []


def poisoned(function: str, container: str) -> str:
    return f'{{"FunctionId": "Host.Functions.{function}", "ContainerName": "{container}", "BlobName": "a.jpg"}}'


def test_what_the_host_gave_up_is_queued_later_and_others_messages_stay() -> None:
    here = context()
    on_poison(here, poisoned("preprocess", "uploads"))
    on_poison(here, poisoned("classify", "staging"))
    assert here.stores.work.tasks() == [
        (tasks.Task(tasks.PREPROCESS, "a.jpg"), 600.0),
        (tasks.Task(tasks.CLASSIFY, "a.jpg"), 600.0),
    ]
    others = [poisoned("preprocess", "invoices"), poisoned("thumbnails", "uploads"), "no JSON"]
    for message in others:
        on_poison(here, message)
    assert [message for message, _ in here.stores.poison.sent] == others


def test_a_rate_is_held() -> None:
    waits: list[float] = []
    pace = paced(10.0, waits.append, lambda: 5.0)
    for _ in range(4):
        next(pace)
    assert waits == pytest.approx([0.1, 0.2, 0.3])


def test_stores_have_what_the_fakes_have() -> None:
    """The stand-in has no part that the real one lacks."""
    for name in vars(memory_stores()):
        assert name in Stores.__annotations__ or hasattr(Stores, name)
