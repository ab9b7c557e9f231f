"""Records as JSON, read and written by msgspec."""

from typing import Any

import msgspec

from imagestore.decoding import convert, decode
from imagestore.errors import NotARecord
from imagestore.record import Record, RecordWithVector

__all__ = ["NotARecord", "from_item", "from_json", "to_item", "to_json"]


def to_json(record: Record) -> bytes:
    """The record as UTF-8 JSON."""
    return msgspec.json.encode(record)


def from_json(data: bytes | str) -> Record:
    """The record in this JSON. Raises NotARecord if it holds none."""
    try:
        return from_item(decode(data, dict[str, Any]))
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotARecord(str(error)) from None


def to_item(record: Record) -> dict[str, Any]:
    """The record as plain JSON values."""
    item: dict[str, Any] = msgspec.to_builtins(record)
    return item


def from_item(item: dict[str, Any]) -> Record:
    """The record in these JSON values. Fields that this version does not know are ignored.

    Version 0.1 called a correction's `random_sample` `drawn`. Raises msgspec.ValidationError if the values are no
    record.
    """
    correction = item.get("correction")
    if isinstance(correction, dict) and "drawn" in correction:
        item = item | {"correction": {"random_sample": correction["drawn"], **correction}}
    return convert(item, RecordWithVector if item.get("vector") else Record)
