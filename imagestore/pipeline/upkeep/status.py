"""Counts: how many pictures have which status, how many are in progress, and what waits in the queues."""

from dataclasses import dataclass
from datetime import datetime

from imagestore.pipeline.queue_roles import QueueRole, queues_of
from imagestore.pipeline.upkeep.sweep import lost_uploads
from imagestore.record import Status
from imagestore.store import Stores


@dataclass(frozen=True)
class QueueStatus:
    """About how many messages a queue holds, and when the oldest visible one was sent (None if there is none)."""

    role: QueueRole
    length: int
    oldest: datetime | None


@dataclass(frozen=True)
class PipelineStatus:
    """The number of pictures by status, the number of uploads without a result, and what the queues hold."""

    statuses: dict[Status, int]
    on_their_way: int
    queues: list[QueueStatus]


def status(stores: Stores) -> PipelineStatus:
    """Count everything. Lists all uploads. Raises Unavailable."""
    return PipelineStatus(
        {one: stores.records.count(one) for one in Status},
        sum(len(page.lost) for page in lost_uploads(stores, 0)),
        [QueueStatus(role, queue.length(), queue.oldest()) for role, queue in queues_of(stores)],
    )
