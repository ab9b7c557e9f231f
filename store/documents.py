"""Records as JSON, read and written by msgspec."""

from typing import Any

import msgspec

from record import Record


class NotARecord(ValueError):
    """This JSON is not a record."""


def to_json(record: Record) -> bytes:
    """The record as UTF-8 JSON."""
    return msgspec.json.encode(record)


def from_json(data: bytes | str) -> Record:
    """The record in this JSON; NotARecord where it is none."""
    try:
        return msgspec.json.decode(data, type=Record)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotARecord(str(error)) from None


def to_item(record: Record) -> dict[str, Any]:
    """The record as plain JSON values."""
    item: dict[str, Any] = msgspec.to_builtins(record)
    return item


def from_item(item: dict[str, Any]) -> Record:
    """The record in these JSON values; fields it does not know are ignored."""
    return msgspec.convert(item, Record)
