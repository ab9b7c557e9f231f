"""Records in Cosmos DB: what must not depend on the server's own behaviour."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from azure.cosmos.exceptions import CosmosResourceNotFoundError

from imagestore.errors import Conflict, Unavailable
from imagestore.record import Record, Status, record_id
from imagestore.store.documents import to_item
from imagestore.store.records import PAGE, Records, StoredRecord, is_same_generation


def record(name: str) -> Record:
    return Record(record_id(name), name, status=Status.CLASSIFIED, finished_at="2026-11-21T09:00:00.000Z")


def item(name: str) -> dict[str, Any]:
    return to_item(record(name)) | {"_etag": '"1"'}


class SharedClient:
    """A container whose client does other things meanwhile, as the SDK's refresh of its endpoints does."""

    def __init__(self, pages: list[list[str]]) -> None:
        self.client_connection = SimpleNamespace(last_response_headers={})
        self._pages = pages

    def query_items_change_feed(self, *, response_hook: Any = None, **_: object) -> Any:
        def by_page() -> Iterator[list[dict[str, Any]]]:
            for number, names in enumerate(self._pages):
                headers = {"etag": "of one partition"}
                if response_hook:
                    response_hook(headers, {})
                headers["etag"] = f"token {number}"  # the SDK joins the partitions' tokens after the hook
                self.client_connection.last_response_headers = {"etag": "of another answer"}
                yield [item(name) for name in names]

        return SimpleNamespace(by_page=by_page)


def test_the_token_of_the_change_feed_is_that_of_its_own_answer() -> None:
    records = Records(SharedClient([["a"], ["b", "c"]]))  # type: ignore[arg-type]
    found = [([stored.record.name for stored in page], token) for page, token in records.changes(None)]
    assert found == [(["a"], "token 0"), (["b", "c"], "token 1")]
    assert records.now() == "token 1"


class NoContainer:
    def create_item(self, _: object) -> None:
        raise CosmosResourceNotFoundError(404, "Owner resource does not exist")  # type: ignore[no-untyped-call]

    def replace_item(self, *_: object, **options: object) -> None:
        self.create_item(None)


def test_a_missing_container_of_records_is_no_conflict() -> None:
    records = Records(NoContainer())  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match="no container of records"):
        records.write(record("a"), None, None)
    with pytest.raises(Conflict):
        records.write(record("a"), None, StoredRecord(record("a"), "1", None))


class Pages(Records):
    def __init__(self, count: int) -> None:
        self.asked: list[int] = []
        self._left = [record(f"{number}.jpg") for number in range(count)]

    def find(self, *, limit: int = PAGE, **_: Any) -> list[Record]:
        self.asked.append(limit)
        page, self._left = self._left[:limit], self._left[limit:]
        return page


@pytest.mark.parametrize("count", [0, 3, PAGE, PAGE + 1])
def test_each_goes_through_all_pages(count: int) -> None:
    assert len({one.name for one in Pages(count).each()}) == count


def test_each_asks_for_no_more_than_its_limit() -> None:
    pages = Pages(10 * PAGE)
    assert len(list(pages.each(limit=PAGE + 5))) == PAGE + 5
    assert pages.asked == [PAGE, 5]


class OneItem:
    """A container that holds one item, and knows the seconds of its own clock."""

    def __init__(self, **item: Any) -> None:
        self.item = item

    def create_item(self, item: dict[str, Any]) -> dict[str, Any]:
        self.item = item | {"_etag": '"1"', "_ts": int(time.time())}
        return self.item

    def replace_item(self, _: str, item: dict[str, Any], **options: object) -> dict[str, Any]:
        return self.create_item(item)

    def read_item(self, _: str, **options: object) -> dict[str, Any]:
        return self.item


def test_each_version_of_a_record_has_a_higher_revision_though_clocks_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records(OneItem())  # type: ignore[arg-type]
    monkeypatch.setattr(time, "time_ns", lambda: 2_000_000_000)
    first = records.write(record("a"), None, None)
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)  # another machine's clock
    second = records.write(record("a"), None, first)
    assert first.revision < second.revision
    assert records.read(record_id("a")) == second


def test_a_record_of_before_there_were_revisions_is_older_than_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000_000)
    records = Records(OneItem(**item("a"), _ts=5))  # type: ignore[arg-type]
    before = records.read(record_id("a"))
    assert before is not None
    assert records.write(record("a"), None, before).revision > before.revision > 5000


@pytest.mark.parametrize(
    ("known", "now", "same"),
    [
        ("a", "a", True),
        ("a", "b", False),
        ("a", "a@5", False),
        ("a@5", "a@5", True),
        ("a@5", "a@6", False),
        ("a@5", "a", True),
        ("a@5", "b", False),
    ],
)
def test_a_copy_is_good_until_the_records_were_deleted_or_their_container_made_anew(
    known: str, now: str, same: bool
) -> None:
    """The note of a deletion expires: that it is gone tells nothing."""
    assert is_same_generation(known, now) is same
