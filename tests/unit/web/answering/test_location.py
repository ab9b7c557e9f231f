"""Where a picture was taken is left out of everything for those who may not know it, and of nothing else."""

import asyncio
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from classify import Vector
from imagestore.accounts.roles import Role
from imagestore.record import Record, RecordWithVector, record_id
from imagestore.store import Stores
from imagestore.store.documents import to_json
from imagestore.web.answering import location
from imagestore.web.api.events import events
from imagestore.web.services import Services
from preprocess import ImageInfo, NotStaged, open_staged, write_staged
from preprocess.staged import without_note
from unit.web.conftest import Api, Drop
from unit.web.records import picture
from unit.web.signed_in import Browser, Person

PLACE = {
    "GPSLatitudeRef": "N",
    "GPSLatitude": [48.0, 51.0, 29.1234],
    "GPSLongitude": [2.0, 17.0, 40.4321],
    "GPSAltitude": 35,
}
NAME = "paris.jpg"
ID = record_id(NAME)
WHERE = ("GPS", "29.1234", "40.4321", "48.8581")  # none of which can stand in a time


def taken_in_paris(name: str) -> Record:
    image = ImageInfo("JPEG", 640, 480, "RGB", phash="00000000000000ff", metadata={"Make": "Canon", **PLACE})
    return replace(picture(name), image=image)


@pytest.fixture
def paris(drop: Drop, stores: Stores) -> Record:
    record = drop(NAME, b"paris", taken_in_paris(NAME))
    drop("copy.jpg", b"paris", taken_in_paris("copy.jpg"))
    stores.staging.overwrite(NAME + ".png", write_staged(np.zeros((8, 8, 1), np.uint8), to_json(record).decode()), "")
    return record


ADDRESSES = {
    "list": ("GET", "/pictures", {}),
    "get": ("GET", f"/pictures/{ID}", {}),
    "wait": ("POST", "/pictures", {"name": NAME, "wait": "1"}),
    "duplicates": ("GET", f"/pictures/{ID}/duplicates", {}),
    "correct": ("PUT", f"/pictures/{ID}/correction", {"label": "tower"}),
    "uncorrect": ("DELETE", f"/pictures/{ID}/correction", {}),
    "page": ("GET", f"http://localhost/pictures/{ID}", {}),
}


def hide(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, from everybody."""
    monkeypatch.setattr(location, "hidden_from", lambda caller: True)


@pytest.mark.usefixtures("paris")
@pytest.mark.parametrize(("method", "address", "query"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_no_answer_tells_the_place_to_those_who_may_not_know_it(
    api: Api, monkeypatch: pytest.MonkeyPatch, method: str, address: str, query: dict[str, str]
) -> None:
    sent = {"content": b"paris"} if method == "POST" else {}
    whole = api.request(method, address, params=query, **sent)
    assert whole.status_code == 200
    assert "GPSLatitude" in whole.text, "with KEEP_LOCATION the others see it"
    hide(monkeypatch)
    hidden = api.request(method, address, params=query, **sent)
    assert hidden.status_code == 200
    assert [word for word in WHERE if word in hidden.text] == []
    assert "Canon" in hidden.text, "the camera is no secret"


@pytest.mark.usefixtures("paris")
@pytest.mark.parametrize("role", Role)
def test_viewers_alone_do_not_know_the_place(browser: Browser, people: dict[Role, Person], role: Role) -> None:
    found = browser.get(f"/api/v1/pictures/{ID}", headers=people[role].bearer)
    assert found.status_code == 200
    assert ("GPSLatitude" in found.text) == (role is not Role.VIEWER)


@pytest.mark.usefixtures("paris")
def test_a_viewers_key_does_not_know_the_place_whosever_it_is(
    browser: Browser, guarded: Services, people: dict[Role, Person]
) -> None:
    secret, _ = guarded.accounts.keys.create("reads", Role.VIEWER, people[Role.ADMIN].account.id)
    found = browser.get(f"/api/v1/pictures/{ID}", headers={"Authorization": f"Bearer {secret}"})
    assert found.status_code == 200
    assert "GPS" not in found.text


@pytest.mark.usefixtures("paris")
def test_undoing_a_deletion_tells_no_place(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch)
    token = api.delete(f"/pictures/{ID}", params={"undoable": True}).json()["undo"]
    assert "GPS" not in api.post(f"/pictures/{ID}/undelete", params={"token": token}).text


def test_no_event_tells_the_place(services: Services, paris: Record) -> None:
    async def told(hide_location: bool) -> str:
        stream = events(services, f"{services.index.epoch}-0", hide_location)
        async for event in stream:
            if event.event == "picture":
                return str(event.raw_data)
        raise AssertionError("the stream ended")

    assert "GPSLatitude" in asyncio.run(told(False))
    hidden = asyncio.run(told(True))
    assert [word for word in WHERE if word in hidden] == []
    assert "Canon" in hidden


@pytest.mark.usefixtures("paris")
def test_the_staged_picture_comes_without_the_record_that_it_holds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = api.get(f"/pictures/{ID}/staged").content
    assert "GPSLatitude" in open_staged(whole)[1]
    hide(monkeypatch)
    bare = api.get(f"/pictures/{ID}/staged")
    assert (bare.status_code, bare.headers["content-type"]) == (200, "image/png")
    with pytest.raises(NotStaged):
        open_staged(bare.content)
    shown = Image.open(io.BytesIO(bare.content))
    shown.load()
    assert (shown.size, shown.info) == ((8, 8), {})


@pytest.mark.parametrize(
    "data", [b"", b"text", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT", b"\x89PNG\r\n\x1a\n\0"]
)
def test_what_is_no_staged_picture_leaves_nothing_behind(data: bytes) -> None:
    try:
        assert b"tEXt" not in without_note(data)
    except NotStaged:
        assert not data.startswith(b"\x89PNG")


@pytest.mark.parametrize("is_hidden", [True, False], ids=["hidden", "seen"])
@pytest.mark.parametrize(("method", "address", "query"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_no_answer_tells_a_pictures_vector(
    api: Api,
    drop: Drop,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    is_hidden: bool,
    method: str,
    address: str,
    query: dict[str, str],
) -> None:
    vector = Vector("b" * 64, bytes(range(100)))
    record = drop(NAME, b"paris", taken_in_paris(NAME).with_vector(vector))
    drop("copy.jpg", b"paris", taken_in_paris("copy.jpg").with_vector(vector))
    assert isinstance(record, RecordWithVector)
    if is_hidden:
        hide(monkeypatch)
    sent = {"content": b"paris"} if method == "POST" else {}
    told = api.request(method, address, params=query, **sent)
    assert told.status_code == 200
    assert "vector" not in told.text
    assert "vector" not in b"".join(json or b"" for _, _, json in services.index.since(0, 10)).decode()
