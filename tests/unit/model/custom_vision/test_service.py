"""What the service answers is not relied on: late, half, throttled, wrong or twice, the import is whole or says so."""

import io
import re
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from PIL import Image

from imagestore.errors import RemoteError, SettingsError
from imagestore.store import Stores
from model.custom_vision import service
from model.custom_vision import take_over as importer
from model.custom_vision.service import FIRST_TRIES, TRIES, CustomVision
from model.custom_vision.take_over import take_over
from unit.model.labelled_pictures import quiet
from unit.pictures import encoded
from unit.web.conftest import app, services, stores
from unit.web.custom_vision.conftest import client, picture, project

from .elsewhere import COUNT, Elsewhere, contents, elsewhere, here, source, taken, without_pictures

__all__ = ["app", "client", "elsewhere", "here", "project", "services", "stores"]


def test_answers_that_are_slow_throttled_half_and_wrong_are_asked_again(here: Stores, elsewhere: Elsewhere) -> None:
    pauses: list[float] = []
    elsewhere.faults = [
        httpx2.Response(429, headers={"Retry-After": "7"}), None, httpx2.ReadTimeout("slow"), None,
        httpx2.Response(200, content=b'[{"id": "half'), None, httpx2.Response(503), None, None,
        httpx2.RemoteProtocolError("broke off"), None, httpx2.Response(500),
    ]  # fmt: skip
    done = take_over(here, source(elsewhere, pauses), "Garden", "me", quiet)
    assert (done.new, done.agrees) == (COUNT, True)
    assert pauses[0] == 7
    assert len(contents(here)) == COUNT


def test_an_address_that_is_over_is_asked_for_anew(here: Stores, elsewhere: Elsewhere) -> None:
    refused: list[str] = []

    def over(request: httpx2.Request, answer: httpx2.Response) -> httpx2.Response | None:
        if "/content" in str(request.url) and len(refused) < 2:
            refused.append(str(request.url))
            return httpx2.Response(403)
        return None

    elsewhere.always = over
    assert taken(here, elsewhere).agrees
    assert len(refused) == 2


def test_a_service_that_stays_away_or_refuses_the_key_is_said(here: Stores, elsewhere: Elsewhere) -> None:
    pauses: list[float] = []
    for answers, tries in (([], FIRST_TRIES), ([None], TRIES)):
        pauses.clear()
        elsewhere.faults = [*answers, *[httpx2.ConnectError("no route")] * tries]
        with pytest.raises(RemoteError, match="could not be asked: no route"):
            take_over(here, source(elsewhere, pauses), "Garden", "me", quiet)
        assert (elsewhere.faults, len(pauses)) == ([], tries - 1)
    assert 300 < sum(pauses) < 600, "minutes, once it has answered"
    elsewhere.faults = [httpx2.Response(401, json={"code": "x", "message": "Access denied."})]
    with pytest.raises(RemoteError, match=r"does not take the key \(401\): Access denied"):
        taken(here, elsewhere)
    with pytest.raises(SettingsError, match="The key holds characters"):
        CustomVision("http://localhost", "a key\n")


def test_a_service_that_says_the_key_does_not_have_it_told_to_all_who_read_jobs(elsewhere: Elsewhere) -> None:
    key = "0123456789abcdef" * 2
    elsewhere.faults = [httpx2.Response(401, json={"message": "x" * 290 + key})]
    with pytest.raises(RemoteError) as error:
        CustomVision("http://localhost", key, http=elsewhere.http).project("Garden")
    assert "[the key]" in str(error.value)
    assert key[:5] not in str(error.value)


