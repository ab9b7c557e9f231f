"""Webhooks are registered, looked at, turned off and on, tested and removed; what cannot be one is said."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from imagestore.errors import Conflict, NotAWebhook, NotFound, SettingsError, Unavailable
from imagestore.jobs.sealed import Sealer
from imagestore.record import tombstone, utc
from imagestore.store.secrets import FileSecrets
from imagestore.webhooks.delivery import Attempt, DeliveryState
from imagestore.webhooks.registry import MOST, STUCK, Webhooks, told_of_deletion
from imagestore.webhooks.webhook import EventType, checked_url
from unit.memory_items import MemoryItems
from unit.web.memory import MemoryRecords
from unit.webhooks.conftest import SOURCE, URL, World, settled


def test_a_webhook_is_registered_with_a_secret_that_is_kept_sealed(world: World) -> None:
    webhook, secret = world.webhooks.add(URL, [EventType.DELETED, EventType.CLASSIFIED], "maria", name="The shop")
    assert world.webhooks.all() == [webhook]
    assert webhook.events == (EventType.CLASSIFIED, EventType.DELETED)
    assert webhook.source == SOURCE
    assert world.webhooks.secret(webhook) == secret
    assert secret not in str(cast(MemoryItems, world.stores.jobs).items)
    assert webhook.sealed not in repr(webhook)
    with pytest.raises(SettingsError):
        world.webhooks.secret(replace(webhook, url="https://elsewhere.example/"))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.org/hook", "does not begin with https://"),
        ("ftp://example.org/", "does not begin with https://"),
        ("https://", "is no address"),
        ("example.org", "is no address"),
        ("https://maria:secret@example.org/", "a user's name"),
        ("https://example.org/#part", "after '#'"),
        ("https://example.org/ü", "is no address"),
        ("https://example.org/a b", "is no address"),
        ("https://example.org/\r\nHost: x", "is no address"),
        ("https://example.org:port/", "is no address"),
        ("https://[::1", "is no address"),
        ("https://example.org/" + "x" * 1000, "1,020 characters; the limit is 1,000"),
    ],
)
def test_what_is_no_address_to_send_to_is_said(world: World, url: str, says: str) -> None:
    with pytest.raises(NotAWebhook, match=says):
        world.webhooks.add(url, [EventType.CLASSIFIED], "maria")
    assert world.webhooks.all() == []


def test_plain_http_is_for_hosts_that_a_setting_names() -> None:
    assert checked_url("http://localhost:9000/x?y=1", ("localhost",))
    with pytest.raises(NotAWebhook):
        checked_url("http://localhost.example/", ("localhost",))


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"events": []}, NotAWebhook, "at least one"),
        ({"name": "x" * 81}, NotAWebhook, "at most 80"),
        ({"name": "a\nb"}, NotAWebhook, "none that controls"),
        ({"project": "nothing"}, NotFound, "nothing"),
    ],
)
def test_what_cannot_be_a_webhook_is_said(world: World, change: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        world.webhooks.add(**{"url": URL, "events": [EventType.CLASSIFIED], "by": "maria", **change})


def test_there_are_no_more_than_a_runner_can_bear(world: World) -> None:
    for _ in range(MOST):
        world.add()
    with pytest.raises(NotAWebhook, match=f"{MOST} webhooks already"):
        world.add()
    world.webhooks.remove(world.webhooks.all()[0].id)
    world.add()


def test_without_a_place_for_secrets_none_is_registered(world: World) -> None:
    with pytest.raises(SettingsError, match="SECRETS_FILE"):
        Webhooks(world.stores, None, (), SOURCE).add(URL, [EventType.CLASSIFIED], "maria")


def test_one_whose_secret_was_not_shown_is_not_registered(world: World) -> None:
    cast(MemoryRecords, world.stores.records).is_away = True
    with pytest.raises(Unavailable):
        world.add()
    assert world.webhooks.all() == []


def test_it_is_turned_off_and_on_and_removed(world: World) -> None:
    webhook = world.add()
    assert world.webhooks.turn_off(webhook.id).off == "Somebody turned it off."
    with pytest.raises(Conflict, match=r"Turn it on first\."):
        world.webhooks.test(webhook.id)
    on = world.webhooks.turn_on(webhook.id)
    assert on.is_on
    assert on.since >= webhook.since
    assert world.webhooks.turn_on(webhook.id) == on
    removed = world.webhooks.remove(webhook.id)
    assert removed.sealed == ""
    assert world.webhooks.all() == []
    assert world.webhooks.removed() == [removed]
    for ask in (world.webhooks.read, world.webhooks.remove, world.webhooks.turn_on, world.webhooks.test):
        with pytest.raises(NotFound):
            ask(webhook.id)
    with pytest.raises(NotFound):
        world.webhooks.read("webhook-feed")


def test_a_secret_that_cannot_be_opened_says_what_to_do_about_the_webhook(world: World, tmp_path: Path) -> None:
    webhook = world.add()
    secrets = tmp_path / "others.json"
    sealer = Sealer(FileSecrets(secrets))
    sealer.seal("x", "y")
    with pytest.raises(
        SettingsError, match=r"'job-secrets' is another one .* Remove the webhook and register it again"
    ):
        Webhooks(world.stores, sealer, (), SOURCE).secret(webhook)


def test_who_is_told_of_a_deletion_is_known(world: World) -> None:
    told = world.add(EventType.DELETED, prefix="garden/")
    world.add(EventType.CLASSIFIED)
    world.add(EventType.DELETED, prefix="shop/")
    world.webhooks.turn_off(world.add(EventType.DELETED).id)
    world.webhooks.remove(world.add(EventType.DELETED).id)
    assert told_of_deletion(world.stores, "garden/ann.jpg") == [told]
    deliverer = world.deliverer()
    world.write(tombstone("garden/ann.jpg", utc()))
    deliverer.turn()
    settled(deliverer)
    assert [(id, event["data"]["name"]) for id, event in world.receiver.got] == [(told.id, "garden/ann.jpg")]


def test_what_was_delivered_is_listed_newest_first_and_sent_again(world: World) -> None:
    webhook, other = world.add(), world.add()
    sent = [world.webhooks.test(webhook.id) for _ in range(3)]
    world.webhooks.test(other.id)
    found = world.webhooks.deliveries(webhook.id, 10)
    assert [one.id for one in found] == sorted((one.id for one in sent), reverse=True)
    assert world.webhooks.deliveries(webhook.id, 10, before=found[0].id) == found[1:]
    one, etag = world.webhooks.outbox.read(webhook.id, found[0].id)
    failed = replace(one, state=DeliveryState.GIVEN_UP, attempts=9, last=Attempt(one.at, 500, "", 1))
    _, etag = world.webhooks.outbox.replace(failed, etag)
    assert world.webhooks.deliveries(webhook.id, 10, state=DeliveryState.GIVEN_UP) == [failed]
    again = world.webhooks.resend(webhook.id, failed.id)
    assert (again.state, again.attempts, again.event) == (DeliveryState.WAITING, 0, failed.event)
    with pytest.raises(NotFound):
        world.webhooks.resend(other.id, failed.id)
    one, etag = world.webhooks.outbox.read(webhook.id, failed.id)
    world.webhooks.outbox.replace(replace(one, state=DeliveryState.SENDING, by="x"), etag)
    with pytest.raises(Conflict, match="being sent"):
        world.webhooks.resend(webhook.id, failed.id)


def test_what_somebody_died_over_while_it_was_sent_is_sent_again(world: World) -> None:
    webhook = world.add()
    test = world.webhooks.test(webhook.id)
    _, etag = world.webhooks.outbox.read(webhook.id, test.id)
    long_ago = utc(datetime.now(UTC) - STUCK)
    world.webhooks.outbox.replace(replace(test, state=DeliveryState.SENDING, by="dead", at=long_ago), etag)
    assert world.webhooks.resend(webhook.id, test.id).state is DeliveryState.WAITING
    assert world.states(webhook) == ["waiting"]
