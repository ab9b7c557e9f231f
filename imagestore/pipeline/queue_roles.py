"""The queues, what each is for, and about how much waits in it."""

from dataclasses import dataclass

from imagestore.errors import StoreError
from imagestore.store import Queue, Stores
from imagestore.store.queues import BLOB_POISON_QUEUE, WORK_POISON_QUEUE, WORK_QUEUE


@dataclass(frozen=True)
class QueueRole:
    """What a queue is for; `is_poison` if its messages were given up."""

    name: str
    meaning: str
    is_poison: bool


QUEUES = (
    QueueRole(WORK_QUEUE, "to be done, or tried again later", is_poison=False),
    QueueRole(WORK_POISON_QUEUE, "given up; nothing reads it but people", is_poison=True),
    QueueRole(BLOB_POISON_QUEUE, "given up by the host, about to be queued again", is_poison=True),
)


def queues_of(stores: Stores) -> list[tuple[QueueRole, Queue]]:
    """Each queue with its role."""
    return list(zip(QUEUES, (stores.work, stores.work_poison, stores.poison), strict=True))


def queue_lengths(stores: Stores) -> dict[QueueRole, int | None]:
    """About how many messages each queue holds; None if it does not answer."""
    lengths: dict[QueueRole, int | None] = {}
    for role, queue in queues_of(stores):
        try:
            lengths[role] = queue.length()
        except StoreError:
            lengths[role] = None
    return lengths
