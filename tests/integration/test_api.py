"""The API, asked as any program would ask it, on the running stack."""

import contextlib
import io
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from PIL import ExifTags, Image

from errors import Conflict
from pipeline.commit import RENDITIONS, rendition_name
from record import record_id
from store.documents import to_json
from unit.pictures import encoded, photo

from .conftest import Pipeline, Site, eventually

HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def problem(response: requests.Response, status: int) -> dict[str, Any]:
    """The problem details of an answer that is one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    details: dict[str, Any] = response.json()
    assert details["status"] == status
    assert details["detail"].endswith(".")
    return details


def events(site: Site, query: str = "") -> Iterator[tuple[str, str, Any]]:
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
    assert record == json.loads(to_json(known.record))
    assert site.get(f"/pictures/{record['id']}").json() == record


def test_without_waiting_it_says_where_to_look(site: Site, cat: bytes) -> None:
    response = site.post("/pictures", params={"name": "api/later.jpg"}, data=cat)
    assert response.status_code == 202
    pending = response.json()
    assert pending["status"] == "pending"
    assert response.headers["location"] == pending["url"]
    look = site.base + pending["url"]
    assert site.get(look, params={"wait": 30}).json()["upload"]["etag"] == pending["etag"]


def test_the_same_file_is_not_taken_in_twice(site: Site, cat: bytes) -> None:
    first = site.take_in("api/same.jpg", cat)
    assert site.take_in("api/same.jpg", cat) == first
    assert site.take_in("api/same.jpg", cat, if_exists="rename") == first


def test_another_file_of_the_same_name(site: Site, cat: bytes, coffee: bytes) -> None:
    first = site.take_in("api/name.jpg", cat)
    refused = problem(site.post("/pictures", params={"name": "api/name.jpg"}, data=coffee), 409)
    assert refused["code"] == "name_taken"
    assert site.take_in("api/name.jpg", coffee, if_exists="rename")["name"] == "api/name (2).jpg"
    assert site.get(f"/pictures/{first['id']}").json() == first
    over = site.take_in("api/name.jpg", coffee, if_exists="overwrite")
    assert over["id"] == first["id"]
    assert over["upload"]["sha256"] != first["upload"]["sha256"]


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


def test_an_upload_over_the_limit_is_refused(site: Site, pipeline: Pipeline) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(101):
            yield bytes(1_000_000)

    with contextlib.suppress(requests.ConnectionError):  # the answer may be missed by who is still sending
        problem(site.post("/pictures", params={"name": "api/endless.jpg"}, data=endless()), 413)
    declared = site.post("/pictures", params={"name": "api/declared.jpg"}, headers={"content-length": "100000001"})
    assert problem(declared, 413)["detail"].endswith("100000000 bytes, the limit (MAX_BYTES).")
    for name in ("api/endless.jpg", "api/declared.jpg"):
        assert pipeline.stores.uploads.look(name) is None


def test_an_upload_that_breaks_off_leaves_nothing(site: Site, pipeline: Pipeline, cat: bytes) -> None:
    address = urlsplit(site.base)
    for sent in (10, 9_000_000):
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = b"POST /api/v1/pictures?name=api/broken.jpg HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendall(head + b"Content-Length: 10000000\r\n\r\n" + bytes(sent))
        site.take_in(f"api/whole {sent}.jpg", cat)
        assert pipeline.stores.uploads.look("api/broken.jpg") is None


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


def test_the_original_comes_whole_in_parts_and_not_again(site: Site, cat: bytes) -> None:
    id = site.take_in("api/original.jpg", cat)["id"]
    whole = site.get(f"/pictures/{id}/original")
    assert whole.content == cat
    assert whole.headers["content-type"] == "image/jpeg"
    assert whole.headers["accept-ranges"] == "bytes"
    etag = whole.headers["etag"]

    def ask(**headers: str) -> requests.Response:
        return site.get(f"/pictures/{id}/original", headers={k.replace("_", "-"): v for k, v in headers.items()})

    assert ask(if_none_match=etag).status_code == 304
    part = ask(range="bytes=100-199")
    assert (part.status_code, part.content) == (206, cat[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(cat)}"
    assert ask(range="bytes=-10").content == cat[-10:]
    assert ask(range=f"bytes={len(cat) - 5}-").content == cat[-5:]
    assert ask(range="bytes=5-999999999").content == cat[5:]
    assert ask(range="bytes=0-9", if_range='"another"').content == cat
    assert ask(range="lines=1-2").content == cat
    gone = ask(range=f"bytes={len(cat)}-")
    assert problem(gone, 416)["code"] == "no_such_range"
    assert gone.headers["content-range"] == f"bytes */{len(cat)}"


@pytest.mark.parametrize(("name", "data"), [("page.html", HTML), ("drawing.svg", SVG), ("page.jpg", HTML)])
def test_html_and_svg_are_never_served_as_such(site: Site, pipeline: Pipeline, name: str, data: bytes) -> None:
    record = site.take_in(f"hostile/{name}", data)
    assert record["status"] == "rejected"
    served = site.get(f"/pictures/{record['id']}/original")
    assert served.content == data
    assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-disposition"].startswith("attachment")
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]
    kept = pipeline.stores.uploads.get(f"hostile/{name}").content_type
    assert kept in ("application/octet-stream", "image/jpeg")


def test_a_picture_is_served_as_what_it_is_whatever_its_name(site: Site, cat: bytes) -> None:
    record = site.take_in("hostile/really a picture.html", cat + HTML)
    served = site.get(f"/pictures/{record['id']}/original")
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["x-content-type-options"] == "nosniff"


def test_a_thumbnail_is_small_upright_and_says_nothing_of_the_place(site: Site, pipeline: Pipeline) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Secret Camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 29.0)
    record = site.take_in("api/place.jpg", encoded(photo(900, 600), "JPEG", exif=exif))
    for kind, side in RENDITIONS.items():
        response = site.get(f"/pictures/{record['id']}/{kind}", params={"v": record["upload"]["etag"]})
        assert response.headers["content-type"] == "image/webp"
        assert "immutable" in response.headers["cache-control"]
        shown = Image.open(io.BytesIO(response.content))
        assert shown.height == min(side, 900) > shown.width
        assert not shown.getexif()
        assert b"Secret" not in response.content
        kept = pipeline.stores.thumbnails.get(rendition_name(record["id"], kind))
        assert kept.data == response.content
        same = site.get(f"/pictures/{record['id']}/{kind}", headers={"if-none-match": response.headers["etag"]})
        assert same.status_code == 304
        assert "immutable" not in same.headers["cache-control"]


def test_a_new_version_gets_a_new_thumbnail(site: Site, cat: bytes, coffee: bytes) -> None:
    record = site.take_in("api/versions.jpg", cat)
    old = site.get(f"/pictures/{record['id']}/thumbnail").content
    site.take_in("api/versions.jpg", coffee, if_exists="overwrite")
    assert site.get(f"/pictures/{record['id']}/thumbnail").content != old


def test_what_cannot_be_read_has_nothing_to_show(site: Site) -> None:
    record = site.take_in("api/no picture.txt", b"no picture at all")
    assert record["problem"]["reason"] == "not_an_image"
    assert problem(site.get(f"/pictures/{record['id']}/thumbnail"), 404)["code"] == "not_an_image"
    assert problem(site.get(f"/pictures/{record['id']}/staged"), 404)


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
    assert (said["predicted"], said["model"], said["drawn"]) == ("Egyptian cat", record["prediction"]["model"], False)
    drawn = site.put(f"/pictures/{record['id']}/correction", params={"label": "lynx", "drawn": "true"}).json()
    assert drawn["correction"]["drawn"]
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
    eventually(lambda: stores.staging.look("api/delete.jpg.png") is None, "the staged picture to go")
    eventually(lambda: stores.thumbnails.look(thumbnail) is None, "the thumbnail to go")


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
    eventually(lambda: pipeline.stores.uploads.look("api/undo.jpg") is None, "the deletion")
    assert problem(site.post(f"{where}/undelete", params={"token": again["undo"]}), 409)["code"] == "too_late"


def test_a_version_dropped_after_its_deletion_stays(site: Site, pipeline: Pipeline, cat: bytes, coffee: bytes) -> None:
    record = site.take_in("api/stays.jpg", cat)
    site.delete(f"/pictures/{record['id']}", params={"undoable": True})
    newer = site.take_in("api/stays.jpg", coffee, if_exists="overwrite")
    eventually(pipeline.is_idle, "the deletion to be tried")
    assert pipeline.stores.uploads.look("api/stays.jpg").etag == newer["upload"]["etag"]
    assert site.get("/pictures", params={"q": "api/stays.jpg"}).json()["items"] == [newer]


def test_retry(site: Site, cat: bytes) -> None:
    record = site.take_in("api/retry.jpg", cat)
    assert site.post(f"/pictures/{record['id']}/retry").status_code == 202
    assert problem(site.post(f"/pictures/{'0' * 32}/retry"), 404)


def test_list_and_counts(site: Site, cat: bytes) -> None:
    for number in range(7):
        site.take_in(f"listed/{number}.jpg", cat if number else b"not one")
    seen: list[str] = []
    after = None
    while True:
        query = {"q": "LISTED/", "limit": 3, "sort": "name"} | ({"after": after} if after else {})
        listing = site.get("/pictures", params=query).json()
        seen += [record["name"] for record in listing["items"]]
        if (after := listing["next"]) is None:
            break
    assert seen == [f"listed/{number}.jpg" for number in range(7)]
    found = site.get("/counts", params={"q": "listed/"}).json()
    assert found["total"] == 7
    assert found["reasons"] == {"not_an_image": 1}
    assert sum(found["statuses"].values()) == 7
    assert site.get("/counts", params={"q": "listed/", "status": "rejected"}).json()["total"] == 1
    assert any(label["count"] for label in site.get("/labels").json())
    overview = site.get("/overview").json()
    assert overview["queues"]["work"] is not None
    assert sum(sum(hour["statuses"].values()) for hour in overview["hours"]) >= 7


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


@pytest.mark.parametrize(
    "name", ["../staging/x", "a/../../staging/x.png", "/x", "x/", "a\\b", "a\x00b", "x" * 1020, ""]
)
def test_names_that_would_go_astray(site: Site, pipeline: Pipeline, name: str) -> None:
    assert problem(site.post("/pictures", params={"name": name}, data=b"x"), 422)
    assert pipeline.stores.staging.look("x") is None


def test_what_is_not_there(site: Site) -> None:
    assert problem(site.get(f"/pictures/{'0' * 32}"), 404)
    assert problem(site.get("/pictures/.."), 404)
    assert problem(site.get("/pictures/NO"), 422)
    assert problem(site.get("/nothing"), 404)
    refused = site.patch("/pictures")
    assert problem(refused, 405)
    assert refused.headers["allow"] == "GET, POST"
    assert problem(site.get("/pictures", params={"after": "x"}), 404)
    assert "min_confidence" in problem(site.get("/pictures", params={"min_confidence": "much"}), 422)["detail"]
    page = site.get(site.base + "/nothing")
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")


def test_other_sites_may_not_reach_in(site: Site) -> None:
    assert problem(site.get("/counts", headers={"host": "rebound.example"}), 421)
    hostile = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    assert problem(site.post("/pictures", params={"name": "x.jpg"}, data=b"x", headers=hostile), 403)
    assert "access-control-allow-origin" not in site.get("/counts", headers=hostile).headers


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
