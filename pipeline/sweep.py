"""Finds uploads that no event led to a final record, and queues them. Reads no Cosmos: the tags tell."""

import logging
import time
from datetime import UTC, datetime, timedelta

from pipeline import tasks
from pipeline.context import Context
from store import Listed

log = logging.getLogger("imagestore.sweep")


def sweep(context: Context, marker: str | None = None) -> int:
    """Go through the uploads from `marker` on and queue each whose tags do not speak of its present version.

    After the budget a task with the marker goes on the queue, which goes on from there. Returns how many were queued.
    """
    ends = time.monotonic() + context.sweep_budget_s
    young = datetime.now(UTC) - timedelta(seconds=context.sweep_min_age_s)
    queued = 0
    for page, after in context.stores.uploads.list(marker, tags=True):
        lost = [blob.name for blob in page if is_lost(blob) and blob.last_modified <= young]
        for name in lost:
            tasks.send(context.stores.work, tasks.Task(tasks.PREPROCESS, name))
        queued += len(lost)
        if after and time.monotonic() > ends:
            tasks.send(context.stores.work, tasks.Task(tasks.SWEEP, after))
            break
    log.info("sweep queued=%d", queued)
    return queued


def is_lost(blob: Listed) -> bool:
    """Whether the tags do not speak of the version that is there."""
    return blob.tags.get("of") != blob.etag
