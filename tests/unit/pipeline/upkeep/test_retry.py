"""Pictures are tried again at a person's word."""

from typing import Any

import pytest

from exhaustive.memory import memory_stores
from imagestore.errors import NotFound
from imagestore.pipeline import tasks
from imagestore.pipeline.upkeep.retry import retry_failed, retry_one
from imagestore.record import Record, reasons_like, record_id


@pytest.fixture
def stores() -> Any:
    stores = memory_stores()
    stores.uploads.place("a/b.jpg", b"picture")
    stores.asked = []

    def each(**wanted: Any) -> list[Record]:
        stores.asked.append(wanted)
        return [Record(record_id(name), name) for name in ("x.jpg", "y.jpg")]

    stores.records.each = each
    return stores


def queued(stores: Any) -> list[str]:
    return [tasks.parse(message).name for message in stores.work.messages]


def test_one_by_its_name_however_its_folders_are_written(stores: Any) -> None:
    assert retry_one(stores, "a\\b.jpg") == "a/b.jpg"
    assert queued(stores) == ["a/b.jpg"]
    with pytest.raises(NotFound):
        retry_one(stores, "nowhere.jpg")


def test_all_that_failed_or_all_of_one_reason(stores: Any) -> None:
    assert list(retry_failed(stores)) == queued(stores) == ["x.jpg", "y.jpg"]
    list(retry_failed(stores, reason="corrupt"))
    assert stores.asked == [{"status": "failed", "reason": None}, {"status": None, "reason": "corrupt"}]


def test_a_dry_run_queues_nothing(stores: Any) -> None:
    assert list(retry_failed(stores, dry_run=True)) == ["x.jpg", "y.jpg"]
    assert retry_one(stores, "a/b.jpg", dry_run=True) == "a/b.jpg"
    assert queued(stores) == []


def test_a_reason_finds_what_the_version_before_called_otherwise() -> None:
    assert reasons_like("Unavailable") == ("Unavailable", "Away")
    assert reasons_like("corrupt") == ("corrupt",)
