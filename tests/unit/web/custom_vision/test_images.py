"""Custom Vision's images."""

import hashlib
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from imagestore.errors import NotFetched
from imagestore.store import Stores
from imagestore.store.training import TrainingPictures
from imagestore.web.app import app_of
from imagestore.web.custom_vision import intake
from imagestore.web.custom_vision.intake import AT_ONCE, MOST_BYTES
from imagestore.web.custom_vision.pictures import Pictures
from imagestore.web.index.picture_lists import PictureLists
from imagestore.web.services import Services

from .conftest import KEY, TRAINING, Client, entry, picture, refused, send, tag


def test_pictures_come_with_their_tags_and_their_content_is_there_without_a_key(
    client: Client, project: dict[str, Any]
) -> None:
    rose = tag(client, project, "rose")
    (kept,) = send(client, project, entry(picture(1), rose, name="one.png"))
    assert (kept["status"], kept["sourceUrl"]) == ("OK", "one.png")
    image = kept["image"]
    assert image["id"] == str(uuid.UUID(hashlib.sha256(picture(1)).hexdigest()[:32]))
    assert (image["width"], image["height"]) == (160, 120)
    assert [one["tagName"] for one in image["tags"]] == ["rose"]
    assert client.get(image["originalImageUri"]).content == picture(1)
    refused(client.get(image["originalImageUri"].replace("signature=", "signature=0")), "Forbidden", 403)
    refused(client.get(image["originalImageUri"].partition("?")[0]), "Forbidden", 403)


def test_a_picture_as_a_form_without_a_file_name_is_taken_as_the_sdk_sends_it(
    client: Client, project: dict[str, Any]
) -> None:
    rose = tag(client, project, "rose")
    body = b'--xyz\r\nContent-Disposition: form-data; name="imageData"\r\n\r\n' + picture(1) + b"\r\n--xyz--\r\n"
    for data, headers in (
        (body, {"Content-Type": "multipart/form-data; boundary=xyz"}),
        (picture(2), {"Content-Type": "application/octet-stream"}),
    ):
        sent = client.post(
            f"{TRAINING}/projects/{project['id']}/images", params={"tagIds": rose}, content=data,
            headers=KEY | headers,
        )  # fmt: skip
        assert sent.json()["isBatchSuccessful"], sent.text
    assert client.training("GET", f"/projects/{project['id']}/images/tagged/count").json() == 2


def form_of(*files: bytes) -> dict[str, Any]:
    """A form with these files, as the SDK sends several."""
    return {"files": [("imageData", (f"{n}.png", data, "image/png")) for n, data in enumerate(files)]}


def test_a_form_may_hold_several_pictures_each_with_a_status(client: Client, project: dict[str, Any]) -> None:
    path = f"/projects/{project['id']}/images"
    rose = tag(client, project, "rose")
    files = [picture(1), b"no picture", bytes(MOST_BYTES + 1), picture(2)]
    done = client.training("POST", path, params={"tagIds": rose}, **form_of(*files))
    assert (done.status_code, done.json()["isBatchSuccessful"]) == (207, False)
    became = [(one["sourceUrl"], one["status"]) for one in done.json()["images"]]
    assert became == [
        ("0.png", "OK"), ("1.png", "ErrorImageFormat"), ("2.png", "ErrorImageSize"), ("3.png", "OK")
    ]  # fmt: skip
    assert client.training("GET", f"{path}/tagged/count").json() == 2
    kept = done.json()["images"][3]["image"]
    assert client.get(kept["originalImageUri"]).content == picture(2)


def test_a_form_holds_64_pictures_at_most(client: Client, project: dict[str, Any]) -> None:
    path = f"/projects/{project['id']}/images"
    assert len(client.training("POST", path, **form_of(*[b"x"] * 64)).json()["images"]) == 64
    assert "64" in refused(client.training("POST", path, **form_of(*[b"x"] * 65)), "BadRequestExceededBatchSize")
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    for body in (b"--xyz--\r\n", b'--xyz\r\nContent-Disposition: form-data; name="imageData"\r\n\r\nabc'):
        broken = client.post(f"{TRAINING}{path}", content=body, headers=KEY | headers)
        refused(broken, "BadRequestImageStream")


def test_the_same_content_is_kept_once(client: Client, project: dict[str, Any]) -> None:
    rose = tag(client, project, "rose")
    twice = send(client, project, entry(picture(1), rose), entry(picture(1), rose), entry(picture(2), rose))
    assert [one["status"] for one in twice] == ["OK", "OKDuplicate", "OK"]
    assert [one["status"] for one in send(client, project, entry(picture(2)))] == ["OKDuplicate"]
    assert client.training("GET", f"/projects/{project['id']}/images/count").json() == 2


