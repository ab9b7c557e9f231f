"""The CloudEvents 1.0 that webhooks are told: made of records as they change, and of promotions.

An id follows from what happened, so whoever is told of the same twice, as after a runner died, can see that. What
leaves is the record as the API gives it, without its vector and without the place where the picture was taken.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from imagestore.record import Record, Status, utc, without_location
from imagestore.store import PromotionEntry, StoredRecord
from imagestore.store.documents import to_item
from imagestore.webhooks.webhook import EventType

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
NO_SOURCE = "urn:imagestore"
"""The source where the web app's address (PUBLIC_URL) is not known."""
TEST = "imagestore.webhook.test"
_AT_ONCE = timedelta(seconds=5)
"""A record that is written later than this after its last outcome was written for another reason."""
_OF_STATUS = {
    Status.CLASSIFIED: EventType.CLASSIFIED,
    Status.UNKNOWN: EventType.UNKNOWN,
    Status.REJECTED: EventType.REJECTED,
    Status.FAILED: EventType.FAILED,
    Status.DELETED: EventType.DELETED,
}
Event = dict[str, Any]


def cloud_event(id: str, type: str, source: str, subject: str, time: str, data: object) -> Event:
    """An event in the structured JSON form."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": str(type),
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": msgspec.to_builtins(data),
    }


def outcome(record: Record) -> tuple[EventType, str] | None:
    """What happened last to the picture of this record, and when; None if its record is not final."""
    if record.status is None or record.finished_at is None or not record.name:
        return None
    said = [one.at for one in (record.correction, record.wrong) if one is not None]
    if record.status is not Status.DELETED and said and max(said) > record.finished_at:
        return EventType.CORRECTED, max(said)
    return _OF_STATUS[record.status], record.finished_at


def is_rewritten(stored: StoredRecord) -> bool:
    """Whether the record was written again after its last outcome, as when a correction is taken back, and lists show
    the picture."""
    found = outcome(stored.record)
    return (
        found is not None
        and stored.hidden_until is None
        and datetime.fromisoformat(written(stored)) - datetime.fromisoformat(found[1]) > _AT_ONCE
    )


def written(stored: StoredRecord) -> str:
    """When the record was written."""
    return utc(datetime.fromtimestamp(stored.revision / 1000, UTC))


def of_outcome(record: Record, source: str) -> Event:
    """The event of what happened last to the picture. Only of a record that has an outcome."""
    found = outcome(record)
    assert found is not None
    type, at = found
    id = _id(type, record.id, record.upload.etag if record.upload else "", at)
    return cloud_event(id, type, source, record.id, at, _shown(record))


def of_rewriting(stored: StoredRecord, source: str) -> Event:
    """The event of a record that was written again."""
    id = _id(EventType.UPDATED, stored.record.id, str(stored.revision))
    return cloud_event(id, EventType.UPDATED, source, stored.record.id, written(stored), _shown(stored.record))


def of_promotion(entry: PromotionEntry, source: str) -> Event:
    """The event of a model that became live."""
    id = _id(EventType.PROMOTED, entry.name, entry.version, entry.sha256, entry.at)
    return cloud_event(id, EventType.PROMOTED, source, f"{entry.name}/{entry.version}", entry.at, entry)


def of_test(webhook: str, source: str, key: str) -> Event:
    """The event of a test, one for each `key`."""
    at = utc()
    return cloud_event(_id(TEST, webhook, key), TEST, source, webhook, at, {"webhook": webhook})


def _shown(record: Record) -> dict[str, Any]:
    return to_item(without_location(record.with_vector(None)))


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
