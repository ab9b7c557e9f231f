"""Runs a step; what a service's fault or one of ours stops is tried again later, and in the end becomes a record."""

import logging
from collections.abc import Callable

from pipeline import tasks
from pipeline.commit import commit, finish, forget, repair
from pipeline.context import Context
from pipeline.delete import delete_version
from pipeline.on_staged import on_staged
from pipeline.on_upload import on_upload
from record import Problem, Record, Upload, record_id

log = logging.getLogger("imagestore.attempt")

LONGEST_ERROR = 1000
"""A queue message holds 64 KB, the name included."""

_STEPS: dict[str, Callable[[Context, tasks.Task], None]] = {
    tasks.PREPROCESS: lambda context, task: on_upload(context, task.name),
    tasks.CLASSIFY: lambda context, task: on_staged(context, task.name),
    tasks.DELETE: lambda context, task: delete_version(context.stores, task.name, task.etag),
    tasks.DELETED: lambda context, task: forget(context.stores, task.name),
    tasks.REPAIR: lambda context, task: repair(context.stores, task.name),
}


def attempt(context: Context, task: tasks.Task) -> None:
    """Do the task. If it fails it is put on the queue `work` for later; after the last attempt its record says failed.

    Raises only if neither can be done, so that the Functions host tries it again.
    """
    step = _STEPS.get(task.step)
    if step is None:
        log.error("dropped a task with the unknown step %r", task.step[:40])
        return
    try:
        if task.model is not None:
            context.live.current(task.model)
        step(context, task)
    except Exception as error:  # whatever it is, the picture is not at fault, and nothing may be lost
        _later(context, task, error)


def _later(context: Context, task: tasks.Task, error: Exception) -> None:
    said = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
    delays, id = context.retry_delays_s, record_id(_upload_name(task))
    if task.attempt <= len(delays):
        delay = delays[task.attempt - 1]
        log.warning("step=%s id=%s attempt=%d, again in %g s: %s", task.step, id, task.attempt, delay, said)
        tasks.send(context.stores.work, task.again(said), delay)
        return
    log.error("step=%s id=%s failed for good after %d attempts", task.step, id, task.attempt, exc_info=error)
    try:
        _fail(context, task, Problem(task.step, type(error).__name__, str(error)[:LONGEST_ERROR]))
    except Exception as second:  # a long outage: as long as it lasts, ask again at the slowest pace
        log.warning("id=%s cannot be written as failed: %s", id, second)
        tasks.send(context.stores.work, task, delays[-1] if delays else context.poison_delay_s)


def _fail(context: Context, task: tasks.Task, problem: Problem) -> None:
    name = _upload_name(task)
    present = context.stores.uploads.look(name)
    if present is None:
        return forget(context.stores, name)
    record = Record(record_id(name), name, upload=Upload(present.etag, present.size_bytes), problem=problem)
    commit(context.stores, name, present.etag, finish(record))


def _upload_name(task: tasks.Task) -> str:
    return task.name.removesuffix(".png") if task.step == tasks.CLASSIFY else task.name
