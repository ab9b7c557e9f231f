"""What steps run in, with queues that remember what was sent."""

import threading
from types import SimpleNamespace
from typing import Any

from exhaustive.memory import memory_stores
from imagestore.errors import Unavailable
from imagestore.pipeline import tasks
from preprocess import Limits

NAME = "garden/a.jpg"

DELAYS = (10.0, 30.0)


class Queue:
    """Remembers what was sent, and when it is due."""

    name = "work"

    def __init__(self) -> None:
        self.sent: list[tuple[str, float]] = []
        self.is_away = False

    def send(self, message: str, delay_s: float = 0) -> None:
        if self.is_away:
            raise Unavailable("sending")
        self.sent.append((message, delay_s))

    def oldest(self) -> None:
        return None

    def length(self) -> int:
        return len(self.sent)

    def tasks(self) -> list[tuple[tasks.Task, float]]:
        return [(tasks.parse(message), delay) for message, delay in self.sent]


def context() -> Any:
    stores = memory_stores()
    stores.work, stores.poison, stores.work_poison = Queue(), Queue(), Queue()
    stores.names.uploads, stores.names.staging = "uploads", "staging"
    stores.uploads.place(NAME, b"picture")
    return SimpleNamespace(
        stores=stores,
        limits=Limits(),
        uploads_at_once=threading.Semaphore(1),
        retry_delays_s=DELAYS,
        poison_delay_s=600.0,
        sweep_min_age_s=0.0,
        sweep_budget_s=60.0,
        undelete_days=0,
    )
