"""Custom Vision's prediction."""

import hashlib
import http.server
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from fastapi import FastAPI

from classify import Score
from imagestore.accounts.roles import Role
from imagestore.pipeline.models.projects import publish
from imagestore.record import record_id
from imagestore.store import PromotionEntry, Stores
from imagestore.store.custom_vision import CustomVisionFile
from imagestore.web.app import app_of
from imagestore.web.custom_vision.answering import with_negative
from imagestore.web.custom_vision.labels import tags_in
from imagestore.web.services import Services
from unit.web.conftest import guarded, guarded_app, people
from unit.web.memory import make_default
from unit.web.signed_in import PUBLIC, Browser, Person

from .conftest import PREDICTION, Client, picture, refused, tag

__all__ = ["guarded", "guarded_app", "people"]


@pytest.fixture
def path(client: Client, project: dict[str, Any], makes: Callable[[str, str], None], stores: Stores) -> str:
    """Where version 1 of the project answers, under the name `live`."""
    makes("Garden", "1")
    publish(stores, "Garden", "1", "live")
    return f"/{project['id']}/classify/iterations/live"


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A server of another machine's, as far as the app knows, which has a picture."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(picture(1))

        def log_message(self, *_: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/picture.png"
        server.shutdown()
        thread.join()


def test_a_published_iteration_answers_with_all_tags_the_surest_first(
    client: Client, path: str, project: dict[str, Any], stores: Stores
) -> None:
    found = client.prediction(f"{path}/image/nostore", content=picture(1)).json()
    assert (uuid.UUID(found["id"]), found["project"]) == (uuid.UUID(found["id"]), project["id"])
    probabilities = [one["probability"] for one in found["predictions"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert {one["tagType"] for one in found["predictions"]} == {"Regular"}
    assert len({one["tagId"] for one in found["predictions"]}) == len(probabilities) > 1
    again = client.prediction(f"{path}/image/nostore", content=picture(1), params={"application": "mine"}).json()
    assert [one["tagId"] for one in again["predictions"]] == [one["tagId"] for one in found["predictions"]]
    assert not [blob for page, _ in stores.uploads.list() for blob in page], "nothing is kept"


def test_the_negative_tag_is_answered_where_several_tags_may_hold(
    client: Client, makes: Callable[..., None], stores: Stores
) -> None:
    def answered(title: str, without: int, *tags: str) -> dict[str, tuple[float, str]]:
        made = client.training("POST", "/projects", params={"name": title}).json()
        for name in tags:
            tag(client, made, name, type="Negative")
        makes(title, "1", labels_per_picture="several")
        figures = {"metrics": {"classes": [], "without": without}, "sentence": ""}
        stores.models.keep(title, "1", {"metrics.json": msgspec.json.encode(figures)})
        publish(stores, title, "1", "live")
        said = client.prediction(f"/{made['id']}/classify/iterations/live/image/nostore", content=picture(1)).json()
        return {one["tagName"]: (one["probability"], one["tagType"]) for one in said["predictions"]}

    likeliest = max(probability for probability, _ in answered("Plain", 0).values())
    assert answered("Tagged", 0, "none")["none"] == (pytest.approx(1 - likeliest, abs=1e-5), "Negative")
    assert answered("Folders", 3)["Negative"] == (pytest.approx(1 - likeliest, abs=1e-5), "Negative")
    assert "Negative" not in answered("Without", 0)


def test_so_it_is_where_one_holds_and_pictures_of_none_were_learned_from(
    client: Client, project: dict[str, Any], stores: Stores
) -> None:
    tags = tags_in(CustomVisionFile(), stores.projects.open("Garden"), has_negatives=True)
    said = with_negative(tags, stores.projects.open("Garden"), [Score("rose", 0.2), Score("lily", 0.1)])
    assert [(one.tag_name, one.probability) for one in said] == [("Negative", 0.7), ("rose", 0.2), ("lily", 0.1)]


def test_what_is_stored_is_an_upload_that_the_same_version_classifies(
    client: Client, path: str, stores: Stores, makes: Callable[[str, str], None]
) -> None:
    found = client.prediction(f"{path}/image", files={"imageData": ("a.png", picture(1))}).json()
    ((upload,),) = [page for page, _ in stores.uploads.list()]
    assert upload.name.startswith("custom-vision/Garden/1/")
    assert uuid.UUID(found["id"]).hex == record_id(upload.name)
    assert stores.uploads.get(upload.name).data == picture(1)
    known = stores.routes.read()
    route = known.route_of(upload.name)
    assert route is not None
    active = known.of(route.project)
    assert active is not None
    assert (active.live.name, active.live.version) == ("Garden", "1")
    assert known.of("Garden") is None, "the project has no live version"
    makes("Garden", "2")
    publish(stores, "Garden", "2", "live")
    client.prediction(f"{path}/image", content=picture(1))
    assert {one.project for one in stores.routes.read().routes.routes} == {"Garden@1", "Garden@2"}


def test_an_address_is_asked_only_on_the_public_internet(
    app: FastAPI, services: Services, client: Client, path: str, elsewhere: str
) -> None:
    for kind in ("url", "url/nostore"):
        message = refused(client.prediction(f"{path}/{kind}", json={"url": elsewhere}), "BadRequestImageUrl")
        assert "not on the public internet" in message
    open_minded = replace(services, may_fetch=lambda address: True)
    other = Client(app_of(open_minded), base_url="http://localhost")
    assert other.prediction(f"{path}/url/nostore", json={"url": elsewhere}).json()["predictions"]
    assert other.prediction(f"{path}/url", json={"Url": elsewhere}).status_code == 200, "as their portal wrote it"
    refused(client.prediction(f"{path}/url", content=b"{"), "BadRequestInvalid")


def test_what_cannot_be_answered_is_said_in_their_form(client: Client, path: str) -> None:
    refused(client.prediction(path.replace("live", "other") + "/image", content=picture(1)), "NotFoundIteration", 404)
    refused(client.prediction(f"{path}/image", content=b"no picture"), "BadRequestImageFormat")
    refused(client.prediction(f"{path}/image", content=b""), "BadRequestImageFormat")
    large = refused(client.prediction(f"{path}/image", content=bytes(4 * 2**20 + 1)), "BadRequestImageSizeBytes")
    assert "4,194,304 bytes" in large
    assert "MAX_BYTES" not in large, "no setting moves this limit"
    said = refused(
        client.prediction(path.replace("classify", "detect") + "/image", content=b""), "BadRequestNotSupported"
    )
    assert "not detected here" in said
    refused(client.post(PREDICTION + path + "/image", content=picture(1)), "ForbiddenUser", 401)


def test_the_key_says_what_its_owner_may(
    guarded: Services, guarded_app: FastAPI, people: dict[Role, Person], path: str, project: dict[str, Any]
) -> None:
    browser = Browser(guarded_app)

    def asked(kind: str, role: Role) -> int:
        key = {"Prediction-Key": people[role].secret, "Content-Type": "application/octet-stream"}
        status: int = browser.post(f"{PREDICTION}{path}/{kind}", content=picture(1), headers=key).status_code
        return status

    assert [asked("image/nostore", role) for role in (Role.VIEWER, Role.CONTRIBUTOR)] == [200, 200]
    assert [asked("image", role) for role in (Role.VIEWER, Role.CONTRIBUTOR)] == [403, 200]
    wrong = browser.post(f"{PREDICTION}{path}/image", headers={"Prediction-Key": "ims_wrong", "Origin": PUBLIC})
    refused(wrong, "ForbiddenUser", 401)
    training = f"/customvision/v3.3/training/projects/{project['id']}/tags"
    for role, status in ((Role.CONTRIBUTOR, 403), (Role.TRAINER, 200)):
        assert browser.get(training, headers={"Training-Key": people[role].secret}).status_code == status


def test_a_key_that_is_for_one_project_opens_no_other(
    guarded: Services, guarded_app: FastAPI, people: dict[Role, Person], path: str, project: dict[str, Any],
    client: Client,
) -> None:  # fmt: skip
    made = client.training("POST", "/projects", params={"name": "Yard", "classificationType": "Multiclass"}).json()
    owner = people[Role.ADMIN].account.id
    secret, _ = guarded.accounts.keys.create("shop", Role.ADMIN, owner, projects=("Garden",))
    browser = Browser(guarded_app)
    theirs = {"Prediction-Key": secret, "Training-Key": secret, "Content-Type": "application/octet-stream"}
    assert browser.post(f"{PREDICTION}{path}/image/nostore", content=picture(1), headers=theirs).status_code == 200
    training = "/customvision/v3.3/training/projects"
    assert [one["name"] for one in browser.get(training, headers=theirs).json()] == ["Garden"]
    assert browser.get(f"{training}/{project['id']}/tags", headers=theirs).status_code == 200
    refused(browser.get(f"{training}/{made['id']}/tags", headers=theirs), "Forbidden", 403)
    refused(browser.post(training, params={"name": "Third"}, headers=theirs), "Forbidden", 403)
    ours = {"Authorization": f"Bearer {secret}", "Origin": PUBLIC}
    assert browser.get("/api/v1/projects/Garden", headers=ours).status_code == 200
    asked = {"project": "Garden", "published": "live"}
    assert browser.post("/api/v1/classify", params=asked, content=picture(1), headers=ours).status_code == 200
    for method, address in (
        ("GET", "/api/v1/projects/Yard"), ("GET", "/api/v1/pictures"), ("GET", "/api/v1/keys"),
        ("POST", "/api/v1/classify"), ("POST", "/api/v1/classify?project=Yard"), ("GET", "/gallery"),
        ("GET", "/api/v1/projects"), ("DELETE", "/api/v1/projects/Garden"), ("GET", "/api/v1/account"),
        ("PUT", "/api/v1/projects/Yard/published/live?version=1"),
    ):  # fmt: skip
        answer = browser.request(method, address, headers=ours | {"Sec-Fetch-Dest": "empty"})
        assert (answer.status_code, answer.json()["code"]) == (403, "bound_key"), address
    (key,) = (one for one in guarded.accounts.keys.list() if one.name == "shop")
    administrator = people[Role.ADMIN].bearer
    rotated = browser.post(f"/api/v1/keys/{key.id}/rotate", json={}, headers=administrator).json()
    assert rotated["key"]["projects"] == ["Garden"], "its successor is bound as it is"


def test_the_exported_containers_addresses_answer_without_a_key_where_nobody_signs_in(
    client: Client, path: str, project: dict[str, Any], stores: Stores, guarded_app: FastAPI, people: dict[Role, Person]
) -> None:
    refused(client.post("/image", content=picture(1)), "NotFoundProjectDefaultIteration", 404)
    sha256 = hashlib.sha256(stores.models.read("Garden", "1")).hexdigest()
    make_default(stores, PromotionEntry("Garden", "1", sha256, "2026-11-21T09:00:00.000Z", "me"))
    expected = client.prediction(f"{path}/image/nostore", content=picture(1)).json()
    for sent in ({"content": picture(1)}, {"files": {"imageData": ("a.png", picture(1))}}):
        found = client.post("/image", **sent).json()
        assert (found["project"], found["iteration"]) == (project["id"], expected["iteration"])
        assert found["predictions"] == expected["predictions"]
    refused(client.post("/url", json={"url": "http://127.0.0.1/a.png"}), "BadRequestImageUrl")
    administrator = people[Role.ADMIN].bearer | {"Origin": PUBLIC}
    for address in ("/image", "/url"):
        refused(Browser(guarded_app).post(address, content=picture(1), headers=administrator), "NotFound", 404)
    assert not [blob for page, _ in stores.uploads.list() for blob in page]
