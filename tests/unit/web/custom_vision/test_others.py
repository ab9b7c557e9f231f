"""What else Custom Vision's clients ask, and what is not offered."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from imagestore.pipeline.models.projects import publish
from imagestore.record import Record
from imagestore.settings import ROOT
from imagestore.store import Stores
from imagestore.web.custom_vision.others import NOT_OFFERED
from imagestore.web.rules import TABLE
from imagestore.web.services import Services
from unit.web.conftest import drop
from unit.web.records import picture as record_of

from .conftest import Client, entry, picture, refused, send, tag

__all__ = ["drop"]
Makes = Callable[[str, str], None]


@pytest.fixture
def path(client: Client, project: dict[str, Any], makes: Makes) -> str:
    """The project's path; it has version 1."""
    makes("Garden", "1")
    return f"/projects/{project['id']}"


def test_the_docs_say_of_every_operation_what_becomes_of_it() -> None:
    told = set()
    for line in (ROOT / "docs" / "from-custom-vision.md").read_text().splitlines():
        if line.startswith("| `") and " …/" in line:
            method, address = line.split("`")[1].split(" …")
            names = {"{projectId}": "{project_id}", "{publishedName}": "{published}", "{domainId}": "{domain_id}",
                     "{imageId}": "{image_id}", "{iterationId}": "{iteration_id}", "{tagId}": "{tag_id}"}  # fmt: skip
            for theirs, ours in names.items():
                address = address.replace(theirs, ours)
            is_offered = "Not offered" not in line
            told.add((f"{method} /customvision/{{api}}{address}", is_offered))
    not_offered = {f"{method} /customvision/{{api}}/training{at}" for method, at in NOT_OFFERED}
    rows = {row for row in TABLE if "/customvision/" in row and not row.endswith("/content")}
    assert told == {(row, row not in not_offered) for row in rows}
    assert len(told) == 60


def test_what_is_not_offered_says_so_in_their_form(client: Client, path: str) -> None:
    for method, at in NOT_OFFERED:
        address = at.format(project_id=path.split("/")[2], image_id=uuid.uuid4(), iteration_id=uuid.uuid4())
        assert "not offered here" in refused(client.training(method, address), "BadRequestOperationNotSupported")


def test_an_iteration_is_exported_with_its_labels(client: Client, path: str, stores: Stores) -> None:
    (iteration,) = client.training("GET", f"{path}/iterations").json()
    at = f"{path}/iterations/{iteration['id']}/export"
    asked = client.training("POST", at, params={"platform": "ONNX"}).json()
    assert (asked["status"], client.training("GET", at).json()[0]["platform"]) == ("Done", "ONNX")
    with zipfile.ZipFile(io.BytesIO(client.get(asked["downloadUri"]).content)) as archive:
        assert archive.read("model.onnx") == stores.models.read("Garden", "1")
        labels = archive.read("labels.txt").decode().splitlines()
        assert json.loads(archive.read("manifest.json"))["labels"] == labels == ["dark", "light"]
        assert set(archive.namelist()) == {"model.onnx", "labels.txt", "manifest.json", "predict.py"}
    refused(client.get(asked["downloadUri"].partition("?")[0]), "Forbidden", 403)
    code = "BadRequestProjectUnsupportedExportPlatform"
    refused(client.training("POST", at, params={"platform": "CoreML"}), code)


def test_words_are_kept_beside_pictures(client: Client, path: str, project: dict[str, Any]) -> None:
    (kept,) = send(client, project, entry(picture(1)))
    id = kept["image"]["id"]
    done = client.training("POST", f"{path}/images/metadata", params={"imageIds": id}, json={"camera": "7"})
    assert done.json()["images"] == [{"imageId": id, "status": "OK", "metadata": {"camera": "7"}}]
    other = str(uuid.uuid4())
    partly = client.training("POST", f"{path}/images/metadata", params={"imageIds": f"{other},{id}"}, json={"day": "1"})
    assert (partly.status_code, partly.json()["isBatchSuccessful"]) == (207, False)
    assert [one["status"] for one in partly.json()["images"]] == ["ErrorImageNotFound", "OK"]
    nine = {str(n): "" for n in range(9)}
    full = client.training("POST", f"{path}/images/metadata", params={"imageIds": id}, json=nine)
    assert (full.status_code, full.json()["images"][0]["status"]) == (207, "ErrorLimitExceed")
    (found,) = client.training("GET", f"{path}/images/id", params={"imageIds": id}).json()
    assert found["metadata"] == {"camera": "7", "day": "1"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"custom_vision_id": "x"}, "BadRequestImageMetadataKey"),
        ({"Custom_Vision_Tags": "x"}, "BadRequestImageMetadataKey"),
        ({"k" * 129: "x"}, "BadRequestImageMetadataKey"),
        ({"k": "x" * 257}, "BadRequestImageMetadataValue"),
        ({str(n): "x" for n in range(11)}, "BadRequestImageMetadataKey"),
    ],
)
def test_words_have_limits_and_those_of_an_import_are_its_own(
    client: Client, path: str, project: dict[str, Any], words: dict[str, str], code: str
) -> None:
    (kept,) = send(client, project, entry(picture(1)))
    asked = {"imageIds": kept["image"]["id"]}
    refused(client.training("POST", f"{path}/images/metadata", params=asked, json=words), code)
    batch = {"images": [entry(picture(2))], "metadata": words}
    refused(client.training("POST", f"{path}/images/files", json=batch), code)
    (found,) = client.training("GET", f"{path}/images/id").json()
    assert found["metadata"] == {}, "and nothing else was kept"
    many = {"imageIds": ",".join(str(uuid.uuid4()) for _ in range(65))}
    said = client.training("POST", f"{path}/images/metadata", params=many, json={"a": "b"})
    assert "65" in refused(said, "BadRequestExceededBatchSize")


