"""Changes of many pictures by the API, asked of two instances in turn."""

from typing import Any

import pytest

from imagestore.accounts.roles import Role
from imagestore.errors import Unavailable
from imagestore.pipeline.changes import bulk
from imagestore.record import Record, record_id
from imagestore.store import Stores
from imagestore.web.services import Services
from unit.web.conftest import Api, Drop, problem
from unit.web.records import picture
from unit.web.signed_in import PUBLIC, Browser, Person


@pytest.fixture
def instances() -> int:
    return 2


NAMES = [f"garden/{number}.jpg" for number in range(5)]
IDS = [record_id(name) for name in NAMES]


@pytest.fixture
def dropped(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> list[Record]:
    monkeypatch.setattr(bulk, "PART", 2)
    return [drop(name) for name in NAMES] + [drop("other.jpg", made=picture("other.jpg", "rose"))]


def finished(api: Api, change: Any) -> Any:
    while change["state"] in ("applying", "undoing"):
        change = api.post(f"/changes/{change['id']}/continue").json()
    return change


def labels(stores: Stores) -> list[str | None]:
    found = [stores.records.read(id) for id in IDS]
    return [one.record.label for one in found if one is not None]


def test_a_change_is_done_in_steps_and_undone(api: Api, dropped: list[Record], stores: Stores) -> None:
    begun = api.post("/changes", json={"action": "label", "labels": ["lynx"], "pictures": IDS})
    assert (begun.status_code, begun.json()["state"], begun.json()["changed"]) == (202, "applying", 2)
    assert begun.headers["location"] == f"/api/v1/changes/{begun.json()['id']}"
    assert labels(stores) == ["lynx"] * 2 + ["tabby"] * 3
    change = finished(api, begun.json())
    assert (change["state"], change["changed"], change["can_undo"]) == ("applied", 5, True)
    assert labels(stores) == ["lynx"] * 5
    assert api.get("/pictures", params={"label": "lynx"}).json()["items"][0]["correction"]["account"] == "local"
    api.put(f"/pictures/{IDS[0]}/correction", params={"label": "owl"})
    undone = finished(api, api.post(f"/changes/{change['id']}/undo").json())
    assert (undone["state"], undone["restored"], undone["kept"], undone["can_undo"]) == ("undone", 4, 1, False)
    assert labels(stores) == ["owl"] + ["tabby"] * 4
    told = api.get(f"/changes/{change['id']}").json()
    assert [(one["name"], one["why"]) for one in told["left"]] == [(NAMES[0], "Somebody else has changed it since.")]
    assert [one["id"] for one in api.get("/changes").json()["items"]] == [change["id"]]


def test_all_that_match_are_changed_if_they_are_as_many_as_was_seen(
    api: Api, dropped: list[Record], stores: Stores
) -> None:
    asked = {"action": "label", "labels": ["lynx"], "matching": 4}
    refused = problem(api.post("/changes", params={"q": "garden"}, json=asked), 409)
    assert refused["detail"] == "5 pictures match now, not 4. Look at them again; nothing was changed."
    assert labels(stores) == ["tabby"] * 5
    change = finished(api, api.post("/changes", params={"q": "garden"}, json={**asked, "matching": 5}).json())
    assert (change["pictures"], change["changed"]) == (5, 5)
    assert api.get(f"/pictures/{record_id('other.jpg')}").json()["label"] == "rose"


def test_a_deletion_of_many_leaves_the_lists_until_it_is_undone(api: Api, dropped: list[Record], stores: Any) -> None:
    change = finished(api, api.post("/changes", json={"action": "delete", "pictures": IDS}).json())
    assert change["changed"] == 5
    assert all(stores.records.read(id).hidden_until for id in IDS)
    finished(api, api.post(f"/changes/{change['id']}/undo").json())
    assert not any(stores.records.read(id).hidden_until for id in IDS)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"action": "label", "labels": ["unknown"], "pictures": IDS}, "reserved"),
        ({"action": "label", "labels": ["lynx"], "pictures": ["../x"]}, "pictures.0"),
        ({"action": "label", "labels": ["lynx"], "pictures": []}, "pictures"),
        ({"action": "paint", "pictures": IDS}, "action"),
        ({"action": "delete", "matching": 10_001}, "matching"),
    ],
)
def test_what_cannot_be_is_refused(api: Api, dropped: list[Record], body: dict[str, Any], says: str) -> None:
    assert says in problem(api.post("/changes", json=body), 422)["detail"]
    assert api.get("/changes").json()["items"] == []


def test_a_change_without_a_label_or_of_no_id_is_refused(api: Api, dropped: list[Record]) -> None:
    asked = {"action": "label", "labels": ["lynx"]}
    for body in (asked, {**asked, "pictures": IDS, "matching": 5}):
        assert "Name the pictures" in problem(api.post("/changes", json=body), 409)["detail"]
    assert "needs a label" in problem(api.post("/changes", json={"action": "label", "pictures": IDS}), 409)["detail"]
    missing = f"change-{0:016d}-00000000"
    problem(api.get(f"/changes/{missing}"), 404)
    problem(api.post(f"/changes/{missing}/undo"), 404)


def test_a_step_that_a_service_does_not_do_is_done_later(api: Api, dropped: list[Record], stores: Any) -> None:
    stat = stores.uploads.stat

    def away(name: str) -> Any:
        raise Unavailable("looking at an upload: ServiceRequestError")

    stores.uploads.stat = away
    begun = api.post("/changes", json={"action": "label", "labels": ["lynx"], "pictures": IDS}).json()
    assert (begun["state"], begun["changed"]) == ("applying", 0)
    problem(api.post(f"/changes/{begun['id']}/continue"), 503)
    stores.uploads.stat = stat
    assert finished(api, begun)["changed"] == 5


def test_ones_own_changes_are_undone_and_anothers_by_a_trainer_alone(
    browser: Browser, people: dict[Role, Person], guarded: Services, drop: Drop
) -> None:
    drop("cat.jpg")

    def post(address: str, role: Role, body: Any = None) -> Any:
        headers = {"Origin": PUBLIC, **people[role].cookie}
        return browser.post(f"/api/v1/changes{address}", headers=headers, json=body)

    asked = {"action": "label", "labels": ["lynx"], "pictures": [record_id("cat.jpg")]}
    change = post("", Role.TRAINER, asked).json()
    refused = post(f"/{change['id']}/undo", Role.CONTRIBUTOR)
    assert (refused.status_code, refused.json()["needed"]) == (403, "trainer")
    assert post(f"/{change['id']}/undo", Role.ADMIN).json()["state"] == "undone"
    to_training = {"action": "to_training", "pictures": asked["pictures"]}
    refused = post("", Role.CONTRIBUTOR, to_training)
    assert (refused.status_code, refused.json()["needed"]) == (403, "trainer"), "nor is what is learned from"
    assert post("", Role.TRAINER, to_training).json()["changed"] == 1
    own = post("", Role.CONTRIBUTOR, asked).json()
    assert post(f"/{own['id']}/undo", Role.CONTRIBUTOR).json()["state"] == "undone"
    entries = [one for one in guarded.accounts.audit.search() if one.what in ("startChange", "undoChange")]
    assert {(one.what, one.target, one.result) for one in entries} >= {
        ("startChange", own["id"], "done"), ("undoChange", own["id"], "done"), ("undoChange", change["id"], "403"),
    }  # fmt: skip
