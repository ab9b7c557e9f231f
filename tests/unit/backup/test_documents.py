"""Documents come back to expire when they would have, and never with a secret."""

import time
from typing import Any

import pytest

from imagestore.backup.documents import Came, kept_documents, restore_document
from imagestore.backup.format import DocumentLine
from unit.memory_items import MemoryItems


def line(document: dict[str, Any], age_s: int = 0) -> DocumentLine:
    return DocumentLine(document, int(time.time()) - age_s)


def put(items: MemoryItems, one: DocumentLine, *, default_ttl_s: int | None = None, overwrite: bool = False) -> Came:
    return restore_document(items, one, default_ttl_s=default_ttl_s, overwrite=overwrite)


@pytest.mark.parametrize("own", [True, False])
def test_a_document_expires_when_it_would_have(own: bool) -> None:
    items, document = MemoryItems(), {"id": "1", "type": "entry"} | ({"ttl": 1000} if own else {})
    default = None if own else 1000
    assert put(items, line(document, 400), default_ttl_s=default) is Came.RESTORED
    found = items.read("1")
    assert found is not None
    assert 590 < found.document["ttl"] <= 600
    assert put(items, line(document, 400), default_ttl_s=default) is Came.SAME
    assert put(MemoryItems(), line(document, 1001), default_ttl_s=default) is Came.EXPIRED


def test_what_is_there_stays_unless_it_is_wished() -> None:
    items = MemoryItems()
    items.create({"id": "1", "type": "account", "role": "viewer"})
    before = line({"id": "1", "type": "account", "role": "admin"})
    assert put(items, before) is Came.DIFFERS
    assert put(items, before, overwrite=True) is Came.RESTORED
    found = items.read("1")
    assert found is not None
    assert found.document["role"] == "admin"


def test_administrators_are_added_to_those_that_are_there() -> None:
    items = MemoryItems()
    items.create({"id": "admins", "type": "admins", "admins": ["b"], "coming": {}, "announced": 3})
    assert put(items, line({"id": "admins", "type": "admins", "admins": ["a"], "coming": {}})) is Came.RESTORED
    found = items.read("admins")
    assert found is not None
    assert found.document["admins"] == ["a", "b"]
    assert found.document["announced"] == 3


def test_a_second_factor_comes_back_closed_and_one_that_is_there_stays() -> None:
    source, items = MemoryItems(), MemoryItems()
    source.create({"id": "f", "type": "factor", "secret": "SHARED", "is_on": True, "recovery": ["hash"]})
    (kept,) = kept_documents("accounts", source.every())
    assert "secret" not in kept.document
    assert put(items, line(kept.document)) is Came.RESTORED
    found = items.read("f")
    assert found is not None
    assert found.document["secret"] not in ("", "SHARED")
    assert found.document["recovery"] == ["hash"]
    there = MemoryItems()
    there.create({"id": "f", "type": "factor", "secret": "OTHER", "is_on": True, "recovery": []})
    assert put(there, line(kept.document), overwrite=True) is Came.DIFFERS


def test_what_ends_by_itself_or_is_not_finished_is_left_out() -> None:
    items = MemoryItems()
    for document in (
        {"id": "1", "type": "session"}, {"id": "2", "type": "link"}, {"id": "3", "type": "attempts"},
        {"id": "4", "type": "account"}, {"id": "5", "type": "what a later version adds"},
        {"id": "6", "type": "idempotency"},
    ):  # fmt: skip
        items.create(document)
    assert {item.id for item in kept_documents("accounts", items.every())} == {"4", "5"}
