"""Handles messages from the queue `work`: our own tasks, and Event Grid's BlobDeleted events."""

import json
import logging
from typing import Any

import msgspec

from imagestore.errors import NotATask, StoreError, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.commit import remove_outputs, repair
from imagestore.pipeline.context import Context
from imagestore.pipeline.delete import delete_version, is_hidden
from imagestore.pipeline.steps.classify_staged import classify_staged
from imagestore.pipeline.steps.events import DELETED, changed_blob
from imagestore.pipeline.steps.preprocess_upload import preprocess_upload
from imagestore.pipeline.steps.retry_later import LONGEST_ERROR, retry_later
from imagestore.pipeline.upkeep.sweep import scheduled_sweep

log = logging.getLogger("imagestore.work")
_MOST_KEPT = 6_000
"""How many characters of a message are kept: a queue's message holds 64 KB, and JSON can make six of one character."""


def on_work(context: Context, message: str) -> None:
    """Run the task in this message.

    Whoever can write to the queue can write anything: a message that is neither a task of ours nor an event about an
    upload is put on the queue `work-poison`, with the reason. Raises Unavailable only if that queue cannot be reached.
    """
    task = deletion(message, context.stores.names.uploads)
    try:
        task = task or tasks.parse(message)
    except NotATask as error:
        return _put_aside(context, message, str(error))
    if task.step == tasks.SWEEP:
        _sweep(context, task, message)
    else:
        with retry_later(context, task):
            _do(context, task)


def _sweep(context: Context, task: tasks.Task, message: str) -> None:
    try:
        scheduled_sweep(context, task.marker)
    except Unavailable:
        raise
    except StoreError as error:  # the store refuses the marker; the timer's next sweep begins anew
        _put_aside(context, message, str(error))


def _put_aside(context: Context, message: str, why: str) -> None:
    """Put a message that cannot be done on the queue `work-poison`, as JSON with the reason."""
    log.error("a message of %d characters lies in work-poison: %s", len(message), why[:LONGEST_ERROR])
    kept = message[:_MOST_KEPT].encode("utf-8", "replace").decode()
    poisoned = {"error": f"This is no task: {why[:LONGEST_ERROR]}", "message": kept}
    context.stores.work_poison.send(msgspec.json.encode(poisoned).decode())


def _do(context: Context, task: tasks.Task) -> None:
    if task.model is not None:
        context.models.current(task.name, task.model)
    match task.step:
        case tasks.PREPROCESS:
            preprocess_upload(context, task.name, by_event=task.by_event)
        case tasks.CLASSIFY:
            classify_staged(context, task.name, by_event=task.by_event)
        case tasks.DELETE_UPLOAD:
            if task.hidden_until is None or is_hidden(context.stores, task.name, task.hidden_until):
                delete_version(context.stores, task.name, task.etag)
        case tasks.CLEAN_UP:
            remove_outputs(context.stores, task.name)
        case tasks.REPAIR:
            repair(context.stores, task.name)


def deletion(message: str, container: str) -> tasks.Task | None:
    """The task that an Event Grid event asks for when it says that a blob of this container was deleted; else None."""
    name = changed_blob(_json(message), DELETED, container)
    return None if name is None else tasks.Task(tasks.CLEAN_UP, name)


def _json(message: str) -> dict[str, Any]:
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    if isinstance(event, list) and len(event) == 1:
        event = event[0]
    return event if isinstance(event, dict) else {}
