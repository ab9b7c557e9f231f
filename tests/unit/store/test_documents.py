"""A record's JSON comes back as it went, and no other JSON is taken for one."""

import pytest

from imagestore.store.documents import NotARecord, from_item, from_json, to_item, to_json
from unit.test_record import classified


def test_json_comes_back_as_it_went() -> None:
    record = classified().finished("2026-11-21T09:00:00.000Z")
    assert from_json(to_json(record)) == record
    assert from_item(to_item(record) | {"_etag": "x", "a field of a later version": 1}) == record


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"id": 1, "name": "a"}', b"\xff"])
def test_other_json_is_no_record(text: bytes) -> None:
    with pytest.raises(NotARecord):
        from_json(text)
