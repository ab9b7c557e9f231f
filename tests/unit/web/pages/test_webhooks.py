"""Webhooks as pages for administrators: registered with a secret that is shown once, and what was delivered."""

import re
from dataclasses import replace
from html import unescape

import pytest

from imagestore.jobs.presence import Presence
from imagestore.record import utc
from imagestore.web.services import Services
from imagestore.webhooks.delivery import OPEN_DAYS, Attempt, DeliveryState, new
from imagestore.webhooks.events import of_test
from imagestore.webhooks.webhook import EventType
from unit.web.pages.test_account import follow, said
from unit.web.signed_in import Browser

URL = "https://example.org/hook"


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def test_a_webhook_is_registered_and_its_secret_shown_once(admin: Browser, guarded: Services) -> None:
    chosen = {EventType.CLASSIFIED: "1", EventType.DELETED: "1"}
    made = admin.submit(
        "/webhooks",
        admin.get("/webhooks"),
        url=URL,
        name="The shop",
        prefix="garden/",
        **{str(k): v for k, v in chosen.items()},
    )
    assert made.status_code == 200
    (secret,) = re.findall(r"<code>(whsec_[^<]+)</code>", unescape(made.text))
    (webhook,) = guarded.webhooks.all()
    assert guarded.webhooks.secret(webhook) == secret
    assert (webhook.url, webhook.name, webhook.prefix, webhook.events) == (URL, "The shop", "garden/", tuple(chosen))
    again = admin.get("/webhooks").text
    assert "The shop" in again
    assert secret not in unescape(again)


def test_what_cannot_be_one_is_said_and_what_was_typed_stays(admin: Browser, guarded: Services) -> None:
    refused = admin.submit("/webhooks", admin.get("/webhooks"), url="http://example.org/", name="The shop")
    assert refused.status_code == 422
    assert said(refused)
    assert 'value="The shop"' in refused.text
    assert guarded.webhooks.all() == []


def test_what_was_delivered_is_shown_and_sent_again(admin: Browser, guarded: Services) -> None:
    webhook, _ = guarded.webhooks.add(URL, [EventType.CLASSIFIED], "maria")
    kept = guarded.webhooks.outbox.put(new(webhook.id, of_test(webhook.id, "s", "1"), utc()))
    assert kept is not None
    last = Attempt(utc(), 500, "<script>alert(1)</script>", 12)
    failed = replace(kept[0], state=DeliveryState.GIVEN_UP, attempts=9, last=last)
    guarded.webhooks.outbox.replace(failed, kept[1])
    path = f"/webhooks/{webhook.id}"
    page = admin.get(path)
    assert "given up" in page.text
    assert "500, 12 ms: <bdi>&lt;script&gt;" in page.text
    assert "No runner has been heard of" in page.text
    done = follow(admin, admin.submit(f"{path}/deliveries/{failed.id}/resend", page))
    assert said(done).startswith("It is sent once more")
    assert guarded.webhooks.deliveries(webhook.id, 1)[0].state is DeliveryState.WAITING
    assert "Nothing was found." in admin.get(f"{path}?state=given_up").text
    Presence(guarded.stores.jobs, 30).refresh()
    assert "No runner has been heard of" not in admin.get(path).text


def test_it_is_tested_turned_off_and_on_and_removed(admin: Browser, guarded: Services) -> None:
    webhook, _ = guarded.webhooks.add(URL, [EventType.CLASSIFIED], "maria")
    path = f"/webhooks/{webhook.id}"
    assert said(follow(admin, admin.submit(f"{path}/test", admin.get(path)))).startswith("A test is on its way")
    off = follow(admin, admin.submit(f"{path}/off", admin.get(path)))
    assert "It is off. Somebody turned it off." in off.text
    assert f"What waits is kept for {OPEN_DAYS} days" in off.text
    assert admin.submit(f"{path}/test", off).status_code == 409
    assert said(follow(admin, admin.submit(f"{path}/on", off))) == "Events are sent again."
    assert said(follow(admin, admin.submit(f"{path}/remove", admin.get(path)))) == "The webhook is removed."
    assert admin.get(path).status_code == 404
    assert guarded.webhooks.all() == []
