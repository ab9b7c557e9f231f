"""Stores in memory, webhooks in them, and deliverers whose turns a test plays, with a receiver that it plays too."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from classify import ModelRef, Prediction
from imagestore.jobs.sealed import Sealer
from imagestore.record import Record, Upload, record_id, utc
from imagestore.store import StoredRecord, Stores
from imagestore.store.secrets import FileSecrets
from imagestore.webhooks.backoff import Answered
from imagestore.webhooks.deliverer import Deliverer, Pace
from imagestore.webhooks.delivery import Attempt, Delivery, DeliveryState
from imagestore.webhooks.registry import Webhooks
from imagestore.webhooks.webhook import EventType, Webhook
from unit.web.memory import MemoryRecords, memory_stores

SOURCE = "https://pictures.example.org"
URL = "https://example.org/hook"
EVERY_TURN = Pace(lease_s=30, poll_s=0, idle_s=0, due_s=0, models_s=0, left_s=0)


def taken(status: int | None = 204, retry_after_s: float | None = None) -> Answered:
    return Answered(Attempt(utc(), status, "", 3), retry_after_s)


@dataclass
class Receiver:
    """Answers as a test says, and keeps what came."""

    answers: dict[str, list[Answered]] = field(default_factory=dict)
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    held: threading.Event | None = None

    def __call__(self, webhook: Webhook, delivery: Delivery, secret: str) -> Answered:
        self.got.append((webhook.id, delivery.event))
        self.secrets.add(secret)
        if self.held is not None:
            assert self.held.wait(30)
        waiting = self.answers.get(webhook.id)
        return waiting.pop(0) if waiting else taken()

    @property
    def types(self) -> list[str]:
        return [event["type"].removeprefix("imagestore.") for _, event in self.got]


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class World:
    """The stores, the webhooks in them, and what becomes of pictures."""

    stores: Stores
    webhooks: Webhooks
    receiver: Receiver = field(default_factory=Receiver)
    clock: Clock = field(default_factory=Clock)

    def deliverer(self) -> Deliverer:
        return Deliverer(self.stores, self.webhooks, self.receiver, pace=EVERY_TURN, clock=self.clock)

    def add(self, *events: EventType, url: str = URL, **options: Any) -> Webhook:
        return self.webhooks.add(url, events or tuple(EventType), "maria", **options)[0]

    def picture(self, name: str, **changes: Any) -> Record:
        """Have a picture classified now, or anything else become of it."""
        prediction = Prediction("tabby", 0.9, 0.8, 0.3, (), ModelRef("m", "1", "f" * 64))
        made = Record(record_id(name), name, upload=Upload("0x1", 3), prediction=prediction).finished(utc())
        return self.write(replace(made, **changes))

    def write(self, record: Record, revision: int | None = None) -> Record:
        records = cast(MemoryRecords, self.stores.records)
        revision = revision or time.time_ns() // 1_000_000
        records.written.append(StoredRecord(record, f"etag {len(records.written)}", None, revision))
        return record

    def states(self, webhook: Webhook) -> list[str]:
        return [str(one.state) for one in self.webhooks.deliveries(webhook.id, 100)]

    def all_of(self, webhook: Webhook, state: DeliveryState) -> bool:
        return set(self.states(webhook)) == {str(state)}


def until(look: Callable[[], object], what: str) -> None:
    """Wait until this is so."""
    deadline, pause = time.monotonic() + 30, threading.Event()
    while not look():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        pause.wait(0.001)


def settled(deliverer: Deliverer) -> None:
    """Wait until nothing is being sent."""
    until(lambda: deliverer.is_idle, "what is being sent")


@pytest.fixture
def world(tmp_path: Path) -> World:
    stores = memory_stores()
    sealer = Sealer(FileSecrets(tmp_path / "secrets.json"))
    return World(stores, Webhooks(stores, sealer, ("localhost",), SOURCE))
