"""A step that fails through no fault of the picture is tried again later, and in the end its record says "failed"."""

import contextlib
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace

from imagestore import telemetry
from imagestore.errors import Contended, StoreError, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.commit import final_record, remove_outputs, tag_as_failed
from imagestore.pipeline.context import Context
from imagestore.pipeline.steps.outcome import commit_outcome
from imagestore.pipeline.steps.preprocess_upload import begun_record
from imagestore.record import Failure, Record, Upload, record_id
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.retry")

LONGEST_ERROR = 1000
"""In characters. A queue message holds 64 KB, the name included."""
MORE_TRIES = 3
"""How often a task that a store refuses is tried after its last regular attempt, each time after the last of
RETRY_DELAYS_SECONDS."""
MORE_TRIES_IN_AN_OUTAGE = 336
"""The same for a task that a store does not answer: with the default RETRY_DELAYS_SECONDS, for a week."""


@contextlib.contextmanager
def retry_later(context: Context, task: tasks.Task) -> Iterator[None]:
    """Run the `with` block as this task. If it raises, queue the task on `work` to be tried again later.

    After the last attempt the record says "failed", but not at the end of an outage: where a store did not answer, the
    task is tried once more when all of them do. A task that has no record to say so, such as a deletion, and one whose
    failure cannot be recorded, is tried some more times, and ends on the queue `work-poison`. Raises only if the queue
    cannot be reached either, so that the Functions host tries it again.
    """
    try:
        yield
    except Exception as error:  # whatever it is, the picture is not at fault, and nothing may be lost
        traceback.clear_frames(error.__traceback__)  # else the upload that the step held stays in memory meanwhile
        _later(context, task, error)


def _later(context: Context, task: tasks.Task, error: Exception) -> None:
    error_text = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    delays, id = context.retry_delays_s, record_id(task.name)
    if task.attempt <= len(delays):
        delay = delays[task.attempt - 1]
        log.warning("step=%s id=%s attempt=%d, again in %g s: %s", task.step, id, task.attempt, delay, error_text)
        telemetry.measure(signals.RETRIES, step=task.step, error=type(error).__name__)
        tasks.send(context.stores.work, task.again(error_text), delay)
        return
    log.error("step=%s id=%s failed after %d attempts", task.step, id, task.attempt, exc_info=error)
    stores_answered = False
    if task.step in (tasks.PREPROCESS, tasks.CLASSIFY):
        failure = Failure(task.step, type(error).__name__, str(error)[:LONGEST_ERROR])
        try:
            if task.stores_answered or not isinstance(error, Unavailable):
                return _record_failure(context, task.name, failure)
            stores_answered = _ask_stores(context, task.name)
        except Exception as second:
            log.warning("id=%s cannot be written as failed: %s: %s", id, type(second).__name__, second)
            error_text, error = f"{error_text}; then {type(second).__name__}: {second}"[:LONGEST_ERROR], second
        if task.attempt == len(delays) + 1:
            _tag_as_failed(context, task.name, failure)
    _once_more_or_give_up(context, task, error_text, error, stores_answered)


def _ask_stores(context: Context, name: str) -> bool:
    """Read once from Blob Storage and once from Cosmos DB. Returns True; raises Unavailable if one does not answer."""
    context.stores.uploads.stat(name)
    context.stores.records.read(record_id(name))
    return True


def _record_failure(context: Context, name: str, failure: Failure) -> None:
    record = _read(context, name)
    if record is None:
        return remove_outputs(context.stores, name)
    assert record.upload is not None
    commit_outcome(context.stores, name, record.upload.etag, final_record(replace(record, problem=failure)))


def _read(context: Context, name: str) -> Record | None:
    """A new record of the upload, with its SHA-256 if the content can be read; None if the upload no longer exists."""
    uploads, limits = context.stores.uploads, context.limits
    with contextlib.suppress(StoreError), context.uploads_at_once:
        return begun_record(name, uploads.get(name, limits.max_bytes if len(name) <= limits.max_name_length else 0))
    state = uploads.stat(name)
    return None if state is None else Record(record_id(name), name, upload=Upload(state.etag, state.size_bytes))


def _once_more_or_give_up(
    context: Context, task: tasks.Task, error_text: str, error: Exception, stores_answered: bool = False
) -> None:
    delays = context.retry_delays_s
    most = MORE_TRIES_IN_AN_OUTAGE if isinstance(error, Unavailable | Contended) else MORE_TRIES
    if task.attempt - len(delays) < most:
        delay = delays[-1] if delays else context.poison_delay_s
        tasks.send(context.stores.work, task.again(error_text, stores_answered), delay)
        return
    tasks.send(context.stores.work_poison, replace(task, error=error_text))
    telemetry.measure(signals.GIVEN_UP, step=task.step)
    log.error("step=%s id=%s is given up, and lies in work-poison: %s", task.step, record_id(task.name), error_text)


def _tag_as_failed(context: Context, name: str, failure: Failure) -> None:
    """Tag the upload as failed, so that sweeps leave this version to the task that is still queued."""
    try:
        state = context.stores.uploads.stat(name)
        if state is not None:
            upload = Upload(state.etag, state.size_bytes)
            tag_as_failed(context.stores, Record(record_id(name), name, upload=upload, problem=failure))
    except StoreError as error:
        log.warning("id=%s cannot be tagged as failed: %s", record_id(name), error)
