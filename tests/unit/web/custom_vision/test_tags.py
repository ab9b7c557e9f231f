"""Custom Vision's tags."""

from collections.abc import Iterator
from typing import Any

import pytest

from imagestore.errors import Unavailable
from imagestore.store import Stores
from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures
from imagestore.web.index import picture_lists
from imagestore.web.services import Services

from .conftest import Client, entry, picture, refused, send, tag


def tags(client: Client, project: dict[str, Any]) -> dict[str, int]:
    """How many pictures each has."""
    found = client.training("GET", f"/projects/{project['id']}/tags").json()
    return {one["name"]: one["imageCount"] for one in found}


def test_a_tag_is_begun_and_counted(client: Client, project: dict[str, Any]) -> None:
    rose = tag(client, project, "rose", description="red")
    assert tags(client, project) == {"rose": 0}
    send(client, project, entry(picture(1), rose), entry(picture(2)))
    assert tags(client, project) == {"rose": 1}
    found = client.training("GET", f"/projects/{project['id']}/tags/{rose}").json()
    assert (found["name"], found["description"], found["type"]) == ("rose", "red", "Regular")


def test_a_long_list_is_not_read_again_for_what_a_client_changes(
    client: Client, project: dict[str, Any], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.picture_lists, "_wait_s", -1.0)  # every list is a long one
    monkeypatch.setattr(picture_lists, "_KEPT_S", 3600.0)
    reads, read = list[str](), TrainingPictures.list

    def counted(self: TrainingPictures, **given: Any) -> Iterator[ListedPicture]:
        reads.append(self.folder)
        return read(self, **given)

    monkeypatch.setattr(TrainingPictures, "list", counted)
    rose, tulip = tag(client, project, "rose"), tag(client, project, "tulip")
    assert tags(client, project) == {"rose": 0, "tulip": 0}
    sent = send(client, project, *(entry(picture(number), rose) for number in (1, 2, 3)))
    one, other, _ = (found["image"]["id"] for found in sent)
    images = f"/projects/{project['id']}/images"
    assert tags(client, project) == {"rose": 3, "tulip": 0}
    assert client.training("DELETE", f"{images}/tags?imageIds={one}&tagIds={rose}").status_code == 204
    assert tags(client, project) == {"rose": 2, "tulip": 0}
    tagged = client.training("POST", f"{images}/tags", json={"tags": [{"imageId": one, "tagId": tulip}]})
    assert (tagged.status_code, tags(client, project)) == (200, {"rose": 2, "tulip": 1})
    assert client.training("DELETE", f"{images}?imageIds={other}").status_code == 204
    assert tags(client, project) == {"rose": 1, "tulip": 1}
    assert len(reads) == 1


def test_a_tag_that_is_renamed_keeps_its_id_and_its_pictures(
    client: Client, project: dict[str, Any], stores: Stores
) -> None:
    rose = tag(client, project, "rose")
    send(client, project, entry(picture(1), rose))
    path = f"/projects/{project['id']}/tags/{rose}"
    assert client.training("PATCH", path, json={"name": "tulip"}).json()["name"] == "tulip"
    assert tags(client, project) == {"tulip": 1}
    (one,) = TrainingPictures(stores.training, "Garden").list()
    assert one.labels == ("tulip",)
    again = tag(client, project, "rose")
    assert again != rose, "ids are never given to another tag"
    assert client.training("GET", path).json()["name"] == "tulip"


def test_a_renaming_that_broke_off_loses_no_picture_and_can_be_finished(
    client: Client, project: dict[str, Any], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    rose = tag(client, project, "rose")
    send(client, project, *(entry(picture(number), rose) for number in range(3)))
    path, put, written = f"/projects/{project['id']}/tags/{rose}", stores.training.put, list[str]()

    def breaks_off(name: str, *args: Any, **more: Any) -> str:
        written.append(name)
        if len(written) > 1:
            raise Unavailable("The store is away.")
        return put(name, *args, **more)

    monkeypatch.setattr(stores.training, "put", breaks_off)
    assert client.training("PATCH", path, json={"name": "tulip"}).status_code == 503
    monkeypatch.undo()
    assert tags(client, project) == {"tulip": 3}
    assert client.training("PATCH", path, json={"name": "tulip"}).status_code == 200
    assert {one.labels for one in TrainingPictures(stores.training, "Garden").list()} == {("tulip",)}
    assert client.training("GET", path).json()["imageCount"] == 3


def test_a_tag_that_is_deleted_leaves_its_pictures(client: Client, project: dict[str, Any]) -> None:
    rose = tag(client, project, "rose")
    send(client, project, entry(picture(1), rose))
    path = f"/projects/{project['id']}/tags/{rose}"
    assert client.training("DELETE", path).status_code == 204
    assert tags(client, project) == {}
    assert client.training("GET", f"/projects/{project['id']}/images/untagged/count").json() == 1
    refused(client.training("GET", path), "NotFoundTag", 404)


def test_labels_that_came_from_folders_are_tags_too(client: Client, project: dict[str, Any], stores: Stores) -> None:
    pictures = TrainingPictures(stores.training, "Garden")
    pictures.begin()
    pictures.put_facts("a" * 64, PictureFacts(labels=("lily",)), None)
    pictures.put_picture("a" * 64, b"picture")
    assert tags(client, project) == {"lily": 1}
    (found,) = client.training("GET", f"/projects/{project['id']}/tags").json()
    assert client.training("GET", f"/projects/{project['id']}/tags/{found['id']}").json() == found


def test_what_cannot_be_a_tag_is_refused(client: Client, project: dict[str, Any]) -> None:
    tag(client, project, "rose")
    tag(client, project, "none", type="Negative")

    def made(**asked: str) -> Any:
        return client.training("POST", f"/projects/{project['id']}/tags", params=asked)

    refused(made(name="ROSE"), "BadRequestTagNameNotUnique")
    refused(made(name="unknown"), "BadRequestTagName")
    refused(made(name="other", type="Negative"), "BadRequestMultipleNegativeTag")
    refused(made(name="other", type="Odd"), "BadRequestTagType")
