"""What a store of documents does, in memory as in Cosmos DB: each subclass has a fixture `items`."""

import time

import pytest

from imagestore.errors import Conflict
from imagestore.store import Items


class ItemsContract:
    """The tests; their ids are their own, so that one container serves all."""

    def test_what_is_created_is_read_and_only_once_created(self, items: Items) -> None:
        document = {"id": "created", "type": "a", "n": 1, "list": ["x", {"y": None}]}
        made = items.create(document)
        assert made.document == document
        found = items.read("created")
        assert found == made
        with pytest.raises(Conflict):
            items.create(document)
        assert items.read("nothing") is None

    def test_only_what_was_read_is_replaced(self, items: Items) -> None:
        first = items.create({"id": "replaced", "type": "a", "n": 1})
        second = items.replace({"id": "replaced", "type": "a", "n": 2}, first.etag)
        assert second.etag != first.etag
        with pytest.raises(Conflict):
            items.replace({"id": "replaced", "type": "a", "n": 3}, first.etag)
        assert items.read("replaced") == second
        with pytest.raises(Conflict):
            items.replace({"id": "never", "type": "a"}, first.etag)

    def test_only_what_was_read_is_deleted(self, items: Items) -> None:
        first = items.create({"id": "deleted", "type": "a"})
        second = items.replace({"id": "deleted", "type": "a", "n": 2}, first.etag)
        with pytest.raises(Conflict):
            items.delete("deleted", first.etag)
        assert items.delete("deleted", second.etag)
        assert not items.delete("deleted", second.etag)
        assert not items.delete("deleted")
        assert items.read("deleted") is None

    def test_documents_are_found_by_their_fields_the_greatest_id_first(self, items: Items) -> None:
        for number in range(6):
            who = "even" if number % 2 == 0 else "odd"
            items.create({"id": f"found-{number}", "type": "f", "who": who, "at": f"2026-11-2{number}T00:00:00.000Z"})
        items.create({"id": "found-7", "type": "g", "who": "even", "at": "2026-11-22T00:00:00.000Z"})

        def ids(**options: str | int | bool) -> list[str]:
            return [item.id for item in items.find("f", {"who": "even"}, **options)]  # type: ignore[arg-type]

        assert ids() == ["found-4", "found-2", "found-0"]
        assert ids(limit=2) == ["found-4", "found-2"]
        assert ids(oldest_first=True, limit=2) == ["found-0", "found-2"]
        assert ids(before="found-4", limit=1) == ["found-2"]
        assert ids(since="2026-11-22T00:00:00.000Z", until="2026-11-24T00:00:00.000Z") == ["found-2"]
        assert list(items.find("f", {"who": "nobody"})) == []
        assert len(list(items.find("f"))) == 6

    def test_every_document_is_told_with_the_time_of_its_last_write(self, items: Items) -> None:
        before = int(time.time())
        for number in range(3):
            items.create({"id": f"every-{number}", "type": f"every-{number}"})
        found = {item.id: item for item in items.every() if item.id.startswith("every-")}
        assert sorted(found) == ["every-0", "every-1", "every-2"]
        assert found["every-1"] == items.read("every-1")
        assert all(before <= item.written_at <= time.time() for item in found.values())
        others = {item.id for item in items.every(but="every-1") if item.id.startswith("every-")}
        assert others == {"every-0", "every-2"}

    def test_a_value_is_a_value_whatever_stands_in_it(self, items: Items) -> None:
        items.create({"id": "odd-1", "type": "o", "who": "x' OR '1'='1"})
        assert list(items.find("o", {"who": "' OR 1=1 --"})) == []
        assert [item.id for item in items.find("o", {"who": "x' OR '1'='1"})] == ["odd-1"]
