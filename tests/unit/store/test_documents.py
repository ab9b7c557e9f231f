"""A record's JSON comes back as it went, and no other JSON is taken for one."""

import pytest

from classify import Vector
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


def test_a_vector_is_base64_and_a_record_without_one_has_no_such_field() -> None:
    plain = classified().finished("2026-11-21T09:00:00.000Z")
    record = plain.with_vector(Vector("b" * 64, bytes(range(3))))
    assert to_item(record)["vector"] == {"backbone": "b" * 64, "codes": "AAEC"}
    assert from_json(to_json(record)) == from_item(to_item(record)) == record
    assert "vector" not in to_item(plain)
