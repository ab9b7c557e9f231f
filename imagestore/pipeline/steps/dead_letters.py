"""Reads the events that Event Grid could not deliver, which it writes as dead letters into a container of their own.

A dead letter is a blob `<SUBSCRIPTION>/<year>/<month>/<day>/<hour>/<id>.json`. It holds a JSON list of events, each as
it was sent, with `deadLetterReason` beside. Source: https://learn.microsoft.com/azure/event-grid/manage-event-delivery.
"""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

from imagestore import telemetry
from imagestore.pipeline import tasks
from imagestore.pipeline.context import Context
from imagestore.pipeline.names import upload_name
from imagestore.pipeline.steps.events import CREATED, DELETED, changed_blob
from imagestore.store import Names
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.dead_letters")

MOST_BYTES = 10_000_000
"""Event Grid sends no more than 1 MB at once."""


def read_dead_letters(context: Context) -> int:
    """Queue the tasks that the events in each dead letter asked for, and delete it. Returns how many tasks were queued.

    It stops after the sweep's time budget; the next run continues. A blob that is no dead letter is logged and stays.
    Raises Unavailable.
    """
    stores, queued = context.stores, 0
    ends = time.monotonic() + context.sweep_budget_s
    for page, _ in stores.dead_letters.list():
        for blob in page:
            try:
                found = list(tasks_in(stores.dead_letters.get(blob.name, MOST_BYTES).data or b"", stores.names))
            except ValueError as error:
                log.error("left a blob in %s that is no dead letter: %s", stores.names.dead_letters, error)
                continue
            for task in found:
                tasks.send(stores.work, task)
                telemetry.measure(signals.DEAD_LETTERS, step=task.step)
            stores.dead_letters.delete(blob.name, blob.etag)
            queued += len(found)
            if time.monotonic() > ends:
                return queued
    return queued


def tasks_in(data: bytes, names: Names) -> Iterator[tasks.Task]:
    """The tasks for which the events in a dead letter asked; events of other containers ask for none.

    Raises ValueError if the data are no list of events.
    """
    try:
        events = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError(f"{len(data)} bytes that are no JSON") from None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError("its JSON is no list of events")
    for event in events:
        if task := _task(event, names):
            log.warning("step=%s an event was not delivered: %s", task.step, str(event.get("deadLetterReason"))[:100])
            yield task


def _task(event: dict[str, Any], names: Names) -> tasks.Task | None:
    if (name := changed_blob(event, CREATED, names.uploads)) is not None:
        return tasks.Task(tasks.PREPROCESS, name, by_event=True)
    if (name := changed_blob(event, CREATED, names.staging)) is not None:
        return tasks.Task(tasks.CLASSIFY, upload_name(name), by_event=True)
    if (name := changed_blob(event, DELETED, names.uploads)) is not None:
        return tasks.Task(tasks.CLEAN_UP, name)
    return None
