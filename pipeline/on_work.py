"""What comes by the queue `work`: our own tasks, and Event Grid's word that an upload was deleted."""

import json
import logging
import re
from typing import Any

from pipeline import tasks
from pipeline.attempt import attempt
from pipeline.context import Context
from pipeline.sweep import sweep

log = logging.getLogger("imagestore.work")
_SUBJECT = re.compile(r"/blobServices/default/containers/(?P<container>[^/]+)/blobs/(?P<name>.+)", re.DOTALL)


def on_work(context: Context, message: str) -> None:
    """Do what the message asks; one that asks nothing we know is logged and dropped."""
    task = deletion(message, context.stores.names.uploads) or _task(message)
    if task is None:
        log.error("dropped a message of %d characters that is neither a task nor an event", len(message))
    elif task.step == tasks.SWEEP:
        sweep(context, task.name or None)
    else:
        attempt(context, task)


def deletion(message: str, container: str) -> tasks.Task | None:
    """The task in an Event Grid event that says a blob of this container was deleted; None where it is none."""
    event = _json(message)
    if event.get("eventType") != "Microsoft.Storage.BlobDeleted":
        return None
    found = _SUBJECT.fullmatch(str(event.get("subject")))
    return tasks.Task(tasks.DELETED, found["name"]) if found and found["container"] == container else None


def _task(message: str) -> tasks.Task | None:
    try:
        return tasks.parse(message)
    except ValueError:
        return None


def _json(message: str) -> dict[str, Any]:
    try:
        event = json.loads(message)
    except ValueError:
        return {}
    if isinstance(event, list) and len(event) == 1:
        event = event[0]
    return event if isinstance(event, dict) else {}
