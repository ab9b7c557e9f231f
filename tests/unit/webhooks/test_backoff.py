"""When a delivery that failed is tried again, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest

from imagestore.webhooks.backoff import PAUSES_S, Answered, after, retry_after_s
from imagestore.webhooks.delivery import KEPT_S, Attempt, Delivery, DeliveryState, delivery_of, new
from unit.memory_items import MemoryItems

AT = "2026-11-21T09:00:00.000Z"
LIMIT = timedelta(hours=72)
EVENT = {"id": "3f2a" * 8, "time": "2026-11-21T08:59:59.112Z", "type": "t"}


def delivery() -> Delivery:
    return new("webhook-5c0e5c0e5c0e5c0e", EVENT, AT)


def answered(status: int | None, retry_after_s: float | None = None, at: str = AT) -> Answered:
    return Answered(Attempt(at, status, "", 1), retry_after_s)


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_what_was_taken_is_delivered(status: int) -> None:
    done = after(delivery(), answered(status), LIMIT)
    assert (done.state, done.attempts, done.last and done.last.status) == (DeliveryState.DELIVERED, 1, status)


@pytest.mark.parametrize("status", [None, 301, 307, 400, 401, 404, 408, 429, 500, 503])
def test_whatever_else_is_answered_is_tried_again(status: int | None) -> None:
    waits = after(delivery(), answered(status), LIMIT, lambda: 0.5)
    assert (waits.state, waits.at) == (DeliveryState.WAITING, "2026-11-21T09:00:05.000Z")


def test_the_pauses_grow_and_after_three_days_it_is_given_up() -> None:
    one, pauses = delivery(), list[float]()
    while one.state is DeliveryState.WAITING:
        tried_at = one.at
        one = after(one, answered(500, at=tried_at), LIMIT, lambda: 0.5)
        if one.state is DeliveryState.WAITING:
            pauses.append((datetime.fromisoformat(one.at) - datetime.fromisoformat(tried_at)).total_seconds())
    assert tuple(pauses[:6]) == PAUSES_S
    assert set(pauses[6:]) == {PAUSES_S[-1]}
    assert timedelta(seconds=sum(pauses)) <= LIMIT < timedelta(seconds=sum(pauses) + PAUSES_S[-1])
    assert (one.state, one.attempts) == (DeliveryState.GIVEN_UP, len(pauses) + 1)


def test_chance_makes_a_pause_a_fifth_longer_or_shorter() -> None:
    soonest = after(delivery(), answered(500), LIMIT, lambda: 0.0)
    latest = after(delivery(), answered(500), LIMIT, lambda: 1.0)
    assert [soonest.at, latest.at] == ["2026-11-21T09:00:04.000Z", "2026-11-21T09:00:06.000Z"]


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    assert after(delivery(), answered(503, 120), LIMIT, lambda: 0.5).at == "2026-11-21T09:02:00.000Z"
    assert after(delivery(), answered(429, 1), LIMIT, lambda: 0.5).at == "2026-11-21T09:00:05.000Z"


def test_who_is_gone_is_not_asked_again() -> None:
    assert after(delivery(), answered(410), LIMIT).state is DeliveryState.GIVEN_UP


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("999999999999", 86_400),
        ("Sat, 21 Nov 2026 09:01:30 GMT", 90),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0),
        ("Sat, 21 Nov 2099 08:00:00 GMT", 86_400),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_a_header_retry_after_is_read_as_it_comes(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, datetime(2026, 11, 21, 9, tzinfo=UTC)) == seconds


def test_a_delivery_is_known_by_its_event_and_webhook_and_kept_as_it_is() -> None:
    one, items = delivery(), MemoryItems()
    assert one.id == f"delivery-20261121085959112-5c0e5c0e5c0e5c0e-{EVENT['id']}"
    kept = items.create(after(one, answered(204), LIMIT).document())
    assert kept.document["ttl"] == KEPT_S
    assert delivery_of(kept) == after(one, answered(204), LIMIT)
    assert delivery_of(items.create({"id": "x", "type": "job"})) is None
    assert delivery_of(items.create({"id": "y", "type": "webhook_delivery", "state": "of a newer version"})) is None


def test_what_is_sent_again_begins_anew() -> None:
    failed = after(delivery(), answered(410), LIMIT)
    again = failed.again("2026-11-25T09:00:00.000Z")
    assert (again.state, again.attempts, again.id) == (DeliveryState.WAITING, 0, failed.id)
    assert after(again, answered(500, at=again.at), LIMIT).state is DeliveryState.WAITING
