"""Finds uploads that no event led to a final record, and queues them. Reads no Cosmos: the tags tell."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline import tasks
from pipeline.context import Context
from store import Listed, Stores

log = logging.getLogger("imagestore.sweep")


@dataclass(frozen=True)
class Page:
    """What one page of the listing held. `marker` is where the next one begins, None at the end."""

    seen: int
    lost: list[str]
    marker: str | None


def sweep(context: Context, marker: str | None = None) -> int:
    """Go through the uploads from `marker` on and queue each whose tags do not speak of its present version.

    After the budget a task with the marker goes on the queue, which goes on from there. Returns how many were queued.
    """
    ends = time.monotonic() + context.sweep_budget_s
    queued = 0
    for page in lost_uploads(context.stores, context.sweep_min_age_s, marker):
        for name in page.lost:
            tasks.send(context.stores.work, tasks.Task(tasks.PREPROCESS, name))
        queued += len(page.lost)
        if page.marker and time.monotonic() > ends:
            tasks.send(context.stores.work, tasks.Task(tasks.SWEEP, page.marker))
            break
    log.info("sweep queued=%d", queued)
    return queued


def lost_uploads(stores: Stores, min_age_s: float, marker: str | None = None) -> Iterator[Page]:
    """Page by page the uploads that are lost and older than `min_age_s`: one call a page, none an upload. Away."""
    young = datetime.now(UTC) - timedelta(seconds=min_age_s)
    for page, after in stores.uploads.list(marker, tags=True):
        yield Page(len(page), [blob.name for blob in page if is_lost(blob) and blob.last_modified <= young], after)


def is_lost(blob: Listed) -> bool:
    """Whether the tags do not speak of the version that is there."""
    return blob.tags.get("of") != blob.etag


def paced(
    rate: float | None, wait: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """A step at a time, `rate` a second; as fast as asked for where there is none."""
    started = clock()
    count = 0
    while True:
        yield
        count += 1
        if rate:
            wait(max(0.0, started + count / rate - clock()))