def test_a_stored_prediction_is_found_learned_from_and_deleted(
    client: Client, path: str, project: dict[str, Any], stores: Stores, drop: Callable[..., Record], services: Services
) -> None:
    publish(stores, "Garden", "1", "live")
    found = client.prediction(f"/{project['id']}/classify/iterations/live/image", content=picture(1)).json()
    ((upload,),) = [page for page, _ in stores.uploads.list()]
    made = record_of(upload.name, "tabby")
    assert made.prediction is not None
    made = replace(made, prediction=replace(made.prediction, model=replace(made.prediction.model, version="1")))
    drop(upload.name, picture(1), made)
    drop("elsewhere.png", picture(2))
    asked = client.training("POST", f"{path}/predictions/query", json={"orderBy": "Newest", "maxCount": 10}).json()
    assert [one["id"] for one in asked["results"]] == [found["id"]]
    assert asked["results"][0]["iteration"] == found["iteration"]
    stored = f"{path}/predictions/query"
    tabby = asked["results"][0]["predictions"][0]
    between = {"id": tabby["tagId"].upper(), "minThreshold": tabby["probability"]}
    above = {"id": tabby["tagId"], "minThreshold": tabby["probability"] + 0.001}
    for tags, count in (([between], 1), ([above], 0), ([above, between], 1), ([{"id": str(uuid.uuid4())}], 0)):
        assert len(client.training("POST", stored, json={"tags": tags}).json()["results"]) == count, tags
    at = datetime.fromisoformat(asked["results"][0]["created"])
    elsewhere = at.astimezone(timezone(timedelta(hours=2)))
    for times, count in (
        ({"startTime": elsewhere.isoformat()}, 1),
        ({"endTime": elsewhere.isoformat()}, 0),
        ({"startTime": f"{at:%Y-%m-%dT%H:%M:%S}Z", "ORDERBY": "oldest"}, 1),
    ):
        assert len(client.training("POST", stored, json=times).json()["results"]) == count, times
    refused(client.training("POST", stored, json={"startTime": "garbage"}), "BadRequestInvalid")
    uri = asked["results"][0]["originalImageUri"]
    assert client.get(uri).content == picture(1)
    refused(client.get(uri.partition("?")[0]), "Forbidden", 403)
    rose = tag(client, project, "rose")
    batch = {"images": [{"id": found["id"]}], "tagIds": [rose]}
    (kept,) = client.training("POST", f"{path}/images/predictions", json=batch).json()["images"]
    assert (kept["status"], [one["tagName"] for one in kept["image"]["tags"]]) == ("OK", ["rose"])
    assert client.get(kept["image"]["originalImageUri"]).content == picture(1)
    other = {"images": [{"id": str(uuid.uuid4())}]}
    partly = client.training(
        "POST", f"{path}/images/predictions", json={"images": [*other["images"], {"id": found["id"]}]}
    )
    assert partly.status_code == 207
    assert [one["status"] for one in partly.json()["images"]] == ["ErrorSource", "OKDuplicate"]
    assert client.training("DELETE", f"{path}/predictions", params={"ids": found["id"]}).status_code == 204
    assert stores.uploads.stat(upload.name) is None
    assert stores.uploads.stat("elsewhere.png") is not None


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_stored_prediction_is_there_before_it_has_a_record(
    client: Client, path: str, project: dict[str, Any], stores: Stores, services: Services, is_elsewhere: bool
) -> None:
    publish(stores, "Garden", "1", "live")
    found = client.prediction(f"/{project['id']}/classify/iterations/live/image", content=picture(1)).json()
    stores.uploads.put("Garden/other.png", picture(2), "image/png", None)
    if is_elsewhere:  # another instance has taken it in
        services.recent._names.clear()
    rose = tag(client, project, "rose")
    batch = {"images": [{"id": found["id"], "tagIds": [rose]}]}
    (kept,) = client.training("POST", f"{path}/images/predictions", json=batch).json()["images"]
    assert (kept["status"], client.get(kept["image"]["originalImageUri"]).content) == ("OK", picture(1))
    assert client.training("DELETE", f"{path}/predictions", params={"ids": found["id"]}).status_code == 204
    assert [blob.name for page, _ in stores.uploads.list() for blob in page] == ["Garden/other.png"]
    gone = client.training("POST", f"{path}/images/predictions", json=batch)
    assert [one["status"] for one in gone.json()["images"]] == ["ErrorSource"]
