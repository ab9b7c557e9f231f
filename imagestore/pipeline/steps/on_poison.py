"""Takes up blob messages that the Functions host gave up on: each is put on the queue `work`, for later."""

import json
import logging

from imagestore.pipeline import tasks
from imagestore.pipeline.context import Context
from imagestore.pipeline.names import upload_name
from imagestore.record import can_be_stored, stored_name
from imagestore.store.queues import BLOB_POISON_QUEUE

log = logging.getLogger("imagestore.poison")
_OTHERS_DELAY_S = 24 * 3600


def on_poison(context: Context, message: str) -> None:
    """Queue the message's step again. Another app's message is put back on its queue, and seen again after a day.

    Raises Unavailable.
    """
    task = _task(context, message)
    if task is None:
        log.warning("left another app's message in %s", BLOB_POISON_QUEUE)
        context.stores.poison.send(message, _OTHERS_DELAY_S)
        return
    log.error("step=%s was given up by the host; again in %g s", task.step, context.poison_delay_s)
    tasks.send(context.stores.work, task, context.poison_delay_s)


def _task(context: Context, message: str) -> tasks.Task | None:
    try:
        parsed = json.loads(message)
        container, function = parsed["ContainerName"], str(parsed["FunctionId"])
        name = stored_name(str(parsed["BlobName"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    step = function.rpartition(".")[2]
    ours = {tasks.PREPROCESS: context.stores.names.uploads, tasks.CLASSIFY: context.stores.names.staging}
    if ours.get(step) != container or not can_be_stored(name):
        return None
    return tasks.Task(step, upload_name(name) if step == tasks.CLASSIFY else name, by_event=True)
