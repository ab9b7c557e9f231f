"""Tasks come off the queue as they went onto it, also those that version 0.1 sent."""

import json
from dataclasses import replace

import msgspec
import pytest

from imagestore.errors import NotATask
from imagestore.pipeline import tasks

NAME = "garden/a.jpg"


def test_a_task_comes_off_the_queue_as_it_went_on() -> None:
    sent = tasks.Task(tasks.DELETE_UPLOAD, NAME, attempt=9, error="Unavailable: why", etag="0x8DE1")
    assert tasks.parse(msgspec.json.encode(sent).decode()) == sent
    hidden = replace(sent, hidden_until="2026-11-21T09:00:00.112Z")
    assert tasks.parse(msgspec.json.encode(hidden).decode()) == hidden
    for wrong in (replace(hidden, hidden_until="soon"), replace(hidden, step=tasks.PREPROCESS)):
        with pytest.raises(NotATask):
            tasks.parse(msgspec.json.encode(wrong).decode())


def test_the_next_attempt_says_what_ended_the_last() -> None:
    task = tasks.Task(tasks.CLASSIFY, NAME, model="f" * 64)
    assert task.again("Unavailable: why") == tasks.Task(
        tasks.CLASSIFY, NAME, attempt=2, error="Unavailable: why", model="f" * 64
    )


@pytest.mark.parametrize(
    ("former", "task"),
    [
        ({"step": "classify", "name": "garden/a.jpg.png", "attempt": 3}, tasks.Task(tasks.CLASSIFY, NAME, attempt=3)),
        ({"step": "sweep", "name": "2!marker"}, tasks.Task(tasks.SWEEP, "", marker="2!marker")),
        ({"step": "sweep", "name": ""}, tasks.Task(tasks.SWEEP, "")),
        ({"step": "preprocess", "name": NAME}, tasks.Task(tasks.PREPROCESS, NAME)),
    ],
)
def test_a_task_of_version_0_1_is_read_as_it_was_meant(former: dict[str, object], task: tasks.Task) -> None:
    assert tasks.parse(json.dumps(former)) == task


def test_a_backslash_in_a_name_is_the_slash_that_azure_stores() -> None:
    assert tasks.parse(json.dumps({"step": "preprocess", "name": "garden\\a.jpg", "schema_version": 2})).name == NAME
