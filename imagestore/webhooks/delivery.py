"""A delivery: one event for one webhook, as it is kept in the container `jobs`, and what came of it."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import msgspec

from imagestore.decoding import convert, decode
from imagestore.store import Item

TYPE = "webhook_delivery"
KEPT_DAYS = 7
"""For how long a delivery is kept after its end, and can be sent again."""
KEPT_S = KEPT_DAYS * 86_400
OPEN_DAYS = 21
"""For how long after its last try one is kept that nobody ends, as of a webhook that is off."""
_OPEN_S = OPEN_DAYS * 86_400
ID = r"delivery-[0-9]{17}-[0-9a-f]{16}-[0-9a-f]{32}"


class DeliveryState(StrEnum):
    """The state of a delivery: it waits for its time, is being sent, was taken by the receiver, or was given up."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Attempt:
    """What came of one try: the HTTP status, None if there was no answer; a sentence, or what the receiver said; how
    long it took."""

    at: str
    status: int | None
    said: str
    took_ms: int


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A delivery. A later event has a greater id. `at` is when it is tried next; of one that is being sent,
    since when; of one that has ended, when that was.

    `revision` is that of the record that the event tells of. `begun_at` is when it was written down, or asked for
    again: from then on it is tried until it is given up. `by` is what sends it just now. Times are UTC.
    """

    id: str
    webhook: str
    event: dict[str, Any]
    at: str
    begun_at: str
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    last: Attempt | None = None
    by: str | None = None
    revision: int = 0

    def document(self) -> dict[str, Any]:
        """The delivery as it is stored. It expires. The event is one text, so that the database does not index each of
        its fields."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        written["event"] = msgspec.json.encode(self.event).decode()
        written["subject"] = self.event.get("subject")
        is_open = self.state in (DeliveryState.WAITING, DeliveryState.SENDING)
        return written | {"type": TYPE, "ttl": _OPEN_S if is_open else KEPT_S}

    def again(self, now: str) -> "Delivery":
        """The same, to be sent now."""
        return replace(self, state=DeliveryState.WAITING, at=now, begun_at=now, attempts=0, by=None)


def new(webhook: str, event: dict[str, Any], now: str, by: str | None = None, revision: int = 0) -> Delivery:
    """The delivery of an event to a webhook; with `by`, which sends it at once. Its id follows from the two."""
    digits = re.sub(r"\D", "", str(event["time"]))[:17].ljust(17, "0")
    id = f"delivery-{digits}-{webhook.rpartition('-')[2]}-{event['id']}"
    state = DeliveryState.WAITING if by is None else DeliveryState.SENDING
    made = Delivery(id=id, webhook=webhook, event=event, at=now, begun_at=now, state=state, by=by)
    return replace(made, revision=revision)


def delivery_of(item: Item | None) -> Delivery | None:
    """The delivery in this document; None if there is none that this version can read."""
    if item is None or item.document.get("type") != TYPE:
        return None
    try:
        return convert({**item.document, "event": decode(item.document["event"], dict[str, Any])}, Delivery)
    except (msgspec.MsgspecError, KeyError, TypeError):
        return None
