"""Lost uploads are found by their tags, and none is queued that has its record."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from exhaustive.memory import memory_stores
from exhaustive.test_commit import NAME, classified
from imagestore.errors import BlobLeased, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.commit import commit, final_record
from imagestore.pipeline.restored import mark
from imagestore.pipeline.upkeep.sweep import MOST_WAITING, Swept, is_lost, paced, scheduled_sweep, sweep
from imagestore.record import tombstone, utc
from imagestore.store import Stores
from imagestore.store.instance import OpenRestore, begin_restore, end_restore
from unit.web.memory import MemoryBlobs


@pytest.fixture
def stores() -> Any:
    stores = memory_stores()
    stores.uploads.place(NAME, b"picture")
    return stores


def context(stores: Stores) -> Any:
    return SimpleNamespace(stores=stores, sweep_min_age_s=0.0, sweep_budget_s=60.0, undelete_days=7)


def last(stores: Stores, **options: Any) -> Swept:
    return list(sweep(stores, 0.0, **options))[-1]


def untagged(stores: Any) -> None:
    """A worker died between the record and the tags."""
    commit(stores, NAME, "1", final_record(classified("1", "tabby")))
    etag, data, _ = stores.uploads.blobs[NAME]
    stores.uploads.blobs[NAME] = (etag, data, {})


def test_an_upload_without_tags_and_record_is_queued(stores: Any) -> None:
    assert last(stores) == Swept(seen=1, queued=1)
    assert [tasks.parse(message).name for message in stores.work.messages] == [NAME]


def test_a_dry_run_changes_nothing(stores: Any) -> None:
    assert last(stores, dry_run=True).queued == 1
    untagged(stores)
    assert last(stores, dry_run=True) == Swept(seen=1, tagged=1)
    assert stores.work.messages == []
    assert stores.uploads.blobs[NAME][2] == {}


def test_one_that_lacks_its_tags_alone_is_tagged_at_once(stores: Any) -> None:
    untagged(stores)
    assert last(stores) == Swept(seen=1, tagged=1)
    assert stores.uploads.blobs[NAME][2] == {"imagestore_etag": "1", "status": "classified", "label": "tabby"}
    assert stores.work.messages == []
    assert last(stores) == Swept(seen=1)


def test_one_that_cannot_be_tagged_is_not_queued_by_every_sweep(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    untagged(stores)

    def leased(*_: object) -> None:
        raise BlobLeased("tagging in uploads: LeaseIdMissing")

    monkeypatch.setattr(stores.uploads, "tag", leased)
    assert [scheduled_sweep(context(stores)) for _ in range(3)] == [0, 0, 0]
    assert stores.work.messages == []


def test_tags_of_the_version_before_are_understood(stores: Any) -> None:
    untagged(stores)
    etag, data, _ = stores.uploads.blobs[NAME]
    stores.uploads.blobs[NAME] = (etag, data, {"of": "0x1", "status": "classified", "label": "tabby"})
    (page,) = ([blob for blob in page] for page, _ in stores.uploads.list(tags=True))
    assert is_lost(page[0])
    assert not is_lost(SimpleNamespace(tags={"of": "0x1"}, etag="0x1"))  # type: ignore[arg-type]


def test_while_the_records_cannot_be_read_nothing_is_queued(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: str) -> None:
        raise Unavailable("reading a record")

    monkeypatch.setattr(stores.records, "read", away)
    assert scheduled_sweep(context(stores)) == 0
    assert stores.work.messages == []


def test_the_timer_adds_nothing_to_a_queue_that_is_long_enough(stores: Any) -> None:
    stores.work.length = lambda: MOST_WAITING + 1
    assert scheduled_sweep(context(stores)) == 0
    assert stores.work.messages == []


def test_an_upload_that_was_restored_is_queued_though_its_tags_agree(stores: Any) -> None:
    """Azure's undelete brings back ETag and tags, and raises no event."""
    commit(stores, NAME, "1", final_record(classified("1", "tabby")))
    assert last(stores, undelete_days=7) == Swept(seen=1)
    stores.records.write(tombstone(NAME, utc()), None, stores.records.stored)
    assert last(stores) == Swept(seen=1)
    assert last(stores, undelete_days=7) == Swept(seen=1, queued=1)


def test_the_timer_logs_the_length_of_each_queue(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An alert reads these lines: see tests/unit/infra/test_alerts.py."""
    stores.work_poison.messages += ["one", "two"]
    with caplog.at_level("INFO"):
        scheduled_sweep(context(stores))
    lengths = [line.getMessage() for line in caplog.records if line.getMessage().startswith("queue=")]
    assert lengths == [
        "queue=work length=0 age_s=0",
        "queue=work-poison length=2 age_s=0",
        "queue=webjobs-blobtrigger-poison length=0 age_s=0",
    ]


def test_a_queue_that_cannot_be_read_stops_no_sweep(
    stores: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def forbidden() -> int:
        raise Unavailable("looking at queue work-poison: AuthorizationPermissionMismatch (403)")

    monkeypatch.setattr(stores.work_poison, "length", forbidden)
    assert scheduled_sweep(context(stores)) == 1
    assert "the length of queue work-poison is not known" in caplog.text


def test_a_rate_is_held() -> None:
    waits: list[float] = []
    pace = paced(10.0, waits.append, lambda: 5.0)
    for _ in range(4):
        next(pace)
    assert waits == pytest.approx([0.1, 0.2, 0.3])


def test_what_a_restore_has_put_there_is_left_to_it_until_it_ends(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = "20261129T194500Z-0a1b2c"
    stores.model_files = MemoryBlobs("models")
    listed = stores.uploads.list

    def marked(*given: Any, **options: Any) -> Any:
        for page, after in listed(*given, **options):
            yield [replace(blob, metadata=mark(NAME, snapshot)) for blob in page], after

    monkeypatch.setattr(stores.uploads, "list", marked)
    begin_restore(stores.model_files, OpenRestore(snapshot, utc(), "me"))
    assert last(stores) == Swept(seen=1)
    end_restore(stores.model_files)
    assert last(stores) == Swept(seen=1, queued=1)
