"""Training over the API."""

from dataclasses import replace

from imagestore.record import Correction, record_id
from imagestore.store import Stores
from imagestore.store.training import PictureFacts, TrainingPictures
from imagestore.web.services import Services
from unit.pictures import encoded, photo
from unit.web.conftest import MAX_BYTES, Api, Drop, problem
from unit.web.records import picture, take_in


def keep(stores: Stores, project: str, label: str, count: int) -> None:
    pictures = TrainingPictures(stores.training, project)
    pictures.begin()
    for number in range(count):
        sha256 = f"{label.encode().hex():0>32}{number:032d}"
        pictures.put_facts(sha256, PictureFacts((label,), source=f"{label}/{number}.jpg"), None)
        pictures.put_picture(sha256, b"content")


def test_it_says_what_is_there_and_what_is_missing(api: Api, stores: Stores) -> None:
    keep(stores, "mine", "bird", 6)
    keep(stores, "mine", "fish", 3)
    found = api.get("/projects/mine/train").json()
    assert [(one["label"], one["pictures"], one["missing"]) for one in found["labels"]] == [
        ("fish", 3, 2),
        ("bird", 6, 0),
    ]
    assert found["problems"] == ["fish: 3, at least 5 needed, 30 wanted."]
    assert (found["is_enough"], found["newest"], found["corrections"]) == (False, None, 0)
    problem(api.get("/projects/nobody/train"), 404)


def test_it_counts_the_corrections_that_the_newest_version_does_not_know(api: Api, stores: Stores, drop: Drop) -> None:
    api.post("/projects", json={"title": "garden"})
    for number, (project, at) in enumerate(
        [(None, "2020-01-01T00:00:00.000Z"), (None, "2099-01-01T00:00:00.000Z"), ("garden", "2099-01-01T00:00:00.000Z")]
    ):
        made = replace(picture(f"{number}.jpg"), project=project, correction=Correction("lynx", "maria", at))
        drop(f"{number}.jpg", made=made.finished(at))
    stores.models.keep("mine", "3", {"model.onnx": b"model"})
    found = api.get("/projects/mine/train").json()
    assert (found["corrections"], found["new_corrections"], found["newest"]) == (2, 1, "3")
    assert [(one["label"], one["corrections"]) for one in found["labels"]] == [("lynx", 2)]
    assert api.get("/projects/garden/train").json()["corrections"] == 1


def test_a_training_is_put_in_once(api: Api) -> None:
    answer = api.post("/projects/mine/train", json={"colour": False, "same_case": True})
    job = answer.json()
    assert (answer.status_code, job["kind"], job["name"]) == (202, "train", "mine")
    assert answer.headers["location"] == f"/api/v1/jobs/{job['id']}"
    problem(api.post("/projects/mine/train", json={"colour": False, "same_case": True}), 409)
    assert api.post("/projects/mine/train").status_code == 202
    problem(api.post("/projects/nobody/train"), 404)
    problem(api.post("/projects/mine/train", json={"collor": True}), 422)


def test_labelled_pictures_are_taken_in_and_bad_ones_refused_when_they_come(api: Api, stores: Stores) -> None:
    data = encoded(photo(64, 48, seed=3), "JPEG")
    asked = {"label": "bird", "name": "bird/1.jpg"}
    first = api.post("/projects/mine/training", params=asked, content=data)
    assert (first.status_code, first.json()["outcome"], first.json()["labels"]) == (201, "new", ["bird"])
    again = api.post("/projects/mine/training", params=asked, content=data)
    assert (again.status_code, again.json()["outcome"]) == (200, "same")
    assert [one["pictures"] for one in api.get("/projects/mine/train").json()["labels"]] == [1]
    other = {**asked, "label": "fish"}
    assert (
        "is there as 'bird' already"
        in problem(api.post("/projects/mine/training", params=other, content=data), 409)["detail"]
    )
    turned = api.post("/projects/mine/training", params={**other, "relabel": "true"}, content=data).json()
    assert (turned["outcome"], turned["labels"]) == ("relabelled", ["fish"])
    bad = problem(api.post("/projects/mine/training", params=asked, content=b"no picture"), 422)
    assert bad["code"] == "not_an_image"
    problem(api.post("/projects/mine/training", params=asked, content=b"x" * (MAX_BYTES + 1)), 413)
    problem(api.post("/projects/mine/training", params={"name": "1.jpg"}, content=data), 422)
    problem(api.post("/projects/mine/training", params={**asked, "negative": "true"}, content=data), 422)
    problem(api.post("/projects/mine/training", params={**asked, "name": "../1.jpg"}, content=data), 422)
    problem(api.post("/projects/mine/training", params={**asked, "label": "unknown"}, content=data), 422)
    problem(api.post("/projects/nobody/training", params=asked, content=data), 404)
    assert len(list(TrainingPictures(stores.training, "mine").list())) == 1


