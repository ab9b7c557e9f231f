"""A few deliveries of a webhook are sent at once; a receiver that fails is tried with one at a time."""

import dataclasses
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from imagestore.errors import SettingsError, Unavailable
from imagestore.webhooks.backoff import Answered
from imagestore.webhooks.delivery import DeliveryState
from imagestore.webhooks.lane import AT_ONCE, FAILURES, Lane
from imagestore.webhooks.webhook import EventType
from unit.webhooks.conftest import World, taken, until

Made = Callable[..., Lane]


def lane(world: World, send: Any, gone: Any = lambda webhook: None) -> Lane:
    webhook = world.add(EventType.CLASSIFIED)
    return Lane(webhook, world.webhooks.outbox, "me", send, gone, timedelta(hours=72), world.clock)


def fill(world: World, one: Lane, count: int) -> None:
    for _ in range(count):
        world.webhooks.test(one.webhook.id)
    for kept in world.webhooks.outbox.due(one.webhook.id, "9999", count):
        one.offer(kept)


def test_four_are_sent_at_once_and_no_more(world: World) -> None:
    go, under_way, most = threading.Semaphore(0), [0], [0]
    lock = threading.Lock()

    def send(webhook: Any, delivery: Any) -> Answered:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        assert go.acquire(timeout=30)
        with lock:
            under_way[0] -= 1
        return taken()

    one = lane(world, send)
    fill(world, one, 10)
    until(lambda: under_way[0] == AT_ONCE, "four at once")
    go.release(10)
    until(lambda: one.is_idle, "all of them")
    assert most[0] == AT_ONCE
    assert world.all_of(one.webhook, DeliveryState.DELIVERED)


def test_one_that_is_not_answered_holds_up_none_that_comes_after_it(world: World) -> None:
    held = threading.Event()

    def send(webhook: Any, delivery: Any) -> Answered:
        assert delivery.id != slow.id or held.wait(30)
        return taken()

    one = lane(world, send)
    slow = world.webhooks.test(one.webhook.id)
    one.offer(world.webhooks.outbox.read(one.webhook.id, slow.id))
    until(lambda: one._busy == 1, "the slow one")
    quick = world.webhooks.test(one.webhook.id)
    one.offer(world.webhooks.outbox.read(one.webhook.id, quick.id))
    until(lambda: world.webhooks.outbox.read(one.webhook.id, quick.id)[0].state == "delivered", "the quick one")
    held.set()
    until(lambda: one.is_idle, "the slow one's answer")


def test_after_three_failures_one_at_a_time_is_tried_with_pauses(world: World) -> None:
    tried, is_well = list[str](), [False]

    def send(webhook: Any, delivery: Any) -> Answered:
        tried.append(delivery.id)
        return taken(204 if is_well[0] else 500)

    one = lane(world, send)
    fill(world, one, 20)
    until(lambda: one.room == 0, "the pause")
    until(lambda: one._threads == 0, "its threads")
    before = len(tried)
    assert FAILURES <= before <= FAILURES + AT_ONCE
    one.go_on()
    assert len(tried) == before, "it pauses"
    world.clock.now += 301
    one.go_on()
    until(lambda: one.room == 0 and one._threads == 0, "another pause")
    assert len(tried) == before + 1
    is_well[0] = True
    world.clock.now += 301
    one.go_on()
    until(lambda: one.is_idle, "the rest")
    assert len(tried) == 20
    states = world.states(one.webhook)
    assert (states.count("delivered"), states.count("waiting")) == (20 - before - 1, before + 1)


def test_who_asks_for_time_gets_it_for_all_that_goes_there(world: World) -> None:
    tried = list[str]()

    def send(webhook: Any, delivery: Any) -> Answered:
        tried.append(delivery.id)
        return taken(503, retry_after_s=600.0)

    one = lane(world, send)
    fill(world, one, 1)
    until(lambda: one._threads == 0, "the answer")
    assert one.room == 0
    world.clock.now += 599
    assert one.room == 0
    world.clock.now += 2
    assert one.room > 0


def test_what_cannot_be_signed_or_has_a_defect_is_said_and_tried_again(world: World) -> None:
    errors: list[Exception] = [SettingsError("There is no secret."), RuntimeError("a defect")]

    def send(webhook: Any, delivery: Any) -> Answered:
        raise errors.pop(0)

    one = lane(world, send)
    fill(world, one, 2)
    until(lambda: one.is_idle, "both")
    said = {found.last.said for found in world.webhooks.deliveries(one.webhook.id, 10) if found.last}
    assert said == {"There is no secret.", "RuntimeError on our side; the log says more."}
    assert world.all_of(one.webhook, DeliveryState.WAITING)


def test_what_another_has_taken_is_not_sent(world: World) -> None:
    tried = list[str]()

    def send(webhook: Any, delivery: Any) -> Answered:
        tried.append(delivery.id)
        return taken()

    one = lane(world, send)
    world.webhooks.test(one.webhook.id)
    ((delivery, etag),) = world.webhooks.outbox.due(one.webhook.id, "9999", 1)
    world.webhooks.outbox.replace(delivery, etag)
    one.offer((delivery, etag))
    until(lambda: one.is_idle, "the look")
    assert tried == []


def test_what_was_written_as_being_sent_is_written_again_where_no_connection_is_free(world: World) -> None:
    held, tried = threading.Event(), list[str]()

    def send(webhook: Any, delivery: Any) -> Answered:
        tried.append(delivery.id)
        assert held.wait(30)
        return taken()

    one = lane(world, send)
    fill(world, one, AT_ONCE)
    until(lambda: len(tried) == AT_ONCE, "four")
    outbox, late = world.webhooks.outbox, world.webhooks.test(one.webhook.id)
    sending = dataclasses.replace(late, state=DeliveryState.SENDING, by="me")
    one.offer(outbox.replace(sending, outbox.read(one.webhook.id, late.id)[1]), is_mine=True)
    world.stores.jobs.delete(late.id)
    held.set()
    until(lambda: one.is_idle, "all of them")
    assert late.id not in tried


def test_an_answer_that_cannot_be_written_is_written_later(world: World, monkeypatch: Any) -> None:
    failing, write = [2], type(world.webhooks.outbox).replace

    def replace(self: Any, delivery: Any, etag: str) -> Any:
        if delivery.state is DeliveryState.DELIVERED and failing[0]:
            failing[0] -= 1
            raise Unavailable("the database is away")
        return write(self, delivery, etag)

    monkeypatch.setattr(type(world.webhooks.outbox), "replace", replace)
    monkeypatch.setattr(Lane, "_pause", lambda self, seconds: None)
    one = lane(world, lambda webhook, delivery: taken())
    fill(world, one, 1)
    until(lambda: one.is_idle, "the answer")
    assert world.all_of(one.webhook, DeliveryState.DELIVERED)


def test_a_closed_lane_sends_nothing_more(world: World) -> None:
    tried = list[str]()

    def send(webhook: Any, delivery: Any) -> Answered:
        tried.append(delivery.id)
        return taken()

    one = lane(world, send)
    one.close()
    fill(world, one, 3)
    assert (tried, one.room, one.is_idle) == ([], 0, True)
