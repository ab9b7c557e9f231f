"""Messages of our own on the queue `work`."""

from dataclasses import asdict, dataclass, replace

import msgspec

from store import Queue, Receipt

PREPROCESS = "preprocess"
CLASSIFY = "classify"
DELETE = "delete"
DELETED = "deleted"
SWEEP = "sweep"
REPAIR = "repair"


@dataclass(frozen=True)
class Task:
    """One step to do for one name: an upload's, for `classify` that of the staged blob, for `sweep` a marker.

    `etag` is for `delete`: only that version is meant. `model` is the SHA-256 of the one that should classify: who has
    another looks whether this one was promoted.
    """

    step: str
    name: str
    attempt: int = 1
    error: str | None = None
    etag: str | None = None
    model: str | None = None

    def again(self, error: str) -> "Task":
        """The same, once more, because of this error."""
        return replace(self, attempt=self.attempt + 1, error=error)


def send(queue: Queue, task: Task, delay_s: float = 0) -> Receipt:
    """Put the task on the queue, to be done in `delay_s` seconds. Away."""
    return queue.send(msgspec.json.encode(asdict(task)).decode(), delay_s)


def parse(message: str) -> Task:
    """The task in this message; ValueError where it is none."""
    try:
        return msgspec.json.decode(message, type=Task)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
