"""The labels of a project by the API: counted, listed, changed and put back."""

from typing import Any

import pytest

from imagestore.accounts.roles import Role
from imagestore.errors import Unavailable
from imagestore.pipeline.changes import bulk
from imagestore.pipeline.changes.documents import BulkChange, OnePicture
from imagestore.store import Stores
from imagestore.store.projects import Project, Projects
from imagestore.store.training import MINE
from imagestore.web.services import Services
from unit.pipeline.bulk_pictures import LYNX, SHAS, with_labelled
from unit.web.conftest import Api, Drop, problem
from unit.web.signed_in import PUBLIC, Browser, Person


@pytest.fixture
def ids(stores: Stores, drop: Drop, api: Api, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three uploads, of which two are said to show a lynx."""
    monkeypatch.setattr(bulk, "PART", 2)
    with_labelled(stores)
    dropped = [drop(f"{number}.jpg").id for number in range(3)]
    for id in dropped[:2]:
        api.put(f"/pictures/{id}/correction", params={"label": "lynx"})
    return dropped


def finished(api: Api, change: Any) -> Any:
    while change["state"] in ("applying", "undoing"):
        change = api.post(f"/changes/{change['id']}/continue").json()
    return change


def used(api: Api) -> dict[str, tuple[int, ...]]:
    found = api.get("/projects/mine/labels").json()
    parts = ("corrections", "learn", "test", "retired", "new")
    return {one["label"]: tuple(one[part] for part in parts) for one in found}


def test_labels_are_counted_where_they_are_and_changed_everywhere(api: Api, ids: list[str], stores: Stores) -> None:
    before = {"lynx": (2, 1, 1, 1, 0), "tiger": (0, 0, 0, 1, 1)}
    assert used(api) == before
    answer = api.post("/projects/mine/labels", json={"label": "lynx", "to": "bobcat"})
    assert (answer.status_code, answer.json()["project"], answer.json()["pictures"]) == (202, MINE, 5)
    assert answer.headers["location"] == f"/api/v1/changes/{answer.json()['id']}"
    change = finished(api, answer.json())
    assert (change["state"], change["changed"], change["can_undo"]) == ("applied", 5, True)
    assert used(api) == {"bobcat": before["lynx"], "tiger": before["tiger"]}
    assert {tag.name: tag.id for tag in stores.custom_vision.read(MINE).tags} == {"bobcat": LYNX.id, "tiger": "b"}
    undone = finished(api, api.post(f"/changes/{change['id']}/undo").json())
    assert (undone["restored"], undone["kept"]) == (5, 0)
    assert used(api) == before


def test_a_step_is_answered_though_it_cannot_be_read_what_it_changed(
    api: Api, ids: list[str], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the page would not know the change's id, and could neither go on with it nor undo it."""
    before = used(api)

    def away(change: BulkChange, number: int = 0) -> tuple[OnePicture, ...]:
        raise Unavailable("reading an item: ServiceRequestError")

    monkeypatch.setattr(services.bulk, "pictures", away)
    answer = api.post("/projects/mine/labels", json={"label": "lynx", "to": "bobcat"})
    assert answer.status_code == 202
    change = finished(api, answer.json())
    assert (change["state"], change["changed"]) == ("applied", 5)
    assert used(api) == {"bobcat": before["lynx"], "tiger": before["tiger"]}, "the list is read anew"


def test_some_pictures_get_another_label(api: Api, ids: list[str]) -> None:
    asked = {"label": "lynx", "to": "bobcat", "pictures": ids[:1], "training": [SHAS[0]]}
    change = finished(api, api.post("/projects/mine/labels", json=asked).json())
    assert change["changed"] == 2
    assert used(api)["bobcat"] == (1, 1, 0, 0, 0)
    asked["pictures"] = ids[2:]
    assert problem(api.post("/projects/mine/labels", json=asked), 409)["detail"].startswith("2 of these pictures")


def test_a_label_is_deleted_and_one_that_nobody_has_is_refused(api: Api, ids: list[str]) -> None:
    finished(api, api.post("/projects/mine/labels", json={"label": "lynx"}).json())
    assert list(used(api)) == ["tiger"]
    detail = problem(api.post("/projects/mine/labels", json={"label": "lynx"}), 409)["detail"]
    assert detail == "No picture of 'mine' has the label 'lynx'."
    problem(api.post("/projects/nothing/labels", json={"label": "lynx"}), 404)


def test_labelled_pictures_are_listed_page_by_page(api: Api, ids: list[str]) -> None:
    page = api.get("/projects/mine/training", params={"label": "lynx", "limit": 2}).json()
    assert [(one["sha256"], one["name"], one["part"]) for one in page["items"]] == [
        (SHAS[0], "0.jpg", "learn"), (SHAS[1], "1.jpg", "test"),
    ]  # fmt: skip
    rest = api.get("/projects/mine/training", params={"label": "lynx", "after": page["next"]}).json()
    assert ([one["labels"] for one in rest["items"]], rest["next"]) == ([["tiger", "lynx"]], None)
    assert [one["negative"] for one in api.get("/projects/mine/training").json()["items"]][4]


def test_corrections_of_other_projects_keep_theirs(api: Api, ids: list[str], stores: Stores) -> None:
    stores.projects._file.change(lambda file: (file or Projects({})).with_project(Project("other", "Other")))
    assert api.get("/projects/other/labels").json() == []
    problem(api.post("/projects/other/labels", json={"label": "lynx", "to": "x"}), 409)


def test_only_trainers_change_labels_everywhere(browser: Browser, people: dict[Role, Person]) -> None:
    address, body = f"{PUBLIC}/api/v1/projects/mine/labels", {"label": "lynx", "to": "bobcat"}
    found = {role: browser.post(address, json=body, headers=one.bearer).status_code for role, one in people.items()}
    assert found == {Role.VIEWER: 403, Role.CONTRIBUTOR: 403, Role.TRAINER: 409, Role.ADMIN: 409}