def test_a_service_that_throttles_for_ever_and_one_of_too_many_pictures_hold_no_runner_for_days(
    here: Stores, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "THROTTLED_IN_ALL_S", 600.0)
    elsewhere.always = lambda request, answer: httpx2.Response(429, headers={"Retry-After": "100"})
    pauses: list[float] = []
    asked = source(elsewhere, pauses)
    with pytest.raises(RemoteError, match="429"):
        asked.project("Garden")
    first = sum(pauses)
    assert 600 <= first < 600 + 100 * FIRST_TRIES
    with pytest.raises(RemoteError, match="429"):
        asked.project("Garden")
    assert sum(pauses) - first < 100 * FIRST_TRIES, "what was waited before counts"
    elsewhere.always = lambda request, answer: (
        httpx2.Response(200, content=b"500001") if request.url.path.endswith("/count") else None
    )
    with pytest.raises(RemoteError, match="500,001 tagged pictures there; at most 500,000 come"):
        taken(here, elsewhere)


def test_pictures_are_fetched_without_the_key(here: Stores, elsewhere: Elsewhere) -> None:
    taken(here, elsewhere)
    with_key = {"/content" in str(one.url): "training-key" in one.headers for one in elsewhere.asked}
    assert with_key == {True: False, False: True}


def test_pictures_that_cannot_be_fetched_keep_no_others_away_and_come_the_next_time(
    here: Stores, elsewhere: Elsewhere
) -> None:
    without_pictures(elsewhere, 3, 4, answer=lambda _: httpx2.Response(404))
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT - 2, False)
    assert [row.there - row.here for row in done.rows if row.what == "tagged pictures"] == [2]
    assert len([note for note in done.notes if "cannot be fetched: status 404" in note]) == 2
    assert "The counts do not agree" in done.sentence()
    elsewhere.always = lambda request, found: None
    again = taken(here, elsewhere)
    assert (again.new, again.agrees, again.notes) == (2, True, [])


def test_a_page_of_a_proxy_is_no_picture(here: Stores, elsewhere: Elsewhere) -> None:
    page = httpx2.Response(200, content=b"<!doctype html><title>Sign in</title>")
    without_pictures(elsewhere, 5, answer=lambda _: page)
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT - 1, False)
    assert "is no picture (unsupported_format)" in done.notes[0]
    assert page.content not in contents(here).values()


def test_a_picture_of_another_size_is_not_the_one(here: Stores, elsewhere: Elsewhere) -> None:
    small = encoded(Image.open(io.BytesIO(picture(5))).resize((40, 30)))
    without_pictures(elsewhere, 5, answer=lambda _: httpx2.Response(200, content=small))
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT - 1, False)
    assert "it has 160 × 120 pixels there, and its address answers one of 40 × 30" in done.notes[0]
    assert small not in contents(here).values()


@pytest.mark.parametrize(("width", "height", "is_original"), [(640, 481, True), (640, 400, False)])
def test_an_original_may_be_larger_than_the_service_tells_but_not_of_other_proportions(
    here: Stores, elsewhere: Elsewhere, width: int, height: int, is_original: bool
) -> None:
    larger = encoded(Image.open(io.BytesIO(picture(5))).resize((width, height)))
    without_pictures(elsewhere, 5, answer=lambda _: httpx2.Response(200, content=larger))
    assert taken(here, elsewhere).agrees is is_original


def test_a_picture_that_lies_on_its_side_is_the_one(here: Stores, elsewhere: Elsewhere) -> None:
    turned = encoded(Image.open(io.BytesIO(picture(5))).transpose(Image.Transpose.ROTATE_90))
    without_pictures(elsewhere, 5, answer=lambda _: httpx2.Response(200, content=turned))
    assert taken(here, elsewhere).agrees


@pytest.mark.parametrize("error", [httpx2.ReadError("reset"), httpx2.TooManyRedirects("a loop")], ids=str)
def test_an_address_that_resets_or_loops_keeps_no_other_picture_away(
    here: Stores, elsewhere: Elsewhere, error: httpx2.HTTPError
) -> None:
    def breaks(_: bytes) -> httpx2.Response:
        raise error

    without_pictures(elsewhere, 5, answer=breaks)
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT - 1, False)
    assert re.fullmatch(f"The picture [0-9a-f-]{{36}} cannot be fetched.*{error}.*", done.notes[0])