def several(client: Client) -> dict[str, Any]:
    """A project of several tags a picture."""
    made = client.training("POST", "/projects", params={"name": "Shelves"})
    found: dict[str, Any] = made.json()
    return found


def test_what_comes_twice_has_the_tags_regions_and_words_of_both(client: Client) -> None:
    project = several(client)
    rose, lily = tag(client, project, "rose"), tag(client, project, "lily")
    path = f"/projects/{project['id']}/images/files"
    place = {"left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4}
    for name, words, label in (("one", {"camera": "7", "day": "1"}, rose), ("two", {"day": "2"}, lily)):
        sent = entry(picture(1), label, name=name) | {"regions": [place | {"tagId": label}]}
        (kept,) = client.training("POST", path, json={"images": [sent], "metadata": words}).json()["images"]
    assert kept["status"] == "OKDuplicate"
    image = kept["image"]
    assert [one["tagName"] for one in image["tags"]] == ["rose", "lily"]
    assert [one["tagId"] for one in image["regions"]] == [rose, lily]
    assert image["metadata"] == {"camera": "7", "day": "2"}


def test_what_two_instances_take_in_at_once_has_the_tags_of_both(
    client: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = several(client)
    rose, lily = tag(client, project, "rose"), tag(client, project, "lily")
    other = Client(app_of(replace(services, picture_lists=PictureLists())), base_url="http://localhost")
    has = Pictures.has

    def before_the_other(pictures: Pictures, sha256: str) -> bool:
        found = has(pictures, sha256)
        monkeypatch.setattr(Pictures, "has", has)
        send(other, project, entry(picture(1), lily))
        return found

    monkeypatch.setattr(Pictures, "has", before_the_other)
    (kept,) = send(client, project, entry(picture(1), rose))
    assert sorted(one["tagName"] for one in kept["image"]["tags"]) == ["lily", "rose"]
    client.training("DELETE", f"/projects/{project['id']}/images", params={"imageIds": kept["image"]["id"]})
    (again,) = send(client, project, entry(picture(1), rose))
    assert [one["tagName"] for one in again["image"]["tags"]] == ["rose"], "what was deleted comes back without"


def test_a_batch_costs_the_same_however_many_pictures_there_are(
    client: Client, project: dict[str, Any], stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    rose, listed, lists = tag(client, project, "rose"), list[str | None](), stores.training.list

    def counted(*arguments: Any, **options: Any) -> Any:
        listed.append(options.get("prefix"))
        return lists(*arguments, **options)

    monkeypatch.setattr(stores.training, "list", counted)
    for seed in range(3):
        (kept,) = send(client, project, entry(picture(seed), rose))
        given = {"tags": [{"imageId": kept["image"]["id"], "tagId": rose}]}
        client.training("POST", f"/projects/{project['id']}/images/tags", json=given)
    assert f"{project['name']}/" not in listed, "the folder is not listed"


def test_addresses_are_fetched_several_at_a_time(
    client: Client, project: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(AT_ONCE)

    def fetched(address: str, *_: Any) -> bytes:
        together.wait(60)
        if address.endswith("gone"):
            raise NotFetched("elsewhere answered with status 404.")
        return picture(int(address.rpartition("/")[2]))

    monkeypatch.setattr(intake, "fetch", fetched)
    urls = [f"http://elsewhere/{n}" for n in range(2 * AT_ONCE - 1)] + ["http://elsewhere/gone"]
    path = f"/projects/{project['id']}/images/urls"
    done = client.training("POST", path, json={"images": [{"url": url} for url in urls]})
    assert done.status_code == 207
    assert [(one["sourceUrl"], one["status"]) for one in done.json()["images"]] == [
        *((url, "OK") for url in urls[:-1]), (urls[-1], "ErrorSource")
    ]  # fmt: skip


def test_what_cannot_be_kept_is_told_of_each_and_the_rest_is_kept(client: Client, project: dict[str, Any]) -> None:
    first, second = (tag(client, project, name) for name in ("rose", "lily"))
    none = tag(client, project, "none", type="Negative")
    done = send(
        client, project,
        entry(b"no picture", first), entry(picture(1), first), entry(picture(2), first, second),
        entry(picture(3), first, none), {"name": "x", "contents": "%%%"}, entry(bytes(7 * 2**20)),
    )  # fmt: skip
    assert [one["status"] for one in done] == [
        "ErrorImageFormat", "OK", "ErrorTagLimitExceed", "ErrorNegativeAndRegularTagOnSameImage", "ErrorImageFormat",
        "ErrorImageSize",
    ]  # fmt: skip
    assert client.training("GET", f"/projects/{project['id']}/images/count").json() == 1


def test_names_in_a_body_may_be_in_any_case(client: Client, project: dict[str, Any]) -> None:
    sent = {
        "Images": [{"Name": "a.png", "CONTENTS": entry(picture(1))["contents"], "TagIds": [tag(client, project, "A")]}]
    }
    words = {"Metadata": {"Camera": "7"}}
    (kept,) = client.training("POST", f"/projects/{project['id']}/images/files", json=sent | words).json()["images"]
    assert ([one["tagName"] for one in kept["image"]["tags"]], kept["sourceUrl"]) == (["A"], "a.png")
    assert kept["image"]["metadata"] == {"Camera": "7"}, "which is the user's own"


def test_batches_have_a_limit(client: Client, project: dict[str, Any]) -> None:
    path = f"/projects/{project['id']}/images/files"
    many = [entry(b"x")] * 65
    refused(client.training("POST", path, json={"images": many}), "BadRequestExceededBatchSize")
    refused(client.training("POST", path, json={"images": []}), "BadRequestImageBatch")


def test_a_picture_with_a_tag_that_is_not_there_is_told_of_and_the_rest_is_kept(
    client: Client, project: dict[str, Any]
) -> None:
    rose, strange = tag(client, project, "rose"), str(uuid.uuid4())
    sent = {"images": [entry(picture(1), strange), entry(picture(2), rose)]}
    done = client.training("POST", f"/projects/{project['id']}/images/files", json=sent)
    assert (done.status_code, done.json()["isBatchSuccessful"]) == (207, False)
    assert [one["status"] for one in done.json()["images"]] == ["ErrorInvalidTag", "OK"]
    assert client.training("GET", f"/projects/{project['id']}/images/count").json() == 1


def test_pictures_are_listed_page_after_page(client: Client, project: dict[str, Any]) -> None:
    rose, lily = tag(client, project, "rose"), tag(client, project, "lily")
    send(client, project, *(entry(picture(n), rose if n < 3 else lily) for n in range(5)), entry(picture(9)))
    path = f"/projects/{project['id']}/images"

    def listed(kind: str, **asked: Any) -> list[str]:
        return [one["id"] for one in client.training("GET", f"{path}/{kind}", params=asked).json()]

    pages = [listed("tagged", take=2, skip=skip) for skip in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 2, 1]
    everything = [id for page in pages for id in page]
    assert len(set(everything)) == 5
    assert listed("tagged", orderBy="Oldest") == listed("tagged", ORDERBY="oldest") == everything[::-1]
    assert listed("tagged", orderBy="Suggested") == everything
    wrong = refused(client.training("GET", f"{path}/tagged", params={"orderBy": "Best"}), "BadRequest")
    assert "'Newest', 'Oldest' or 'Suggested'; given was 'Best'" in wrong
    assert len(listed("tagged", tagIds=rose)) == 3
    assert len(listed("tagged", tagIds=f"{rose},{lily}")) == 5
    assert len(listed("untagged")) == 1
    assert client.training("GET", f"{path}/tagged/count", params={"tagIds": lily}).json() == 2
    assert listed("id", imageIds=everything[0]) == [everything[0]]
    assert len(client.training("GET", path, params={"taggingStatus": "Untagged"}).json()) == 1
    for kind in ("", "/count"):
        filtered = client.training("GET", path + kind, params={"$filter": "metadata.camera eq '1'"})
        refused(filtered, "BadRequestNotSupported")


def test_tags_are_given_and_taken_away(client: Client, project: dict[str, Any]) -> None:
    rose = tag(client, project, "rose")
    (one,) = [kept["image"]["id"] for kept in send(client, project, entry(picture(1)))]
    path = f"/projects/{project['id']}/images/tags"
    given = {"tags": [{"imageId": one, "tagId": rose}]}
    assert client.training("POST", path, json=given).json()["created"] == [{"imageId": one, "tagId": rose}]
    assert client.training("POST", path, json=given).json()["duplicated"] == [{"imageId": one, "tagId": rose}]
    assert client.training("DELETE", path, params={"imageIds": one, "tagIds": rose}).status_code == 204
    assert client.training("GET", f"/projects/{project['id']}/images/untagged/count").json() == 1
    other = {"tags": [{"imageId": str(uuid.uuid4()), "tagId": rose}]}
    refused(client.training("POST", path, json=other), "NotFoundImage", 404)
    refused(client.training("POST", path, json={"tags": [{"imageId": "x", "tagId": rose}]}), "BadRequestInvalidIds")


def test_a_picture_that_has_its_one_tag_is_told_of_and_the_others_get_theirs(
    client: Client, project: dict[str, Any]
) -> None:
    rose, lily = tag(client, project, "rose"), tag(client, project, "lily")
    sent = send(client, project, entry(picture(1), rose), entry(picture(2)))
    first, second = (kept["image"]["id"] for kept in sent)
    path = f"/projects/{project['id']}/images"
    wanted = [{"imageId": one, "tagId": lily} for one in (first, second)]
    given = client.training("POST", f"{path}/tags", json={"tags": wanted}).json()
    assert (given["exceeded"], given["created"]) == (wanted[:1], wanted[1:])
    assert client.training("GET", f"{path}/tagged/count", params={"tagIds": lily}).json() == 1


def test_what_another_process_changed_a_moment_ago_is_known(
    client: Client, services: Services, project: dict[str, Any]
) -> None:
    rose = tag(client, project, "rose")
    other = Client(app_of(replace(services, picture_lists=PictureLists())), base_url="http://localhost")
    path = f"/projects/{project['id']}"
    assert client.training("GET", f"{path}/images/count").json() == 0, "which this one remembers"
    (kept,) = send(other, project, entry(picture(1), rose))
    given = {"tags": [{"imageId": kept["image"]["id"], "tagId": rose}]}
    assert client.training("POST", f"{path}/images/tags", json=given).json()["duplicated"] == given["tags"]
    assert other.training("GET", f"{path}/images/count").json() == 1
    assert client.training("DELETE", f"{path}/images", params={"allImages": "true"}).status_code == 204
    assert [one["status"] for one in send(other, project, entry(picture(1), rose))] == ["OK"]
    client.training("GET", f"{path}/images/count")
    send(other, project, entry(picture(2), rose))
    assert client.training("DELETE", f"{path}/tags/{rose}").status_code == 204
    assert client.training("GET", f"{path}/images/untagged/count").json() == 2


def test_what_is_sent_beside_pictures_is_bounded(client: Client, project: dict[str, Any]) -> None:
    sent = client.training("POST", f"/projects/{project['id']}/images/tags", content=b" " * 4_000_001)
    assert "4,000,000 bytes" in refused(sent, "BadRequestExceededBatchSize")


def test_a_deleted_picture_is_gone_and_may_come_again(client: Client, project: dict[str, Any], stores: Stores) -> None:
    (kept,) = send(client, project, entry(picture(1)))
    path = f"/projects/{project['id']}/images"
    refused(client.training("DELETE", path), "BadRequestRequiredParamIsNull")
    assert client.training("DELETE", path, params={"imageIds": kept["image"]["id"]}).status_code == 204
    assert client.training("GET", f"{path}/count").json() == 0
    refused(client.get(kept["image"]["originalImageUri"]), "NotFoundImage", 404)
    (again,) = send(client, project, entry(picture(1)))
    assert again["status"] == "OK"
    assert client.training("DELETE", path, params={"allImages": "true"}).status_code == 204
    assert not [one for one in TrainingPictures(stores.training, "Garden").list() if one.is_there]


def test_a_project_that_learns_from_anothers_pictures_does_not_change_them(
    client: Client, stores: Stores, makes: Callable[[str, str], None]
) -> None:
    """As projects do that were trained under a name of their own before there were projects."""
    (mine,) = client.training("GET", "/projects").json()
    send(client, mine, entry(picture(1)))
    makes("before", "1")
    (before,) = (one for one in client.training("GET", "/projects").json() if one["name"] == "before")
    path = f"/projects/{before['id']}/images"
    assert client.training("GET", f"{path}/count").json() == 1
    code = "BadRequestWorkspaceCannotBeModified"
    assert "change them there" in refused(client.training("DELETE", path, params={"allImages": "true"}), code)
    refused(client.training("POST", f"{path}/files", json={"images": [entry(picture(2))]}), code)
    (one,) = client.training("GET", f"{path}/id").json()
    refused(client.training("POST", f"{path}/metadata", params={"imageIds": one["id"]}, json={"camera": "7"}), code)
    assert client.training("GET", f"/projects/{mine['id']}/images/count").json() == 1
