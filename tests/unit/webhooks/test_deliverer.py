"""What happens to pictures is told to each webhook that wants it: nothing is lost, whoever dies."""

import contextlib
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from imagestore.errors import Conflict, LeaseLost, Unavailable
from imagestore.record import Correction, Status, record_id, tombstone, utc
from imagestore.store import PromotionEntry
from imagestore.webhooks import deliverer as module
from imagestore.webhooks.delivery import Delivery, DeliveryState
from imagestore.webhooks.lane import AT_ONCE, Lane
from imagestore.webhooks.outbox import Kept, Outbox
from imagestore.webhooks.webhook import EventType
from unit.memory_items import MemoryItems
from unit.web.memory import MemoryRecords, make_default
from unit.webhooks.conftest import Receiver, World, settled, taken, until


def test_a_picture_that_is_classified_is_told_once(world: World) -> None:
    webhook, deliverer = world.add(), world.deliverer()
    record = world.picture("garden/cat.jpg")
    for _ in range(3):
        assert deliverer.turn()
        settled(deliverer)
    ((told, event),) = world.receiver.got
    assert told == webhook.id
    assert (event["type"], event["subject"], event["time"]) == (EventType.CLASSIFIED, record.id, record.finished_at)
    assert event["data"]["name"] == "garden/cat.jpg"
    assert world.states(webhook) == ["delivered"]
    assert world.receiver.secrets == {world.webhooks.secret(webhook)}


def test_what_was_there_before_the_webhook_is_not_told(world: World) -> None:
    world.picture("before.jpg")
    world.add()
    deliverer = world.deliverer()
    world.picture("after.jpg")
    deliverer.turn()
    settled(deliverer)
    assert [event["data"]["name"] for _, event in world.receiver.got] == ["after.jpg"]