def test_half_a_picture_is_fetched_again(here: Stores, elsewhere: Elsewhere) -> None:
    halves: list[int] = []

    def half_once(found: bytes) -> httpx2.Response:
        halves.append(len(found))
        return httpx2.Response(200, content=found if len(halves) > 1 else found[: len(found) // 2])

    without_pictures(elsewhere, 6, answer=half_once)
    assert taken(here, elsewhere).agrees
    assert len(halves) == 2
    assert picture(6) in contents(here).values()


def test_what_is_damaged_there_comes_as_it_is_and_is_said(here: Stores, elsewhere: Elsewhere) -> None:
    without_pictures(elsewhere, 6, answer=lambda found: httpx2.Response(200, content=found[: len(found) // 2]))
    done = taken(here, elsewhere)
    assert done.agrees
    assert done.notes == ["1 can be read there only in part, and are here as they are there."]
    assert picture(6)[: len(picture(6)) // 2] in contents(here).values()


def test_where_no_picture_can_be_fetched_it_ends_soon(
    here: Stores, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "MOST_REFUSED", 3)
    without_pictures(elsewhere, *range(COUNT), answer=lambda _: httpx2.Response(403))
    with pytest.raises(RemoteError, match="3 pictures in a row cannot be fetched"):
        taken(here, elsewhere)


Pages = Callable[[list[dict[str, Any]], int, int], list[dict[str, Any]]]


def paged(elsewhere: Elsewhere, pages: Pages) -> None:
    """List the tagged pictures so: given all, `skip`, and how often that was asked for."""
    asked: dict[int, int] = {}

    def listed(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        if not request.url.path.endswith("/images/tagged"):
            return None
        all_of_them = str(request.url.copy_with(query=b"take=256&orderBy=Oldest"))
        whole = elsewhere.client.get(all_of_them, headers={"Training-Key": "any"})
        skip = int(request.url.params["skip"])
        asked[skip] = asked.get(skip, 0) + 1
        return httpx2.Response(200, json=pages(whole.json(), skip, asked[skip]))

    elsewhere.always = listed


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(lambda found, skip, _: found[skip : skip + 3], id="short"),
        pytest.param(lambda found, skip, _: found[max(0, skip - 2) : skip + 3], id="overlapping"),
        pytest.param(lambda found, skip, time: found[:3] if time == 1 else found[skip : skip + 3], id="twice at first"),
        pytest.param(lambda found, skip, time: [] if (time, skip) == (1, 3) else found[skip : skip + 3], id="cut off"),
    ],
)
def test_pages_that_are_short_or_come_twice_make_nothing_twice(
    here: Stores, elsewhere: Elsewhere, pages: Pages
) -> None:
    paged(elsewhere, pages)
    done = taken(here, elsewhere)
    assert (done.new, done.agrees, elsewhere.fetched) == (COUNT, True, COUNT)


def test_a_list_without_end_ends(here: Stores, elsewhere: Elsewhere) -> None:
    paged(elsewhere, lambda found, skip, _: found[:3])
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (4, False)


def test_a_count_that_is_wrong_is_no_success(here: Stores, elsewhere: Elsewhere) -> None:
    def counted(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        is_count = request.url.path.endswith("/images/tagged/count")
        return httpx2.Response(200, json=found.json() + 1) if is_count else None

    elsewhere.always = counted
    done = taken(here, elsewhere)
    assert (done.new, done.agrees) == (COUNT, False)


def test_a_tag_that_is_not_listed_is_said_and_no_success(here: Stores, elsewhere: Elsewhere) -> None:
    def listed(request: httpx2.Request, found: httpx2.Response) -> httpx2.Response | None:
        if not request.url.path.endswith("/tags"):
            return None
        return httpx2.Response(200, json=[one for one in found.json() if one["name"] != "rose"])

    elsewhere.always = listed
    done = taken(here, elsewhere)
    assert not done.agrees
    assert done.notes == ["3 have tags there that the project does not list, and came without these."]
