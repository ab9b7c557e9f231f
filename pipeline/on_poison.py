"""The last net: a blob message that the Functions host gave up on is put on the queue `work`, for later."""

import json
import logging

from pipeline import tasks
from pipeline.context import Context
from settings import BLOB_POISON_QUEUE

log = logging.getLogger("imagestore.poison")
_OTHERS_DELAY_S = 24 * 3600


def on_poison(context: Context, message: str) -> None:
    """Queue the step again. Another app's message goes back to where it was, to be looked at again in a day. Away."""
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
        container, name, function = parsed["ContainerName"], str(parsed["BlobName"]), str(parsed["FunctionId"])
    except (ValueError, KeyError, TypeError):
        return None
    step = function.rpartition(".")[2]
    ours = {tasks.PREPROCESS: context.stores.names.uploads, tasks.CLASSIFY: context.stores.names.staging}
    return tasks.Task(step, name) if ours.get(step) == container else None
