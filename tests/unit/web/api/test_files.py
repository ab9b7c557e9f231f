"""The files of a picture by the API: the original in whole and in parts, the staged picture, renditions."""

import io

import pytest
from PIL import ExifTags, Image

from imagestore.errors import Busy
from imagestore.pipeline.rendition import Renderer
from imagestore.store import Stores
from unit.pictures import encoded, photo
from unit.web.conftest import Answer, Api, Drop, problem
from unit.web.records import rejected


def test_the_original_comes_whole_in_parts_and_not_again(api: Api, drop: Drop) -> None:
    data = encoded(photo(), "JPEG")
    id = drop("cat.jpg", data).id
    whole = api.get(f"/pictures/{id}/original")
    assert whole.content == data
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("image/jpeg", "bytes")
    assert "content-encoding" not in whole.headers

    def ask(**headers: str) -> Answer:
        return api.get(f"/pictures/{id}/original", headers={key.replace("_", "-"): v for key, v in headers.items()})

    assert ask(if_none_match=whole.headers["etag"]).status_code == 304
    part = ask(range="bytes=100-199")
    assert (part.status_code, part.content) == (206, data[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(data)}"
    assert ask(range="bytes=-10").content == data[-10:]
    assert ask(range=f"bytes={len(data) - 5}-").content == data[-5:]
    assert ask(range="bytes=5-999999999").content == data[5:]
    assert ask(range="bytes=0-9", if_range='"another"').content == data
    assert ask(range="lines=1-2").content == data
    gone = ask(range=f"bytes={len(data)}-")
    assert problem(gone, 416)["code"] == "no_such_range"
    assert gone.headers["content-range"] == f"bytes */{len(data)}"


def test_what_is_no_picture_goes_out_as_a_file_to_save(api: Api, drop: Drop) -> None:
    page = b"<!DOCTYPE html><script>alert(1)</script>" * 100
    served = api.get(f"/pictures/{drop('page.jpg', page, rejected('page.jpg')).id}/original")
    assert served.content == page
    assert served.headers["content-type"] == "application/octet-stream"
    assert served.headers["content-disposition"] == "attachment; filename*=UTF-8''page.jpg"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in served.headers["content-security-policy"]


def test_the_staged_picture(api: Api, drop: Drop, stores: Stores) -> None:
    id = drop("cat.jpg").id
    problem(api.get(f"/pictures/{id}/staged"), 404)
    stores.staging.overwrite("cat.jpg.png", b"png", "image/png")
    staged = api.get(f"/pictures/{id}/staged")
    assert (staged.content, staged.headers["content-type"]) == (b"png", "image/png")
    assert api.get(f"/pictures/{id}/staged", params={"v": "0x1"}).content == b"png", "the pages ask so"


def test_a_rendition_with_its_version_in_the_address_is_kept_for_ever(api: Api, drop: Drop) -> None:
    record = drop("cat.jpg", encoded(photo(600, 900), "JPEG"))
    assert record.upload is not None
    for kind, height in (("thumbnail", 384), ("preview", 900)):
        address = f"/pictures/{record.id}/{kind}"
        shown = api.get(address, params={"v": record.upload.etag})
        assert "immutable" in shown.headers["cache-control"]
        assert Image.open(io.BytesIO(shown.content)).height == height
        other = api.get(address, params={"v": "0xOLD"}, headers={"if-none-match": shown.headers["etag"]})
        assert other.status_code == 304
        assert "immutable" not in other.headers["cache-control"]


def test_what_cannot_be_read_has_nothing_to_show(api: Api, drop: Drop) -> None:
    id = drop("text.jpg", b"no picture at all", rejected("text.jpg", "not_an_image")).id
    assert problem(api.get(f"/pictures/{id}/thumbnail"), 404)["code"] == "not_an_image"
    problem(api.get(f"/pictures/{'0' * 32}/preview"), 404)


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "cat.jpg"])
def test_a_picture_is_served_as_what_was_found_in_it_whatever_its_name(
    api: Api, drop: Drop, stores: Stores, name: str
) -> None:
    sent = api.post("/pictures", params={"name": name}, content=b"sent")
    kept = stores.uploads.get(name).content_type
    assert kept == ("image/jpeg" if name == "cat.jpg" else "application/octet-stream")
    drop(name, encoded(photo(), "JPEG"))
    served = api.get(f"/pictures/{sent.json()['id']}/original")
    assert served.headers["content-type"] == "image/jpeg"
    assert served.headers["content-disposition"].startswith("inline")


def test_a_rendition_is_upright_and_says_nothing_of_camera_and_place(api: Api, drop: Drop) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Secret Camera"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 29.0)
    id = drop("place.jpg", encoded(photo(900, 600), "JPEG", exif=exif)).id
    for kind, height in (("thumbnail", 384), ("preview", 900)):
        response = api.get(f"/pictures/{id}/{kind}")
        assert response.headers["content-type"] == "image/webp"
        shown = Image.open(io.BytesIO(response.content))
        assert shown.height == height > shown.width
        assert not shown.getexif()
        assert b"Secret" not in response.content


def test_while_too_many_are_being_made_a_rendition_is_to_be_asked_for_later(
    api: Api, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> bytes:
        raise Busy("Too many at once.")

    monkeypatch.setattr(Renderer, "get", busy)
    answer = api.get(f"/pictures/{drop('cat.jpg').id}/thumbnail")
    assert problem(answer, 503)["code"] == "busy"
    assert int(answer.headers["retry-after"]) > 0
