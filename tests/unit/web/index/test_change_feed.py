"""The index follows the change feed, and whoever waits for a change is told."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imagestore.record import Record
from imagestore.web.index.change_feed import ChangeFeedReader, Changes
from imagestore.web.index.index import Index
from unit.web.memory import memory_stores
from unit.web.records import picture, stored

PATIENCE_S = 30


@pytest.fixture
def stores() -> Any:
    return memory_stores()


@pytest.fixture
def reader(stores: Any, index: Index) -> ChangeFeedReader:
    return ChangeFeedReader(stores, index, 0.01)


def run(reader: ChangeFeedReader, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run this while the reader reads."""

    async def go() -> None:
        reader.start(asyncio.get_running_loop())
        try:
            await work()
        finally:
            await asyncio.to_thread(reader.stop)

    asyncio.run(go())


async def changes(reader: ChangeFeedReader, until: Callable[[], bool]) -> None:
    """Wait for changes until this holds."""
    with reader.watching():
        while True:
            changed = reader.changed
            if until():
                return
            await asyncio.wait_for(changed.wait(), PATIENCE_S)


def etag_of(record: Record) -> str:
    assert record.upload is not None
    return record.upload.etag


def test_a_record_that_another_process_writes_ends_the_wait_for_it(reader: ChangeFeedReader, stores: Any) -> None:
    cat = picture("cat.jpg")

    async def work() -> None:
        waiting = asyncio.create_task(reader.final(cat.id, etag_of(cat), PATIENCE_S))
        stores.records.write(cat, None, None)
        assert await waiting == cat

    run(reader, work)


def test_the_record_of_another_version_is_not_what_is_waited_for(reader: ChangeFeedReader) -> None:
    cat = picture("cat.jpg")
    reader.changed_here(stored(cat))
    assert asyncio.run(reader.final(cat.id, "0xOTHER", 0)) is None
    assert asyncio.run(reader.final(cat.id, etag_of(cat), 0)) == cat


def test_what_this_process_changed_is_seen_and_told_at_once(
    reader: ChangeFeedReader, stores: Any, index: Index
) -> None:
    cat = picture("cat.jpg")

    async def work() -> None:
        reader.changed_here(stored(cat))
        assert index.get(cat.id) == cat
        changed, seq = reader.changed, index.last_seq()
        reader.shown_again(cat.id)
        await asyncio.wait_for(changed.wait(), PATIENCE_S)
        assert index.last_seq() > seq, "or no watcher would be sent it again"
        changed = reader.changed
        reader.deleted_here(cat.id)
        await asyncio.wait_for(changed.wait(), PATIENCE_S)
        assert index.get(cat.id) is None

    run(reader, work)


def test_while_the_records_cannot_be_read_the_reader_says_so_and_goes_on(
    reader: ChangeFeedReader, stores: Any, index: Index
) -> None:
    stores.records.write(picture("cat.jpg"), None, None)
    stores.records.is_away = True

    async def work() -> None:
        while reader.problem is None or "ServiceRequestError" not in reader.problem:
            await asyncio.sleep(0)
        stores.records.is_away = False
        await changes(reader, lambda: index.get(picture("cat.jpg").id) is not None)
        while reader.problem is not None:
            await asyncio.sleep(0)

    run(reader, work)


def test_an_index_of_other_records_begins_anew(reader: ChangeFeedReader, stores: Any, index: Index) -> None:
    """As after a rebuild: what the index held may not be there any more."""
    index.apply([stored(picture("gone.jpg"))], "another container", "5")
    stores.records.write(picture("cat.jpg"), None, None)

    async def work() -> None:
        await changes(reader, lambda: index.get(picture("cat.jpg").id) is not None)
        assert index.get(picture("gone.jpg").id) is None

    run(reader, work)


def test_an_index_that_slept_longer_than_tombstones_are_sure_to_last_begins_anew(
    reader: ChangeFeedReader, stores: Any, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.apply([stored(picture("gone.jpg"))], "memory", "0")
    position = index.position()
    assert position is not None
    old = replace(position, at=datetime.now(UTC) - timedelta(days=8))
    slept = iter([old])
    read = index.position
    monkeypatch.setattr(index, "position", lambda: next(slept, None) or read())
    stores.records.write(picture("cat.jpg"), None, None)

    async def work() -> None:
        await changes(reader, lambda: index.get(picture("cat.jpg").id) is not None)
        assert index.get(picture("gone.jpg").id) is None

    run(reader, work)


def test_streams_that_have_come_equally_far_ask_the_index_once(
    reader: ChangeFeedReader, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    since = Index.since

    def counted(of: Index, seq: int, limit: int) -> Changes:
        asked.append(seq)
        return since(of, seq, limit)

    monkeypatch.setattr(Index, "since", counted)

    async def go() -> None:
        index.put(stored(picture("cat.jpg")))
        found = await asyncio.gather(*(reader.since(0, 10) for _ in range(1000)))
        assert {len(rows) for rows in found} == {1}
        index.put(stored(picture("dog.jpg")))
        reader._announce()
        assert [len(rows) for rows in await asyncio.gather(reader.since(0, 10), reader.since(1, 10))] == [2, 1]

    asyncio.run(go())
    assert sorted(asked) == [0, 0, 1]
