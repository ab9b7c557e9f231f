"""What lies on the queue `work-poison`, and how a person puts it back to work or throws it away."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from imagestore.errors import NotATask
from imagestore.pipeline import tasks
from imagestore.pipeline.steps.on_work import deletion
from imagestore.store import Stores

LONGEST_WHY = 300


@dataclass(frozen=True)
class GivenUp:
    """A message that was given up: its task, or None if it holds none, and why, as far as it says."""

    task: tasks.Task | None
    why: str


def given_up(stores: Stores) -> list[GivenUp]:
    """The first messages on the queue, at most 32. Raises Unavailable."""
    return [_read(text, stores.names.uploads) for text in stores.work_poison.peek()]


def take_up(stores: Stores, *, drop: bool = False) -> Iterator[GivenUp]:
    """Put each task on `work` again, as if it were new, and yield it. What is no task stays, unless `drop` says that it
    goes, and then it is yielded too.

    A message leaves the queue only once its task is on the other: at worst it is done twice. Raises Unavailable.
    """
    kept = []
    for message in stores.work_poison.receive():
        found = _read(message.text, stores.names.uploads)
        if found.task is not None:
            tasks.send(stores.work, replace(found.task, attempt=1, error=None, stores_answered=False))
        elif not drop:
            kept.append(message)
            continue
        stores.work_poison.remove(message)
        yield found
    for message in kept:
        stores.work_poison.release(message)


def _read(text: str, uploads: str) -> GivenUp:
    if (task := deletion(text, uploads)) is not None:
        return GivenUp(task, "the worker died of it five times")
    try:
        task = tasks.parse(text)
    except NotATask as error:
        return GivenUp(None, _said(text) or str(error)[:LONGEST_WHY])
    return GivenUp(task, (task.error or "the worker died of it five times")[:LONGEST_WHY])


def _said(text: str) -> str | None:
    """The reason that on_work.py wrote when it put the message aside."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    error = found.get("error") if isinstance(found, dict) else None
    return str(error)[:LONGEST_WHY] if error else None
