"""The API on the running stack: what needs Azure's own behaviour. tests/unit/web/api has every route."""

import json
import socket
import threading
from collections.abc import Generator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from imagestore.errors import Conflict
from imagestore.pipeline.names import rendition_name
from imagestore.record import record_id
from imagestore.store.documents import to_json
from unit.pictures import encoded, photo

from .conftest import Pipeline, Site, eventually


def problem(response: requests.Response, status: int) -> dict[str, Any]:
    """The problem details of an answer that is one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    details: dict[str, Any] = response.json()
    assert details["status"] == status
    assert details["detail"].endswith(".")
    return details


def events(site: Site, query: str = "") -> Generator[tuple[str, str, Any], None, None]:
    """(kind, id, data) of each event."""
    with site.get("/events" + query, stream=True) as stream:
        fields: dict[str, str] = {}
        for line in stream.iter_lines():
            key, _, value = line.decode().partition(": ")
            if line:
                fields[key] = value
            elif "event" in fields:
                yield fields["event"], fields["id"], json.loads(fields["data"])
                fields = {}


def test_an_upload_is_answered_with_its_record(site: Site, pipeline: Pipeline, cat: bytes) -> None:
    record = site.take_in("api/cat.jpg", cat)
    known = pipeline.stores.records.read(record_id("api/cat.jpg"))
    assert known is not None
    assert record == json.loads(to_json(known.record.with_vector(None)))
    assert site.get(f"/pictures/{record['id']}").json() == record


def test_the_same_file_is_not_taken_in_twice(site: Site, cat: bytes) -> None:
    first = site.take_in("api/same.jpg", cat)
    assert site.take_in("api/same.jpg", cat) == first
    assert site.take_in("api/same.jpg", cat, if_exists="rename") == first


def test_a_large_upload_goes_up_in_blocks(site: Site, pipeline: Pipeline) -> None:
    data = encoded(photo(3000, 2000), "BMP")
    assert len(data) > 3 * 4 * 2**20
    record = site.take_in("api/large.bmp", data)
    assert record["upload"]["size_bytes"] == len(data)
    assert record["status"] in ("classified", "unknown")
    assert pipeline.stores.uploads.get("api/large.bmp").data == data
    other = encoded(photo(3000, 2000, seed=1), "BMP")
    refused = site.post("/pictures", params={"name": "api/large.bmp"}, data=other)
    assert problem(refused, 409)["code"] == "name_taken"


def test_an_upload_that_breaks_off_leaves_nothing(site: Site, pipeline: Pipeline, cat: bytes) -> None:
    address = urlsplit(site.base)
    for sent in (10, 9_000_000):
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = b"POST /api/v1/pictures?name=api/broken.jpg HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendall(head + b"Content-Length: 10000000\r\n\r\n" + bytes(sent))
        site.take_in(f"api/whole {sent}.jpg", cat)
        assert pipeline.stores.uploads.stat("api/broken.jpg") is None


def test_many_at_once_with_one_name_end_as_one_picture(site: Site, cat: bytes, coffee: bytes) -> None:
    answers: list[int] = []

    def send(data: bytes) -> None:
        with Site(site.base) as own:
            answers.append(own.post("/pictures", params={"name": "api/race.jpg"}, data=data).status_code)

    threads = [threading.Thread(target=send, args=(data,)) for data in (cat, coffee) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 202, 409}
    id = record_id("api/race.jpg")
    eventually(lambda: site.get(f"/pictures/{id}").status_code == 200, "the one that won")


def test_the_original_comes_whole_and_in_parts(site: Site) -> None:
    data = encoded(photo(1800, 1200), "BMP")
    id = site.take_in("api/original.bmp", data)["id"]
    whole = site.get(f"/pictures/{id}/original")
    assert whole.content == data
    assert whole.headers["content-length"] == str(len(data)) > str(4 * 2**20)
    across = slice(4 * 2**20 - 50, 4 * 2**20 + 50)  # what is read from storage in two calls
    part = site.get(f"/pictures/{id}/original", headers={"range": f"bytes={across.start}-{across.stop - 1}"})
    assert (part.status_code, part.content) == (206, data[across])


def test_a_new_version_gets_a_new_thumbnail(site: Site, cat: bytes, coffee: bytes) -> None:
    record = site.take_in("api/versions.jpg", cat)
    old = site.get(f"/pictures/{record['id']}/thumbnail").content
    site.take_in("api/versions.jpg", coffee, if_exists="overwrite")
    assert site.get(f"/pictures/{record['id']}/thumbnail").content != old


def test_correct_and_take_back(site: Site, pipeline: Pipeline, cat: bytes) -> None:
    record = site.take_in("api/correct.jpg", cat)
    corrected = site.put(f"/pictures/{record['id']}/correction", params={"label": "lynx's <b>cub</b>"}).json()
    assert corrected["label"] == "lynx's <b>cub</b>"
    assert corrected["prediction"] == record["prediction"]
    listed = site.get("/pictures", params={"label": "lynx's <b>cub</b>"}).json()["items"]
    assert listed == [corrected]
    tags = pipeline.tags("api/correct.jpg", record["upload"]["etag"])
    assert tags["label"].startswith("lynx=27s")
    said = corrected["correction"]
    assert (said["predicted"], said["model"], said["random_sample"]) == (
        record["label"],
        record["prediction"]["model"],
        False,
    )
    random_sample = site.put(
        f"/pictures/{record['id']}/correction", params={"label": "lynx", "random_sample": "true"}
    ).json()
    assert random_sample["correction"]["random_sample"]
    back = site.delete(f"/pictures/{record['id']}/correction").json()
    assert back["label"] == record["label"]
    assert problem(site.put(f"/pictures/{record['id']}/correction", params={"label": "unknown"}), 422)
    assert problem(site.put(f"/pictures/{record['id']}/correction", params={"label": "a\u202eb"}), 422)


def test_delete_removes_all_that_was_made(site: Site, pipeline: Pipeline, cat: bytes) -> None:
    record = site.take_in("api/delete.jpg", cat)
    site.get(f"/pictures/{record['id']}/thumbnail")
    assert site.delete(f"/pictures/{record['id']}").status_code == 202
    assert problem(site.get(f"/pictures/{record['id']}"), 404)
    assert problem(site.get(f"/pictures/{record['id']}/original"), 404)
    thumbnail = rendition_name(record["id"], "thumbnail")
    stores = pipeline.stores
    eventually(lambda: stores.staging.stat("api/delete.jpg.png") is None, "the staged picture to go")
    eventually(lambda: stores.thumbnails.stat(thumbnail) is None, "the thumbnail to go")


def test_a_deletion_can_be_undone_for_a_while(site: Site, pipeline: Pipeline, cat: bytes) -> None:
    record = site.take_in("api/undo.jpg", cat)
    where = f"/pictures/{record['id']}"

    def is_listed() -> bool:
        return bool(site.get("/pictures", params={"q": "api/undo.jpg"}).json()["items"])

    undo = site.delete(where, params={"undoable": True}).json()["undo"]
    assert not is_listed()
    assert site.post(f"{where}/undelete", params={"token": undo}).json() == record
    assert is_listed()
    assert problem(site.post(f"{where}/undelete", params={"token": undo}), 409)["code"] == "too_late"
    again = site.delete(where, params={"undoable": True}).json()
    eventually(lambda: pipeline.stores.uploads.stat("api/undo.jpg") is None, "the deletion")
    assert problem(site.post(f"{where}/undelete", params={"token": again["undo"]}), 409)["code"] == "too_late"


def test_a_version_dropped_after_its_deletion_stays(site: Site, pipeline: Pipeline, cat: bytes, coffee: bytes) -> None:
    record = site.take_in("api/stays.jpg", cat)
    site.delete(f"/pictures/{record['id']}", params={"undoable": True})
    newer = site.take_in("api/stays.jpg", coffee, if_exists="overwrite")
    eventually(pipeline.is_idle, "the deletion to be tried")
    present = pipeline.stores.uploads.stat("api/stays.jpg")
    assert present is not None
    assert present.etag == newer["upload"]["etag"]
    assert site.get("/pictures", params={"q": "api/stays.jpg"}).json()["items"] == [newer]


def test_events_come_as_things_happen_and_can_be_resumed(site: Site, cat: bytes) -> None:
    stream = events(site)
    kind, start, _ = next(stream)
    assert kind == "hello"
    record = site.take_in("api/event.jpg", cat)
    told = next((id, data) for kind, id, data in stream if kind == "picture" and data["id"] == record["id"])
    assert told[1] == record
    site.delete(f"/pictures/{record['id']}")
    assert next(data for kind, _, data in stream if kind == "deleted") == {"id": record["id"]}
    stream.close()
    resumed = events(site, f"?after={start}")
    assert next(data["id"] for kind, _, data in resumed if kind == "deleted") == record["id"]
    resumed.close()
    strange = events(site, "?after=elsewhere-7")
    assert next(strange)[0] == "reset"
    strange.close()


def test_health(site: Site) -> None:
    assert site.get("/health/live").json()["status"] == "ok"
    ready = site.get("/health/ready").json()
    assert ready == {"status": "ok", "checks": dict.fromkeys(("Blob Storage", "queues", "Cosmos DB", "index"))}


def test_two_large_uploads_of_one_name_at_once(pipeline: Pipeline) -> None:
    """Each has blocks waiting when the other commits; the one that comes second is told, and the first stays whole."""
    first, second = (pipeline.stores.uploads.writer("api/two writers.bin") for _ in range(2))
    for writer, byte in ((first, b"1"), (second, b"2")):
        writer.add(byte * 9_000_000)
    first.commit("application/octet-stream", only_new=True)
    with pytest.raises(Conflict):
        second.commit("application/octet-stream", only_new=True)
    assert pipeline.stores.uploads.get("api/two writers.bin").data == b"1" * 9_000_000