def test_each_event_of_a_picture_and_of_models_has_its_type(world: World) -> None:
    world.add()
    deliverer = world.deliverer()
    deliverer.turn()
    record = world.picture("a.jpg")
    deliverer.turn()
    later = utc(datetime.now(UTC) + timedelta(milliseconds=5))
    world.write(replace(record, correction=Correction("lynx", "maria", later)))
    deliverer.turn()
    world.write(record, time.time_ns() // 1_000_000 + 60_000)
    deliverer.turn()
    world.write(tombstone("a.jpg", utc()))
    make_default(world.stores, PromotionEntry("garden", "3", "f" * 64, utc(), "maria", "better"))
    deliverer.turn()
    settled(deliverer)
    assert sorted(world.receiver.types) == sorted(
        ["picture.classified", "picture.corrected", "picture.updated", "picture.deleted", "model.promoted"]
    )
    (promoted,) = [event for _, event in world.receiver.got if event["subject"] == "garden/3"]
    assert promoted["data"]["by"] == "maria"
    assert len({event["id"] for _, event in world.receiver.got}) == 5


def test_a_webhook_is_told_of_the_events_folder_and_project_that_it_wants(world: World) -> None:
    deletions = world.add(EventType.DELETED)
    garden = world.add(EventType.CLASSIFIED, EventType.UNKNOWN, prefix="garden/")
    name = world.stores.projects.create("Screws", "maria").name
    screws = world.add(EventType.CLASSIFIED, EventType.PROMOTED, project=name)
    deliverer = world.deliverer()
    world.picture("garden/a.jpg")
    world.picture("garden/b.jpg", status=Status.UNKNOWN)
    world.picture("shop/c.jpg", project=name)
    world.write(tombstone("garden/a.jpg", utc()))
    make_default(world.stores, PromotionEntry("garden", "3", "f" * 64, utc(), "maria"))
    deliverer.turn()
    settled(deliverer)
    told = {
        webhook.id: [event["data"]["name"] for id, event in world.receiver.got if id == webhook.id]
        for webhook in (deletions, garden, screws)
    }
    assert {id: sorted(names) for id, names in told.items()} == {
        deletions.id: ["garden/a.jpg"],
        garden.id: ["garden/a.jpg", "garden/b.jpg"],
        screws.id: ["shop/c.jpg"],
    }


def test_an_old_record_that_is_written_again_is_no_news(world: World) -> None:
    webhook, deliverer = world.add(EventType.CLASSIFIED), world.deliverer()
    deliverer.turn()
    world.picture("old.jpg", finished_at=utc(datetime.now(UTC) - timedelta(days=3)))
    deliverer.turn()
    assert world.states(webhook) == []


def test_a_correction_that_is_taken_back_at_once_is_told_and_a_hidden_picture_is_not(world: World) -> None:
    world.add()
    deliverer = world.deliverer()
    record = world.picture("a.jpg")
    deliverer.turn()
    later = utc(datetime.now(UTC) + timedelta(milliseconds=5))
    world.write(replace(record, correction=Correction("lynx", "maria", later)))
    deliverer.turn()
    world.write(record, time.time_ns() // 1_000_000 + 10)
    deliverer.turn()
    records = cast(MemoryRecords, world.stores.records).written
    records.append(replace(records[-1], revision=records[-1].revision + 1, hidden_until=later))
    deliverer.turn()
    settled(deliverer)
    assert sorted(world.receiver.types) == ["picture.classified", "picture.corrected", "picture.updated"]


def test_without_a_webhook_the_feed_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook, deliverer = world.add(), world.deliverer()
    assert deliverer.turn()
    world.webhooks.turn_off(webhook.id)
    assert not deliverer.turn()
    assert not deliverer.is_at_work
    asked: list[Any] = []
    monkeypatch.setattr(MemoryRecords, "changes", lambda *arguments: asked.append(arguments))
    assert not deliverer.turn()
    assert asked == []
    monkeypatch.undo()
    world.picture("meanwhile.jpg")
    world.webhooks.turn_on(webhook.id)
    world.picture("then.jpg")
    deliverer.turn()
    settled(deliverer)
    assert [event["data"]["name"] for _, event in world.receiver.got] == ["then.jpg"]


def test_who_dies_after_writing_down_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written down is sent by the next one, once the lease is over; and not written down twice."""
    webhook, dies = world.add(), world.deliverer()
    dies.turn()
    world.picture("a.jpg")
    world.picture("b.jpg")
    with monkeypatch.context() as broken:
        broken.setattr(Lane, "_begin", lambda self, mine=None: False)  # it dies before anything is sent
        dies.turn()
    assert sorted(world.states(webhook)) == ["sending", "waiting"]
    comes = world.deliverer()
    comes.turn()
    assert not comes.is_at_work, "the lease is not over"
    world.clock.now += 31
    comes.turn()
    settled(comes)
    assert comes.is_at_work
    assert world.all_of(webhook, DeliveryState.DELIVERED)
    assert sorted(event["data"]["name"] for _, event in world.receiver.got) == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("calls", range(1, 14))
def test_a_death_at_any_call_to_the_store_loses_nothing(world: World, calls: int) -> None:
    webhook, dies = world.add(), world.deliverer()
    dies.turn()
    names = [f"{number}.jpg" for number in range(3)]
    for name in names:
        world.picture(name)
    items = cast(MemoryItems, world.stores.jobs)

    called, left = items._called, [calls]

    def count() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Unavailable("it is dead")
        called()

    items._called = count  # type: ignore[method-assign]
    with contextlib.suppress(Unavailable):
        dies.turn()
    dies._keep_lanes([])
    until(lambda: threading.active_count() < 50, "its threads")
    items._called = called  # type: ignore[method-assign]
    comes = world.deliverer()
    comes.turn()
    world.clock.now += 31
    for _ in range(3):
        comes.turn()
        settled(comes)
    assert {event["data"]["name"] for _, event in world.receiver.got} == set(names)
    assert [state for state in world.states(webhook) if state != "delivered"] == []
    assert len(world.states(webhook)) == 3


def test_of_two_one_reads_and_both_together_tell_each_once(world: World) -> None:
    webhook, one, other = world.add(), world.deliverer(), world.deliverer()
    for number in range(20):
        world.picture(f"{number}.jpg")
        one.turn()
        other.turn()
    settled(one)
    settled(other)
    assert one.is_at_work != other.is_at_work
    assert len(world.receiver.got) == 20
    assert world.all_of(webhook, DeliveryState.DELIVERED)
    one.close()
    world.picture("last.jpg")
    other.turn()
    settled(other)
    assert other.is_at_work
    assert len(world.receiver.got) == 21


def test_who_was_paused_and_lost_its_lease_writes_no_more(world: World) -> None:
    world.add()
    paused, comes = world.deliverer(), world.deliverer()
    paused.turn()
    comes.turn()
    world.clock.now += 31
    comes.turn()
    world.picture("a.jpg")
    with pytest.raises(LeaseLost):
        paused.turn()
    assert not paused.is_at_work


def test_a_page_that_takes_longer_than_a_lease_is_read_to_its_end_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, one, other = world.add(), world.deliverer(), world.deliverer()
    one.turn()
    for number in range(10):
        world.picture(f"{number}.jpg")
    write = Outbox.put

    def slow(self: Outbox, delivery: Delivery) -> Kept | None:
        world.clock.now += 10
        if not other.is_at_work:
            other.turn()
        return write(self, delivery)

    monkeypatch.setattr(Outbox, "put", slow)
    one.turn()
    settled(one)
    assert (one.is_at_work, other.is_at_work) == (True, False)
    assert len(world.receiver.got) == 10
    assert world.all_of(webhook, DeliveryState.DELIVERED)


def test_who_is_stopped_within_a_page_leaves_the_rest_to_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook, one, stop = world.add(), world.deliverer(), threading.Event()
    one.turn()
    for number in range(10):
        world.picture(f"{number}.jpg")
    write, written = Outbox.put, list[str]()

    def stopped(self: Outbox, delivery: Delivery) -> Kept | None:
        written.append(delivery.id)
        if len(written) == 3:
            stop.set()
        return write(self, delivery)

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "put", stopped)
        one.run(stop)
    assert (len(written), one.is_at_work) == (3, False)
    until(lambda: one.is_idle, "what it was sending")
    comes = world.deliverer()
    for _ in range(2):
        comes.turn()
        settled(comes)
    assert world.states(webhook) == ["delivered"] * 10
    assert {event["data"]["name"] for _, event in world.receiver.got} == {f"{number}.jpg" for number in range(10)}


def test_a_receiver_that_fails_is_asked_again_and_no_other_waits_for_it(world: World) -> None:
    broken, well = world.add(url="https://broken.example/"), world.add()
    world.receiver.answers[broken.id] = [taken(500), taken()]
    deliverer = world.deliverer()
    world.picture("a.jpg")
    deliverer.turn()
    settled(deliverer)
    assert world.states(well) == ["delivered"]
    (waits,) = world.webhooks.deliveries(broken.id, 10)
    assert (waits.state, waits.attempts, waits.last and waits.last.status) == ("waiting", 1, 500)
    world.webhooks.resend(broken.id, waits.id)  # sooner than by itself
    deliverer.turn()
    settled(deliverer)
    assert world.states(broken) == ["delivered"]


def test_a_slow_receiver_holds_up_nobody(world: World) -> None:
    slow, quick = world.add(url="https://slow.example/"), world.add()
    held = threading.Event()

    class Slow(Receiver):
        def __call__(self, webhook: Any, delivery: Any, secret: str) -> Any:
            if webhook.id == slow.id:
                assert held.wait(30)
            return super().__call__(webhook, delivery, secret)

    world.receiver = Slow()
    deliverer = world.deliverer()
    for number in range(10):
        world.picture(f"{number}.jpg")
    deliverer.turn()
    until(lambda: world.states(quick) == ["delivered"] * 10, "the quick one")
    assert sorted(world.states(slow)) == ["sending"] * AT_ONCE + ["waiting"] * (10 - AT_ONCE)
    held.set()
    until(lambda: world.states(slow) == ["delivered"] * 10, "the slow one")


def test_what_was_forgotten_before_a_connection_was_free_is_not_sent(world: World) -> None:
    webhook, deliverer = world.add(EventType.CLASSIFIED), world.deliverer()
    held = world.receiver.held = threading.Event()
    for number in range(AT_ONCE + 2):
        world.picture(f"{number}.jpg")
    deliverer.turn()
    until(lambda: len(world.receiver.got) == AT_ONCE, "those that are sent at once")
    told = {event["subject"] for _, event in world.receiver.got}
    waits = [one for one in world.webhooks.deliveries(webhook.id, 10) if one.event["subject"] not in told]
    world.stores.jobs.delete(waits[0].id)  # as imagestore forget does
    held.set()
    settled(deliverer)
    subjects = {event["subject"] for _, event in world.receiver.got}
    assert (waits[0].event["subject"] in subjects, waits[1].event["subject"] in subjects) == (False, True)
    assert world.states(webhook) == ["delivered"] * (AT_ONCE + 1)


def test_a_receiver_that_is_gone_turns_its_webhook_off(world: World) -> None:
    webhook, deliverer = world.add(), world.deliverer()
    world.receiver.answers[webhook.id] = [taken(410)]
    world.picture("a.jpg")
    deliverer.turn()
    settled(deliverer)
    assert "410 Gone" in str(world.webhooks.read(webhook.id).off)
    assert world.states(webhook) == ["given_up"]
    assert not deliverer.turn()
    with pytest.raises(Conflict, match="410 Gone"):
        world.webhooks.test(webhook.id)


def test_a_test_is_sent_and_so_is_what_is_asked_for_again(world: World) -> None:
    webhook, deliverer = world.add(), world.deliverer()
    world.webhooks.test(webhook.id)
    deliverer.turn()
    settled(deliverer)
    (sent,) = world.webhooks.deliveries(webhook.id, 10)
    world.webhooks.resend(webhook.id, sent.id)
    deliverer.turn()
    settled(deliverer)
    assert world.receiver.types == ["webhook.test"] * 2
    assert len({event["id"] for _, event in world.receiver.got}) == 1


def test_what_a_removed_webhook_was_told_is_deleted(world: World) -> None:
    webhook, other, deliverer = world.add(), world.add(), world.deliverer()
    world.picture("a.jpg")
    deliverer.turn()
    settled(deliverer)
    world.webhooks.remove(webhook.id)
    for _ in range(2):
        deliverer.turn()
    kept = cast(MemoryItems, world.stores.jobs).items.values()
    assert [item.id for item, _ in kept if webhook.id in str(item.document)] == []
    assert world.states(other) == ["delivered"]


def test_records_of_another_container_begin_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook, deliverer = world.add(), world.deliverer()
    deliverer.turn()
    monkeypatch.setattr(MemoryRecords, "generation", lambda self: "another")
    monkeypatch.setattr(module, "_LOOK_AT_CONTAINER_S", 0.0)
    world.picture("restored.jpg")
    deliverer.turn()
    assert world.states(webhook) == []
    world.picture("new.jpg")
    deliverer.turn()
    settled(deliverer)
    assert [event["subject"] for _, event in world.receiver.got] == [record_id("new.jpg")]


def test_while_the_database_is_away_it_waits_and_then_goes_on(world: World) -> None:
    webhook, deliverer, stop = world.add(), world.deliverer(), threading.Event()
    deliverer.turn()
    items = cast(MemoryItems, world.stores.jobs)
    items.is_away = True
    world.picture("a.jpg")
    thread = threading.Thread(target=deliverer.run, args=(stop,))
    thread.start()
    calls = items.calls
    until(lambda: items.calls > calls, "a look in vain")
    items.is_away = False
    until(lambda: world.states(webhook) == ["delivered"], "the delivery")
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert not deliverer.is_at_work
