"""Two instances of the web app over the same stores: what one of them does, the other knows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from imagestore.pipeline.delete import delete_version
from imagestore.pipeline.tasks import parse
from imagestore.store import Stores
from imagestore.web.app import app_of
from imagestore.web.index.change_feed import ChangeFeedReader
from imagestore.web.index.index import Index
from imagestore.web.openapi import describe
from imagestore.web.services import RecentUploads, Services
from unit.web.conftest import Api, Drop, problem


@pytest.fixture
def other_services(services: Services, tmp_path: Path) -> Iterator[Services]:
    """Those of another instance, which has an index of its own."""
    index = Index(tmp_path / "other.sqlite")
    reader = ChangeFeedReader(services.stores, index, 0.01)
    yield replace(services, index=index, change_feed=reader, recent=RecentUploads())
    index.close()


@pytest.fixture
def other(other_services: Services, api: Api) -> Api:
    app = app_of(other_services)
    app.openapi_schema = describe(cast(Any, api.app))
    return Api(app)


@pytest.fixture
def meanwhile(services: Services, other_services: Services) -> Callable[[], None]:
    """Both have read the change feed."""

    def read() -> None:
        for each in (services, other_services):
            each.change_feed._catch_up()

    return read


def names(api: Api) -> list[str]:
    return [record["name"] for record in api.get("/pictures").json()["items"]]


def test_a_deletion_that_can_be_undone_on_one_is_hidden_by_both_and_undone_on_the_other(
    api: Api, other: Api, drop: Drop, meanwhile: Callable[[], None], stores: Stores, other_services: Services
) -> None:
    id = drop("cat.jpg").id
    drop("dog.jpg")
    meanwhile()
    deletion = api.delete(f"/pictures/{id}", params={"undoable": True}).json()
    assert names(api) == ["dog.jpg"]
    seq = other_services.index.last_seq()
    meanwhile()
    assert names(other) == ["dog.jpg"]
    assert other.get("/counts").json()["total"] == 1
    assert other_services.index.since(seq, 10) == [], "pages that show it are told when it is gone"
    undone = other.post(f"/pictures/{id}/undelete", params={"token": deletion["undo"]})
    assert undone.json()["name"] == "cat.jpg"
    meanwhile()
    assert sorted(names(api)) == sorted(names(other)) == ["cat.jpg", "dog.jpg"]
    assert stores.work.length() == 0
    late = api.post(f"/pictures/{id}/undelete", params={"token": deletion["undo"]})
    assert problem(late, 409)["code"] == "too_late"


def test_an_instance_that_starts_later_hides_it_too(api: Api, drop: Drop, services: Services, tmp_path: Path) -> None:
    id = drop("cat.jpg").id
    api.delete(f"/pictures/{id}", params={"undoable": True})
    index = Index(tmp_path / "later.sqlite")
    ChangeFeedReader(services.stores, index, 0.01)._catch_up()
    assert index.hidden("2026-11-21T09:00:00.000Z") == (id,)
    assert index.hidden("2126-11-21T09:00:00.000Z") == (), "it shows again if its deletion does not come"
    index.close()


@pytest.mark.parametrize("if_exists", ["error", "overwrite"])
def test_the_same_file_dropped_again_outlives_the_deletion_of_the_one_before(
    api: Api, other: Api, drop: Drop, meanwhile: Callable[[], None], stores: Stores, if_exists: str
) -> None:
    id = drop("cat.jpg", b"cat").id
    api.delete(f"/pictures/{id}", params={"undoable": True})
    meanwhile()
    again = other.post("/pictures", params={"name": "cat.jpg", "if_exists": if_exists}, content=b"cat")
    assert again.status_code == 202
    (message,) = vars(stores.work)["messages"].values()
    task = parse(message)
    delete_version(stores, task.name, task.etag)
    assert stores.uploads.get("cat.jpg").data == b"cat"
    drop("cat.jpg", b"cat")
    meanwhile()
    assert names(api) == names(other) == ["cat.jpg"]


def test_while_the_records_are_away_a_picture_is_deleted_all_the_same(
    api: Api, drop: Drop, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imagestore.errors import Unavailable

    id = drop("cat.jpg").id

    def away(*_: object) -> Any:
        raise Unavailable("writing a record: ServiceRequestError")

    monkeypatch.setattr(stores.records, "hide", away)
    assert api.delete(f"/pictures/{id}", params={"undoable": True}).status_code == 202
    assert stores.work.length() == 1
    assert names(api) == ["cat.jpg"], "until it is gone"


def test_a_picture_without_a_record_is_known_to_both_by_its_name(api: Api, other: Api, stores: Stores) -> None:
    pending = api.post("/pictures", params={"name": "new.jpg"}, content=b"new").json()
    where = pending["url"].removeprefix("/api/v1")
    assert other.get(where).json()["status"] == "pending"
    problem(other.get(f"/pictures/{pending['id']}"), 404)
    assert other.post(f"/pictures/{pending['id']}/retry", params={"name": "new.jpg"}).status_code == 202
    assert other.delete(f"/pictures/{pending['id']}", params={"name": "new.jpg"}).status_code == 202
    assert stores.uploads.stat("new.jpg") is None
