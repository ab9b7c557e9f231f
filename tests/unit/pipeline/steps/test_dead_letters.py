"""Events that Event Grid could not deliver are read from where it puts them, and asked for once more."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from exhaustive.memory import memory_stores
from imagestore.pipeline import tasks
from imagestore.pipeline.steps.dead_letters import read_dead_letters, tasks_in
from imagestore.store import Names

NAMES = Names("uploads", "staging", "results", "thumbnails", "models", "training", "deadletter", "imagedata")


def event(kind: str, container: str, name: str) -> dict[str, Any]:
    """As Microsoft's documentation shows one in a dead letter."""
    return {
        "topic": "/subscriptions/1/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/a",
        "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
        "eventType": f"Microsoft.Storage.{kind}",
        "eventTime": "2026-11-24T09:00:00.0000000Z",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": {"api": "PutBlockList", "blobType": "BlockBlob", "url": f"https://a.blob.core.windows.net/{container}"},
        "dataVersion": "",
        "metadataVersion": "1",
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        "deliveryAttempts": 1,
        "lastDeliveryOutcome": "NotFound",
        "publishTime": "2026-11-24T09:00:01.5551463Z",
        "lastDeliveryAttemptTime": "2026-11-24T09:00:01.6211541Z",
    }


def asked(*events: dict[str, Any]) -> list[tuple[str, str]]:
    return [(task.step, task.name) for task in tasks_in(json.dumps(events).encode(), NAMES)]


def test_each_kind_of_event_asks_for_its_step() -> None:
    created, staged = event("BlobCreated", "uploads", "a/b c.jpg"), event("BlobCreated", "staging", "a/b c.jpg.png")
    assert asked(created, staged, event("BlobDeleted", "uploads", "old.jpg")) == [
        (tasks.PREPROCESS, "a/b c.jpg"),
        (tasks.CLASSIFY, "a/b c.jpg"),
        (tasks.CLEAN_UP, "old.jpg"),
    ]


def test_other_containers_events_ask_for_nothing() -> None:
    others = [event("BlobCreated", "results", "a.json"), event("BlobDeleted", "staging", "a.png")]
    assert asked(*others, event("BlobTierChanged", "uploads", "a.jpg"), {"eventType": 3}) == []


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"[1]", b'"text"'])
def test_what_is_no_dead_letter_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        list(tasks_in(data, NAMES))


def test_a_dead_letter_goes_once_its_tasks_are_queued_and_anything_else_stays() -> None:
    stores = memory_stores()
    stores.dead_letters.place(
        "PREPROCESS/2026/11/24/9/1.json", json.dumps([event("BlobCreated", "uploads", "a.jpg")]).encode()
    )
    stores.dead_letters.place("notes.txt", b"not ours")
    stores.names = NAMES
    context: Any = SimpleNamespace(stores=stores, sweep_budget_s=60.0)
    assert read_dead_letters(context) == 1
    assert [tasks.parse(message).name for message in stores.work.messages] == ["a.jpg"]
    assert list(stores.dead_letters.blobs) == ["notes.txt"]
    assert read_dead_letters(context) == 0
