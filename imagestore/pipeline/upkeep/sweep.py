"""Finds uploads that have no final record, such as those whose event was missed, and queues them.

An upload looks lost if its tags lack its current ETag; only then is its record read. If the record is of the current
version, only the tags are missing and are set at once. So an upload that cannot be tagged is not queued by every sweep.
"""

import functools
import logging
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from imagestore import telemetry
from imagestore.errors import Contended, StoreError, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.commit import repair
from imagestore.pipeline.context import Context
from imagestore.pipeline.queue_roles import queues_of
from imagestore.pipeline.restored import restored_from
from imagestore.record import Record, record_id, stored_name, utc
from imagestore.store import Listed, Stores
from imagestore.store.instance import open_restore
from imagestore.store.tags import agree, etag_in, tags_of
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.sweep")

MOST_WAITING = 10_000
"""The timer's sweep queues nothing while more messages than this wait on the queue `work`."""


@dataclass(frozen=True)
class LostPage:
    """One page of the listing: how many uploads it holds, and which of them look lost.

    `marker` is where the next page begins, None at the end.
    """

    seen: int
    lost: list[Listed]
    marker: str | None


@dataclass(frozen=True)
class Swept:
    """How far a sweep is: how many uploads were seen, queued, and tagged because only their tags were missing.

    `marker` is where another sweep can continue, None at the end.
    """

    seen: int = 0
    queued: int = 0
    tagged: int = 0
    marker: str | None = None


def scheduled_sweep(context: Context, marker: str | None = None) -> int:
    """The timer's sweep, from `marker` on. Returns how many uploads were queued.

    When its time budget is over, it queues a task that continues from the marker. If a store does not answer, it stops;
    the timer's next sweep starts again.
    """
    ends, at = time.monotonic() + context.sweep_budget_s, Swept()
    if marker is None:
        log_queue_lengths(context.stores)
    try:
        if context.stores.work.length() > MOST_WAITING:
            log.warning("no sweep: more than %d messages wait on the queue", MOST_WAITING)
            return 0
        for at in sweep(context.stores, context.sweep_min_age_s, marker, undelete_days=context.undelete_days):
            if at.marker and time.monotonic() > ends:
                tasks.send(context.stores.work, tasks.Task(tasks.SWEEP, "", marker=at.marker))
                break
    except Unavailable as error:
        log.warning("the sweep ends early: %s", error)
    log.info("sweep seen=%d queued=%d tagged=%d", at.seen, at.queued, at.tagged)
    telemetry.measure(signals.SWEPT, at.queued)
    return at.queued


def log_queue_lengths(stores: Stores) -> None:
    """Log about how many messages each queue holds, and how old the oldest visible one is, a line each: an alert of
    infra/modules/alerts.bicep reads them.

    Azure's own metric is of all queues of the account together, and an hour old.
    """
    for _, queue in queues_of(stores):
        try:
            length, oldest = queue.length(), queue.oldest()
            age_s = 0.0 if oldest is None else max(0.0, (datetime.now(UTC) - oldest).total_seconds())
            log.info("queue=%s length=%d age_s=%d", queue.name, length, age_s)
            telemetry.measure(signals.QUEUE_LENGTH, length, queue=queue.name)
            telemetry.measure(signals.QUEUE_AGE, age_s, queue=queue.name)
        except StoreError as error:
            log.warning("the length of queue %s is not known: %s", queue.name, error)


def sweep(
    stores: Stores,
    min_age_s: float,
    marker: str | None = None,
    *,
    undelete_days: int = 0,
    rate: float | None = None,
    dry_run: bool = False,
) -> Iterator[Swept]:
    """Queue every lost upload, at most `rate` a second, and yield the progress after each page of the listing.

    Uploads younger than `min_age_s` are left to their events. An upload that was deleted in the last `undelete_days`
    days and exists again is lost too: undeleting a blob in Azure restores ETag and tags, and raises no event. What a
    restore has put there that is not finished is left to it. Raises Unavailable.
    """
    at, pace, open_snapshot = Swept(), paced(rate), functools.cache(lambda: _open_snapshot(stores))
    for page in lost_uploads(stores, min_age_s, marker, _deleted(stores, undelete_days)):
        queued = tagged = 0
        for blob in page.lost:
            stored = stores.records.read(record_id(blob.name))
            if stored and stored.record.upload and stored.record.upload.etag == blob.etag:
                tagged += dry_run or _set_tags(stores, blob, stored.record)
                continue
            if (snapshot := restored_from(blob.name, blob.metadata)) is not None and snapshot == open_snapshot():
                continue  # the restore that has put it there writes its record
            if not dry_run:
                tasks.send(stores.work, tasks.Task(tasks.PREPROCESS, blob.name))
                next(pace)
            queued += 1
        at = Swept(at.seen + page.seen, at.queued + queued, at.tagged + tagged, page.marker)
        yield at


def lost_uploads(
    stores: Stores, min_age_s: float, marker: str | None = None, deleted: Collection[str] = ()
) -> Iterator[LostPage]:
    """The uploads older than `min_age_s` that look lost, page by page. One storage call per page, none per upload.

    An upload in `deleted`, whose record is a tombstone, looks lost whatever its tags say. Raises Unavailable.
    """
    young = datetime.now(UTC) - timedelta(seconds=min_age_s)
    for page, after in stores.uploads.list(marker, tags=True, metadata=True):
        lost = [blob for blob in page if _looks_lost(blob, young, deleted)]
        yield LostPage(len(page), lost, after)


def _open_snapshot(stores: Stores) -> str | None:
    found = open_restore(stores.model_files)
    return None if found is None else found.snapshot


def _looks_lost(blob: Listed, young: datetime, deleted: Collection[str]) -> bool:
    return stored_name(blob.name) in deleted or (is_lost(blob) and blob.last_modified <= young)


def _deleted(stores: Stores, days: int) -> Collection[str]:
    return set(stores.records.deleted_since(utc(datetime.now(UTC) - timedelta(days=days)))) if days else ()


def is_lost(blob: Listed) -> bool:
    """Whether the upload's tags lack its current ETag."""
    return etag_in(blob.tags) != blob.etag


def paced(
    rate: float | None, wait: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
) -> Iterator[None]:
    """Yield at most `rate` times a second, or without a pause if `rate` is None."""
    started = clock()
    count = 0
    while True:
        yield
        count += 1
        if rate:
            wait(max(0.0, started + count / rate - clock()))


def _set_tags(stores: Stores, blob: Listed, record: Record) -> bool:
    """Set the tags that a record has and its upload lacks. Returns whether that was possible."""
    if agree(blob.tags, tags_of(record)):
        return False  # beside ten tags of the user's there is no room for ours
    try:
        repair(stores, blob.name)
    except (StoreError, Contended) as error:
        log.warning("id=%s cannot be tagged: %s", record.id, error)
        return False
    return True