def test_uploads_of_one_picture_that_were_corrected_to_different_labels_are_said(api: Api, drop: Drop) -> None:
    for number, label in enumerate(("lynx", "lynx", "puma")):
        drop(f"{number}.jpg", b"the same")
        api.put(f"/pictures/{record_id(f'{number}.jpg')}/correction", params={"label": label})
    found = api.get("/projects/mine/train").json()
    assert (found["corrections"], found["is_enough"]) == (1, False)
    assert found["problems"][0].startswith("1 picture was uploaded several times and corrected to different labels.")


def test_a_labelled_picture_that_may_have_several_labels_counts_with_those_that_were_said_last(
    api: Api, stores: Stores, services: Services
) -> None:
    name = api.post("/projects", json={"title": "Scenes", "labels_per_picture": "several"}).json()["name"]
    made = picture("1.jpg")
    assert made.upload is not None
    assert made.upload.sha256 is not None
    at = "2026-11-22T09:00:00.000Z"
    said = Correction("lynx", "me", at, sha256=made.upload.sha256, labels=("lynx", "snow"))
    take_in(services.index, [replace(made, project=name, correction=said).finished(at)])
    pictures = TrainingPictures(stores.training, name)
    pictures.begin()
    pictures.put_facts(made.upload.sha256, PictureFacts(labels=("lynx", "tree")), None)
    pictures.put_picture(made.upload.sha256, b"picture")
    found = api.get(f"/projects/{name}/train").json()
    assert {one["label"]: one["pictures"] for one in found["labels"]} == {"lynx": 1, "snow": 1}
    assert (found["corrections"], found["pictures_of"]) == (0, name)


def test_a_corrected_picture_that_is_moved_to_training_counts_once_and_what_contradicts_is_said(
    api: Api, stores: Stores, drop: Drop
) -> None:
    names = [f"{number}.jpg" for number in range(3)]
    for name in names:
        drop(name)
        api.put(f"/pictures/{record_id(name)}/correction", params={"label": "lynx"})
    ids = [record_id(name) for name in names[:2]]
    change = api.post("/changes", json={"action": "to_training", "pictures": ids}).json()
    assert (change["state"], change["changed"], change["left_alone"]) == ("applied", 2, 0)
    found = api.get("/projects/mine/train").json()
    assert [(one["label"], one["pictures"], one["corrections"]) for one in found["labels"]] == [("lynx", 2, 1)]
    assert (found["corrections"], found["new_corrections"]) == (1, 1)
    assert {one["name"] for one in api.get("/projects/mine/training").json()["items"]} == set(names[:2])
    api.put(f"/pictures/{ids[0]}/correction", params={"label": "puma"})
    problems = api.get("/projects/mine/train").json()["problems"]
    assert problems[0].startswith("1 corrected upload has another label than the same picture has here.")
    api.post("/changes", json={"action": "to_training", "pictures": ids[:1]})
    assert not any("corrected upload" in one for one in api.get("/projects/mine/train").json()["problems"])
    assert api.post(f"/changes/{change['id']}/undo").json()["kept"] == 1, "what was moved again has another label"
