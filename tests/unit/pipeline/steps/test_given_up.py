"""What was given up can be seen, and put back to work by a person; what is no task stays until that person drops it."""

import json
from typing import Any

import pytest

from imagestore.pipeline import tasks
from imagestore.pipeline.steps.given_up import given_up, take_up
from unit.web.memory import memory_stores

SUBJECT = "/blobServices/default/containers/uploads/blobs/gone.jpg"


@pytest.fixture
def stores() -> Any:
    stores = memory_stores()
    tasks.send(stores.work_poison, tasks.Task(tasks.PREPROCESS, "a.jpg", attempt=9, error="BlobLeased: a lease"))
    tasks.send(stores.work_poison, tasks.Task(tasks.CLASSIFY, "killed.jpg"))
    stores.work_poison.send(json.dumps({"eventType": "Microsoft.Storage.BlobDeleted", "subject": SUBJECT}))
    stores.work_poison.send(json.dumps({"error": "This is no task: there is no step 'dance'", "message": "{}"}))
    return stores


def queued(stores: Any) -> list[tasks.Task]:
    return [tasks.parse(text) for text in stores.work.peek()]


def test_each_message_says_what_it_is_and_why(stores: Any) -> None:
    assert [(one.task and (one.task.step, one.task.name), one.why) for one in given_up(stores)] == [
        (("preprocess", "a.jpg"), "BlobLeased: a lease"),
        (("classify", "killed.jpg"), "the worker died of it five times"),
        (("deleted", "gone.jpg"), "the worker died of it five times"),
        (None, "This is no task: there is no step 'dance'"),
    ]
    assert stores.work_poison.length() == 4, "looking takes nothing away"


def test_tasks_begin_again_and_what_is_none_stays(stores: Any) -> None:
    assert [one.task and one.task.name for one in take_up(stores)] == ["a.jpg", "killed.jpg", "gone.jpg"]
    assert {(one.step, one.name, one.attempt, one.error) for one in queued(stores)} == {
        ("preprocess", "a.jpg", 1, None), ("classify", "killed.jpg", 1, None), ("deleted", "gone.jpg", 1, None),
    }  # fmt: skip
    assert stores.work_poison.length() == 1


def test_what_is_no_task_can_be_dropped(stores: Any) -> None:
    assert len(list(take_up(stores, drop=True))) == 4
    assert stores.work_poison.length() == 0
    assert len(queued(stores)) == 3


def test_a_task_stays_where_it_cannot_be_queued(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(message: str, delay_s: float = 0) -> None:
        raise ConnectionError

    monkeypatch.setattr(stores.work, "send", away)
    with pytest.raises(ConnectionError):
        list(take_up(stores))
    assert stores.work_poison.length() == 4
