"""Webhooks over the API: registered with a secret that is shown once, tested, turned off and removed; on record."""

from typing import cast

import pytest

from imagestore.accounts.roles import Role
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.web.services import Services
from imagestore.webhooks.delivery import new
from imagestore.webhooks.events import of_test
from imagestore.webhooks.webhook import EventType
from unit.memory_items import MemoryItems
from unit.web.conftest import Api, problem
from unit.web.signed_in import Browser, Person

URL = "https://example.org/hook?token=hidden"
WANTED = {"url": URL, "events": ["imagestore.picture.deleted", "imagestore.picture.classified"], "prefix": "garden/"}


def add(api: Api, **changes: object) -> str:
    answer = api.post("/webhooks", json={**WANTED, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["webhook"]["id"])


def test_a_webhook_is_registered_and_its_secret_shown_once(api: Api, stores: Stores) -> None:
    made = api.post("/webhooks", json={**WANTED, "name": " The shop "}).json()
    assert made["secret"].startswith("whsec_")
    webhook = made["webhook"]
    assert (webhook["url"], webhook["name"], webhook["off"]) == (URL, "The shop", None)
    assert webhook["events"] == [EventType.CLASSIFIED, EventType.DELETED]
    assert api.get("/webhooks").json() == [webhook]
    assert api.get(f"/webhooks/{webhook['id']}").json() == webhook
    assert made["secret"] not in api.get("/webhooks").text + str(cast(MemoryItems, stores.jobs).items)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "http://example.org/"}, "does not begin with https://"),
        ({"url": "https://example.org/" + "x" * 2000}, "at most 1000"),
        ({"events": []}, "at least 1"),
        ({"events": ["imagestore.picture.eaten"]}, "imagestore.picture.classified"),
        ({"name": "a\u202eb"}, "none that controls"),
        ({"prefix": "x" * 2000}, "at most 1019"),
        ({"project": "A project"}, "pattern"),
        ({"url": None}, "string"),
    ],
)
def test_what_cannot_be_a_webhook_is_refused(api: Api, change: dict[str, object], says: str) -> None:
    assert says in problem(api.post("/webhooks", json={**WANTED, **change}), 422)["detail"]
    assert api.get("/webhooks").json() == []


def test_a_project_that_is_not_there_is_said(api: Api) -> None:
    problem(api.post("/webhooks", json={**WANTED, "project": "nothing"}), 404)


def test_it_is_turned_off_and_on_and_removed(api: Api) -> None:
    path = f"/webhooks/{add(api)}"
    assert api.put(f"{path}/off").json()["off"] == "Somebody turned it off."
    assert "Turn it on first" in problem(api.post(f"{path}/test"), 409)["detail"]
    assert api.delete(f"{path}/off").json()["off"] is None
    assert api.delete(path).status_code == 204
    for answer in (api.get(path), api.delete(path), api.put(f"{path}/off"), api.get(f"{path}/deliveries")):
        problem(answer, 404)


def test_a_test_is_put_in_and_what_was_delivered_is_listed_and_sent_again(api: Api, services: Services) -> None:
    id = add(api)
    test = api.post(f"/webhooks/{id}/test")
    assert (test.status_code, test.json()["state"], test.json()["type"]) == (202, "waiting", "imagestore.webhook.test")
    for number in range(3):
        services.webhooks.outbox.put(new(id, of_test(id, "s", str(number)), utc()))
    first = api.get(f"/webhooks/{id}/deliveries", params={"limit": 3}).json()
    assert len(first["items"]) == 3
    rest = api.get(f"/webhooks/{id}/deliveries", params={"limit": 3, "before": first["next"]}).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert api.get(f"/webhooks/{id}/deliveries?state=given_up").json() == {"items": [], "next": None}
    again = api.post(f"/webhooks/{id}/deliveries/{test.json()['id']}/resend")
    assert (again.status_code, again.json()["event"]) == (202, test.json()["event"])
    other = add(api)
    problem(api.post(f"/webhooks/{other}/deliveries/{test.json()['id']}/resend"), 404)


def test_who_registers_and_removes_one_is_on_record_without_what_may_be_secret(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    admin = people[Role.ADMIN]
    made = browser.post("/api/v1/webhooks", json=WANTED, headers=admin.bearer).json()
    browser.delete(f"/api/v1/webhooks/{made['webhook']['id']}", headers=admin.bearer)
    found = browser.get("/api/v1/audit", headers=admin.bearer)
    entries = {one["what"]: one for one in found.json()["items"]}
    assert entries["addWebhook"]["after"] == {"host": "example.org", "events": 2}
    assert entries["addWebhook"]["target"] == made["webhook"]["id"] == entries["removeWebhook"]["target"]
    assert "hidden" not in found.text
    assert made["secret"] not in found.text
    assert made["webhook"]["by"] == admin.account.id
