"""Pictures by the API: take in, look, list, correct, try again, delete."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from classify import Score
from imagestore.pipeline import tasks
from imagestore.record import record_id
from imagestore.store import Stores
from imagestore.store.documents import to_json
from imagestore.web.services import Services
from unit.web.conftest import MAX_BYTES, Api, Drop, problem
from unit.web.records import picture, rejected


@pytest.fixture
def instances() -> int:
    """Two instances answer in turn: none of what is tested here may be known to one of them alone."""
    return 2


def test_an_upload_is_pending_until_its_record_is_there(api: Api, drop: Drop, stores: Stores) -> None:
    sent = api.post("/pictures", params={"name": "pets/cat.jpg"}, content=b"cat")
    assert sent.status_code == 202
    pending = sent.json()
    assert pending["status"] == "pending"
    assert sent.headers["location"] == pending["url"]
    assert stores.uploads.get("pets/cat.jpg").data == b"cat"
    where = pending["url"].removeprefix("/api/v1")
    assert api.get(where).status_code == 202
    record = drop("pets/cat.jpg", b"cat")
    found = api.get(where, params={"wait": 10})
    assert (found.status_code, found.json()) == (200, json.loads(to_json(record)))
    again = api.get(where, headers={"if-none-match": found.headers["etag"]})
    assert again.status_code == 304


def test_the_same_file_is_not_taken_in_twice_and_another_needs_a_word(api: Api, stores: Stores) -> None:
    first = api.post("/pictures", params={"name": "cat.jpg"}, content=b"cat").json()
    assert api.post("/pictures", params={"name": "cat.jpg"}, content=b"cat").json() == first
    taken = problem(api.post("/pictures", params={"name": "cat.jpg"}, content=b"dog"), 409)
    assert taken["code"] == "name_taken"
    renamed = api.post("/pictures", params={"name": "cat.jpg", "if_exists": "rename"}, content=b"dog").json()
    assert renamed["name"] == "cat (2).jpg"
    over = api.post("/pictures", params={"name": "cat.jpg", "if_exists": "overwrite"}, content=b"owl").json()
    assert over["id"] == first["id"]
    assert stores.uploads.get("cat.jpg").data == b"owl"


def test_a_form_with_a_file_is_taken_in_under_the_files_name(api: Api, stores: Stores) -> None:
    sent = api.post("/pictures", files={"file": ("Kätzchen.jpg", b"--not a boundary\r\n" * 1000)}, data={"x": "y"})
    assert (sent.status_code, sent.json()["name"]) == (202, "Kätzchen.jpg")
    assert stores.uploads.get("Kätzchen.jpg").data == b"--not a boundary\r\n" * 1000
    named = api.post("/pictures", params={"name": "other.jpg"}, files={"file": ("cat.jpg", b"cat")})
    assert named.json()["name"] == "other.jpg"


def test_what_is_too_large_is_told_its_size_and_the_limit(api: Api, stores: Stores) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(11):
            yield bytes(10_000)

    declared = problem(api.post("/pictures", params={"name": "a"}, content=bytes(210_000)), 413)
    assert declared["detail"].startswith("The file has 210 kB; the limit is 100 kB")
    assert (declared["size_bytes"], declared["limit_bytes"]) == (210_000, MAX_BYTES)
    counted = problem(api.post("/pictures", params={"name": "a"}, content=endless()), 413)
    assert counted["detail"].startswith("The file has more than 100 kB; the limit is 100 kB")
    nearly = problem(api.post("/pictures", params={"name": "a"}, content=bytes(MAX_BYTES + 1)), 413)
    assert nearly["detail"].startswith("The file has 100,001 bytes; the limit is 100,000 bytes")
    form = problem(api.post("/pictures", files={"file": ("a", bytes(MAX_BYTES + 1))}), 413)
    assert form["limit_bytes"] == MAX_BYTES
    assert stores.uploads.stat("a") is None


def test_an_upload_needs_a_name_that_can_be_one(api: Api, stores: Stores) -> None:
    assert "name" in problem(api.post("/pictures", content=b"cat"), 422)["detail"]
    for name in ("../staging/x", "/x", "x/", "a\\b", "a\x00b", "x" * 1020, ""):
        problem(api.post("/pictures", params={"name": name}, content=b"x"), 422)
    problem(api.post("/pictures", files={"file": ("../x.jpg", b"x")}), 422)
    assert list(stores.uploads.list()) == [([], None)]


@pytest.mark.parametrize(
    ("parameter", "address", "hint"),
    [
        ("lable", "/pictures", "Did you mean 'label'?"),
        ("names", "/pictures?name=x", "Did you mean 'name'?"),
        ("zzz", "/counts", "There are: label, status"),
        ("v2", "/health/live", "There are: none."),
    ],
)
def test_an_unknown_parameter_is_refused_and_the_nearest_is_named(
    api: Api, parameter: str, address: str, hint: str
) -> None:
    method = "POST" if "name=" in address else "GET"
    join = "&" if "?" in address else "?"
    refused = problem(api.request(method, f"{address}{join}{parameter}=tabby"), 422)
    assert refused["code"] == "unknown_parameter"
    assert f"'{parameter}'" in refused["detail"]
    assert hint in refused["detail"]


def test_list_page_by_page_filter_and_sort(api: Api, drop: Drop) -> None:
    for number in range(5):
        drop(f"listed/{number}.jpg", made=picture(f"listed/{number}.jpg", "rose", 0.5 + number / 10))
    drop("other.txt", made=rejected("other.txt"))
    seen: list[str] = []
    query: dict[str, Any] = {"q": "LISTED/", "sort": "doubtful", "limit": 2}
    while True:
        page = api.get("/pictures", params=query).json()
        seen += [record["name"] for record in page["items"]]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == [f"listed/{number}.jpg" for number in range(5)]
    (only,) = api.get("/pictures", params={"min_confidence": 0.85}).json()["items"]
    assert only["name"] == "listed/4.jpg"
    assert api.get("/pictures", params={"status": "rejected"}).json()["items"][0]["problem"]["reason"] == "corrupt"
    assert problem(api.get("/pictures", params={"after": "x"}), 404)["code"] == "no_such_page"
    assert "min_confidence" in problem(api.get("/pictures", params={"min_confidence": "much"}), 422)["detail"]


def test_a_client_of_version_0_1_may_still_say_drawn_for_random_sample(api: Api, drop: Drop) -> None:
    id = drop("cat.jpg").id
    corrected = api.put(f"/pictures/{id}/correction", params={"label": "lynx", "drawn": True}).json()
    assert corrected["correction"]["random_sample"]


def test_correct_and_take_back(api: Api, drop: Drop, stores: Stores) -> None:
    id = drop("cat.jpg").id
    corrected = api.put(f"/pictures/{id}/correction", params={"label": "lynx", "random_sample": True}).json()
    assert (corrected["label"], corrected["correction"]["predicted"]) == ("lynx", "tabby")
    assert corrected["correction"]["random_sample"]
    assert api.get("/pictures", params={"label": "lynx"}).json()["items"] == [corrected]
    assert api.get("/pictures", params={"corrected": True}).json()["items"] == [corrected]
    back = api.delete(f"/pictures/{id}/correction").json()
    assert (back["label"], back["correction"]) == ("tabby", None)
    problem(api.put(f"/pictures/{id}/correction", params={"label": "unknown"}), 422)
    problem(api.put(f"/pictures/{id}/correction", params={"label": "a\u202eb"}), 422)


def test_a_picture_that_is_deleted_is_gone_at_once(api: Api, drop: Drop, stores: Stores) -> None:
    id = drop("cat.jpg").id
    deleted = api.delete(f"/pictures/{id}")
    assert (deleted.status_code, deleted.json()) == (202, {"id": id, "undo": None, "until": None})
    assert stores.uploads.stat("cat.jpg") is None
    problem(api.get(f"/pictures/{id}"), 404)
    assert api.get("/pictures").json()["items"] == []


def test_a_deletion_can_be_undone_once(api: Api, drop: Drop, stores: Stores, services: Services) -> None:
    record = drop("cat.jpg")
    deletion = api.delete(f"/pictures/{record.id}", params={"undoable": True}).json()
    assert deletion["until"] > "2026"
    assert api.get("/pictures").json()["items"] == []
    seq = services.index.last_seq()
    undone = api.post(f"/pictures/{record.id}/undelete", params={"token": deletion["undo"]})
    assert undone.json() == json.loads(to_json(record))
    assert api.get("/pictures").json()["items"] == [undone.json()]
    assert [id for _, id, _ in services.index.since(seq, 10)] == [record.id], "pages hear of it"
    late = api.post(f"/pictures/{record.id}/undelete", params={"token": deletion["undo"]})
    assert problem(late, 409)["code"] == "too_late"
    assert problem(api.post(f"/pictures/{record.id}/undelete", params={"token": "x"}), 409)["code"] == "too_late"


def test_retry_queues_the_picture_again(api: Api, drop: Drop, stores: Stores) -> None:
    id = drop("cat.jpg").id
    assert api.post(f"/pictures/{id}/retry").status_code == 202
    (message,) = vars(stores.work)["messages"].values()
    task = tasks.parse(message)
    assert (task.step, task.name) == (tasks.PREPROCESS, "cat.jpg")
    problem(api.post(f"/pictures/{'0' * 32}/retry"), 404)


def test_duplicates_are_the_same_bytes_or_look_alike(api: Api, drop: Drop) -> None:
    id = drop("cat.jpg", b"cat").id
    drop("copy.jpg", b"cat")
    drop("near.jpg", made=picture("near.jpg", phash="00000000000000fe"))
    found = api.get(f"/pictures/{id}/duplicates").json()
    assert [record["name"] for record in found["exact"]] == ["copy.jpg"]
    assert [record["name"] for record in found["near"]] == ["near.jpg"]
    problem(api.get(f"/pictures/{'0' * 32}/duplicates"), 404)


def test_what_is_not_there(api: Api) -> None:
    problem(api.get(f"/pictures/{'0' * 32}"), 404)
    problem(api.get("/pictures/NO"), 422)
    problem(api.get("/nothing"), 404)
    refused = api.patch("/pictures")
    assert refused.headers["allow"] == "GET, POST"
    problem(refused, 405)
    id = record_id("a.jpg")
    assert "different pictures" in problem(api.get(f"/pictures/{id}", params={"name": "b.jpg"}), 404)["detail"]


def test_all_labels_that_hold_can_be_said_and_are_found(api: Api, drop: Drop) -> None:
    made = picture("both.jpg", "tabby")
    assert made.prediction is not None
    labels = (Score("tabby", 0.8), Score("Rose", 0.7))
    id = drop("both.jpg", made=replace(made, prediction=replace(made.prediction, labels=labels)).finished("")).id
    assert [one["id"] for one in api.get("/pictures", params={"label": "Rose"}).json()["items"]] == [id]
    page = api.get(f"http://localhost/pictures/{id}").text
    assert re.findall(r'name="holds" value="(\w+)"( checked)?>', page) == [("tabby", " checked"), ("Rose", " checked")]
    corrected = api.put(f"/pictures/{id}/correction", params={"label": ["sofa", "Rose"]}).json()
    assert (corrected["label"], corrected["labels"]) == ("sofa", ["sofa", "Rose"])
    assert api.get("/counts").json()["labels"] == {"sofa": 1, "Rose": 1}
    problem(api.put(f"/pictures/{id}/correction", params={"label": ["sofa", "unknown"]}), 422)
    assert api.delete(f"/pictures/{id}/correction").json()["labels"] == ["tabby", "Rose"]


def test_a_picture_of_one_label_takes_no_second(api: Api, drop: Drop) -> None:
    id = drop("cup.jpg").id
    told = problem(api.put(f"/pictures/{id}/correction", params={"label": ["cup", "saucer"]}), 409)
    assert told["detail"] == "This picture takes one label; there are 2."
    assert "holds" not in api.get(f"http://localhost/pictures/{id}").text
